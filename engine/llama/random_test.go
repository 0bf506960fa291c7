package llama

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"hone/engine/kernel"
	"hone/engine/weights"
)

func TestRandom(t *testing.T) {
	c := weights.Config{
		Architecture: "llama", Hidden: 64, Layers: 2, Heads: 4, KVHeads: 2, HeadDim: 16, FFN: 96, Vocab: 256,
		MaxPositions: 32, RopeTheta: 10000, NormEps: 1e-5, Tied: true, BOS: -1, InitializerRange: 0.05,
	}
	ctx := context.Background()
	build := func(workers int, seed uint64, c weights.Config) *Weights {
		pool := kernel.NewPool(workers)
		defer pool.Close()
		w, err := Random(ctx, pool, c, seed)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	w, again, other := build(1, 7, c), build(3, 7, c), build(1, 8, c)
	expected := weights.ExpectedTensors(c)
	if len(w.Params) != len(expected) {
		t.Fatalf("%d parameters of %d", len(w.Params), len(expected))
	}
	for i, p := range w.Params {
		if p.Name != expected[i].Name || !slices.Equal(p.Shape, expected[i].Shape) {
			t.Errorf("%s %v instead of %s %v", p.Name, p.Shape, expected[i].Name, expected[i].Shape)
		}
		if !slices.Equal(p.Data, again.Params[i].Data) {
			t.Errorf("%s: the same seed gives other values", p.Name)
		}
		if len(p.Shape) == 1 {
			if slices.Min(p.Data) != 1 || slices.Max(p.Data) != 1 {
				t.Errorf("%s is not 1", p.Name)
			}
			continue
		}
		if slices.Equal(p.Data, other.Params[i].Data) {
			t.Errorf("%s: another seed gives the same values", p.Name)
		}
		want := 0.05
		if strings.Contains(p.Name, "o_proj") || strings.Contains(p.Name, "down_proj") {
			want = 0.05 / 2 // sqrt(2*2)
		}
		var sum, square, fourth float64
		for _, v := range p.Data {
			x := float64(v) / want
			sum, square, fourth = sum+x, square+x*x, fourth+x*x*x*x
		}
		// Moments of the normal distribution: 0, 1 and 3, within five standard errors.
		n := float64(len(p.Data))
		if math.Abs(sum/n) > 5/math.Sqrt(n) || math.Abs(square/n-1) > 5*math.Sqrt(2/n) || math.Abs(fourth/n-3) > 5*math.Sqrt(96/n) {
			t.Errorf("%s: moments %.3f, %.3f, %.3f", p.Name, sum/n, square/n, fourth/n)
		}
	}
	if w.Embed.Param != w.Params[0] || w.Head == nil {
		t.Error("a tied head is not the embedding")
	}
	c.InitializerRange = 0
	if d, p := build(1, 7, c), w.Params[0]; math.Abs(float64(d.Params[0].Data[3]/p.Data[3])-0.4) > 1e-6 {
		t.Error("the default standard deviation is not 0.02")
	}
	c.InitializerRange = 1e9
	pool := kernel.NewPool(1)
	defer pool.Close()
	if _, err := Random(ctx, pool, c, 1); !errors.Is(err, weights.ErrCorrupt) {
		t.Error("a wild initializer_range:", err)
	}
}
