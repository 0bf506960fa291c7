package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"hone/engine"
	"hone/engine/llama"
	"hone/engine/loss"
	"hone/engine/ops"
)

var onlyCE = loss.Weights{CE: 1}

// A run whose settings are changed is the same run when it is restored in
// between, bit for bit, and another than one whose settings are not.
func TestChangedSettingsAreRestored(t *testing.T) {
	x := openToy(t, "tied")
	c := engine.Config{BatchSize: 3, LR: 1e-2, Clip: 1, Loss: allTerms, Epochs: 3, Seed: 3, Shuffle: true, Schedule: "cosine", Warmup: 0.2}
	change := func(trainer *engine.Trainer) {
		switch trainer.Done() {
		case 1:
			trainer.SetBatchSize(5)
		case 2:
			trainer.SetLoss(onlyCE)
		case 4:
			trainer.SetBatchSize(2)
			trainer.LRFactor = 0.5
		}
	}
	var plain [][]float32
	var want [][]float32
	for _, changed := range []bool{false, true} {
		for resumed := range 8 {
			trainer := x.trainer(t, 1, llama.Frozen, everyModule, c, x.examples)
			for trainer.Done() < trainer.Steps() {
				if changed {
					change(trainer)
				}
				if trainer.Done() == resumed && resumed > 0 {
					next := x.trainer(t, 1, llama.Frozen, everyModule, c, x.examples)
					for i := range next.Names() {
						copy(next.Tensor(i), trainer.Tensor(i))
					}
					if err := next.Restore(trainer.State(), trainer.Moments()); err != nil {
						t.Fatal(err)
					}
					trainer = next
				}
				steps(t, trainer, 1)
			}
			_, got := steps(t, trainer, 0)
			switch {
			case !changed:
				plain = got
			case resumed == 0:
				want = got
			case !slices.EqualFunc(got, want, slices.Equal[[]float32]):
				t.Errorf("restored at step %d, the run has other bits", resumed)
			}
			if !changed {
				break
			}
		}
	}
	if slices.EqualFunc(plain, want, slices.Equal[[]float32]) {
		t.Error("the settings changed nothing")
	}
}

// What was ordered stands when the run goes back before it, is told again, and
// the rows that failed are left out of the step that they are in.
func TestSettingsOutliveARewind(t *testing.T) {
	x := openToy(t, "untied")
	trainer := guarded(t, x, engine.Rewind, func(c *engine.Config) { c.BatchSize = 4 })
	plantRowsAt(trainer, "layers.1.mlp.act_fn", ops.Forward, 4, 5)
	l := newLog()
	hooks := l.hooks()
	var state engine.State
	var session *engine.Session
	started := make(chan struct{})
	hooks.Checkpoint = func(_ context.Context, step int) error {
		state = trainer.State()
		return l.add("checkpoint %d", step)
	}
	hooks.Rewind = func(context.Context, engine.Step) error { return trainer.Restore(state, trainer.Moments()) }
	hooks.Intervention = func(i engine.Intervention) error {
		return l.add("%s %d: %g %g %g %g again %v", i.Action, i.Step, i.Old, i.New, i.OldLoss.JSON, i.NewLoss.JSON, i.Again)
	}
	ordered := false
	hooks.Step = func(s engine.Step) error {
		<-started
		if s.Number == 3 && !ordered {
			ordered = true
			if err := errors.Join(session.SetLoss(onlyCE), session.SetBatchSize(2)); err != nil {
				return err
			}
			if session.SetLoss(loss.Weights{}) == nil || session.SetBatchSize(0) == nil {
				t.Error("nonsense was taken")
			}
		}
		return l.add("step %d of %d %v", s.Number, trainer.Steps(), s.Rows)
	}
	session = engine.Start(context.Background(), trainer, engine.Schedule{CheckpointEvery: 2}, hooks)
	close(started)
	if err := session.Wait(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"checkpoint 0", "step 1 of 6 [0 1 2 3]", "step 2 of 6 [4 5 6 7]", "checkpoint 2", "step 3 of 6 [0 1 2 3]",
		"set-loss-weights 3: 0 0 0.2 0 again false", "set-batch-size 3: 4 2 0 0 again false",
		"set-loss-weights 2: 0 0 0.2 0 again true", "set-batch-size 3: 4 2 0 0 again true", "checkpoint 2",
		"step 3 of 9 [0 1 2 3]", "step 4 of 9 [4]", "checkpoint 4", "step 5 of 9 [6 7]", "step 6 of 9 [0 1]", "checkpoint 6",
		"step 7 of 9 [2 3]", "step 8 of 9 [4 5]", "checkpoint 8", "step 9 of 9 [6 7]", "checkpoint 9", "finished",
	}
	if got := l.String(); got != strings.Join(want, "; ") {
		t.Errorf("the session did\n%s\nwant\n%s", strings.ReplaceAll(got, "; ", "\n"), strings.Join(want, "\n"))
	}
}
