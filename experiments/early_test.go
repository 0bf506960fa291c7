package experiments

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hone/engine"
	"hone/runs"
)

// The rule is Keras' EarlyStopping: what counts is a gain of more than min_delta
// over the last that counted, and patience is the evaluations in a row without.
func TestEarlyStopCounts(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		what, by  string
		patience  int
		threshold float64
		scores    []float64
		ends      int // evaluation that is enough, from 1; 0 = none
	}{
		{"rises", runs.ScoreExact, 1, 0, []float64{0, 0.1, 0.2, 0.3}, 0},
		{"stands still", runs.ScoreExact, 2, 0, []float64{0.5, 0.6, 0.6, 0.6, 0.7}, 4},
		{"falls and recovers", runs.ScoreFields, 3, 0, []float64{0.5, 0.4, 0.4, 0.6, 0.5, 0.5, 0.5}, 7},
		{"rises too little", runs.ScoreValidity, 2, 0.1, []float64{0.5, 0.55, 0.58, 0.9}, 3},
		{"creeps up, and far in sum", runs.ScoreValidity, 3, 0.1, []float64{0.50, 0.56, 0.62, 0.68, 0.74, 0.80, 0.86}, 0},
		{"exactly the threshold is no rise", runs.ScoreFields, 1, 0.25, []float64{0.25, 0.5}, 2},
		{"loss falls", runs.ScoreLoss, 1, 0, []float64{3, 2, 1, 0.5}, 0},
		{"loss rises", runs.ScoreLoss, 2, 0, []float64{3, 2, 2.5, 2.2}, 4},
		{"no numbers", runs.ScoreLoss, 2, 0, []float64{nan, nan}, 2},
		{"a number after none", runs.ScoreLoss, 2, 0, []float64{nan, 5, nan, nan}, 4},
		{"off", NoEarlyStopping, 1, 0, []float64{1, 0, 0, 0}, 0},
	} {
		s := newEarlyStop(TrainConfig{EarlyStopping: c.by, Patience: c.patience, MinDelta: c.threshold, EvalEvery: 10})
		var evals []runs.Eval
		ends := 0
		for i, x := range c.scores {
			e := runs.Eval{Step: 10 * (i + 1), Split: "eval", ExactMatch: runs.Number(x), FieldAccuracy: runs.Number(x), JSONValidity: runs.Number(x), Loss: runs.Number(x)}
			// One that somebody asked for does not count.
			evals = append(evals, e, runs.Eval{Step: 10*(i+1) + 3, Split: "eval", ExactMatch: -9, FieldAccuracy: -9, JSONValidity: -9, Loss: 99})
			s.see(e)
			s.see(evals[len(evals)-1])
			if ends == 0 && s.reason() != "" {
				ends = i + 1
			}
		}
		if ends != c.ends {
			t.Errorf("%s: ends after evaluation %d, want %d", c.what, ends, c.ends)
		}
		if c.ends > 0 { // and from the history the same
			again := newEarlyStop(TrainConfig{EarlyStopping: c.by, Patience: c.patience, MinDelta: c.threshold, EvalEvery: 10})
			again.again(evals, "eval", 10*c.ends-1)
			if again.reason() != "" {
				t.Errorf("%s: ends too early from the history: %s", c.what, again.reason())
			}
			again.again(evals, "eval", 10*c.ends)
			if again.reason() == "" {
				t.Errorf("%s: does not end from the history", c.what)
			}
		}
	}
}

