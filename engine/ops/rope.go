package ops

import "math"

// Rope is the table of rotary position embeddings (Su et al. 2021) in the
// layout of Hugging Face Llama: element i turns with element i + headDim/2.
type Rope struct {
	half        int
	frequencies []float32 // [headDim/2]
	cos         []float32 // [positions, headDim/2]
	sin         []float32
}

// NewRope tabulates positions 0..positions-1 of pairs that turn by these angles
// from one position to the next, [headDim/2].
func NewRope(positions int, frequencies []float32) *Rope {
	r := &Rope{half: len(frequencies), frequencies: frequencies}
	r.Reach(positions)
	return r
}

// Reach extends the table to so many positions. It must not run beside Turn.
func (r *Rope) Reach(positions int) {
	from, h := len(r.cos)/r.half, r.half
	if positions <= from {
		return
	}
	cos, sin := make([]float32, positions*h), make([]float32, positions*h)
	copy(cos, r.cos)
	copy(sin, r.sin)
	for i, freq := range r.frequencies {
		for p := from; p < positions; p++ {
			a := float64(float32(float64(p) * float64(freq)))
			cos[p*h+i], sin[p*h+i] = float32(math.Cos(a)), float32(math.Sin(a))
		}
	}
	r.cos, r.sin = cos, sin
}

// Turn rotates one head x [headDim] to position pos, in place.
func (r *Rope) Turn(x []float32, pos int) {
	c, s := r.cos[pos*r.half:][:r.half], r.sin[pos*r.half:][:r.half]
	lo, hi := x[:r.half], x[r.half:2*r.half]
	for i, a := range lo {
		b := hi[i]
		lo[i], hi[i] = a*c[i]-b*s[i], b*c[i]+a*s[i]
	}
}

// Back is the inverse of Turn: the rotation of a gradient.
func (r *Rope) Back(x []float32, pos int) {
	c, s := r.cos[pos*r.half:][:r.half], r.sin[pos*r.half:][:r.half]
	lo, hi := x[:r.half], x[r.half:2*r.half]
	for i, a := range lo {
		b := hi[i]
		lo[i], hi[i] = a*c[i]+b*s[i], b*c[i]-a*s[i]
	}
}
