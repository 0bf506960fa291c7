package experiments

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hone/engine"
	"hone/engine/trace/inject"
	"hone/runs"
)

// A run that went back, to a checkpoint or to a step between two, ends as if it had
// not, and its history keeps both branches.
func TestRewoundRunEqualsUninterrupted(t *testing.T) {
	c := plainConfig(t, "train.epochs=2", "train.checkpoint_every=3", "train.eval_every=4", "train.eval_examples=1", "eval.max_new=4")
	whole := train(t, c, StartOptions{RunDir: filepath.Join(t.TempDir(), "whole")}).RunDir
	for _, to := range []int{0, 3, 5, 8} {
		dir := filepath.Join(t.TempDir(), "run")
		if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		r := train(t, c, StartOptions{RunDir: dir, Rewind: &Rewind{To: to}})
		if r.State != engine.Finished || r.Step != 8 || r.AlreadyFinished {
			t.Fatalf("to %d: %+v", to, r)
		}
		sameFiles(t, whole, dir, append(lastWeights, "adapter/adapter_model.safetensors")...)
		h, err := runs.ReadHistory(dir)
		if err != nil || len(h.Steps) != 8 || len(h.Evals) != 2 {
			t.Errorf("to %d: %d steps, %d evaluations: %v", to, len(h.Steps), len(h.Evals), err)
		}
		if !slices.ContainsFunc(h.Events, func(e runs.Event) bool {
			i, ok := e.Record.(runs.Intervention)
			return ok && i.Action == runs.ActionRewind && i.By == byUser && i.To == to && i.Step == 8
		}) {
			t.Errorf("to %d: the history does not show it", to)
		}
		if got := replay(t, dir, ReplayOptions{Step: 7}); !got.Reproduced {
			t.Errorf("to %d: a step of the new branch: %v", to, got.Differences)
		}
	}
}

// With the order of the file and the row at its end, going back to the beginning
// without the row is the run on the dataset that never had it, bit for bit.
func TestRewindWithoutARowItNeverSaw(t *testing.T) {
	without := filepath.Join(t.TempDir(), "events")
	if err := os.CopyFS(without, os.DirFS(toyDir+"events")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(without, "train.jsonl")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(bytes.TrimSpace(text), []byte("\n"))
	if err := os.WriteFile(file, bytes.Join(lines[:len(lines)-1], nil), 0o644); err != nil {
		t.Fatal(err)
	}
	last := len(lines) - 1
	set := []string{"train.shuffle=false", "train.batch_size=5", "train.epochs=2"}
	want := train(t, plainConfig(t, append(set, "data.path="+without)...), StartOptions{RunDir: filepath.Join(t.TempDir(), "without")})
	c := plainConfig(t, set...)
	dir := filepath.Join(t.TempDir(), "run")
	train(t, c, StartOptions{RunDir: dir, MaxSteps: 7})
	got := train(t, c, StartOptions{RunDir: dir, Rewind: &Rewind{Without: []int{last}}})
	if got.Step != want.Step || got.Step != 10 {
		t.Fatalf("%d and %d steps", got.Step, want.Step)
	}
	sameFiles(t, want.RunDir, dir, "checkpoints/step-000010/adapter_model.safetensors", "checkpoints/step-000010/optimizer.safetensors")
}

// From a failure to a finished run: back to before it, without the row; stopped and
// resumed on the way, the row stays out. What happened in memory does not happen
// again.
func TestFailedRunsAreRewoundToTheEnd(t *testing.T) {
	c := plainConfig(t, "train.epochs=2", "train.checkpoint_every=4")
	var dirs []string
	for _, stops := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "run")
		if _, err := ends(t, c, StartOptions{RunDir: dir, Inject: []inject.Fault{{ID: "ACT-INF", Step: 4}}}); !errors.Is(err, engine.ErrNonFinite) {
			t.Fatal(err)
		}
		row := replay(t, dir, ReplayOptions{Step: 4}).Bisection.Rows[0]
		o := StartOptions{RunDir: dir, Rewind: &Rewind{To: 3, Without: []int{row}}}
		if stops {
			o.MaxSteps = 4
			train(t, c, o)
			if err := os.RemoveAll(filepath.Join(runs.CheckpointsDir(dir), runs.CheckpointName(4))); err != nil {
				t.Fatal(err)
			}
			o = StartOptions{RunDir: dir}
		}
		if r := train(t, c, o); r.State != engine.Finished || r.Step != 8 {
			t.Fatalf("%+v", r)
		}
		steps, err := recordedSteps(dir, 1, 8)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for n, s := range steps {
			for _, record := range s.records {
				if b, ok := record.(runs.TraceBatch); ok && slices.Contains(b.Rows, row) && n > 3 {
					t.Errorf("step %d has row %d", n, row)
				}
			}
			if slices.Contains(s.opt.Skipped, row) {
				seen++
			}
		}
		if seen != 2 { // once an epoch
			t.Errorf("left out of %d steps", seen)
		}
		dirs = append(dirs, dir)
	}
	sameFiles(t, dirs[0], dirs[1], lastWeights...)

	for _, id := range []string{"OPT-POISON", "WEIGHT-NAN-FILE"} {
		dir := filepath.Join(t.TempDir(), "run")
		if _, err := ends(t, c, StartOptions{RunDir: dir, Inject: []inject.Fault{{ID: id, Step: 6}}}); err == nil {
			t.Fatalf("%s: no failure", id)
		}
		if got := replay(t, dir, ReplayOptions{Step: 6}); !got.Reproduced {
			t.Errorf("%s: %v", id, got.Differences)
		}
		if r := train(t, c, StartOptions{RunDir: dir, Rewind: &Rewind{To: 5}}); r.State != engine.Finished {
			t.Errorf("%s: %+v", id, r)
		}
	}
}

func TestRewindRefuses(t *testing.T) {
	c := plainConfig(t)
	dir := filepath.Join(t.TempDir(), "run")
	if _, err := Start(context.Background(), c, StartOptions{RunDir: dir, Rewind: &Rewind{}}); !errors.Is(err, ErrRewind) {
		t.Errorf("no run: %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a directory was made")
	}
	if _, err := ends(t, c, StartOptions{RunDir: dir, MaxSteps: 4, Inject: []inject.Fault{{ID: "SDC", Step: 2}}}); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(runs.MetricsFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	for what, r := range map[string]Rewind{"too far": {To: 5}, "negative": {To: -1}, "unknown row": {To: 1, Without: []int{77}}, "irreproducible": {To: 3}} {
		if _, err := ends(t, c, StartOptions{RunDir: dir, Rewind: &r}); !errors.Is(err, ErrRewind) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// The run is as it was.
	if info, err := runs.ReadInfo(dir); err != nil || info.State != runs.Stopped || info.Step != 4 || info.Error != "" {
		t.Errorf("%+v: %v", info, err)
	}
	h, err := runs.ReadHistory(dir)
	if all, _ := runs.Checkpoints(dir); err != nil || len(h.Steps) != 4 || len(all) != 1 || len(before) == 0 {
		t.Errorf("%d steps, %v: %v", len(h.Steps), all, err)
	}
}
