package engine_test

import (
	"context"
	"math"
	"testing"

	"hone/engine/batch"
	"hone/engine/decode"
	"hone/engine/llama"
	"hone/engine/loss"
	"hone/engine/ops"
	"hone/engine/weights"
)

// uneven has ranks and scales that differ within a fused product and over layers.
var uneven = llama.LoRA{
	R: 4, Alpha: 8, Targets: weights.Linears,
	Ranks:  weights.Patterns{{Name: "0.self_attn.k_proj", Value: 7}, {Name: "(up|o)_proj", Value: 2}},
	Alphas: weights.Patterns{{Name: "layers.1.self_attn.q_proj", Value: 32}, {Name: "gate_proj", Value: 1}},
}

// Ranks and alphas of some modules are what PEFT makes of them: y = W x + s B A x
// with each module's own s = alpha/r (rsLoRA: alpha/sqrt(r)). The same function as
// one adapter of scale 1, whose B has s in it and whose rank is filled up with
// zeros, in training and in inference.
func TestUnevenAdapterIsThePaddedOne(t *testing.T) {
	x := openToy(t, "tied")
	pool := newPool(t, 2)
	w := load(t, pool, x.model, llama.Frozen)
	const r = 7
	nll := func(a *llama.Adapter) (training, inference float64) {
		t.Helper()
		g, err := llama.Build(ops.NewRuntime(pool, 300), w, a)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		g.Runtime.Weights, g.Runtime.Counts = loss.Weights{CE: 1}, batch.Count(x.examples)
		g.Runtime.ZeroGradients()
		if err := g.Run(batch.Pack(x.examples)); err != nil {
			t.Fatal(err)
		}
		terms, _, err := decode.New(pool, w, a, 64).Loss(context.Background(), x.examples, g.Runtime.Weights)
		if err != nil {
			t.Fatal(err)
		}
		return g.Loss.Sums.NLL / float64(batch.Count(x.examples).Targets), terms.CE
	}
	var results []float64
	for _, rslora := range []bool{false, true} {
		l := uneven
		l.RSLoRA = rslora
		a := sineAdapter(t, x.model.Config, l, true)
		padded := sineAdapter(t, x.model.Config, llama.LoRA{R: r, Alpha: r, Targets: weights.Linears}, true)
		ranks := map[string]int{"layers.0.self_attn.k_proj": 7}
		alphas := map[string]float64{"layers.1.self_attn.q_proj": 32}
		for layer := range x.model.Config.Layers {
			for _, linear := range weights.Linears {
				name := llama.ModuleName(layer, linear)
				rank, alpha := 4, 8.0
				switch {
				case ranks[name] > 0:
					rank = ranks[name]
				case linear == "up_proj" || linear == "o_proj":
					rank = 2
				}
				switch {
				case alphas[name] > 0:
					alpha = alphas[name]
				case linear == "gate_proj":
					alpha = 1
				}
				scale := alpha / float64(rank)
				if rslora {
					scale = alpha / math.Sqrt(float64(rank))
				}
				from, to := a.Factors(layer, linear)[0], padded.Factors(layer, linear)[0]
				if from.A.Shape[0] != rank {
					t.Fatalf("%s has rank %d, want %d", name, from.A.Shape[0], rank)
				}
				clear(to.A.Data)
				clear(to.B.Data)
				copy(to.A.Data, from.A.Data)
				for i := range from.B.Shape[0] {
					for j := range rank {
						to.B.Data[i*r+j] = float32(scale * float64(from.B.Data[i*rank+j]))
					}
				}
			}
		}
		wantTraining, wantInference := nll(padded)
		gotTraining, gotInference := nll(a)
		near(t, "loss in training", gotTraining, wantTraining, 1e-5)
		near(t, "loss in inference", gotInference, wantInference, 1e-5)
		near(t, "loss in inference and in training", gotInference, gotTraining, 1e-5)
		results = append(results, gotTraining)
	}
	if plain, _ := nll(sineAdapter(t, x.model.Config, everyModule, true)); plain == results[0] || results[0] == results[1] {
		t.Errorf("patterns or rsLoRA change nothing: %g, %v", plain, results)
	}
}

// An adapter of another scale goes on as the function that it was.
func TestContinueKeepsTheFunction(t *testing.T) {
	x := openToy(t, "tied")
	pool := newPool(t, 2)
	w := load(t, pool, x.model, llama.Frozen)
	measure := func(a *llama.Adapter) float64 {
		t.Helper()
		terms, _, err := decode.New(pool, w, a, 64).Loss(context.Background(), x.examples, loss.Weights{CE: 1})
		if err != nil {
			t.Fatal(err)
		}
		return terms.CE
	}
	first := sineAdapter(t, x.model.Config, uneven, true)
	want := measure(first)
	other := uneven
	other.Alpha, other.RSLoRA, other.Alphas = 20, true, nil
	a, err := llama.NewAdapter(x.model.Config, other, 1)
	if err != nil {
		t.Fatal(err)
	}
	rescaled, err := a.Continue(first.Export(""))
	if err != nil || rescaled != 14 {
		t.Fatal(rescaled, err)
	}
	near(t, "loss", measure(a), want, 1e-5)
	same, err := llama.NewAdapter(x.model.Config, uneven, 1)
	if err != nil {
		t.Fatal(err)
	}
	if rescaled, err := same.Continue(first.Export("")); err != nil || rescaled != 0 || measure(same) != want {
		t.Error(rescaled, err)
	}
}
