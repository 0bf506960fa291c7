package experiments

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hone/engine"
	"hone/engine/ops"
	"hone/runs"
)

// orders gives commands during certain steps, so that each takes effect after
// that step: the hook runs inside the step.
func orders(t *testing.T, run <-chan *Run, at map[int]func(*Run) error) func(*engine.Trainer) {
	return func(trainer *engine.Trainer) {
		given := map[int]bool{}
		trainer.Runtime().Fault = func(ops.Record) {
			step := trainer.Done() + 1
			if f := at[step]; f != nil && !given[step] {
				given[step] = true
				r := <-run
				if err := f(r); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// trainWith runs an experiment with orders.
func trainWith(t *testing.T, c Config, o StartOptions, at map[int]func(*Run) error) Result {
	t.Helper()
	run := make(chan *Run, len(at))
	o.inject = orders(t, run, at)
	r, err := Start(context.Background(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	for range at {
		run <- r
	}
	result, err := r.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// A run whose batch size, loss weights and learning rate are changed, and which
// is killed after any step and resumed, equals the one that nobody disturbed,
// bit for bit; what was ordered after the checkpoint it goes on from is ordered
// again, and the records say so.
func TestChangedSettingsSurviveAKill(t *testing.T) {
	c := toyConfig(t, "train.eval_every=0", "train.keep_checkpoints=100", "train.schedule=linear")
	at := map[int]func(*Run) error{
		2: func(r *Run) error { return r.SetBatchSize(4) },
		5: func(r *Run) error { return r.SetLoss(LossConfig{CE: 0.5, Field: 2}) },
		7: func(r *Run) error { r.SetLR(1e-3); return nil },
	}
	whole := trainWith(t, c, StartOptions{RunDir: filepath.Join(t.TempDir(), "whole")}, at)
	// Two steps of 6, then the other 12 rows and the second epoch's 24 by 4.
	if whole.Step != 11 || whole.Steps != 11 || whole.State != engine.Finished {
		t.Fatalf("%+v", whole)
	}
	want := standing(t, whole.RunDir)
	if len(want) != 3 {
		t.Fatalf("interventions %q", want)
	}
	plain := train(t, c, StartOptions{RunDir: filepath.Join(t.TempDir(), "plain")})
	if slices.Equal(trained(t, plain.RunDir, 8), trained(t, whole.RunDir, 8)) {
		t.Error("the orders changed nothing")
	}
	for _, kill := range []int{1, 2, 3, 5, 6, 8} {
		dir := filepath.Join(t.TempDir(), "killed")
		trainWith(t, c, StartOptions{RunDir: dir, MaxSteps: kill}, at)
		from := kill
		if kill%2 == 1 { // as if killed: the checkpoint that stopping wrote is not there
			from--
			if err := os.RemoveAll(filepath.Join(runs.CheckpointsDir(dir), runs.CheckpointName(kill))); err != nil {
				t.Fatal(err)
			}
		}
		again := map[int]func(*Run) error{}
		for step, f := range at {
			if step > from {
				again[step] = f
			}
		}
		trainWith(t, c, StartOptions{RunDir: dir}, again)
		if !slices.Equal(trained(t, dir, 11), trained(t, whole.RunDir, 11)) {
			t.Errorf("killed after step %d, the run has other bits", kill)
		}
		if got := standing(t, dir); !slices.Equal(got, want) {
			t.Errorf("killed after step %d, what stands is %q, want %q", kill, got, want)
		}
		if info, err := runs.ReadInfo(dir); err != nil || info.Steps != 11 {
			t.Errorf("killed after step %d: %d steps in run.json: %v", kill, info.Steps, err)
		}
	}
}

// An order that arrives after the checkpoint of its step is in the checkpoint
// that a resume goes on from.
func TestSettingsOfAPausedRunAreSaved(t *testing.T) {
	c := toyConfig(t, "train.eval_every=0")
	dir := filepath.Join(t.TempDir(), "run")
	r, err := Start(context.Background(), c, StartOptions{RunDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.SetBatchSize(3); err != nil { // before the first step: there is no checkpoint
		t.Fatal(err)
	}
	r.Stop()
	if _, err := r.Wait(); err != nil {
		t.Fatal(err)
	}
	if r.SetBatchSize(0) == nil || r.SetLoss(LossConfig{Confidence: 1}) == nil || r.SetLoss(LossConfig{CE: -1}) == nil {
		t.Error("nonsense was taken")
	}
	// A step of 6 rows that was taken before the order was heard stands for two of 3.
	h, err := runs.ReadHistory(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, e := range h.Events {
		if i, ok := e.Record.(runs.Intervention); ok && i.Action == runs.ActionSetBatchSize {
			want = 16 - i.Step
		}
	}
	if result := train(t, c, StartOptions{RunDir: dir}); result.Step != want {
		t.Errorf("%d steps, want %d", result.Step, want)
	}
}

// standing are the interventions of a run that nothing has undone.
func standing(t *testing.T, dir string) (out []string) {
	t.Helper()
	h, err := runs.ReadHistory(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range h.Events {
		if i, ok := e.Record.(runs.Intervention); ok && !e.Undone {
			before, _ := json.Marshal(i.PreviousWeights)
			after, _ := json.Marshal(i.Weights)
			out = append(out, fmt.Sprintf("%d %s %v %v %s %s", i.Step, i.Action, i.Previous, i.Value, before, after))
		}
	}
	return out
}

// trained is what a checkpoint holds of weights and optimizer.
func trained(t *testing.T, dir string, step int) []byte {
	t.Helper()
	var all [][]byte
	for _, file := range []string{"adapter_model.safetensors", optimizerFile} {
		text, err := os.ReadFile(filepath.Join(runs.CheckpointsDir(dir), runs.CheckpointName(step), file))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	return bytes.Join(all, nil)
}

// A step after a change of batch size or loss weights is executed again as it was,
// also from a checkpoint of before the change.
func TestChangedSettingsAreReplayed(t *testing.T) {
	c := toyConfig(t, "train.eval_every=0", "train.checkpoint_every=0")
	dir := filepath.Join(t.TempDir(), "run")
	trainWith(t, c, StartOptions{RunDir: dir, MaxSteps: 7}, map[int]func(*Run) error{
		2: func(r *Run) error { return r.SetBatchSize(4) },
		4: func(r *Run) error { return r.SetLoss(LossConfig{CE: 0.5, Field: 2}) },
	})
	for _, step := range []int{2, 3, 5, 6} {
		got := replay(t, dir, ReplayOptions{Step: step})
		if !got.Reproduced {
			t.Errorf("step %d: %v %v", step, got.Differences, got.Notes)
		}
		if want := 4; step > 2 && len(got.Base.Rows) != want {
			t.Errorf("step %d has %d rows, want %d", step, len(got.Base.Rows), want)
		}
	}
}
