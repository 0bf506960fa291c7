package experiments

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hone/data"
	"hone/engine"
	"hone/engine/ops"
	"hone/runs"
)

// plantAt makes a value NaN in the first row of the batch of a step.
func plantAt(step int) (inject func(*engine.Trainer), row *int) {
	row = new(int)
	*row = -1
	return func(t *engine.Trainer) {
		rt := t.Runtime()
		rt.Fault = func(r ops.Record) {
			if r.Name != "layers.0.mlp.act_fn" || r.Phase != ops.Forward || t.Done()+1 != step {
				return
			}
			if *row < 0 {
				*row = rt.Batch.Rows[0]
			}
			for i, have := range rt.Batch.Rows {
				if have == *row {
					r.Output[rt.Batch.Starts[i]*r.Width] = float32(math.NaN())
				}
			}
		}
	}, row
}

// scanTrace reads the records of a run.
func scanTrace(t *testing.T, dir string) []any {
	t.Helper()
	f, err := os.Open(runs.TracePath(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var records []any
	notes, err := runs.ScanTrace(f, func(r any) error {
		records = append(records, r)
		return nil
	})
	if err != nil || len(notes) != 0 {
		t.Fatal(err, notes)
	}
	return records
}

func sameFiles(t *testing.T, a, b string, files ...string) {
	t.Helper()
	for _, file := range files {
		x, err := os.ReadFile(filepath.Join(a, file))
		if err != nil {
			t.Fatal(err)
		}
		y, err := os.ReadFile(filepath.Join(b, file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(x, y) {
			t.Errorf("%s differs", file)
		}
	}
}

var lastWeights = []string{"checkpoints/step-000008/adapter_model.safetensors", "checkpoints/step-000008/optimizer.safetensors"}

// A run that skips a row, one that goes back to a checkpoint because of it, and
// one that is resumed from before the step end with the same weights.
func TestGuardedRunsAgree(t *testing.T) {
	var dirs []string
	for _, policy := range []string{engine.SkipRow, engine.Rewind} {
		c := toyConfig(t, "train.on_nonfinite="+policy)
		inject, row := plantAt(5)
		r := train(t, c, StartOptions{RunDir: filepath.Join(t.TempDir(), policy), inject: inject})
		if r.State != engine.Finished || r.Step != 8 {
			t.Fatalf("%s: %+v", policy, r)
		}
		h, err := runs.ReadHistory(r.RunDir)
		if err != nil || len(h.Steps) != 8 || len(h.Evals) != 3 {
			t.Fatalf("%s: %d steps, %d evaluations: %v", policy, len(h.Steps), len(h.Evals), err)
		}
		i := slices.IndexFunc(h.Events, func(e runs.Event) bool {
			x, ok := e.Record.(runs.Intervention)
			return ok && x.Action == policy && x.Step == 5 && slices.Equal(x.Rows, []int{*row}) && strings.Contains(x.Reason, "layers.0.mlp.act_fn forward")
		})
		if i < 0 {
			t.Errorf("%s: no record of what was done", policy)
		}
		if x, ok := h.Events[i].Record.(runs.Intervention); ok && policy == engine.Rewind && x.To != 4 {
			t.Errorf("went back to %d", x.To)
		}
		dirs = append(dirs, r.RunDir)
	}
	sameFiles(t, dirs[0], dirs[1], lastWeights...)

	// Stopped after step 5 and robbed of the checkpoint after it: nothing is planted
	// now, and the row stays left out.
	c := toyConfig(t, "train.on_nonfinite=skip-row")
	inject, _ := plantAt(5)
	dir := filepath.Join(t.TempDir(), "resumed")
	train(t, c, StartOptions{RunDir: dir, MaxSteps: 5, inject: inject})
	if err := os.RemoveAll(filepath.Join(runs.CheckpointsDir(dir), runs.CheckpointName(5))); err != nil {
		t.Fatal(err)
	}
	train(t, c, StartOptions{RunDir: dir})
	sameFiles(t, dirs[0], dir, lastWeights...)
}

// A run that fails again and again goes back three times and then ends, and says
// so.
func TestRewindsEnd(t *testing.T) {
	c := toyConfig(t, "train.on_nonfinite=rewind")
	r, err := Start(context.Background(), c, StartOptions{RunDir: filepath.Join(t.TempDir(), "run"), inject: func(t *engine.Trainer) {
		t.Runtime().Fault = func(r ops.Record) {
			if r.Name == "layers.0.mlp.act_fn" && r.Phase == ops.Forward && t.Done() >= 1 {
				r.Output[0] = float32(math.NaN())
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Wait()
	if !errors.Is(err, engine.ErrRewinds) || result.State != engine.Failed {
		t.Fatalf("%+v: %v", result, err)
	}
	rewinds := 0
	for _, record := range scanTrace(t, r.Dir()) {
		if a, ok := record.(runs.TraceAct); ok && a.Action == runs.ActionRewind {
			rewinds++
		}
	}
	if rewinds != engine.MaxRewinds {
		t.Errorf("%d rewinds in the trace", rewinds)
	}
}

// The trace of a run has every step, as it was consumed.
func TestTraceOfARun(t *testing.T) {
	c := toyConfig(t, "train.micro_batch=100")
	result := train(t, c, StartOptions{RunDir: filepath.Join(t.TempDir(), "run")})
	h, err := runs.ReadHistory(result.RunDir)
	if err != nil {
		t.Fatal(err)
	}
	steps := make([]struct{ tokens, targets, rows, opt, unchanged int }, 9)
	for _, record := range scanTrace(t, result.RunDir) {
		switch r := record.(type) {
		case runs.TraceHead:
			if len(r.Names) != 28 || r.Seed != c.Seed || len(r.Hashes) != 3 {
				t.Errorf("%+v", r)
			}
		case runs.TraceBatch:
			s := &steps[r.Step]
			for i := range r.Rows {
				s.tokens, s.targets, s.rows = s.tokens+r.Len[i], s.targets+r.Targets[i], s.rows+1
				if r.First[i].At != r.Len[i]-r.Targets[i] || r.Last[i].At != r.Len[i]-1 || r.First[i].Text == "" {
					t.Errorf("step %d, row %d: targets from %+v to %+v", r.Step, r.Rows[i], r.First[i], r.Last[i])
				}
			}
			if r.IDsHash != r.SrcHash || len(r.Mismatch) != 0 || !r.EOSOK {
				t.Errorf("%+v", r)
			}
		case runs.TraceLoss:
			sum := 0.0
			for _, n := range r.PerRow {
				sum += float64(n)
			}
			if math.Abs(sum-float64(r.NLLSum)) > 1e-9 || r.Terms != nil && r.Terms.Loss != h.Steps[r.Step-1].Loss {
				t.Errorf("%+v", r)
			}
		case runs.TraceOpt:
			s := &steps[r.Step]
			s.opt, s.unchanged = s.opt+1, 28-r.Changed
			if !r.Applied || r.LR != r.LRExpected || r.LR != h.Steps[r.Step-1].LR || r.Cursor.Epoch != (r.Step-1)/4 || len(r.UpdRatio) < 14 {
				t.Errorf("%+v", r)
			}
		}
	}
	for i, s := range steps[1:] {
		if s.tokens != h.Steps[i].Tokens || s.targets != h.Steps[i].TargetTokens || s.rows == 0 || s.opt != 1 || s.unchanged != 0 {
			t.Errorf("step %d: %+v", i+1, s)
		}
	}
}

// Tokens that are not the dataset's are told, once.
func TestForeignTokensAreTold(t *testing.T) {
	result := train(t, toyConfig(t), StartOptions{RunDir: filepath.Join(t.TempDir(), "run"), inject: func(t *engine.Trainer) {
		for _, e := range t.Batch(0) { // the ids are shared with the trainer
			if e.Row != 3 {
				e.IDs[1]++
			}
		}
	}})
	h, err := runs.ReadHistory(result.RunDir)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, e := range h.Events {
		if a, ok := e.Record.(runs.Alert); ok && a.ID == "COLLATE-EMPTY" && a.Step == 1 && a.Severity == data.SeverityError {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}
