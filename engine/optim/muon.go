package optim

import (
	"math"
	"sync"

	"hone/engine/kernel"
)

// Muon moves a matrix by its momentum made orthogonal, so that all directions of
// a gradient count alike and not only its few large ones (Jordan et al. 2024):
// a model that starts from random weights learns in about half the tokens. The
// update is scaled to the size of AdamW's (Liu et al. 2025), so both take the same
// learning rate and weight decay. It is torch.optim.Muon with
// adjust_lr_fn="match_rms_adamw", in float32 where that is in bfloat16.
//
// Embedding, head and norms are AdamW's, as is the custom.
type Muon struct {
	WeightDecay float64
	rest        *AdamW
	others      []int // tensors of rest
	matrices    []int
	momentum    [][]float32 // of each matrix
	update      [][]float32 // of each matrix
	rooms       sync.Pool   // of *room
}

const (
	muonMomentum = 0.95
	// With this the size of an entry of the update is AdamW's, which is 0.2 to 0.4.
	muonScale = 0.2
	// Newton and Schulz's iteration with the coefficients of the paper: after five
	// rounds all singular values are between 0.7 and 1.2.
	muonRounds          = 5
	muonA, muonB, muonC = 3.4445, -4.7750, 2.0315
)

// NewMuon returns the optimizer of tensors. Those with Rows are matrices of its
// own.
func NewMuon(tensors []Tensor, weightDecay, beta2 float64) *Muon {
	o := &Muon{WeightDecay: weightDecay}
	for i, t := range tensors {
		if t.Rows == 0 {
			o.others = append(o.others, i)
			continue
		}
		o.matrices = append(o.matrices, i)
		o.momentum = append(o.momentum, make([]float32, len(t.Data)))
		o.update = append(o.update, make([]float32, len(t.Data)))
	}
	o.rest = NewAdamW(o.pick(tensors), weightDecay, beta2)
	o.rooms.New = func() any { return &room{} }
	return o
}

func (o *Muon) pick(tensors []Tensor) []Tensor {
	out := make([]Tensor, len(o.others))
	for i, n := range o.others {
		out[i] = tensors[n]
	}
	return out
}

// Steps implements [Optimizer].
func (o *Muon) Steps() int { return o.rest.Steps() }

// Resume implements [Optimizer].
func (o *Muon) Resume(steps int) { o.rest.Resume(steps) }

// Moments implements [Optimizer].
func (o *Muon) Moments() []Moment {
	var out []Moment
	for _, m := range o.rest.Moments() {
		m.Tensor = o.others[m.Tensor]
		out = append(out, m)
	}
	for i, n := range o.matrices {
		out = append(out, Moment{MomentumBuffer, n, o.momentum[i]})
	}
	return out
}

