package optim

import (
	"math"

	"hone/engine/kernel"
)

// Tensor is a parameter as the optimizer sees it.
type Tensor struct {
	Name  string
	Data  []float32
	Grad  []float32 // gradient of the step, before clipping
	Decay bool      // whether weight decay applies to it
}

// AdamW is Adam with decoupled weight decay (Loshchilov, Hutter 2019) in
// PyTorch's formulation: decay before the update, bias correction, eps after
// the root.
type AdamW struct {
	Beta1, Beta2, Eps float64
	WeightDecay       float64
	Step              int         // updates done
	M, V              [][]float32 // moments of each tensor
}

// NewAdamW returns the optimizer of tensors with PyTorch's defaults
// (betas 0.9 and 0.999, eps 1e-8).
func NewAdamW(tensors []Tensor, weightDecay float64) *AdamW {
	o := &AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: weightDecay}
	for _, t := range tensors {
		o.M = append(o.M, make([]float32, len(t.Data)))
		o.V = append(o.V, make([]float32, len(t.Data)))
	}
	return o
}

// Update applies one step with the gradients times factor (the clipping
// factor) at learning rate lr.
func (o *AdamW) Update(pool *kernel.Pool, tensors []Tensor, lr, factor float64) {
	o.Step++
	// 1-beta is rounded after the subtraction, as in PyTorch: 1-float32(0.999) is
	// off by 1e-5.
	b2, rest1, rest2 := float32(o.Beta2), float32(1-o.Beta1), float32(1-o.Beta2)
	stepSize := float32(lr / (1 - math.Pow(o.Beta1, float64(o.Step))))
	rootCorrection := float32(math.Sqrt(1 - math.Pow(o.Beta2, float64(o.Step))))
	eps, f := float32(o.Eps), float32(factor)
	parts := split(tensors)
	pool.Run(len(parts), func(task int) {
		i, lo, hi := parts[task].tensor, parts[task].lo, parts[task].hi
		w, m, v := tensors[i].Data[lo:hi], o.M[i][lo:hi], o.V[i][lo:hi]
		decay := float32(1)
		if tensors[i].Decay {
			decay = float32(1 - lr*o.WeightDecay)
		}
		for j, g := range tensors[i].Grad[lo:hi] {
			g *= f
			m[j] += rest1 * (g - m[j])
			v[j] = b2*v[j] + rest2*g*g
			root := float32(math.Sqrt(float64(v[j])))/rootCorrection + eps
			w[j] = w[j]*decay - stepSize*m[j]/root
		}
	})
}

// part is a range of a tensor's values.
type part struct{ tensor, lo, hi int }

// split cuts tensors into parts of a size that workers can share evenly: an
// embedding is as large as several layers.
func split(tensors []Tensor) []part {
	const most = 1 << 16
	var parts []part
	for i, t := range tensors {
		for lo := 0; lo < len(t.Data); lo += most {
			parts = append(parts, part{i, lo, min(lo+most, len(t.Data))})
		}
	}
	return parts
}

// Norms are the L2 norms of each tensor's gradient, and of all together.
func Norms(pool *kernel.Pool, tensors []Tensor) (each []float64, global float64) {
	each = make([]float64, len(tensors))
	pool.Run(len(tensors), func(i int) { each[i] = math.Sqrt(kernel.SumSquares(tensors[i].Grad)) })
	sum := 0.0
	for _, n := range each {
		sum += n * n
	}
	return each, math.Sqrt(sum)
}

// ClipFactor is what gradients of this global norm are multiplied by:
// min(1, clip/(norm+1e-6)); 1 if clip is 0, which means no clipping.
func ClipFactor(norm, clip float64) float64 {
	if clip <= 0 {
		return 1
	}
	return min(1, clip/(norm+1e-6))
}
