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
	"hone/engine/decode"
	"hone/engine/llama"
	"hone/engine/loss"
	"hone/engine/ops"
	"hone/engine/optim"
)

// steps trains n steps and returns them with the final tensors.
func steps(t *testing.T, trainer *engine.Trainer, n int) ([]engine.Step, [][]float32) {
	t.Helper()
	var out []engine.Step
	for range n {
		s, err := trainer.Step(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	var tensors [][]float32
	for i := range trainer.Names() {
		tensors = append(tensors, slices.Clone(trainer.Tensor(i)))
	}
	return out, tensors
}

func near(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if !(math.Abs(got-want) <= relative*math.Abs(want)) {
		t.Errorf("%s: %.9g, want %.9g", what, got, want)
	}
}

// options are ways to train that must keep the properties below: each with all
// else alike.
var options = []struct {
	name string
	set  func(*engine.Config, *llama.LoRA)
}{
	{"plain", func(*engine.Config, *llama.LoRA) {}},
	{"muon", func(c *engine.Config, _ *llama.LoRA) { c.Optimizer = optim.NameMuon }},
	{"wsd", func(c *engine.Config, _ *llama.LoRA) {
		c.Schedule, c.Decay, c.DecayShape = "wsd", 0.5, "1-sqrt"
	}},
	{"LoRA+", func(c *engine.Config, _ *llama.LoRA) { c.PlusRatio = 4 }},
	{"NEFTune", func(c *engine.Config, _ *llama.LoRA) { c.Noise = 5 }},
	{"ranks and alphas of some modules", func(_ *engine.Config, l *llama.LoRA) { l.Ranks, l.Alphas = uneven.Ranks, uneven.Alphas }},
	{"modules of an expression", func(_ *engine.Config, l *llama.LoRA) {
		l.Targets, l.Regex = nil, `.*\.1\..*|.*\.0\.self_attn\.[qv]_proj`
	}},
	{"modules of a layer", func(_ *engine.Config, l *llama.LoRA) { l.Layers = []int{1} }},
}

// A batch of 8 is the same as 4+4, as 8x1 and as any cut between: loss, gradient
// norm and weights after some steps agree to rounding, with dropout on.
func TestAccumulationEqualsWhole(t *testing.T) {
	x := openToy(t, "tied")
	for _, option := range options {
		run := func(micro int) ([]engine.Step, [][]float32) {
			l := everyModule
			l.Dropout = 0.2
			c := engine.Config{Schedule: "constant", BatchSize: 8, MicroBatch: micro, LR: 1e-2, Clip: 1, Loss: allTerms, Epochs: 3, Seed: 5, Shuffle: true}
			option.set(&c, &l)
			return steps(t, x.trainer(t, 2, llama.Frozen, l, c, x.examples), 3)
		}
		whole, tensors := run(0)
		for _, micro := range []int{100, 60, 1} {
			got, gotTensors := run(micro)
			for i := range whole {
				near(t, option.name+": loss", got[i].Terms.Loss, whole[i].Terms.Loss, 1e-5)
				near(t, option.name+": field", got[i].Terms.Field, whole[i].Terms.Field, 1e-5)
				near(t, option.name+": gradient norm", got[i].GradNorm, whole[i].GradNorm, 1e-4)
			}
			for i := range tensors {
				for j := range tensors[i] {
					if math.Abs(float64(gotTensors[i][j]-tensors[i][j])) > 2e-4 {
						t.Fatalf("%s, micro-batch %d: tensor %d differs at %d: %g and %g", option.name, micro, i, j, gotTensors[i][j], tensors[i][j])
					}
				}
			}
		}
	}
}

// Packed examples do not see each other: the loss of a batch is the weighted
// mean of the losses of its examples alone.
func TestPackedEqualsAlone(t *testing.T) {
	x := openToy(t, "untied")
	pool := newPool(t, 2)
	w := load(t, pool, x.model, llama.Frozen)
	graph, err := llama.Build(ops.NewRuntime(pool, 200), w, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer graph.Close()
	rt := graph.Runtime
	rt.Weights = loss.Weights{CE: 1}
	measure := func(examples []batch.Example) loss.Sums {
		t.Helper()
		rt.Counts = batch.Count(examples)
		if err := graph.Run(batch.Pack(examples)); err != nil {
			t.Fatal(err)
		}
		return graph.Loss.Sums
	}
	t.Run("one completion", func(t *testing.T) {
		packedEqualsAlone(t, x.examples, measure, decode.New(pool, w, nil, 64), rt.Weights)
	})
	t.Run("several turns", func(t *testing.T) {
		turns := slices.Clone(x.examples)
		for i := range turns {
			e := &turns[i]
			e.Class = slices.Clone(e.Class)
			e.Turns = []batch.Span{{Start: e.Prompt / 3, End: e.Prompt / 2}}
			for k := e.Turns[0].Start; k < e.Turns[0].End; k++ {
				e.Class[k] = batch.Structure
			}
		}
		packedEqualsAlone(t, turns, measure, decode.New(pool, w, nil, 64), rt.Weights)
	})
}

func packedEqualsAlone(t *testing.T, examples []batch.Example, measure func([]batch.Example) loss.Sums, m *decode.Model, weights loss.Weights) {
	t.Helper()
	packed := measure(examples)
	var alone loss.Sums
	for _, e := range examples {
		alone = alone.Add(measure([]batch.Example{e}))
	}
	near(t, "nll", packed.NLL, alone.NLL, 1e-6)
	near(t, "structure", packed.Structure, alone.Structure, 1e-6)
	near(t, "field", packed.Field, alone.Field, 1e-6)
	near(t, "confidence", packed.Confidence, alone.Confidence, 1e-6)
	reversed := slices.Clone(examples)
	slices.Reverse(reversed)
	near(t, "nll in another order", measure(reversed).NLL, packed.NLL, 1e-6)

	// The forward pass for inference agrees too.
	_, stats, err := m.Loss(context.Background(), examples, weights)
	if err != nil {
		t.Fatal(err)
	}
	nll := 0.0
	for _, rows := range stats {
		for _, s := range rows {
			nll -= s.LogP
		}
	}
	near(t, "nll of inference", nll, packed.NLL, 1e-6)
}

// The same seed gives the same bits, whatever the number of workers; another
// seed gives others.
func TestSameSeedSameBits(t *testing.T) {
	x := openToy(t, "tied")
	for _, option := range options {
		run := func(workers int, seed uint64) [][]float32 {
			l := everyModule
			l.Dropout = 0.1
			c := engine.Config{BatchSize: 3, LR: 1e-2, Clip: 1, Loss: allTerms, Epochs: 3, Seed: seed, Shuffle: true, Schedule: "cosine", Warmup: 0.1, WeightDecay: 0.01}
			option.set(&c, &l)
			_, tensors := steps(t, x.trainer(t, workers, llama.Frozen, l, c, x.examples), 9)
			return tensors
		}
		want := run(1, 7)
		for _, workers := range []int{1, 2, 3} {
			if got := run(workers, 7); !slices.EqualFunc(got, want, slices.Equal[[]float32]) {
				t.Errorf("%s: %d workers give other bits than one", option.name, workers)
			}
		}
		if other := run(1, 8); slices.EqualFunc(other, want, slices.Equal[[]float32]) {
			t.Errorf("%s: another seed gives the same bits", option.name)
		}
	}
}

// A run restored from a state goes on bit for bit, and every option does
// something of its own.
func TestResumedEqualsUninterrupted(t *testing.T) {
	x := openToy(t, "tied")
	others := map[string][][]float32{}
	for _, option := range options {
		c, l := engine.Config{BatchSize: 3, LR: 1e-2, Clip: 1, Loss: allTerms, Epochs: 3, Seed: 3, Shuffle: true, Schedule: "linear", Warmup: 0.2, WeightDecay: 0.1}, everyModule
		option.set(&c, &l)
		_, want := steps(t, x.trainer(t, 2, llama.Frozen, l, c, x.examples), 9)
		first := x.trainer(t, 2, llama.Frozen, l, c, x.examples)
		steps(t, first, 4)
		second := x.trainer(t, 2, llama.Frozen, l, c, x.examples)
		for i := range second.Names() {
			copy(second.Tensor(i), first.Tensor(i))
		}
		if err := second.Restore(first.State(), first.Moments()); err != nil {
			t.Fatal(err)
		}
		if _, got := steps(t, second, 5); !slices.EqualFunc(got, want, slices.Equal[[]float32]) {
			t.Errorf("%s: the resumed run has other bits", option.name)
		}
		for name, other := range others {
			if slices.EqualFunc(other, want, slices.Equal[[]float32]) {
				t.Errorf("%s does what %s does", option.name, name)
			}
		}
		others[option.name] = want
	}
}

// A value that is not finite never reaches the weights, and its origin is named.
func TestNonFiniteIsNotApplied(t *testing.T) {
	x := openToy(t, "tied")
	for _, policy := range []string{engine.Halt, engine.SkipStep} {
		c := engine.Config{BatchSize: 4, LR: 1e-2, Loss: allTerms, Epochs: 2, OnNonfinite: policy}
		trainer := x.trainer(t, 2, llama.Frozen, everyModule, c, x.examples)
		i := slices.Index(trainer.Names(), "layers.1.mlp.up_proj.lora_B.weight")
		trainer.Tensor(i)[5] = float32(math.Inf(1))
		before := slices.Clone(trainer.Tensor(0))
		s, err := trainer.Step(context.Background())
		problem := err
		if policy == engine.SkipStep {
			if err != nil {
				t.Fatal(err)
			}
			problem = s.Problem
		} else if !errors.Is(err, engine.ErrNonFinite) || trainer.Done() != 0 {
			t.Errorf("%v at step %d, want ErrNonFinite", err, trainer.Done())
		}
		if s.Applied || !slices.Equal(before, trainer.Tensor(0)) {
			t.Error("the update was applied")
		}
		var op *ops.Error
		if !errors.As(problem, &op) || op.Op != "layers.1.mlp.up_proj" || op.Phase != ops.Forward {
			t.Errorf("the origin is %v, want layers.1.mlp.up_proj", problem)
		}
	}
}

func TestBatchWithoutTargets(t *testing.T) {
	x := openToy(t, "tied")
	e := x.examples[1]
	e.Class = slices.Repeat([]int32{batch.NotTarget}, len(e.IDs))
	trainer := x.trainer(t, 1, llama.Frozen, everyModule, engine.Config{BatchSize: 1, LR: 1}, []batch.Example{e})
	if _, err := trainer.Step(context.Background()); !errors.Is(err, engine.ErrNoTargets) || !strings.Contains(err.Error(), "rows [1]") {
		t.Errorf("%v, want ErrNoTargets with the row", err)
	}
}

// A cancelled step changes nothing and may be tried again; a panic inside an op
// is an error with the op's name.
func TestCancelAndPanic(t *testing.T) {
	x := openToy(t, "tied")
	c := engine.Config{BatchSize: 4, LR: 1e-2, Loss: allTerms, Epochs: 2}
	trainer := x.trainer(t, 2, llama.Frozen, everyModule, c, x.examples)
	_, want := steps(t, x.trainer(t, 2, llama.Frozen, everyModule, c, x.examples), 1)
	ctx, cancel := context.WithCancel(context.Background())
	calls := 0
	trainer.Runtime().Hook = func(ops.Record) {
		if calls++; calls == 20 {
			cancel()
		}
	}
	if _, err := trainer.Step(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want a cancelled context", err)
	}
	trainer.Runtime().Hook = func(r ops.Record) {
		if r.Name == "layers.1.mlp.act_fn" {
			panic("injected")
		}
	}
	_, err := trainer.Step(context.Background())
	var op *ops.Error
	if !errors.As(err, &op) || op.Op != "layers.1.mlp.act_fn" || !strings.Contains(err.Error(), "injected") {
		t.Errorf("%v, want the panic with the op's name", err)
	}
	trainer.Runtime().Hook = nil
	if _, got := steps(t, trainer, 1); !slices.EqualFunc(got, want, slices.Equal[[]float32]) {
		t.Error("the step tried again has other bits")
	}
}

// Texts generated side by side are those generated alone, at any batch size,
// and sampling depends on seed and prompt only.
func TestBatchedGenerationEqualsAlone(t *testing.T) {
	x := openToy(t, "tied")
	pool := newPool(t, 2)
	m := decode.New(pool, load(t, pool, x.model, llama.Frozen), sineAdapter(t, x.model.Config, everyModule, true), 128)
	var prompts [][]int32
	for _, e := range x.examples {
		prompts = append(prompts, e.IDs)
	}
	for _, temperature := range []float64{0, 0.8} {
		generate := func(size int, prompts [][]int32) []decode.Output {
			t.Helper()
			out, err := m.Generate(context.Background(), prompts, decode.Options{
				MaxNew: 24, Batch: size, EOS: []int32{2}, Temperature: temperature, TopP: 0.9, Seed: 4,
				Stop: func(_ int, id int32) bool { return id == 17 },
			})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		want := generate(1, prompts)
		for _, size := range []int{2, 3, 8} {
			for i, o := range generate(size, prompts) {
				if !slices.Equal(o.IDs, want[i].IDs) || o.Stopped != want[i].Stopped {
					t.Errorf("batch %d, prompt %d: %v (%s), alone %v (%s)", size, i, o.IDs, o.Stopped, want[i].IDs, want[i].Stopped)
				}
			}
		}
	}
}

// What all prompts begin with is read once for all: each text is the one that
// its prompt has alone, to the bit of the weights' type.
func TestSharedPrefixChangesNothing(t *testing.T) {
	x := openToy(t, "untied")
	pool := newPool(t, 2)
	for _, dtype := range []llama.DType{llama.F32, llama.BF16, llama.Int8} {
		m := decode.New(pool, loadAs(t, pool, x.model, llama.Frozen, dtype), sineAdapter(t, x.model.Config, everyModule, true), 128)
		o := decode.Options{MaxNew: 24, Batch: 3, EOS: []int32{2}}
		var prompts [][]int32
		for i, e := range x.examples {
			prompts = append(prompts, append(slices.Clone(x.examples[0].IDs[:5]), e.IDs[:1+i%4]...))
		}
		together, err := m.Generate(context.Background(), prompts, o)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range prompts {
			alone, err := m.Generate(context.Background(), [][]int32{p}, o)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(together[i].IDs, alone[0].IDs) {
				t.Errorf("%s, prompt %d: %v, alone %v", dtype, i, together[i].IDs, alone[0].IDs)
			}
		}
	}
}
