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
	"hone/engine/llama"
	"hone/engine/loss"
)

// architectures are the models of testdata/arch, made by the script there.
var architectures = []string{"llama3", "llama-bias", "mistral", "qwen2", "qwen3", "qwen2-window"}

func openArch(t testing.TB, name string) *toy {
	t.Helper()
	return openFigures(t, filepath.Join("testdata", "arch", name))
}

// archAdapter is the adapter that the figures start from.
func (x *toy) archAdapter(t testing.TB) *llama.Adapter {
	l := x.Trajectories["lora_terms"].LoRA
	return sineAdapter(t, x.model.Config, llama.LoRA{R: l.R, Alpha: l.Alpha, Targets: l.Modules}, true)
}

// Every architecture computes what transformers and PEFT compute, with the
// adapter and without: logits, losses, greedy tokens through the cache.
func TestArchitecturesForward(t *testing.T) {
	for _, name := range architectures {
		t.Run(name, func(t *testing.T) {
			x := openArch(t, name)
			if n := x.model.Config.Parameters(); n != x.Parameters {
				t.Errorf("%d parameters, the reference has %d", n, x.Parameters)
			}
			pool := newPool(t, 2)
			w := load(t, pool, x.model, llama.Frozen)
			for adapter, all := range map[*llama.Adapter][]forwardFigures{nil: x.Forward, x.archAdapter(t): x.Adapter} {
				if len(all) == 0 {
					t.Fatal("no figures")
				}
				m := decode.New(pool, w, adapter, 64)
				var prompts [][]int32
				var greedy [][]int32
				for _, f := range all {
					ids := x.examples[f.Example].IDs
					checkForward(t, m, ids, f)
					checkGreedy(t, m, ids, f.Greedy, nil)
					prompts, greedy = append(prompts, ids), append(greedy, f.Greedy)
				}
				out, err := m.Generate(context.Background(), prompts, decode.Options{MaxNew: len(greedy[0]), Batch: 3})
				if err != nil {
					t.Fatal(err)
				}
				for i := range out {
					if !slices.Equal(out[i].IDs, greedy[i]) {
						t.Errorf("side by side, greedy tokens of %d are %v, the reference %v", i, out[i].IDs, greedy[i])
					}
				}
			}
		})
	}
}

// Training follows the reference, gradient by gradient: with LoRA, and all
// weights, biases and norms of heads among them. The reference pads, here
// examples are packed, whole batches or cut.
func TestArchitecturesTrajectories(t *testing.T) {
	for _, name := range architectures {
		x := openArch(t, name)
		if len(x.Trajectories) == 0 {
			t.Fatal("no figures")
		}
		for run, f := range x.Trajectories {
			t.Run(name+"/"+run, func(t *testing.T) {
				checkTrajectory(t, newPool(t, 2), x.model, x.examples, f, float32Tolerances, nil)
			})
			t.Run(name+"/"+run+"/cut", func(t *testing.T) {
				checkTrajectory(t, newPool(t, 1), x.model, x.examples, f, float32Tolerances, func(c *engine.Config) { c.MicroBatch = 50 })
			})
		}
	}
}

// The graph and the decoder compute the same loss, and rounded weights one that is
// near: no architecture loses a part of itself on the way.
func TestArchitecturesRounded(t *testing.T) {
	for i, name := range append(slices.Clone(architectures), architectures...) {
		dtype := llama.BF16
		if i >= len(architectures) {
			dtype = llama.Int8
		}
		t.Run(name+"/"+string(dtype), func(t *testing.T) {
			x, pool := openArch(t, name), newPool(t, 2)
			f := x.Trajectories["lora_terms"].Steps[0]
			var examples []batch.Example
			for _, r := range f.Rows {
				examples = append(examples, x.examples[r])
			}
			w := loadAs(t, pool, x.model, llama.Frozen, dtype)
			terms, _, err := decode.New(pool, w, x.archAdapter(t), 64).Loss(context.Background(), examples, allTerms)
			if err != nil {
				t.Fatal(err)
			}
			trainer, err := engine.NewTrainer(pool, w, x.archAdapter(t), examples, engine.Config{Epochs: 1, BatchSize: len(examples), LR: 1e-3, Schedule: "constant", Loss: loss.Weights{CE: 1, JSON: 0.2, Field: 0.1, Confidence: 0.05}})
			if err != nil {
				t.Fatal(err)
			}
			defer trainer.Close()
			step, err := trainer.Step(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				what                 string
				got, want, tolerance float64
			}{
				{"loss of the decoder", terms.Loss, f.Loss, 2e-2},
				{"loss of the graph", step.Terms.Loss, f.Loss, 2e-2},
				{"gradient norm", step.GradNorm, f.GradNorm, 5e-2},
			} {
				d := math.Abs(c.got-c.want) / c.want
				t.Logf("%s: %.1e from float32's", c.what, d)
				if !(d <= c.tolerance) {
					t.Errorf("%s is %g, in float32 %g", c.what, c.got, c.want)
				}
			}
		})
	}
}
