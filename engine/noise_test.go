package engine_test

import (
	"math"
	"slices"
	"testing"

	"hone/engine/batch"
	"hone/engine/llama"
	"hone/engine/loss"
	"hone/engine/ops"
)

// embedded is what the embedding gives for examples packed together.
func embedded(t *testing.T, g *llama.Graph, examples []batch.Example) []float32 {
	t.Helper()
	rt := g.Runtime
	var out []float32
	rt.Counts = batch.Count(examples)
	rt.Hook = func(r ops.Record) {
		if r.Name == "embed_tokens" && r.Phase == ops.Forward {
			out = slices.Clone(r.Output)
		}
	}
	defer func() { rt.Hook = nil }()
	if err := g.Run(batch.Pack(examples)); err != nil {
		t.Fatal(err)
	}
	return out
}

// NEFTune's noise is uniform in +-alpha/sqrt(L*d) with the length of the example
// itself, whatever it is packed with; another step or seed gives other noise, and
// there is none where nothing is trained.
func TestNoiseIsNEFTunes(t *testing.T) {
	x := openToy(t, "tied")
	pool := newPool(t, 2)
	g, err := llama.Build(ops.NewRuntime(pool, 300), load(t, pool, x.model, llama.Frozen), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	const alpha = 7.5
	rt, d := g.Runtime, x.model.Config.Hidden
	rt.Weights, rt.Seed = loss.Weights{CE: 1}, 3
	clean := embedded(t, g, x.examples)
	rt.Noise = alpha
	noisy := embedded(t, g, x.examples)
	at := 0
	for i, e := range x.examples {
		n := len(e.IDs) * d
		alone := embedded(t, g, x.examples[i:i+1])
		if !slices.Equal(alone, noisy[at:at+n]) {
			t.Errorf("example %d has other noise alone than packed", i)
		}
		bound, largest, sum, squares := alpha/math.Sqrt(float64(n)), 0.0, 0.0, 0.0
		for j, v := range alone {
			z := float64(v) - float64(clean[at+j])
			largest, sum, squares = max(largest, math.Abs(z)), sum+z, squares+z*z
		}
		// Of a uniform variable in +-b the mean is 0 and the mean square b*b/3.
		mean, square := sum/float64(n), squares/float64(n)
		if largest > bound*(1+1e-4) || largest < 0.98*bound || math.Abs(mean) > 0.1*bound || math.Abs(square/(bound*bound/3)-1) > 0.1 {
			t.Errorf("example %d: largest %g of %g, mean %g, mean square %g of %g", i, largest, bound, mean, square, bound*bound/3)
		}
		at += n
	}
	for what, change := range map[string]func(){"step": func() { rt.Step++ }, "seed": func() { rt.Seed++ }} {
		change()
		if slices.Equal(embedded(t, g, x.examples), noisy) {
			t.Errorf("another %s has the same noise", what)
		}
	}
	rt.Evaluate = true
	if !slices.Equal(embedded(t, g, x.examples), clean) {
		t.Error("there is noise although nothing is trained")
	}
}
