package engine_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"hone/engine"
	"hone/engine/batch"
	"hone/engine/llama"
	"hone/engine/loss"
	"hone/engine/ops"
	"hone/engine/trace/inject"
)

func preflight(t *testing.T, trainer *engine.Trainer) engine.Preflight {
	t.Helper()
	p, err := trainer.Preflight(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A sound run has one loss by three ways, for adapters and whole models, for whole
// batches and cut ones.
func TestPreflightOfASoundRun(t *testing.T) {
	for _, variant := range []string{"tied", "untied"} {
		x := openToy(t, variant)
		for _, micro := range []int{0, 60} {
			p := preflight(t, guarded(t, x, engine.Halt, func(c *engine.Config) { c.MicroBatch = micro }))
			if p.Tensor != "" || p.Consumed.Problem != nil || p.Loop.Problem != nil || !p.Again || p.Constant {
				t.Errorf("%s, %d: %+v", variant, micro, p)
			}
			if len(p.Rows) != 2 || p.Counted != p.Targets || len(p.Consumed.Rows) != len(x.examples) {
				t.Fatalf("%s, %d: rows %+v, %d of %d targets", variant, micro, p.Rows, p.Counted, p.Targets)
			}
			for _, r := range p.Rows {
				if d := max(engine.Apart(r.Alone, r.Batch), engine.Apart(r.Batch, r.Loop)); !(d < 1e-5) || !math.IsNaN(r.Graph) {
					t.Errorf("%s, %d: off by %g: %+v", variant, micro, d, r)
				}
			}
			if d := engine.Apart(p.BatchLoss, p.Loop.Terms.Loss); !(d < 1e-5) {
				t.Errorf("%s, %d: weighted losses are off by %g", variant, micro, d)
			}
			if len(p.Terms) != 4 {
				t.Fatalf("%d terms", len(p.Terms))
			}
			for _, g := range p.Terms {
				if !g.Reaches() || g.Fed == 0 || !g.Anyone || g.Zero != 0 {
					t.Errorf("%s, %d: %+v", variant, micro, g)
				}
			}
		}
	}
	x := openToy(t, "tied")
	full := x.trainer(t, 2, llama.Full, llama.LoRA{}, engine.Config{BatchSize: 3, LR: 1e-3, Epochs: 1, Loss: loss.Weights{CE: 1}}, x.examples)
	p := preflight(t, full)
	if len(p.Terms) != 1 || !p.Terms[0].Reaches() || p.Terms[0].Zero != 0 || !full.Agree(p.Rows[1].Alone, p.Rows[1].Loop) {
		t.Errorf("every weight trained: %+v", p)
	}
}

// A run has the same bits with it and without it, whatever it is made of.
func TestPreflightChangesNoBits(t *testing.T) {
	x := openToy(t, "untied")
	for _, change := range []func(*engine.Config){
		nil,
		func(c *engine.Config) { c.Shuffle, c.BatchSize, c.MicroBatch = true, 3, 60 },
	} {
		want, wantTensors := steps(t, guarded(t, x, engine.Halt, change), 3)
		trainer := guarded(t, x, engine.Halt, change)
		before := trainer.State()
		preflight(t, trainer)
		if after := trainer.State(); after.Step != before.Step || after.OptimizerStep != before.OptimizerStep || *after.Loss != *before.Loss {
			t.Errorf("state %+v, before %+v", after, before)
		}
		if len(trainer.Recent()) != 0 {
			t.Error("it is remembered as a step")
		}
		got, tensors := steps(t, trainer, 3)
		for i := range want {
			if got[i].Terms != want[i].Terms || got[i].GradNorm != want[i].GradNorm || !slices.Equal(got[i].Rows, want[i].Rows) {
				t.Errorf("step %d: %+v, without it %+v", i+1, got[i].Terms, want[i].Terms)
			}
		}
		if !slices.EqualFunc(tensors, wantTensors, slices.Equal[[]float32]) {
			t.Error("other weights than without it")
		}
	}
}

// Each of the three ways, made to differ, is the one that differs.
func TestPreflightTellsWhichWayIsOff(t *testing.T) {
	x := openToy(t, "tied")
	// The rows of a packed batch behind its first see something of it.
	leak := guarded(t, x, engine.Halt, nil)
	rt := leak.Runtime()
	rt.Fault = func(r ops.Record) {
		if r.Name == "layers.0.self_attn.attention" && r.Phase == ops.Forward && len(rt.Batch.Rows) > 1 {
			for i := rt.Batch.Starts[1] * r.Width; i < len(r.Output); i++ {
				r.Output[i] += r.Output[i%r.Width]
			}
		}
	}
	p := preflight(t, leak)
	second, first := p.Rows[0], p.Rows[1] // packed the other way round
	if leak.Agree(second.Alone, second.Batch) || !leak.Agree(second.Alone, second.Graph) || !leak.Agree(first.Alone, first.Batch) {
		t.Errorf("a leak: %+v", p.Rows)
	}

	// The graph computes another model than evaluations do.
	wiring := guarded(t, x, engine.Halt, nil)
	wiring.Runtime().Fault = func(r ops.Record) {
		if r.Name == "norm" && r.Phase == ops.Forward {
			for i := range r.Output {
				r.Output[i] *= 1.5
			}
		}
	}
	for _, r := range preflight(t, wiring).Rows {
		if wiring.Agree(r.Alone, r.Batch) || wiring.Agree(r.Alone, r.Graph) || !wiring.Agree(r.Batch, r.Graph) {
			t.Errorf("another model: %+v", r)
		}
	}

	// The loop consumes something else than was encoded.
	for id, rows := range map[string]func(engine.ThreeWays) bool{
		"SHIFT-TWICE":   func(r engine.ThreeWays) bool { return !wiring.Agree(r.Batch, r.Loop) },
		"COLLATE-EMPTY": func(r engine.ThreeWays) bool { return math.IsNaN(r.Loop) },
	} {
		trainer := guarded(t, x, engine.Halt, nil)
		plant(t, trainer, id, x)
		p := preflight(t, trainer)
		for _, r := range p.Rows {
			if !trainer.Agree(r.Alone, r.Batch) || !rows(r) {
				t.Errorf("%s: %+v", id, r)
			}
		}
	}
}

func plant(t *testing.T, trainer *engine.Trainer, id string, x *toy) {
	t.Helper()
	if err := inject.Plant(trainer, inject.Fault{ID: id, Step: 1}, x.model.Config.Vocab); err != nil {
		t.Fatal(err)
	}
}

// A term that gives no gradient is told from one that has nothing to look at and
// from one whose probabilities leave nothing of it.
func TestPreflightAsksEveryTerm(t *testing.T) {
	x := openToy(t, "tied")
	off := everyModule
	off.Alpha = 1e-60 // 0 is refused
	dead := x.trainer(t, 1, llama.Frozen, off, engine.Config{BatchSize: 3, LR: 1e-2, Epochs: 1, Loss: allTerms}, x.examples)
	for _, g := range preflight(t, dead).Terms {
		if g.Reaches() || g.Zero != g.Of || g.Norm != 0 || g.Saturated() {
			t.Errorf("the adapter has no effect: %+v", g)
		}
	}

	constant := guarded(t, x, engine.Halt, nil)
	plant(t, constant, "PENALTY-CONST", x)
	for _, g := range preflight(t, constant).Terms {
		if g.Reaches() != (g.Name == "ce") {
			t.Errorf("a term without a gradient: %+v", g)
		}
	}

	plain := slices.Clone(x.examples) // completions that are not objects
	for i, e := range plain {
		e.Class = slices.Clone(e.Class)
		for j, class := range e.Class {
			if class != batch.NotTarget {
				e.Class[j] = batch.Structure
			}
		}
		plain[i] = e
	}
	text := x.trainer(t, 1, llama.Frozen, everyModule, engine.Config{BatchSize: 3, LR: 1e-2, Epochs: 1, Loss: allTerms}, plain)
	for _, g := range preflight(t, text).Terms {
		if fed := g.Name != "field"; (g.Fed > 0) != fed || g.Anyone != fed || g.Reaches() != fed {
			t.Errorf("no fields: %+v", g)
		}
	}
	if !(engine.TermGradient{Name: "field", Value: 1}).Saturated() || (engine.TermGradient{Name: "ce", Value: 1}).Saturated() {
		t.Error("a product of small probabilities, or the cross entropy")
	}
}

// A weight that is no number is named before anything is computed with it, an
// operation that makes one is named by the loop.
func TestPreflightNamesWhatIsNotFinite(t *testing.T) {
	x := openToy(t, "tied")
	trainer := guarded(t, x, engine.Halt, nil)
	trainer.Tensor(3)[5] = nan
	if p := preflight(t, trainer); p.Tensor != trainer.Names()[3] || p.Element != 5 || len(p.Rows) != 0 {
		t.Errorf("%q at %d, %+v", p.Tensor, p.Element, p.Rows)
	}
	trainer = guarded(t, x, engine.Halt, nil)
	plantRows(trainer, "layers.1.mlp.act_fn", ops.Forward, 1, 0, 1, 2, 3, 4, 5)
	if p := preflight(t, trainer); p.Loop.Problem == nil || len(p.Terms) != 0 {
		t.Errorf("an operation: %+v", p.Loop)
	}
}
