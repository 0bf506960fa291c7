package ops

import (
	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"

	"hone/engine/kernel"
)

// Factors are the two matrices of one LoRA adapter (Hu et al. 2021):
// y += scale * dropout(x) Aᵀ Bᵀ.
type Factors struct {
	A     *Param  // [r, in]
	B     *Param  // [out, r]
	Scale float32 // alpha/r, or alpha/sqrt(r) for rsLoRA
}

// Linear describes one or several linear modules with the same input, fused:
// y = x Wᵀ + bias, to each part of which an adapter may add.
type Linear struct {
	Name    string    // of the fused op: layers.0.self_attn.qkv_proj
	Parts   []string  // readable name of each part: layers.0.self_attn.q_proj
	W       *Matrix   // stacked parts [out, in]
	LoRA    []Factors // of each part; A is nil where a part has no adapter
	Dropout float64   // probability of dropping an element of the adapter's input
	Group   uint64    // identifies the dropout masks of this op
}

// linear computes y [tokens, out] from x [tokens, in] and optionally adds a
// residual [tokens, out].
type linear struct {
	base
	Linear
	needX    bool
	residual bool
	needR    bool
	parts    []part
	rank     int       // of all adapters together
	inner    []float32 // [tokens, rank] scale * dropout(x) Aᵀ, saved for backward
}

// part is where one part's columns lie: in the output, and in inner.
type part struct {
	col, width int
	inner, r   int
	index      int // in Linear.Parts
}

// Apply adds y = x Wᵀ (+ bias) (+ LoRA) (+ residual) to the graph of x. residual may be
// nil. needX and needResidual say whether these inputs' gradients are needed;
// the result says whether the output's gradient is.
func (l Linear) Apply(rt *Runtime, x, residual *G.Node, needX, needResidual bool) (*G.Node, bool, error) {
	o := &linear{Linear: l, needX: needX, residual: residual != nil, needR: needResidual}
	in, children := matrices(1), []*G.Node{x}
	if o.residual {
		in, children = matrices(2), append(children, residual)
	}
	leaf := func(p *Param) {
		in = append(in, hm.Type(p.typ()))
		children = append(children, p.Leaf(x.Graph()))
	}
	for _, p := range l.W.params {
		leaf(p)
	}
	for _, p := range l.W.biases {
		leaf(p)
	}
	col := 0
	for i, width := range l.W.Parts {
		p := part{col: col, width: width, inner: o.rank, index: i}
		if f := l.LoRA[i]; f.A != nil {
			p.r = f.A.Shape[0]
			leaf(f.A)
			leaf(f.B)
		}
		o.rank += p.r
		o.parts = append(o.parts, p)
		col += width
	}
	o.base = newBase(rt, l.Name, Forward, in, rt.MaxTokens, l.W.Out)
	o.inner = make([]float32, rt.MaxTokens*o.rank)
	o.component = func(col int) string {
		for _, p := range o.parts {
			if col < p.col+p.width {
				return l.Parts[p.index]
			}
		}
		return l.Name
	}
	n, err := apply(o, children...)
	return n, needX || needResidual || l.W.Trainable() || o.rank > 0, err
}

func (o *linear) Do(in ...G.Value) (G.Value, error) {
	return o.exec(func() {
		x, rt, n, rows := floats(in[0]), o.rt, o.W.Out, o.rt.tokens()
		rt.Pool.GemmNT(o.out, n, x, o.W.In, rows, o.W.Packed(), false)
		if o.W.Biased() {
			rt.Pool.Rows(rows, rowGrain, func(lo, hi int) {
				for t := lo; t < hi; t++ {
					o.W.AddBias(o.out[t*n : (t+1)*n])
				}
			})
		}
		if o.rank > 0 {
			o.adapt(x)
		}
		if o.residual {
			r := floats(in[1])
			rt.Pool.Rows(rows, rowGrain, func(lo, hi int) {
				kernel.Add(o.out[lo*n:hi*n], o.out[lo*n:hi*n], r[lo*n:hi*n])
			})
		}
	})
}

// adapt adds the adapters' part: inner = scale * dropout(x) Aᵀ for all parts in
// one product, then y += inner Bᵀ part by part.
func (o *linear) adapt(x []float32) {
	rt, rows := o.rt, o.rt.tokens()
	a := rt.pack(o.rank, o.W.In)
	for _, p := range o.parts {
		if p.r > 0 {
			a.SetRows(p.inner, o.LoRA[p.index].A.Data, o.W.In, p.r)
		}
	}
	rt.Pool.GemmNT(o.inner, o.rank, o.dropped(x), o.W.In, rows, a, false)
	o.scale(o.inner[:rows*o.rank])
	for _, p := range o.parts {
		if p.r > 0 {
			b := rt.pack(p.width, p.r)
			b.SetRows(0, o.LoRA[p.index].B.Data, p.r, p.width)
			rt.Pool.GemmNT(o.out[p.col:], o.W.Out, o.inner[p.inner:], o.rank, rows, b, true)
		}
	}
}

// scale multiplies x [tokens, rank] by the adapters' scales, part by part where they
// differ.
func (o *linear) scale(x []float32) {
	var first *part
	same := true
	for i, p := range o.parts {
		if p.r == 0 {
			continue
		}
		if first == nil {
			first = &o.parts[i]
		}
		same = same && o.LoRA[p.index].Scale == o.LoRA[first.index].Scale
	}
	if same {
		kernel.Scale(x, x, o.LoRA[first.index].Scale)
		return
	}
	for ; len(x) > 0; x = x[o.rank:] {
		for _, p := range o.parts {
			if p.r > 0 {
				kernel.Scale(x[p.inner:p.inner+p.r], x[p.inner:p.inner+p.r], o.LoRA[p.index].Scale)
			}
		}
	}
}

func (o *linear) DiffWRT(inputs int) []bool {
	need := make([]bool, inputs)
	for i := range need {
		need[i] = true
	}
	need[0] = o.needX
	if o.residual {
		need[1] = o.needR
	}
	return need
}

// SymDiff: with dy the gradient of the output and u = inner,
// du = scale * dy B, dA = duᵀ dropout(x), dB = dyᵀ u, dx = dy W + dropout'(du A),
// and dW = dyᵀ x where W is trained, of a bias the sum of dy over the tokens. The residual's gradient is dy itself.
func (o *linear) SymDiff(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	rt, k := o.rt, o.W.In
	dxRows := rt.MaxTokens
	if !o.needX {
		dxRows = 1 // the value is not used
	}
	out := rt.buffer("linear.backward."+Kind(o.Name), dxRows*k)
	b := &backward{base: makeBase(rt, o.Name, Backward, matrices(2), out, dxRows, k)}
	g := newLinearGrad(o)
	restore := restorable(in[0])
	b.f = func(v []G.Value) {
		restore()
		g.run(b.out, floats(v[0]), floats(v[1]))
	}
	n, err := apply(b, in[0], grad)
	if err != nil {
		return nil, err
	}
	grads := G.Nodes{n}
	if o.residual {
		grads = append(grads, grad)
	}
	for _, p := range g.picks() {
		q, err := apply(p, n)
		if err != nil {
			return nil, err
		}
		grads = append(grads, q)
	}
	return grads, nil
}
