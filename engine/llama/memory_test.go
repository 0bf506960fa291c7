package llama

import (
	"context"
	"runtime"
	"testing"

	"hone/engine/batch"
	"hone/engine/kernel"
	"hone/engine/loss"
	"hone/engine/ops"
	"hone/engine/optim"
	"hone/engine/weights"
)

var (
	small135 = weights.Config{Hidden: 576, Layers: 30, Heads: 9, KVHeads: 3, HeadDim: 64, FFN: 1536, Vocab: 49152, Tied: true}
	small360 = weights.Config{Hidden: 960, Layers: 32, Heads: 15, KVHeads: 5, HeadDim: 64, FFN: 2560, Vocab: 49152, Tied: true}
)

// What is estimated is what is held: weights, graph, gradients, moments after a
// step of the largest pass, garbage left out.
func TestTrainingBytesAreWhatIsHeld(t *testing.T) {
	tied := weights.Config{Hidden: 96, Layers: 5, Heads: 6, KVHeads: 2, HeadDim: 16, FFN: 256, Vocab: 3000, Tied: true, NormEps: 1e-5, RopeTheta: 1e4}
	untied := tied
	untied.Tied = false
	heads := tied
	heads.HeadNorm, heads.QKVBias = true, true
	biases := untied
	biases.QKVBias, biases.OBias, biases.MLPBias = true, true, true
	all := LoRA{R: 8, Alpha: 16, Targets: weights.Linears}
	dropout := all
	dropout.Dropout = 0.1
	two := LoRA{R: 4, Alpha: 8, Targets: []string{"q_proj", "v_proj"}}
	uneven := LoRA{
		R: 4, Alpha: 8, Targets: []string{"q_proj", "v_proj", "up_proj", "layers.2.mlp.down_proj"}, Layers: []int{1, 2, 4},
		Ranks: weights.Patterns{{Name: "layers.2.*", Value: 12}, {Name: "up_proj", Value: 24}}, Alphas: weights.Patterns{{Name: "v_proj", Value: 2}},
	}
	regex := LoRA{R: 8, Alpha: 16, Regex: `.*\.[0-2]\.(self_attn|mlp)\.(v|gate|up|down)_proj`}
	small := Pass{Tokens: 12, Targets: 5, Example: 5} // what the kernels keep is there from here on
	oneStep(t, tied, all, Frozen, F32, small, sameExamples(1, 7, 5))
	for _, c := range []struct {
		name   string
		config weights.Config
		lora   LoRA
		use    Use
		dtype  DType
	}{
		{"f32", tied, all, Frozen, F32},
		{"bf16", tied, all, Frozen, BF16},
		{"dropout", tied, dropout, Frozen, F32},
		{"two targets", tied, two, Frozen, F32},
		{"uneven ranks", tied, uneven, Frozen, F32},
		{"an expression", tied, regex, Frozen, F32},
		{"untied", untied, all, Frozen, F32},
		{"full", tied, LoRA{}, Full, F32},
		{"full, untied", untied, LoRA{}, Full, F32},
		{"norms of heads", heads, all, Frozen, F32},
		{"biases", biases, all, Frozen, BF16},
		{"int8", tied, all, Frozen, Int8},
		{"int8, untied, biases", biases, all, Frozen, Int8},
		{"full, norms of heads", heads, LoRA{}, Full, F32},
	} {
		t.Run(c.name, func(t *testing.T) {
			const examples, prompt, targets = 10, 70, 50
			pass := Pass{Tokens: examples * (prompt + targets), Targets: examples * targets, Example: targets}
			want := TrainingBytes(c.config, c.lora, c.use, c.dtype, pass)
			got := held(t, func() any {
				return oneStep(t, c.config, c.lora, c.use, c.dtype, pass, sameExamples(examples, prompt, targets))
			})
			if ratio := float64(want) / float64(got); ratio < 0.97 || ratio > 1.05 {
				t.Errorf("%d bytes estimated, %d held: %.3f", want, got, ratio)
			}
		})
	}
}

func sameExamples(n, prompt, targets int) []batch.Example {
	var examples []batch.Example
	for i := range n {
		e := batch.Example{Row: i, IDs: make([]int32, prompt+targets), Class: make([]int32, prompt+targets)}
		for t := range prompt {
			e.Class[t] = batch.NotTarget
		}
		for t := range targets {
			e.Class[prompt+t] = batch.Structure
		}
		examples = append(examples, e)
	}
	return examples
}

// oneStep returns all that a step needs and leaves.
func oneStep(t *testing.T, c weights.Config, l LoRA, use Use, dtype DType, p Pass, examples []batch.Example) any {
	t.Helper()
	pool := kernel.NewPool(1)
	t.Cleanup(pool.Close)
	w, err := load(context.Background(), pool, c, func(_ string, _ int, dst []float32) error {
		for i := range dst {
			dst[i] = float32(i%7-3) / 100
		}
		return nil
	}, use, dtype)
	if err != nil {
		t.Fatal(err)
	}
	var a *Adapter
	if l.R > 0 {
		if a, err = NewAdapter(c, l, 1); err != nil {
			t.Fatal(err)
		}
	}
	rt := ops.NewRuntime(pool, p.Tokens)
	rt.Weights, rt.Counts = loss.Weights{CE: 1}, batch.Count(examples)
	g, err := Build(rt, w, a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	if err := g.Run(batch.Pack(examples)); err != nil {
		t.Fatal(err)
	}
	var tensors []optim.Tensor
	for _, q := range g.Params {
		tensors = append(tensors, optim.Tensor{Name: q.Name, Data: q.Data})
	}
	return []any{w, a, g, optim.NewAdamW(tensors, 0, optim.DefaultBeta2)}
}

// held is how much larger the heap is with what f returns.
func held(t *testing.T, f func() any) int64 {
	t.Helper()
	alive := func() int64 {
		runtime.GC()
		runtime.GC() // the first only moves what a sync.Pool holds aside
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := alive()
	x := f()
	after := alive()
	runtime.KeepAlive(x)
	return after - before
}

// The models that the goals are about, with the report's recipe.
func TestTrainingBytesOfKnownModels(t *testing.T) {
	if err := kernel.Use("plain"); err != nil { // exact figures are those of one layout
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kernel.Use("") })
	l := LoRA{R: 16, Alpha: 32, Targets: weights.Linears}
	p := Pass{Tokens: 1024, Targets: 512, Example: 90}
	for _, c := range []struct {
		config weights.Config
		dtype  DType
		want   int64 // MB of weights, adapter and activations
	}{
		{small135, F32, 1448}, {small135, BF16, 1179}, {small135, Int8, 1061}, {small360, F32, 3009}, {small360, BF16, 2285},
	} {
		if got := TrainingBytes(c.config, l, Frozen, c.dtype, p) / 1e6; got != c.want {
			t.Errorf("%d wide, %s: %d MB, want %d", c.config.Hidden, c.dtype, got, c.want)
		}
	}
}
