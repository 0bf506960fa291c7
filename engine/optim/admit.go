package optim

import (
	"fmt"
	"math"

	"hone/engine/kernel"
)

// What an UpdateError is about.
const (
	Weight         = "weight"
	FirstMoment    = "exp_avg"
	SecondMoment   = "exp_avg_sq"
	MomentumBuffer = "momentum_buffer"
)

// UpdateError says where an update would have been the first to leave a value
// that is not finite. The update has not been applied.
type UpdateError struct {
	Tensor string
	Index  int     // in the flat tensor
	What   string  // Weight or a moment's name
	Value  float64 // what it would have become
	Before float64 // what it is
}

func (e *UpdateError) Error() string {
	return fmt.Sprintf("the update would make %s of %s %v at %d, from %v", e.What, e.Tensor, e.Value, e.Index, e.Before)
}

// limits are bounds of the magnitudes that the weights and moments can have.
// They follow from the gradients' norms without a look at the values, so that
// nearly no update has to be tried before it is applied.
type limits struct {
	known                 bool
	weight, first, second float64
}

// safe is far enough below the largest float32 that no rounding in an update
// comes near it.
const safe = 1e37

// admit decides whether an update with gradients of at most the given magnitude
// leaves finite values: from the limits where they are tight enough, else by
// computing it without applying it.
func (o *AdamW) admit(pool *kernel.Pool, tensors []Tensor, parts []part, each []coefficients, gradient float64) error {
	var largest coefficients // of all tensors: their rates differ, and with them step and decay
	for _, c := range each {
		if c.stepSize >= largest.stepSize {
			largest.stepSize, largest.eps = c.stepSize, c.eps
		}
		largest.decay = max(largest.decay, float32(math.Abs(float64(c.decay))))
	}
	if l := o.limits.after(largest, gradient); l.known {
		o.limits = l
		return nil
	}
	type trial struct {
		largest limits
		bad     *UpdateError
	}
	trials := make([]trial, len(parts))
	pool.Run(len(parts), func(task int) {
		p := parts[task]
		t, out := tensors[p.tensor], limits{known: true}
		c := each[p.tensor]
		decay := c.decayOf(t)
		for j := p.lo; j < p.hi; j++ {
			m0, v0, w0 := o.M[p.tensor][j], o.V[p.tensor][j], t.Data[j]
			m, v, w := c.next(t.Grad[j], m0, v0, w0, decay)
			for _, x := range [...]struct {
				what        string
				now, before float32
			}{{FirstMoment, m, m0}, {SecondMoment, v, v0}, {Weight, w, w0}} {
				if !finite(x.now) && trials[task].bad == nil {
					trials[task].bad = &UpdateError{t.Name, j, x.what, float64(x.now), float64(x.before)}
				}
			}
			out.weight = max(out.weight, math.Abs(float64(w)))
			out.first = max(out.first, math.Abs(float64(m)))
			out.second = max(out.second, float64(v))
		}
		trials[task].largest = out
	})
	all := limits{known: true}
	for _, t := range trials {
		if t.bad != nil {
			return t.bad
		}
		all.weight, all.first, all.second = max(all.weight, t.largest.weight), max(all.first, t.largest.first), max(all.second, t.largest.second)
	}
	o.limits = all
	return nil
}

// after are the limits after an update with gradients of at most the given
// magnitude; not known where they say nothing.
func (l limits) after(c coefficients, gradient float64) limits {
	l.first = max(l.first, gradient) * (1 + 1e-6)
	l.second = max(l.second, gradient*gradient) * (1 + 1e-6)
	// The root is at least eps.
	l.weight = l.weight*max(1, math.Abs(float64(c.decay))) + float64(c.stepSize)*l.first/float64(c.eps)
	l.known = l.known && l.first < safe && l.second < safe && l.weight < safe // false for NaN
	return l
}

func finite(x float32) bool { return !math.IsNaN(float64(x)) && !math.IsInf(float64(x), 0) }