// A run whose score does not rise is finished before its last step, and says so in
// run.json, history and trace; stopped and resumed it ends with the same bits, and
// killed after its last checkpoint it does not go on.
func TestRunEndsEarly(t *testing.T) {
	c := toyConfig(t, "train.early_stopping=exact_match", "train.patience=1", "train.eval_every=2")
	whole := train(t, c, StartOptions{RunDir: filepath.Join(t.TempDir(), "whole")})
	check := func(r Result) {
		t.Helper()
		const want = "exact_match has not risen above 0 of step 2 in 1 evaluation"
		if r.State != engine.Finished || r.Step != 4 || r.Steps != 8 || r.Early != want {
			t.Fatalf("%+v", r)
		}
		info, err := runs.ReadInfo(r.RunDir)
		if err != nil || info.State != runs.Finished || info.Early != want || info.Step != 4 || info.Steps != 8 {
			t.Errorf("%+v %v", info, err)
		}
	}
	check(whole)
	h, err := runs.ReadHistory(whole.RunDir)
	if err != nil || len(h.Steps) != 4 {
		t.Fatalf("%d steps, %v", len(h.Steps), err)
	}
	last := ""
	for _, e := range h.Events {
		switch r := e.Record.(type) {
		case runs.Intervention:
			last += r.Action + " " + r.Reason + ";"
		case runs.Checkpoint:
			last = map[bool]string{true: last + r.Reason}[r.Step == 4]
		}
	}
	if last != "early-stop "+whole.Early+";end" {
		t.Errorf("the history ends with %q", last)
	}
	text, err := os.ReadFile(runs.TracePath(whole.RunDir))
	if err != nil || !strings.Contains(string(text), `"action":"early-stop"`) {
		t.Errorf("the trace says nothing: %v", err)
	}

	dir := filepath.Join(t.TempDir(), "parts")
	for step := 1; step <= 3; step++ {
		train(t, c, StartOptions{RunDir: dir, MaxSteps: step})
	}
	check(train(t, c, StartOptions{RunDir: dir}))
	for _, file := range []string{"checkpoints/step-000004/adapter_model.safetensors", "checkpoints/step-000004/optimizer.safetensors", "adapter/adapter_model.safetensors"} {
		a, err := os.ReadFile(filepath.Join(whole.RunDir, file))
		b, err2 := os.ReadFile(filepath.Join(dir, file))
		if err != nil || err2 != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs: %v %v", file, err, err2)
		}
	}

	w, err := runs.OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Update(func(i *runs.RunInfo) { i.State, i.Early = runs.Running, "" }); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	killed := train(t, c, StartOptions{RunDir: dir})
	if check(killed); killed.AlreadyFinished {
		t.Error("the killed run was taken for a finished one")
	}
	if again := train(t, c, StartOptions{RunDir: dir}); !again.AlreadyFinished || again.Early != whole.Early {
		t.Errorf("%+v", again)
	}
}

// The chosen score decides which adapter is kept. A run goes on from a checkpoint
// whose best evaluation has a loss that none will reach and an exact match that all
// do: by loss no other is kept, by each of the scores another is.
func TestBestByScore(t *testing.T) {
	for _, by := range runs.Scores() {
		c := toyConfig(t, "train.best_by="+by, "train.epochs=1")
		dir := filepath.Join(t.TempDir(), "run")
		train(t, c, StartOptions{RunDir: dir, MaxSteps: 2})
		file := filepath.Join(dir, "checkpoints", "step-000002", stateFile)
		var state resumeState
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &state)
		}
		if err != nil {
			t.Fatal(err)
		}
		state.Best = &runs.Eval{Step: 2, Split: "eval", Loss: 1e-9, ExactMatch: -1, FieldAccuracy: -1, JSONValidity: -1}
		if text, err = json.Marshal(state); err == nil {
			err = errors.Join(os.WriteFile(file, text, 0o644), os.RemoveAll(runs.AdapterDir(dir)))
		}
		if err != nil {
			t.Fatal(err)
		}
		r := train(t, c, StartOptions{RunDir: dir})
		_, err = os.Stat(runs.AdapterDir(dir))
		if kept := err == nil; kept != (by != runs.ScoreLoss) {
			t.Errorf("%s: another adapter is kept: %v", by, kept)
		}
		if info, err := runs.ReadInfo(dir); err != nil || info.BestBy != by || info.Summary["best_step"] != float64(r.BestStep) {
			t.Errorf("%s: %+v %v", by, info, err)
		}
	}
}
