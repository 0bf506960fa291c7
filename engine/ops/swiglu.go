package ops

import (
	G "gorgonia.org/gorgonia"

	"hone/engine/kernel"
)

// swiGLU is y = silu(gate) * up on the fused gate|up [tokens, 2*ffn] (Shazeer 2020).
type swiGLU struct {
	base
	ffn  int
	need bool
	x    []float32 // the input of the last run
}

// SwiGLU adds y = silu(gate) * up, [tokens, ffn]. The value is valid until the
// next SwiGLU runs.
func SwiGLU(rt *Runtime, name string, gateUp *G.Node, ffn int, need bool) (*G.Node, error) {
	out := rt.buffer("swiglu", rt.MaxTokens*ffn)
	return apply(&swiGLU{base: makeBase(rt, name, Forward, matrices(1), out, rt.MaxTokens, ffn), ffn: ffn, need: need}, gateUp)
}

func (o *swiGLU) Do(in ...G.Value) (G.Value, error) {
	return o.exec(func() {
		o.x = floats(in[0])
		o.restore()
	})
}

func (o *swiGLU) restore() {
	f := o.ffn
	o.rt.Pool.Rows(o.rt.tokens(), rowGrain, func(lo, hi int) {
		for t := lo; t < hi; t++ {
			row := o.x[t*2*f : (t+1)*2*f]
			kernel.SiLUMul(o.out[t*f:(t+1)*f], row[:f], row[f:])
		}
	})
}

func (o *swiGLU) DiffWRT(int) []bool { return []bool{o.need} }

func (o *swiGLU) SymDiff(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	f := o.ffn
	out := o.rt.buffer("swiglu.backward", o.rt.MaxTokens*2*f)
	b := &backward{base: makeBase(o.rt, o.name, Backward, matrices(2), out, o.rt.MaxTokens, 2*f)}
	b.f = func(v []G.Value) {
		x, dy := floats(v[0]), floats(v[1])
		o.rt.Pool.Rows(o.rt.tokens(), rowGrain, func(lo, hi int) {
			for t := lo; t < hi; t++ {
				row, d := x[t*2*f:(t+1)*2*f], b.out[t*2*f:(t+1)*2*f]
				kernel.SiLUMulGrad(d[:f], d[f:], row[:f], row[f:], dy[t*f:(t+1)*f])
			}
		})
	}
	n, err := apply(b, in[0], grad)
	return G.Nodes{n}, err
}
