package engine_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"hone/engine"
	"hone/engine/batch"
	"hone/engine/llama"
	"hone/engine/ops"
	"hone/engine/optim"
)

var nan = float32(math.NaN())

// plantRows makes a value of an operation NaN in the third token of dataset rows,
// from a step on.
func plantRows(trainer *engine.Trainer, op, phase string, from int, rows ...int) {
	rt := trainer.Runtime()
	rt.Fault = func(r ops.Record) {
		if r.Name != op || r.Phase != phase || trainer.Done()+1 < from {
			return
		}
		for i, row := range rt.Batch.Rows {
			if slices.Contains(rows, row) {
				r.Output[(rt.Batch.Starts[i]+2)*r.Width+1] = nan
			}
		}
	}
}

// plantRowsAt does so at one step only.
func plantRowsAt(trainer *engine.Trainer, op, phase string, step int, rows ...int) {
	plantRows(trainer, op, phase, step, rows...)
	fault := trainer.Runtime().Fault
	trainer.Runtime().Fault = func(r ops.Record) {
		if trainer.Done()+1 == step {
			fault(r)
		}
	}
}

func guarded(t *testing.T, x *toy, policy string, change func(*engine.Config)) *engine.Trainer {
	l := everyModule
	l.Dropout = 0.2
	c := engine.Config{BatchSize: len(x.examples), LR: 1e-2, Clip: 1, Loss: allTerms, Epochs: 3, Seed: 5, WeightDecay: 0.01, OnNonfinite: policy}
	if change != nil {
		change(&c)
	}
	return x.trainer(t, 1, llama.Frozen, l, c, x.examples)
}

// Skipping rows is training on the batch without them, bit for bit, whichever
// rows it is, however the batch is cut, and with a fault in either direction.
func TestSkipRowEqualsBatchWithoutIt(t *testing.T) {
	x := openToy(t, "untied")
	for _, c := range []struct {
		bad   []int
		micro int
		op    string
		phase string
	}{
		{[]int{2}, 0, "layers.0.mlp.act_fn", ops.Forward},
		{[]int{0, 5}, 0, "layers.1.self_attn.attention", ops.Forward},
		{[]int{1, 2, 3}, 60, "layers.0.self_attn.o_proj", ops.Forward},
		{[]int{4}, 0, "layers.1.mlp.down_proj", ops.Backward},
	} {
		trainer := guarded(t, x, engine.SkipRow, func(k *engine.Config) { k.MicroBatch = c.micro })
		plantRows(trainer, c.op, c.phase, 1, c.bad...)
		got, tensors := steps(t, trainer, 3)

		without := *x
		without.examples = slices.DeleteFunc(slices.Clone(x.examples), func(e batch.Example) bool { return slices.Contains(c.bad, e.Row) })
		want, wantTensors := steps(t, guarded(t, &without, engine.Halt, func(k *engine.Config) { k.MicroBatch = c.micro }), 3)
		for i := range want {
			g, w := got[i], want[i]
			if g.Terms != w.Terms || g.GradNorm != w.GradNorm || g.Counts != w.Counts || !slices.Equal(g.Rows, w.Rows) || !g.Applied {
				t.Errorf("%v, step %d: %+v, without the rows %+v", c.bad, i+1, g.Terms, w.Terms)
			}
			if !slices.Equal(g.Skipped, c.bad) || g.Problem == nil {
				t.Errorf("%v, step %d: skipped %v because of %v", c.bad, i+1, g.Skipped, g.Problem)
			}
		}
		if !slices.EqualFunc(tensors, wantTensors, slices.Equal[[]float32]) {
			t.Errorf("%v: other weights than without the rows", c.bad)
		}
	}
}

