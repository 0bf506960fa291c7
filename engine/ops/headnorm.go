package ops

import (
	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
)

// headNorm is an RMSNorm of every query head and every key head, before they are
// rotated (Qwen3): qkv [tokens, (heads+2kv)*dim] -> the same shape, the values as
// they are.
type headNorm struct {
	base
	Heads
	q, k *Norm // [dim]
	need bool
	x    []float32 // the input of the last run
}

// HeadNorm adds the norms of query and key heads, whose readable names are the
// parts: q_norm, k_norm, and v_proj for what passes through. The value is shared
// by all layers, and restored for backward.
func HeadNorm(rt *Runtime, name string, parts [3]string, qkv *G.Node, h Heads, q, k *Norm, needX bool) (*G.Node, error) {
	in := []hm.Type{matrix}
	children := []*G.Node{qkv}
	for _, n := range []*Norm{q, k} {
		if n.Param != nil {
			in = append(in, n.Param.typ())
			children = append(children, n.Param.Leaf(qkv.Graph()))
		}
	}
	w := h.Width()
	o := &headNorm{Heads: h, q: q, k: k, need: needX}
	o.base = makeBase(rt, name, Forward, in, rt.buffer("head_norm", rt.MaxTokens*w), rt.MaxTokens, w)
	o.component = func(col int) string {
		switch head := col / h.Dim; {
		case head < h.Heads:
			return parts[0]
		case head < h.Heads+h.KV:
			return parts[1]
		}
		return parts[2]
	}
	return apply(o, children...)
}

// norm is that of a head, queries first; nil where it is one of values.
func (o *headNorm) norm(head int) *Norm {
	switch {
	case head < o.Heads.Heads:
		return o.q
	case head < o.Heads.Heads+o.KV:
		return o.k
	}
	return nil
}

func (o *headNorm) Do(in ...G.Value) (G.Value, error) {
	return o.exec(func() {
		o.x = floats(in[0])
		o.restore()
	})
}

func (o *headNorm) restore() {
	w, d := o.Width(), o.Dim
	values := (o.Heads.Heads + o.KV) * d
	o.rt.Pool.Rows(o.rt.tokens(), rowGrain, func(lo, hi int) {
		for t := lo; t < hi; t++ {
			y, x := o.out[t*w:(t+1)*w], o.x[t*w:(t+1)*w]
			for h := range o.Heads.Heads + o.KV {
				o.norm(h).Apply(y[h*d:(h+1)*d], x[h*d:(h+1)*d])
			}
			copy(y[values:], x[values:])
		}
	})
}

func (o *headNorm) DiffWRT(inputs int) []bool {
	need := []bool{o.need, true, true}
	return need[:inputs]
}

// SymDiff is that of RMSNorm, head by head.
func (o *headNorm) SymDiff(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	w, d := o.Width(), o.Dim
	heads := o.Heads.Heads + o.KV
	var picks []*pick
	sums := map[*Norm][]float32{}
	for _, n := range []*Norm{o.q, o.k} {
		if n.Param != nil {
			sums[n] = o.rt.accumulator(d)
			picks = append(picks, o.rt.gradient("", n.Param, sums[n]))
		}
	}
	buf := o.rt.buffer("head_norm.backward", o.rt.MaxTokens*w)
	b := &backward{base: makeBase(o.rt, o.name, Backward, matrices(2), buf, o.rt.MaxTokens, w)}
	b.component = o.component
	b.f = func(v []G.Value) {
		x, dy := floats(v[0]), floats(v[1])
		o.rt.Pool.Rows(o.rt.tokens(), rowGrain, func(lo, hi int) {
			for t := lo; t < hi; t++ {
				for h := range heads {
					i, n := t*w+h*d, o.norm(h)
					normGrad(b.out[i:i+d], x[i:i+d], dy[i:i+d], n.Weight, n.factor(x[i:i+d]))
				}
				copy(b.out[t*w+heads*d:(t+1)*w], dy[t*w+heads*d:(t+1)*w])
			}
		})
		if len(sums) == 0 {
			return
		}
		for t := range o.rt.tokens() { // in token order: the same sum whatever the workers
			for h := range heads {
				i, n := t*w+h*d, o.norm(h)
				sum, r := sums[n], n.factor(x[i:i+d])
				for j, y := range dy[i : i+d] {
					sum[j] += y * x[i+j] * r
				}
			}
		}
	}
	n, err := apply(b, in[0], grad)
	grads := G.Nodes{n}
	for _, p := range picks {
		if err != nil {
			return nil, err
		}
		var dw *G.Node
		dw, err = apply(p, n)
		grads = append(grads, dw)
	}
	return grads, err
}
