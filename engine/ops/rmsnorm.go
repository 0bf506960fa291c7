package ops

import (
	"math"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"

	"hone/engine/kernel"
)

// Norm is the weight of an RMSNorm (Zhang, Sennrich 2019).
type Norm struct {
	Weight []float32 // [hidden]
	Eps    float64
	Param  *Param // trainable form, whose Data is Weight
}

// Apply is y = x * rsqrt(mean(x²) + eps) * weight for one row; it returns the
// factor rsqrt(..).
func (n *Norm) Apply(y, x []float32) float32 {
	r := n.factor(x)
	w := n.Weight[:len(x)]
	y = y[:len(x)]
	for i, v := range x {
		y[i] = v * r * w[i]
	}
	return r
}

func (n *Norm) factor(x []float32) float32 {
	return float32(1 / math.Sqrt(kernel.SumSquares(x)/float64(len(x))+n.Eps))
}

type rmsNorm struct {
	base
	norm *Norm
	need bool      // whether the gradient of x is needed
	rstd []float32 // [tokens] saved for backward
	x    []float32 // the input of the last run
}

// RMSNorm adds y = norm(x), [tokens, hidden]. The value is valid until the next
// norm runs.
func RMSNorm(rt *Runtime, name string, x *G.Node, norm *Norm, needX bool) (*G.Node, error) {
	in := []hm.Type{matrix}
	children := []*G.Node{x}
	if norm.Param != nil {
		in = append(in, norm.Param.typ())
		children = append(children, norm.Param.Leaf(x.Graph()))
	}
	d := len(norm.Weight)
	o := &rmsNorm{norm: norm, need: needX, rstd: make([]float32, rt.MaxTokens)}
	o.base = makeBase(rt, name, Forward, in, rt.buffer("rms_norm", rt.MaxTokens*d), rt.MaxTokens, d)
	return apply(o, children...)
}

func (o *rmsNorm) Do(in ...G.Value) (G.Value, error) {
	return o.exec(func() {
		o.x = floats(in[0])
		o.restore()
	})
}

func (o *rmsNorm) restore() {
	d := len(o.norm.Weight)
	o.rt.Pool.Rows(o.rt.tokens(), rowGrain, func(lo, hi int) {
		for t := lo; t < hi; t++ {
			o.rstd[t] = o.norm.Apply(o.out[t*d:(t+1)*d], o.x[t*d:(t+1)*d])
		}
	})
}

func (o *rmsNorm) DiffWRT(inputs int) []bool {
	need := []bool{o.need, true}
	return need[:inputs]
}

// SymDiff: with r = rstd and n values a row,
// dx = r*w*dy - x * r³/n * Σ(x*w*dy); dw = Σ_t dy * x * r.
func (o *rmsNorm) SymDiff(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	d := len(o.norm.Weight)
	var g *pick
	if o.norm.Param != nil {
		g = o.rt.gradient("", o.norm.Param, o.rt.accumulator(d))
	}
	out := o.rt.buffer("rms_norm.backward."+Kind(o.name), o.rt.MaxTokens*d)
	b := &backward{base: makeBase(o.rt, o.name, Backward, matrices(2), out, o.rt.MaxTokens, d)}
	b.f = func(v []G.Value) {
		x, dy := floats(v[0]), floats(v[1])
		o.rt.Pool.Rows(o.rt.tokens(), rowGrain, func(lo, hi int) {
			for t := lo; t < hi; t++ {
				normGrad(b.out[t*d:(t+1)*d], x[t*d:(t+1)*d], dy[t*d:(t+1)*d], o.norm.Weight, o.rstd[t])
			}
		})
		if g != nil {
			for t := range o.rt.tokens() {
				r := o.rstd[t]
				for i, y := range dy[t*d : (t+1)*d] {
					g.out[i] += y * x[t*d+i] * r
				}
			}
		}
	}
	n, err := apply(b, in[0], grad)
	if err != nil || g == nil {
		return G.Nodes{n}, err
	}
	dw, err := apply(g, n)
	return G.Nodes{n, dw}, err
}

func normGrad(dx, x, dy, w []float32, r float32) {
	dx, dy, w = dx[:len(x)], dy[:len(x)], w[:len(x)]
	sum := 0.0
	for i, v := range x {
		dx[i] = dy[i] * w[i]
		sum += float64(v) * float64(dx[i])
	}
	c := float32(sum * float64(r) * float64(r) / float64(len(x)))
	for i, v := range x {
		dx[i] = r * (dx[i] - v*c)
	}
}
