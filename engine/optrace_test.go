package engine_test

import (
	"context"
	"math"
	"reflect"
	"slices"
	"testing"

	"hone/engine"
	"hone/engine/batch"
	"hone/engine/llama"
	"hone/engine/ops"
)

// The figures are those of a plain count, at every length around a block.
func TestMeasure(t *testing.T) {
	inf := float32(math.Inf(1))
	pool := newPool(t, 2)
	if got := engine.Measure(pool, nil); got != (engine.Stats{First: -1}) {
		t.Errorf("of nothing: %+v", got)
	}
	got := engine.Measure(pool, []float32{0, -3, float32(math.Copysign(0, -1)), 1e-40, 4, inf, nan, -inf})
	want := engine.Stats{AbsMin: float64(float32(1e-40)), AbsMax: 4, RMS: math.Sqrt(25.0 / 5), Zero: 2, Subnormal: 1, PosInf: 1, NegInf: 1, NaN: 1, First: 5}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	long := make([]float32, 40000)
	for i := range long {
		long[i] = float32(i%7) - 3
	}
	long[33000] = nan
	one, two := engine.Measure(newPool(t, 1), long), engine.Measure(pool, long)
	if one != two || one.First != 33000 || one.NaN != 1 || one.AbsMax != 3 || one.AbsMin != 1 || math.Abs(one.RMS-2) > 1e-4 {
		t.Errorf("%+v and %+v", one, two)
	}
}

