package steprules

import (
	"fmt"
	"math"
	"reflect"
	"testing"

	"hone/engine/trace"
)

var run = Run{Steps: 100, Vocabulary: 304, Dropout: 0.1, Fresh: true}

// clean is a step that nothing is wrong with. It varies a little.
func clean(n int) Step {
	s := Step{
		Number: n, Epoch: (n - 1) / 4, Distinct: 3, Loss: 2 + 0.1*float64(n%3), CE: 1.5 + 0.1*float64(n%3), Norm: 1 + 0.2*float64(n%2),
		LR: 1e-3, LRExpected: 1e-3, Applied: true, Changed: 2, Values: 64,
	}
	s.Of, s.OfCE = s.Loss, s.CE
	for i := range 3 {
		x := Supervision{Tokens: 20, Targets: 8, First: Target{12, 40}, Last: Target{19, 2}}
		s.Rows = append(s.Rows, Row{Row: 3*n + i, Supervision: x, NLL: 12, Source: &x})
	}
	s.Tensors = []Tensor{{"layers.0.q_proj.lora_A.weight", 0.5, 0.01, true}, {"layers.0.q_proj.lora_B.weight", 0.7, 0.9, true}}
	return s
}

func ids(found []trace.Finding) []string {
	var out []string
	for _, f := range found {
		out = append(out, f.ID)
	}
	return out
}

func TestCleanStepsRaiseNothing(t *testing.T) {
	r := New(run)
	for n := 1; n <= 60; n++ {
		if found := r.Step(clean(n)); len(found) != 0 {
			t.Fatalf("step %d: %+v", n, found)
		}
	}
}

// A rule that goes on firing is told of once, and again when it comes back; a step
// that is taken again begins anew.
func TestFindingsAreToldOnce(t *testing.T) {
	r := New(run)
	bad := func(n int) Step {
		s := clean(n)
		s.NoDropout = true
		return s
	}
	for _, c := range []struct {
		step Step
		want int
	}{{clean(1), 0}, {bad(2), 1}, {bad(3), 0}, {clean(4), 0}, {bad(5), 1}, {bad(5), 1}, {bad(6), 0}, {bad(2), 1}} {
		if found := r.Step(c.step); len(found) != c.want {
			t.Errorf("step %d: %v, want %d", c.step.Number, ids(found), c.want)
		}
	}
}

// What is normal is a note, and only as long as it is normal.
func TestNormalLoRA(t *testing.T) {
	r := New(run)
	for n, want := range []string{1: "LORA-B0 note", 2: "", 3: "", 4: "DETACHED warning"} {
		if n == 0 {
			continue
		}
		s := clean(n)
		s.Tensors[0].Norm = 0
		got := ""
		for _, f := range r.Step(s) {
			got += f.ID + " " + string(f.Severity)
		}
		if got != want {
			t.Errorf("step %d: %q, want %q", n, got, want)
		}
	}
	both := clean(1)
	both.Tensors[0].Norm, both.Tensors[1].Norm, both.Norm = 0, 0, 0
	if got := New(run).Step(both); len(got) != 1 || got[0].ID != "LORA-BOTH0" || got[0].Severity != trace.Error {
		t.Errorf("%+v", got)
	}
}

// numbers are the places of a step that can hold a NaN.
func numbers(s *Step) []*float64 {
	out := []*float64{&s.Loss, &s.CE, &s.Of, &s.OfCE, &s.Norm, &s.LR, &s.LRExpected}
	for i := range s.Tensors {
		out = append(out, &s.Tensors[i].Norm, &s.Tensors[i].Ratio)
	}
	for i := range s.Rows {
		out = append(out, &s.Rows[i].NLL)
	}
	return out
}

// A NaN or an infinity anywhere, or everywhere, raises no finding of its own (the
// guard does), blinds no rule, and enters no window.
func TestRulesAreNotBlindedByNaN(t *testing.T) {
	spike := clean(30)
	spike.Norm = 500
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for at := -1; at < len(numbers(&Step{Tensors: make([]Tensor, 2), Rows: make([]Row, 3)})); at++ {
			r := New(run)
			for n := 1; n < 30; n++ {
				s := clean(n)
				if n%2 == 0 {
					for i, p := range numbers(&s) {
						if at < 0 || i == at {
							*p = x
						}
					}
				}
				// An infinite ratio or loss is a finding; silence is not asked for there.
				if found := r.Step(s); math.IsNaN(x) && len(found) != 0 {
					t.Errorf("%v at %d, step %d: %+v", x, at, n, found)
				}
			}
			for _, w := range []window{r.losses, r.norms} {
				for _, v := range w.all() {
					if !finite(v) {
						t.Fatalf("%v at %d: the window holds %v", x, at, v)
					}
				}
			}
			if got := ids(r.Step(spike)); !reflect.DeepEqual(got, []string{"SPIKE"}) {
				t.Errorf("%v at %d: the spike after it is %v", x, at, got)
			}
		}
	}
}

