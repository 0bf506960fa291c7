package kernel

import "fmt"

// ComputesBF16 tells whether the set in use multiplies bf16 natively. If not, a
// matrix of [BF16] takes half the memory, and its products take as long as those of
// float32 except where reading it is what takes the time.
func ComputesBF16() bool { return active.Load().native() }

func (s *set) native() bool { return s.bf16Dot[1] != nil }

// Describe tells people in one line which set is in use, why, and what bf16
// weights mean with it.
func Describe() string {
	s := active.Load()
	why := "the best this CPU can run"
	if best := available[0]; s != best {
		why = fmt.Sprintf("asked for, %s would be the best here", best.name)
	}
	bf16 := "bf16 weights are expanded to f32"
	if s.native() {
		bf16 = "bf16 weights are multiplied as bf16, with activations rounded to it and sums in f32"
	}
	return fmt.Sprintf("%s: %s; %s", s.name, why, bf16)
}
