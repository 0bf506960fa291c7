package llama

import (
	"context"
	"fmt"
	"math"
	"strings"

	"hone/engine/kernel"
	"hone/engine/rng"
	"hone/engine/weights"
)

// Random returns weights to train from nothing: matrices normal with the
// configuration's initializer range as their standard deviation, those that
// write to the residual stream (o_proj, down_proj) by 1/sqrt(2*layers) smaller,
// as many as add up there (GPT-2); norms 1, biases 0. Every value is a function of the
// seed, the tensor's name and the index.
func Random(ctx context.Context, pool *kernel.Pool, c weights.Config, seed uint64) (*Weights, error) {
	std := c.InitializerRange
	if std == 0 {
		std = weights.DefaultInitializerRange
	}
	if !(std > 0 && std <= 1) {
		return nil, fmt.Errorf("random weights: %w: an initializer_range of %v is not above 0 and at most 1", weights.ErrCorrupt, std)
	}
	w, err := load(ctx, pool, c, func(name string, _ int, dst []float32) error {
		fillRandom(name, dst, c.Layers, std, seed)
		return nil
	}, Full, F32)
	if err != nil {
		return nil, fmt.Errorf("random weights: %w", err)
	}
	return w, nil
}

func fillRandom(name string, dst []float32, layers int, std float64, seed uint64) {
	if strings.HasSuffix(name, "norm.weight") {
		for i := range dst {
			dst[i] = 1
		}
		return
	}
	if strings.HasSuffix(name, "o_proj.weight") || strings.HasSuffix(name, "down_proj.weight") {
		std /= math.Sqrt(2 * float64(layers))
	}
	if strings.HasSuffix(name, ".bias") {
		clear(dst)
		return
	}
	random := rng.New(seed, name)
	for i := range dst {
		dst[i] = float32(std * normal(random, uint64(i)))
	}
}

// normal is the i-th number of a stream drawn from the standard normal
// distribution (Box and Muller).
func normal(s rng.Stream, i uint64) float64 {
	radius := math.Sqrt(-2 * math.Log(1-s.Float64(2*i)))
	return radius * math.Cos(2*math.Pi*s.Float64(2*i+1))
}

// SetParams fills trained weights with those of a model of the same
// configuration, as a checkpoint has them.
func (w *Weights) SetParams(m *weights.Model) error {
	for _, p := range w.Params {
		if err := m.Float32(p.Name, p.Data); err != nil {
			return err
		}
	}
	w.Invalidate()
	return nil
}
