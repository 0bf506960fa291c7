package ops

import "math"

// Rope is the table of rotary position embeddings (Su et al. 2021) in the
// layout of Hugging Face Llama: element i turns with element i + headDim/2.
type Rope struct {
	half int
	cos  []float32 // [positions, headDim/2]
	sin  []float32
}

// NewRope tabulates positions 0..positions-1 of pairs that turn by these angles
// from one position to the next, [headDim/2].
func NewRope(positions int, frequencies []float32) *Rope {
	h := len(frequencies)
	r := &Rope{half: h, cos: make([]float32, positions*h), sin: make([]float32, positions*h)}
	for i, freq := range frequencies {
		for p := range positions {
			a := float64(float32(float64(p) * float64(freq)))
			r.cos[p*h+i], r.sin[p*h+i] = float32(math.Cos(a)), float32(math.Sin(a))
		}
	}
	return r
}

// Positions is how many positions the table has.
func (r *Rope) Positions() int { return len(r.cos) / r.half }

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
