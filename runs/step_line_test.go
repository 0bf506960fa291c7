package runs

import (
	"encoding/json"
	"math"
	"testing"
)

// sameStep fails unless what parseStep takes is what encoding/json reads of it.
func sameStep(t *testing.T, line []byte) (taken bool) {
	t.Helper()
	got, ok := parseStep(line)
	if !ok {
		return false
	}
	var want Step
	if err := json.Unmarshal(line, &want); err != nil || got != want {
		t.Errorf("%q: %+v, want %+v, %v", line, got, want, err)
	}
	return true
}

func TestStepLines(t *testing.T) {
	step := Step{Type: "step", Step: 7, Epoch: 0.014, Loss: 1.5e-9, CE: math.MaxFloat64, JSON: -0.5, Field: math.SmallestNonzeroFloat64, GradNorm: 12, LR: 5e-4, Tokens: -1, TargetTokens: 620, Seconds: 1e21}
	line, err := json.Marshal(step)
	if err != nil {
		t.Fatal(err)
	}
	if !sameStep(t, append(line, '\n')) || !sameStep(t, line) {
		t.Errorf("what is written is not taken: %s", line)
	}
	for i := range line {
		sameStep(t, line[:i])
	}
	with := func(loss string) []byte {
		return []byte(`{"type":"step","step":1,"epoch":0,"loss":` + loss + `,"ce":0,"json":0,"field":0,"confidence":0,"grad_norm":0,"lr":0,"tokens":0,"target_tokens":0,"seconds":0}`)
	}
	for _, number := range []string{"0", "-0", "0.50", "1e5", "1E+05", "12.25e-3"} {
		if !sameStep(t, with(number)) {
			t.Errorf("%s is not taken", number)
		}
	}
	for _, number := range []string{`"NaN"`, "NaN", "inf", "+1", "01", ".5", "1.", "1e", "0x1p-2", "1_0", "1e999", "", " 1", "null", "1,\"loss\":2"} {
		if sameStep(t, with(number)) {
			t.Errorf("%s is taken", number)
		}
	}
	step.Loss = Number(math.NaN())
	line, err = json.Marshal(step)
	if err != nil {
		t.Fatal(err)
	}
	if record, err := parseRecord(line); err != nil || record.(Step).Loss.Finite() || record.(Step).Step != 7 {
		t.Errorf("%+v, %v", record, err)
	}
}

func FuzzStepLine(f *testing.F) {
	f.Add([]byte(`{"type":"step","step":1,"epoch":0.5,"loss":1e-3,"ce":0,"json":0,"field":0,"confidence":0,"grad_norm":0,"lr":0,"tokens":0,"target_tokens":0,"seconds":0}`))
	f.Add([]byte(`{"type":"step","step":-0,"epoch":"NaN"}` + "\n"))
	f.Fuzz(func(t *testing.T, line []byte) { sameStep(t, line) })
}
