package experiments

import (
	"context"
	"testing"

	"hone/data"
)

// The built-in dataset is opened and planned with like any other.
func TestBuiltinData(t *testing.T) {
	c := toyConfig(t, "data.path=builtin", "data.max_length=1024")
	w, err := OpenWorkspace(context.Background(), c)
	if err != nil || w.ModelProblem != nil {
		t.Fatal(err, w.ModelProblem)
	}
	for split, want := range map[string]int{data.Train: 554, data.Eval: 118, data.Test: 120} {
		rows, err := w.Dataset.Split(split)
		if err != nil || len(rows) != want || len(w.Encoded[split].Examples) != want {
			t.Errorf("%s: %d rows, %d examples, want %d: %v", split, len(rows), len(w.Encoded[split].Examples), want, err)
		}
	}
	p, err := MakePlan(c)
	if err != nil || p.Steps == nil || *p.Steps != 2*93 {
		t.Errorf("%+v, %v", p, err)
	}
}