// A spike after a spike is measured against what was normal.
func TestSpikesDoNotHideEachOther(t *testing.T) {
	r := New(run)
	for n := 1; n <= 40; n++ {
		s := clean(n)
		if n == 20 || n == 22 {
			s.Norm *= 100
		}
		got := fmt.Sprint(ids(r.Step(s)))
		if want := map[bool]string{true: "[SPIKE]", false: "[]"}[n == 20 || n == 22]; got != want {
			t.Errorf("step %d: %s", n, got)
		}
	}
}

// The first finding is the cause that comes first, and what follows from it is not
// told beside it.
func TestFirstCauseIsFirst(t *testing.T) {
	for want, change := range map[string]func(*Step){
		"[COLLATE-EMPTY]": func(s *Step) {
			for i := range s.Rows {
				s.Rows[i].Supervision, s.Rows[i].Foreign = Supervision{Tokens: 1}, true
			}
			s.Distinct = 1
		},
		"[MASK-ALL]": func(s *Step) { s.Rows[1].Targets, s.Rows[1].First, s.Rows[1].Last = 0, Target{}, Target{} },
		"[LEN1]":     func(s *Step) { s.Rows[1].Supervision, s.Rows[1].Foreign = Supervision{Tokens: 1}, true },
		"[CONST-EXAMPLE]": func(s *Step) {
			s.Distinct = 1
			s.Rows[1].Foreign, s.Rows[2].Foreign = true, true
		},
		"[SHIFT-NONE]": func(s *Step) {
			for i := range s.Rows {
				s.Rows[i].First.At++
				s.Rows[i].Last.At++
			}
		},
		"[MASK-LATE]": func(s *Step) {
			for i := range s.Rows {
				s.Rows[i].First = Target{13, 41}
				s.Rows[i].Targets--
			}
		},
		"[MASK-EARLY]":    func(s *Step) { s.Rows[0].First, s.Rows[0].Targets = Target{11, 9}, 9 },
		"[EOS-MASKED]":    func(s *Step) { s.Rows[0].Last, s.Rows[0].Targets = Target{18, 5}, 7 },
		"[CORRUPT-ROW]":   func(s *Step) { s.Rows[2].Foreign = true },
		"[ACCUM-NORM]":    func(s *Step) { s.Of, s.OfCE = 2*s.Of, 2*s.OfCE },
		"[PENALTY-CONST]": func(s *Step) { s.Of -= 0.2 },
		"[SCHED-SILENT]":  func(s *Step) { s.LR *= 1.01 },
		"[FROZEN]":        func(s *Step) { s.Changed, s.Values = 0, 0 },
		"[LR-DIVERGE]":    func(s *Step) { s.Tensors[0].Ratio = 3 },
		"[ORDER]":         func(s *Step) { s.Order = []int{1, 2, 3} },
		"[OPT-POISON]":    func(s *Step) { s.Cause, s.Applied = &Cause{Kind: BadMoment, Text: "x"}, false },
		"[SQRT0]": func(s *Step) {
			s.Cause, s.Applied, s.Norm = &Cause{Kind: BadOp, Op: "layers.3.input_layernorm", Phase: "backward"}, false, math.NaN()
		},
		"[ACT-INF]": func(s *Step) {
			s.Cause, s.Applied, s.CE = &Cause{Kind: BadOp, Op: "layers.3.mlp.up_proj", Phase: "forward"}, false, math.NaN()
		},
	} {
		r := New(run)
		for n := 1; n < 10; n++ {
			r.Step(clean(n))
		}
		s := clean(10)
		change(&s)
		found := r.Step(s)
		if got := fmt.Sprint(ids(found)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		for _, f := range found {
			if len(f.Evidence) == 0 || f.Advice == "" || !(f.Confidence > 0 && f.Confidence <= 1) || f.Severity == "" {
				t.Errorf("%+v", f)
			}
		}
	}
}
