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
}

// SwiGLU adds y = silu(gate) * up, [tokens, ffn].
func SwiGLU(rt *Runtime, name string, gateUp *G.Node, ffn int, need bool) (*G.Node, error) {
	return apply(&swiGLU{newBase(rt, name, Forward, matrices(1), rt.MaxTokens, ffn), ffn, need}, gateUp)
}

func (o *swiGLU) Do(in ...G.Value) (G.Value, error) {
	return o.exec(func() {
		x, f := floats(in[0]), o.ffn
		o.rt.Pool.Rows(o.rt.tokens(), rowGrain, func(lo, hi int) {
			for t := lo; t < hi; t++ {
				row := x[t*2*f : (t+1)*2*f]
				kernel.SiLUMul(o.out[t*f:(t+1)*f], row[:f], row[f:])
			}
		})
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
