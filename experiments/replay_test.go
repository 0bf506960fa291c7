package experiments

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hone/engine/ops"
	"hone/engine/trace/inject"
	"hone/runs"
)

func replay(t testing.TB, dir string, o ReplayOptions) *Replay {
	t.Helper()
	r, err := ReplayStep(context.Background(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Every recorded step comes out with the same bits: with dropout, clipping and
// several passes a step, after a change of the learning rate, after a resume, from
// a checkpoint and from the beginning.
func TestReplayIsBitEqual(t *testing.T) {
	c := plainConfig(t, "train.epochs=2", "train.micro_batch=300", "train.clip=0.5", "train.checkpoint_every=3", "model.dtype=f32")
	dir := filepath.Join(t.TempDir(), "run")
	r, err := Start(context.Background(), c, StartOptions{RunDir: dir, MaxSteps: 4})
	if err != nil {
		t.Fatal(err)
	}
	r.SetLR(2e-3)
	if _, err := r.Wait(); err != nil {
		t.Fatal(err)
	}
	train(t, c, StartOptions{RunDir: dir})
	for step, from := range map[int]int{1: 0, 4: 0, 5: 4, 8: 6} {
		got := replay(t, dir, ReplayOptions{Step: step})
		if !got.Reproduced || got.From != from || len(got.Differences) != 0 || len(got.Notes) != 0 || got.Bisection != nil || got.Variant != nil {
			t.Errorf("step %d from %d: %v %v", step, got.From, got.Differences, got.Notes)
		}
		if !got.Base.Applied || got.Base.FirstBad != nil || got.Base.Clip >= 1 || len(got.Base.PerRow) != 6 || len(got.Base.Ops) < 100 || !(got.Base.Update > 0) {
			t.Errorf("step %d: %+v", step, got.Base)
		}
	}
	for step, want := range map[int]error{0: ErrNotRecorded, 9: ErrNotRecorded} {
		if _, err := ReplayStep(context.Background(), dir, ReplayOptions{Step: step}); !errors.Is(err, want) {
			t.Errorf("step %d: %v", step, err)
		}
	}
}

// A bit that flipped once is not there when the step is executed again: the step
// and what differs are named, also from a later step.
func TestReplayNamesWhatCannotBeReproduced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if _, err := ends(t, plainConfig(t), StartOptions{RunDir: dir, MaxSteps: 6, Inject: []inject.Fault{{ID: "SDC", Step: 4}}}); err != nil {
		t.Fatal(err)
	}
	if got := replay(t, dir, ReplayOptions{Step: 3}); !got.Reproduced {
		t.Errorf("the step before: %+v", got.Differences)
	}
	for _, step := range []int{4, 5} {
		got := replay(t, dir, ReplayOptions{Step: step})
		if got.Reproduced || len(got.Differences) == 0 || got.Differences[0].Step != 4 || len(got.Notes) == 0 {
			t.Fatalf("step %d: %+v %v", step, got.Differences, got.Notes)
		}
		if !slices.ContainsFunc(got.Differences, func(d Mismatch) bool { return d.What == "loss.terms" && d.Recorded != d.Replayed }) {
			t.Errorf("step %d: %+v", step, got.Differences)
		}
	}
}

// A failure of an operation is found with its operation, row and token, under any
// policy: also in a step that was taken without the row in the end.
func TestReplayFindsThePlace(t *testing.T) {
	for _, c := range []struct {
		policy, id, op, phase string
		last                  bool // the token
	}{
		{"halt", "ACT-INF", "layers.0.mlp.act_fn", ops.Forward, false},
		{"skip-row", "LOG0", "lm_head", ops.Backward, true},
		{"skip-step", "MASKED-NAN-LEAK", "layers.0.self_attn.qkv_proj", ops.Forward, true},
	} {
		dir := filepath.Join(t.TempDir(), "run")
		_, _ = ends(t, plainConfig(t, "train.on_nonfinite="+c.policy), StartOptions{RunDir: dir, MaxSteps: 5, Inject: []inject.Fault{{ID: c.id, Step: 3}}})
		got := replay(t, dir, ReplayOptions{Step: 3})
		if !got.Reproduced || !got.Injected || got.Bisection == nil {
			t.Fatalf("%s, %s: %+v %v", c.policy, c.id, got.Differences, got.Notes)
		}
		b := got.Bisection
		if len(b.Rows) != 1 || b.Op == nil || b.Op.Name != c.op || b.Op.Phase != c.phase || b.Op.Bad.Data == nil || *b.Op.Bad.Data != b.Rows[0] || len(b.Probes) < 3 {
			t.Fatalf("%s, %s: %+v", c.policy, c.id, b)
		}
		want := 0
		if c.last {
			want = b.Op.Bad.Tokens - 1
		}
		if b.Op.Bad.At != want || !strings.Contains(b.Op.Bad.String(), "dataset row") {
			t.Errorf("%s, %s: %s", c.policy, c.id, b.Op.Bad)
		}
		if out := !slices.Contains(got.Base.Rows, b.Rows[0]); out != (c.policy == "skip-row") || got.Base.Applied != out {
			t.Errorf("%s, %s: rows %v, applied %v", c.policy, c.id, got.Base.Rows, got.Base.Applied)
		}
		if c.policy != "halt" {
			if next := replay(t, dir, ReplayOptions{Step: 5}); !next.Reproduced {
				t.Errorf("%s, %s: a later step: %v", c.policy, c.id, next.Differences)
			}
		}
	}
	// A batch that was refused is shown as it was.
	dir := filepath.Join(t.TempDir(), "run")
	_, _ = ends(t, plainConfig(t), StartOptions{RunDir: dir, Inject: []inject.Fault{{ID: "OOV-LABEL", Step: 2}}})
	if got := replay(t, dir, ReplayOptions{Step: 2}); !got.Reproduced || got.Base.Applied || !strings.Contains(got.Base.Problem, "outside the vocabulary") || len(got.Base.PerRow) != 6 {
		t.Errorf("%+v %v", got.Base, got.Differences)
	}
}

// A step with something changed, beside the step as it was.
func TestReplayWithChanges(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	train(t, plainConfig(t, "model.dtype=f32"), StartOptions{RunDir: dir, MaxSteps: 3})
	base := replay(t, dir, ReplayOptions{Step: 3}).Base
	row := base.Rows[1]
	for _, c := range []struct {
		o  ReplayOptions
		ok func(v ReplayedStep) bool
	}{
		{ReplayOptions{Set: []string{"train.lr=2e-3"}}, func(v ReplayedStep) bool {
			return v.Loss == base.Loss && v.GradNorm == base.GradNorm && v.LR == 2*base.LR && v.Update > 1.9*base.Update
		}},
		{ReplayOptions{Set: []string{"train.clip=0"}}, func(v ReplayedStep) bool { return v.Loss == base.Loss && v.Clip == 1 && base.Clip < 1 }},
		{ReplayOptions{Set: []string{"loss.json=0", "loss.field=0"}}, func(v ReplayedStep) bool {
			return v.CE == base.CE && v.Loss < base.Loss && v.GradNorm != base.GradNorm && slices.Equal(v.Set, []string{"loss.json=0", "loss.field=0"})
		}},
		{ReplayOptions{Set: []string{"model.dtype=bf16"}}, func(v ReplayedStep) bool {
			return v.CE != base.CE && v.CE > 0.95*base.CE && v.CE < 1.05*base.CE
		}},
		{ReplayOptions{Without: []int{row}}, func(v ReplayedStep) bool {
			return len(v.Rows) == 5 && !slices.Contains(v.Rows, row) && reflect.DeepEqual(v.PerRow[0], base.PerRow[0]) && reflect.DeepEqual(v.PerRow[1], base.PerRow[2]) && slices.Equal(v.Without, []int{row})
		}},
	} {
		c.o.Step = 3
		got := replay(t, dir, c.o)
		if !got.Reproduced || got.Variant == nil || !c.ok(*got.Variant) || len(got.Variant.Ops) < 60 {
			t.Errorf("%+v: base %+v, changed %+v", c.o, got.Base.Loss, got.Variant.Loss)
		}
	}
	for _, c := range []struct {
		o    ReplayOptions
		want string
	}{
		{ReplayOptions{Step: 3, Set: []string{"lora.r=8"}}, "with another lora.r"},
		{ReplayOptions{Step: 3, Set: []string{"train.lr=banana"}}, "train.lr"},
		{ReplayOptions{Step: 3, Without: []int{99}}, "without row 99"},
	} {
		if _, err := ReplayStep(context.Background(), dir, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.o, err)
		}
	}
}

// A run whose model or data is another now is not replayed.
func TestReplayNeedsTheSameModel(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	train(t, plainConfig(t), StartOptions{RunDir: dir, MaxSteps: 1})
	w, err := runs.OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Update(func(i *runs.RunInfo) { i.Hashes["model"] = "another" }), w.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := ReplayStep(context.Background(), dir, ReplayOptions{Step: 1}); err == nil || !strings.Contains(err.Error(), "model has changed") {
		t.Error(err)
	}
}
