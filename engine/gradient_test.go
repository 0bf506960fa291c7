package engine_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"hone/engine"
	"hone/engine/batch"
	"hone/engine/llama"
	"hone/engine/loss"
	"hone/engine/weights"
)

var allTerms = loss.Weights{CE: 1, JSON: 0.2, Field: 0.1, Confidence: 0.05}

// trainer is a trainer on the first rows of a toy, with the reference's adapter
// (or all weights, for use Full).
func (x *toy) trainer(t testing.TB, workers int, use llama.Use, l llama.LoRA, c engine.Config, examples []batch.Example) *engine.Trainer {
	t.Helper()
	pool := newPool(t, workers)
	var adapter *llama.Adapter
	if use != llama.Full {
		adapter = sineAdapter(t, x.model.Config, l, true)
	}
	if c.Schedule == "" {
		c.Schedule = "constant"
	}
	if c.Epochs == 0 {
		c.Epochs = 1
	}
	trainer, err := engine.NewTrainer(pool, load(t, pool, x.model, use), adapter, examples, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { trainer.Close() })
	return trainer
}

var everyModule = llama.LoRA{R: 4, Alpha: 8, Targets: weights.Linears}

// Every trained tensor passes a central finite-difference check along a random
// direction, with all four terms of the loss: LoRA with and without dropout and
// noise, and every weight of the tied and the untied model, biases and norms of
// heads of other architectures.
func TestFiniteDifferences(t *testing.T) {
	dropout := everyModule
	dropout.Dropout = 0.3
	for _, c := range []struct {
		name, variant string
		use           llama.Use
		lora          llama.LoRA
		noise         float64
	}{
		{"lora", "tied", llama.Frozen, everyModule, 0},
		{"lora with dropout and noise", "untied", llama.Frozen, dropout, 5},
		{"lora on the lower half of a layer", "tied", llama.Frozen, llama.LoRA{R: 2, Alpha: 4, RSLoRA: true, Targets: []string{"k_proj", "down_proj"}}, 0},
		{"ranks and alphas of some modules", "tied", llama.Frozen, uneven, 0},
		{"full, tied, with noise", "tied", llama.Full, llama.LoRA{}, 5},
		{"full, untied", "untied", llama.Full, llama.LoRA{}, 0},
		{"lora under norms of heads", "../arch/qwen3", llama.Frozen, everyModule, 0},
		{"lora on k under norms of heads", "../arch/qwen3", llama.Frozen, llama.LoRA{R: 2, Alpha: 4, Targets: []string{"k_proj"}}, 0},
		{"lora with a sliding window", "../arch/mistral", llama.Frozen, everyModule, 0},
		{"full, norms of heads", "../arch/qwen3", llama.Full, llama.LoRA{}, 0},
		{"full, biases", "../arch/llama-bias", llama.Full, llama.LoRA{}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := openToy(t, c.variant)
			// LR 0: a step measures loss and gradient and changes nothing.
			trainer := x.trainer(t, 2, c.use, c.lora, engine.Config{BatchSize: 4, MicroBatch: 60, Loss: allTerms, Noise: c.noise, Epochs: 1 << 20}, x.examples[:4])
			measure := func() engine.Step {
				t.Helper()
				state := trainer.State()
				state.Step, state.OptimizerStep = 0, 0
				if err := trainer.Restore(state, trainer.Moments()); err != nil {
					t.Fatal(err)
				}
				s, err := trainer.Step(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			measure()
			gradients := map[int][]float32{}
			for i := range trainer.Names() {
				g, _ := trainer.Gradient(i)
				gradients[i] = append([]float32(nil), g...)
			}
			random, worst := rand.New(rand.NewPCG(1, 2)), 0.0
			for i, name := range trainer.Names() {
				data := trainer.Tensor(i)
				old := append([]float32(nil), data...)
				direction := make([]float64, len(data))
				analytic, norm := 0.0, 0.0
				for j := range direction {
					direction[j] = random.NormFloat64()
					analytic += direction[j] * float64(gradients[i][j])
					norm += float64(gradients[i][j]) * float64(gradients[i][j])
				}
				eps := 1e-2 / math.Sqrt(float64(len(data)))
				at := func(sign float64) float64 {
					for j := range data {
						data[j] = old[j] + float32(sign*eps*direction[j])
					}
					defer copy(data, old)
					return measure().Terms.Loss
				}
				difference := (at(1) - at(-1)) / (2 * eps)
				// Along a random direction the derivative is of the gradient's size.
				relative := math.Abs(difference-analytic) / (math.Sqrt(norm) + 1e-4)
				worst = math.Max(worst, relative)
				if !(relative < 1e-2) {
					t.Errorf("%s: finite difference %g, gradient %g (norm %g)", name, difference, analytic, math.Sqrt(norm))
				}
				if norm == 0 {
					t.Errorf("%s has no gradient", name)
				}
			}
			t.Logf("%d tensors, worst difference %.1e of the gradient's norm", len(gradients), worst)
		})
	}
}
