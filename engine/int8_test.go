package engine_test

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"hone/engine"
	"hone/engine/batch"
	"hone/engine/decode"
	"hone/engine/kernel"
	"hone/engine/llama"
	"hone/engine/loss"
	"hone/engine/weights"
)

// roundedToInt8 is what int8 keeps of a weight of so many rows.
func roundedToInt8(w []float32, rows int) []float32 {
	in := len(w) / rows
	p := kernel.NewPackedAs(kernel.Int8, rows, in)
	p.SetRows(0, w, in, rows)
	kept := make([]float32, len(w))
	for i := range rows {
		p.Row(i, kept[i*in:(i+1)*in])
	}
	return kept
}

// A model in int8 trains and writes to the bit as one in float32 whose weights were
// rounded before: nothing but the weights is rounded.
func TestInt8RoundsOnlyWeights(t *testing.T) {
	x, pool := openToy(t, "tied"), newPool(t, 2)
	dir := filepath.Join(t.TempDir(), "rounded")
	moved := false
	err := weights.WriteModel(dir, x.model.Config, 0, "F32", func(name string, shape []int) ([]float32, error) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		w := make([]float32, n)
		if err := x.model.Float32(name, w); err != nil || len(shape) != 2 {
			return w, err
		}
		kept := roundedToInt8(w, shape[0])
		moved = moved || !slices.Equal(kept, w)
		return kept, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !moved {
		t.Fatal("no weight was rounded")
	}
	rounded := openModel(t, dir)
	type result struct {
		steps []engine.Step
		state [][]float32
		texts [][]int32
	}
	run := func(m *weights.Model, dtype llama.DType) result {
		w := loadAs(t, pool, m, llama.Frozen, dtype)
		adapter := sineAdapter(t, m.Config, everyModule, true)
		trainer, err := engine.NewTrainer(pool, w, adapter, x.examples, engine.Config{
			Epochs: 4, BatchSize: 2, MicroBatch: 40, LR: 1e-2, Schedule: "constant", Clip: 1, Loss: loss.Weights{CE: 1, JSON: 0.2, Field: 0.1, Confidence: 0.05},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer trainer.Close()
		var r result
		r.steps, r.state = steps(t, trainer, 4)
		var prompts [][]int32
		for _, e := range x.examples {
			prompts = append(prompts, e.IDs[:4])
		}
		for _, size := range []int{1, 3, 8} { // single rows, a few, and more than are multiplied straight from bytes
			out, err := decode.New(pool, w, adapter, 64).Generate(context.Background(), prompts, decode.Options{MaxNew: 20, Batch: size})
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range out {
				r.texts = append(r.texts, o.IDs)
			}
		}
		return r
	}
	got, want := run(x.model, llama.Int8), run(rounded, llama.F32)
	for i := range want.steps {
		if g, w := got.steps[i], want.steps[i]; g.Terms != w.Terms || g.GradNorm != w.GradNorm {
			t.Errorf("step %d: loss %g, gradient norm %g, of rounded weights %g, %g", i, g.Terms.Loss, g.GradNorm, w.Terms.Loss, w.GradNorm)
		}
	}
	for i := range want.state {
		if !slices.Equal(got.state[i], want.state[i]) {
			t.Errorf("tensor %d of the adapter differs", i)
		}
	}
	for i := range want.texts {
		if !slices.Equal(got.texts[i], want.texts[i]) {
			t.Errorf("text %d: %v, of rounded weights %v", i, got.texts[i], want.texts[i])
		}
	}
}

// The model of the reference is of GGUF's types of 32 values a block: int8 keeps every
// weight, and so every loss, as it is.
func TestGoldenInt8(t *testing.T) {
	needShared(t)
	m, pool := openModel(t, realModel), newPool(t, 0)
	for _, name := range m.Names() {
		shape, err := m.Shape(name)
		if err != nil {
			t.Fatal(err)
		}
		kind := m.DType(name)
		if len(shape) != 2 {
			continue
		}
		w := make([]float32, shape[0]*shape[1])
		if err := m.Float32(name, w); err != nil {
			t.Fatal(err)
		}
		kept := roundedToInt8(w, shape[0])
		for i := range w {
			if math.Float32bits(kept[i]) != math.Float32bits(w[i]) {
				t.Fatalf("%s (%s) at %d: %g became %g", name, kind, i, w[i], kept[i])
			}
		}
	}
	examples := goldenExamples(t)[:1]
	lossOf := func(dtype llama.DType) float64 {
		terms, _, err := decode.New(pool, loadAs(t, pool, m, llama.Frozen, dtype), nil, 512).Loss(context.Background(), []batch.Example(examples), loss.Weights{CE: 1})
		if err != nil {
			t.Fatal(err)
		}
		return terms.Loss
	}
	if got, want := lossOf(llama.Int8), lossOf(llama.F32); got != want {
		t.Errorf("the loss is %v, in float32 %v", got, want)
	}
}