// Update implements [Optimizer].
func (o *Muon) Update(pool *kernel.Pool, tensors []Tensor, lr, factor, norm float64) ([]Change, error) {
	bad := make([]*UpdateError, len(o.matrices))
	decay := func(t Tensor) float32 {
		if t.Decay {
			return float32(1 - t.rate(lr)*o.WeightDecay)
		}
		return 1
	}
	// First the updates alone: nothing has changed yet where one cannot be applied.
	pool.Run(len(o.matrices), func(i int) {
		r := o.rooms.Get().(*room)
		defer o.rooms.Put(r)
		t, u, m := tensors[o.matrices[i]], o.update[i], o.momentum[i]
		step := -t.rate(lr) * muonScale * math.Sqrt(float64(max(t.Rows, len(t.Data)/t.Rows)))
		for j, g := range t.Grad {
			g *= float32(factor)
			u[j] = g + muonMomentum*(momentumAfter(m[j], g)-g) // Nesterov
		}
		r.orthogonalize(u, t.Rows, float32(step))
		d := decay(t)
		for j, v := range u {
			next := momentumAfter(m[j], t.Grad[j]*float32(factor))
			if w := t.Data[j]*d + v; !finite(w) || !finite(next) {
				bad[i] = &UpdateError{t.Name, j, MomentumBuffer, float64(next), float64(m[j])}
				if finite(next) {
					bad[i] = &UpdateError{t.Name, j, Weight, float64(w), float64(t.Data[j])}
				}
				return
			}
		}
	})
	for _, err := range bad {
		if err != nil {
			return nil, err
		}
	}
	others, err := o.rest.Update(pool, o.pick(tensors), lr, factor, norm)
	if err != nil {
		return nil, err
	}
	changes := make([]Change, len(tensors))
	for i, n := range o.others {
		changes[n] = others[i]
	}
	pool.Run(len(o.matrices), func(i int) {
		t, u, m := tensors[o.matrices[i]], o.update[i], o.momentum[i]
		d, c := decay(t), Change{Weight: math.Sqrt(kernel.SumSquares(t.Data))}
		for j, v := range u {
			m[j] = momentumAfter(m[j], t.Grad[j]*float32(factor))
			old := t.Data[j]
			now := old*d + v
			if now != old {
				c.Values++
			}
			t.Data[j], u[j] = now, now-old
		}
		c.Update = math.Sqrt(kernel.SumSquares(u))
		changes[o.matrices[i]] = c
	})
	return changes, nil
}

func momentumAfter(m, g float32) float32 { return m + (1-muonMomentum)*(g-m) }

// room is what one orthogonalization needs.
type room struct {
	x, next, gram, poly []float32
	packed              *kernel.Packed
}

func fit(x *[]float32, n int) []float32 {
	if cap(*x) < n {
		*x = make([]float32, n)
	}
	*x = (*x)[:n]
	return *x
}

// orthogonalize replaces u [rows, cols] = U S V^T by scale times about U V^T. It
// runs on the calling goroutine: a model has more matrices than workers.
func (r *room) orthogonalize(u []float32, rows int, scale float32) {
	cols := len(u) / rows
	m, n := rows, cols // of x, which is u with its shorter side down
	turned := rows > cols
	if turned {
		m, n = cols, rows
	}
	x, next := fit(&r.x, m*n), fit(&r.next, m*n)
	gram, poly := fit(&r.gram, m*m), fit(&r.poly, m*m)
	size := float32(1 / (math.Sqrt(kernel.SumSquares(u)) + 1e-7))
	if turned {
		transpose(x, u, rows, cols, size)
	} else {
		for j, v := range u {
			x[j] = v * size
		}
	}
	if r.packed == nil {
		r.packed = kernel.NewPacked(m, n)
	}
	for range muonRounds {
		r.packed.Reset(m, n)
		r.packed.SetRows(0, x, n, m)
		kernel.SerialNT(gram, m, x, n, m, r.packed, m, n, false)   // [m, m] X X^T
		kernel.SerialNN(poly, m, gram, m, m, gram, m, m, m, false) // [m, m] (X X^T)^2
		for j, g := range gram {
			poly[j] = muonB*g + muonC*poly[j]
		}
		for j, v := range x {
			next[j] = muonA * v
		}
		kernel.SerialNN(next, n, poly, m, m, x, n, n, m, true) // [m, n] a X + (b A + c A^2) X
		x, next = next, x
	}
	if turned {
		transpose(u, x, m, n, scale)
		return
	}
	for j, v := range x {
		u[j] = v * scale
	}
}

// transpose writes scale times src [rows, cols] into dst [cols, rows].
func transpose(dst, src []float32, rows, cols int, scale float32) {
	const block = 32 // a square of either side is in the cache
	for i0 := 0; i0 < rows; i0 += block {
		for j0 := 0; j0 < cols; j0 += block {
			for i := i0; i < min(i0+block, rows); i++ {
				for j := j0; j < min(j0+block, cols); j++ {
					dst[j*rows+i] = src[i*cols+j] * scale
				}
			}
		}
	}
}