// A trace has every operation of every pass, changes nothing, and is the same
// again; the step taken after it is the step without it.
func TestTraceStepChangesNothing(t *testing.T) {
	x := openToy(t, "tied")
	for _, micro := range []int{0, 60} {
		change := func(k *engine.Config) { k.MicroBatch = micro }
		trainer := guarded(t, x, engine.Halt, change)
		steps(t, trainer, 2)
		a, err := trainer.TraceStep(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		b, err := trainer.TraceStep(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(a, b) {
			t.Errorf("micro %d: the second trace is another", micro)
		}
		taken, tensors := steps(t, trainer, 1)
		if a.Step.Terms != taken[0].Terms || a.Step.GradNorm != taken[0].GradNorm || !slices.Equal(a.Step.Norms, taken[0].Norms) || a.FirstBad() != nil {
			t.Errorf("micro %d: traced %+v, taken %+v", micro, a.Step.Terms, taken[0].Terms)
		}
		_, plain := steps(t, guarded(t, x, engine.Halt, change), 3)
		if !slices.EqualFunc(tensors, plain, slices.Equal[[]float32]) {
			t.Errorf("micro %d: a traced run has other weights", micro)
		}
		passes := len(taken[0].Passes)
		forward, backward, gradients := map[string]int{}, map[string]int{}, 0
		for i, o := range a.Ops {
			if o.Seq != i || o.Pass < 0 || o.Pass >= passes {
				t.Fatalf("operation %d: %+v", i, o)
			}
			switch o.Phase {
			case ops.Forward:
				forward[o.Name]++
			case ops.Backward:
				backward[o.Name]++
			case ops.Gradient:
				gradients++
			}
		}
		if forward["layers.1.mlp.down_proj"] != passes || backward["layers.0.self_attn.attention"] != passes || gradients != passes*len(trainer.Names()) {
			t.Errorf("micro %d, %d passes: %v %v, %d gradients", micro, passes, forward, backward, gradients)
		}
	}
}

// A value that is planted in an operation is found there, in its row and token,
// whichever direction it is in and however the batch is cut.
func TestBisectFindsThePlace(t *testing.T) {
	x := openToy(t, "untied")
	for _, c := range []struct {
		op, phase, part string
		row, micro      int
		layer           int
	}{
		{"layers.0.mlp.act_fn", ops.Forward, "layers.0.mlp.act_fn", 2, 0, 0},
		{"layers.1.mlp.gate_up_proj", ops.Forward, "layers.1.mlp.gate_proj", 5, 60, 1},
		{"layers.1.self_attn.attention", ops.Backward, "layers.1.self_attn.attention", 6, 0, 1},
		{"embed_tokens", ops.Forward, "embed_tokens", 0, 0, -1},
	} {
		trainer := guarded(t, x, engine.Halt, func(k *engine.Config) { k.MicroBatch = c.micro })
		steps(t, trainer, 1)
		plantRows(trainer, c.op, c.phase, 2, c.row)
		b, err := trainer.Bisect(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		e := x.examples[c.row]
		if !slices.Equal(b.Rows, []int{c.row}) || b.Op == nil || b.Op.Name != c.op || b.Op.Phase != c.phase || b.Layer != c.layer || b.NotRow || len(b.Probes) == 0 {
			t.Fatalf("%s %s: %+v", c.op, c.phase, b)
		}
		if p := b.Op.Bad; p.Part != c.part || p.Dataset != c.row || p.Position != 2 || p.Col != 1 || p.Token != e.IDs[2] || p.Tokens != len(e.IDs) || !math.IsNaN(p.Value) {
			t.Errorf("%s %s: %+v", c.op, c.phase, p)
		}
		if trainer.Done() != 1 {
			t.Error("bisecting took a step")
		}
		if _, err := trainer.Step(context.Background()); err == nil {
			t.Error("the step does not fail any more")
		}
	}
	// A step that is fine has nothing to bisect; one of bad weights no row.
	trainer := guarded(t, x, engine.Halt, nil)
	if b, err := trainer.Bisect(context.Background()); err != nil || b.Op != nil || len(b.Probes) != 0 || b.Traced.First != -1 {
		t.Errorf("%+v: %v", b, err)
	}
	trainer.Tensor(3)[0] = nan
	trainer.BatchSize = 4
	if b, err := trainer.Bisect(context.Background()); err != nil || b.Op == nil || !b.NotRow || len(b.Rows) != 0 {
		t.Errorf("%+v: %v", b, err)
	}
}

// What the graph differentiates is what is reported, however the batch is cut;
// denominators or weights that are others show.
func TestDifferentiatedIsReported(t *testing.T) {
	x := openToy(t, "tied")
	for _, micro := range []int{0, 60, 1} {
		trainer := guarded(t, x, engine.Halt, func(k *engine.Config) { k.MicroBatch = micro })
		s, _ := steps(t, trainer, 2)
		for _, s := range s {
			near(t, "differentiated loss", s.Differentiated().Loss, s.Terms.Loss, 1e-12)
			near(t, "differentiated cross entropy", s.Differentiated().CE, s.Terms.CE, 1e-12)
		}
		trainer.Plant(engine.Faults{Pass: func(step int, rt *ops.Runtime) {
			if step == 3 {
				rt.Weights.JSON = 0
			}
			if step == 4 {
				rt.Counts.Targets /= 2
			}
		}})
		if s, _ = steps(t, trainer, 1); math.Abs(s[0].Differentiated().Loss-s[0].Terms.Loss) < 1e-3 || math.Abs(s[0].Differentiated().CE-s[0].Terms.CE) > 1e-9 {
			t.Errorf("a term without a gradient: %+v and %+v", s[0].Differentiated(), s[0].Terms)
		}
		if s, _ = steps(t, trainer, 1); s[0].Differentiated().CE < 1.5*s[0].Terms.CE {
			t.Errorf("other denominators: %+v and %+v", s[0].Differentiated(), s[0].Terms)
		}
	}
}

// A batch that cannot be trained on is refused before anything is computed, and
// its record says what it held.
func TestRefusedBatches(t *testing.T) {
	x := openToy(t, "tied")
	for what, change := range map[string]func(e *batch.Example){
		"no targets": func(e *batch.Example) { e.Class = slices.Repeat([]int32{batch.NotTarget}, len(e.IDs)) },
		"vocabulary": func(e *batch.Example) { e.IDs = slices.Concat(e.IDs[:1], []int32{1 << 20}, e.IDs[2:]) },
	} {
		trainer := x.trainer(t, 1, llama.Frozen, everyModule, engine.Config{BatchSize: 4, LR: 1e-3, Loss: allTerms, Epochs: 2}, x.examples)
		trainer.Plant(engine.Faults{Batch: func(step int, examples []batch.Example) []batch.Example {
			if step != 2 {
				return examples
			}
			examples = slices.Clone(examples)
			for i := range examples {
				change(&examples[i])
			}
			return examples
		}})
		steps(t, trainer, 1)
		s, err := trainer.Step(context.Background())
		if !engine.Refused(err) || trainer.Done() != 1 || s.Applied || len(s.Passes) != 1 || len(s.Passes[0].Rows) != 4 || !math.IsNaN(s.Terms.Loss) {
			t.Errorf("%s: %v, %+v", what, err, s)
		}
		if what == "no targets" != (s.Passes[0].Rows[0].Loss.Targets == 0) {
			t.Errorf("%s: %+v", what, s.Passes[0].Rows[0])
		}
	}
}
