package experiments

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"hone/engine"
	"hone/engine/batch"
	"hone/engine/ops"
	"hone/runs"
)

// maskAt masks every label of the batch of a step, a step before it is taken.
func maskAt(step int) func(*engine.Trainer) {
	return func(t *engine.Trainer) {
		masked := false
		t.Runtime().Fault = func(ops.Record) {
			if masked || t.Done()+2 != step {
				return
			}
			masked = true
			for _, e := range t.Batch(step - 1) { // the classes are shared with the trainer
				for i := range e.Class {
					e.Class[i] = batch.NotTarget
				}
			}
		}
	}
}

// A step without a supervised token is not taken: the run ends before it, and its
// directory says which rows it was.
func TestMaskedBatchEndsTheRun(t *testing.T) {
	c := toyConfig(t)
	dir, at := filepath.Join(t.TempDir(), "run"), 6
	r, err := Start(context.Background(), c, StartOptions{RunDir: dir, inject: maskAt(at)})
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Wait()
	if !errors.Is(err, engine.ErrNoTargets) || result.State != engine.Failed || result.Step != at-1 {
		t.Fatalf("%+v: %v", result, err)
	}
	info, err := runs.ReadInfo(dir)
	if err != nil || info.State != runs.Failed || !strings.Contains(info.Error, "no supervised tokens") || !strings.Contains(info.Error, "rows [") {
		t.Errorf("run.json says %s, %q, %v", info.State, info.Error, err)
	}
	h, err := runs.ReadHistory(dir)
	if err != nil {
		t.Fatal(err)
	}
	if last, _ := h.LastStep(); last.Step != at-1 || last.TargetTokens == 0 || !last.Loss.Finite() {
		t.Errorf("the last step is %+v", last)
	}
}