// Rows that were skipped stay skipped in a run that goes on from a state after
// the step, and from one before it if it is told.
func TestSkippedRowsStaySkipped(t *testing.T) {
	x := openToy(t, "untied")
	first := guarded(t, x, engine.SkipRow, nil)
	plantRows(first, "layers.0.mlp.act_fn", ops.Forward, 2, 3)
	steps(t, first, 1)
	copied := func(from *engine.Trainer) *engine.Trainer {
		to := guarded(t, x, engine.SkipRow, nil)
		for i := range to.Names() {
			copy(to.Tensor(i), from.Tensor(i))
		}
		if err := to.Restore(from.State(), from.Moments()); err != nil {
			t.Fatal(err)
		}
		return to
	}
	before := copied(first)
	before.Skip(2, []int{3})
	_, want := steps(t, first, 1)
	s, got := steps(t, before, 1) // no fault this time
	if !slices.EqualFunc(got, want, slices.Equal[[]float32]) || !slices.Equal(s[0].Skipped, []int{3}) {
		t.Errorf("the resumed step skipped %v", s[0].Skipped)
	}
	after := copied(first)
	if got := after.State().Skipped; len(got) != 1 || !slices.Equal(got[2], []int{3}) {
		t.Errorf("the state remembers %v", got)
	}
}

// Where every row fails, and those of the next batch too, no row is to blame.
func TestSkipRowKnowsWhenItIsNotTheRows(t *testing.T) {
	x := openToy(t, "tied")
	for _, size := range []int{1, 4} {
		trainer := guarded(t, x, engine.SkipRow, func(c *engine.Config) { c.BatchSize = size })
		i := slices.Index(trainer.Names(), "layers.1.mlp.up_proj.lora_A.weight")
		trainer.Tensor(i)[7] = nan
		s, err := trainer.Step(context.Background())
		var o *engine.Origin
		if !errors.Is(err, engine.ErrNotRows) || !errors.Is(err, engine.ErrNonFinite) || !errors.As(err, &o) {
			t.Fatalf("batches of %d: %v", size, err)
		}
		if !o.Weight || o.Tensor != "layers.1.mlp.up_proj.lora_A.weight" || o.Element != 7 || o.Op != "layers.1.mlp.up_proj" || s.Applied || trainer.Done() != 0 {
			t.Errorf("batches of %d: %+v", size, o)
		}
	}
	// A single bad row is a whole batch, which is skipped.
	trainer := guarded(t, x, engine.SkipRow, func(c *engine.Config) { c.BatchSize = 1 })
	plantRows(trainer, "layers.0.mlp.act_fn", ops.Forward, 1, 0)
	s, _ := steps(t, trainer, 2)
	if s[0].Applied || !slices.Equal(s[0].Skipped, []int{0}) || len(s[0].Rows) != 0 || !math.IsNaN(s[0].Terms.Loss) || !s[1].Applied {
		t.Errorf("%+v", s[0])
	}
}

// The origin has the dataset row and the token, also behind other rows of the
// packed batch and in a later micro-batch.
func TestOriginNamesRowAndToken(t *testing.T) {
	x := openToy(t, "untied")
	for _, micro := range []int{0, 60} {
		for _, c := range []struct{ op, phase, want string }{
			{"embed_tokens", ops.Forward, "embed_tokens"},
			{"layers.1.mlp.gate_up_proj", ops.Forward, "layers.1.mlp.gate_proj"},
			{"layers.0.mlp.down_proj", ops.Backward, "layers.0.mlp.down_proj"},
		} {
			trainer := guarded(t, x, engine.Halt, func(k *engine.Config) { k.MicroBatch = micro })
			plantRows(trainer, c.op, c.phase, 1, 6)
			s, err := trainer.Step(context.Background())
			var o *engine.Origin
			if !errors.As(err, &o) {
				t.Fatal(err)
			}
			e := x.examples[6]
			if o.Op != c.want || o.Phase != c.phase || o.Row != 6 || o.Position != 2 || o.Tokens != len(e.IDs) || o.Token != e.IDs[2] || o.Weight {
				t.Errorf("%s %s: %+v", c.op, c.phase, o)
			}
			if !strings.Contains(err.Error(), "dataset row 6, token 3 of") {
				t.Error(err)
			}
			if last := trainer.Recent(); len(last) != 1 || last[0].Problem == nil || last[0].Number != s.Number {
				t.Errorf("the record of the failed step is not at hand: %+v", last)
			}
		}
	}
	// In the loss: a hidden state so large that the logits overflow.
	trainer := guarded(t, x, engine.Halt, nil)
	rt := trainer.Runtime()
	rt.Fault = func(r ops.Record) {
		if r.Name == "norm" && r.Phase == ops.Forward {
			at := rt.Batch.LossRows[len(rt.Batch.LossRows)-1].Row
			for j := range r.Width {
				r.Output[int(at)*r.Width+j] = 3e38
			}
		}
	}
	_, err := trainer.Step(context.Background())
	var o *engine.Origin
	last := x.examples[len(x.examples)-1]
	if !errors.As(err, &o) || o.Op != "lm_head" || o.Row != last.Row || o.Position != len(last.IDs)-2 {
		t.Errorf("%+v: %v", o, err)
	}
	// In a gradient alone: the tensor, its element, and how many.
	trainer = guarded(t, x, engine.Halt, nil)
	name := "layers.1.self_attn.v_proj.lora_B.weight"
	trainer.Runtime().Fault = func(r ops.Record) {
		if r.Phase == ops.Gradient && strings.HasSuffix(r.Name, name) {
			r.Output[5] = nan
		}
	}
	s, err := trainer.Step(context.Background())
	if !errors.As(err, &o) || o.Tensor != name || o.Element != 5 || o.Weight || len(s.BadGradients) != 1 || s.BadGradients[0] != (engine.BadGradient{Tensor: name, Count: 1, First: 5}) {
		t.Errorf("%+v: %v", o, err)
	}
}

