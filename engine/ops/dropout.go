package ops

import "hone/engine/rng"

// dropped is the adapters' input: x itself, or x with elements dropped at
// random and the rest scaled by 1/(1-p). It is recomputed in backward instead
// of kept: the masks come from a counter-based generator keyed by seed, step,
// dataset row, op and position, so neither micro-batches nor threads nor a
// replay can change them.
func (o *linear) dropped(x []float32) []float32 {
	if o.Dropout == 0 || o.rt.Evaluate {
		return x
	}
	y := o.rt.buffer("lora.dropped", o.rt.MaxTokens*o.W.In)
	o.mask(y, x)
	return y
}

// mask writes x with the dropout mask applied to y; y may be x.
func (o *linear) mask(y, x []float32) {
	k := o.W.In
	scale := float32(1 / (1 - o.Dropout))
	limit := uint64(o.Dropout * (1 << 32))
	stream := rng.New(o.rt.Seed, "dropout").With(uint64(o.rt.Step), o.Group)
	b := o.rt.Batch
	o.rt.Pool.Run(len(b.Rows), func(e int) {
		row := stream.With(uint64(b.Rows[e]))
		first := b.Starts[e] * k
		n := b.Starts[e+1]*k - first
		src, dst := x[first:first+n], y[first:first+n]
		for i := 0; i < n; i += 2 { // two draws of 32 bits a number
			draw := row.Uint64(uint64(i / 2))
			dst[i] = keep(src[i], draw&0xffffffff >= limit, scale)
			if i+1 < n {
				dst[i+1] = keep(src[i+1], draw>>32 >= limit, scale)
			}
		}
	})
}

func keep(x float32, kept bool, scale float32) float32 {
	if kept {
		return x * scale
	}
	return 0
}