// An update that would overflow is not applied under any policy.
func TestOverflowingUpdateIsNotApplied(t *testing.T) {
	x := openToy(t, "tied")
	for _, policy := range []string{engine.Halt, engine.SkipRow, engine.SkipStep, engine.Rewind} {
		trainer := guarded(t, x, policy, func(c *engine.Config) { c.LR = 1e39 })
		before := slices.Clone(trainer.Tensor(1))
		s, err := trainer.Step(context.Background())
		var u *optim.UpdateError
		if policy == engine.SkipStep {
			if err != nil || !errors.As(s.Problem, &u) || trainer.Done() != 1 {
				t.Errorf("%s: %v", policy, err)
			}
		} else if !errors.Is(err, engine.ErrNonFinite) || !errors.As(err, &u) || trainer.Done() != 0 {
			t.Errorf("%s: %v", policy, err)
		}
		if s.Applied || !slices.Equal(before, trainer.Tensor(1)) || trainer.State().OptimizerStep != 0 {
			t.Errorf("%s: the update was applied", policy)
		}
	}
	// Moments that came with a checkpoint are looked at.
	trainer := guarded(t, x, engine.Halt, nil)
	moments := trainer.Moments()
	moments[2].Data[1] = nan
	if err := trainer.Restore(trainer.State(), moments); err != nil {
		t.Fatal(err)
	}
	var u *optim.UpdateError
	if _, err := trainer.Step(context.Background()); !errors.As(err, &u) || u.What != optim.FirstMoment || u.Index != 1 {
		t.Error(err)
	}
}

// The records of a step say what the graph consumed.
func TestRecordIsWhatWasConsumed(t *testing.T) {
	x := openToy(t, "tied")
	trainer := guarded(t, x, engine.Halt, func(c *engine.Config) { c.BatchSize, c.MicroBatch, c.Shuffle, c.Epochs = 4, 60, true, 50 })
	for range 70 {
		s, err := trainer.Step(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		var rows []int
		for _, p := range s.Passes {
			nll, targets := 0.0, 0
			for _, r := range p.Rows {
				e := x.examples[r.Row]
				rows = append(rows, r.Row)
				nll, targets = nll+r.Loss.NLL, targets+r.Loss.Targets
				first := slices.IndexFunc(e.Class, func(c int32) bool { return c != batch.NotTarget })
				last := len(e.IDs) - 1
				if r.Hash != batch.Hash(e.IDs) || r.Tokens != len(e.IDs) || r.Loss.Targets != e.Targets() ||
					r.First != (engine.Target{Position: first, ID: e.IDs[first]}) || r.Last != (engine.Target{Position: last, ID: e.IDs[last]}) {
					t.Fatalf("row %d: %+v", r.Row, r)
				}
			}
			near(t, "sum of rows", nll, p.Sums.NLL, 1e-12)
		}
		if !slices.Equal(rows, s.Rows) || len(s.Changes) != len(trainer.Names()) {
			t.Fatalf("rows %v, consumed %v", s.Rows, rows)
		}
	}
	records := trainer.Recent()
	if len(records) != 64 || records[0].Number != 7 || records[63].Number != 70 {
		t.Errorf("%d records from step %d on", len(records), records[0].Number)
	}
}
