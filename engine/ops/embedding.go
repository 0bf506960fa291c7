package ops

import (
	"math"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"hone/engine/rng"
)

// Table is the embedding table [vocab, hidden] of a model: rows of its own, or
// the rows of the tied head.
type Table struct {
	Hidden int
	Rows   []float32 // [vocab, hidden]; nil when tied to a frozen packed head
	Head   *Matrix   // the tied head
	Param  *Param    // trainable form, whose Data is Rows
}

// Lookup copies the embedding of token id to dst [hidden].
func (t *Table) Lookup(dst []float32, id int32) {
	if t.Rows != nil {
		copy(dst, t.Rows[int(id)*t.Hidden:][:t.Hidden])
		return
	}
	t.Head.Packed().Row(int(id), dst)
}

// embedding is x[t] = table[token[t]], [tokens, hidden].
type embedding struct {
	base
	table *Table
}

// Embedding adds the embedding of the tokens node to its graph.
func Embedding(rt *Runtime, name string, tokens *G.Node, table *Table) (*G.Node, error) {
	in := []hm.Type{ids}
	children := []*G.Node{tokens}
	if p := table.Param; p != nil {
		in = append(in, p.typ())
		children = append(children, p.Leaf(tokens.Graph()))
	}
	return apply(&embedding{newBase(rt, name, Forward, in, rt.MaxTokens, table.Hidden), table}, children...)
}

func (o *embedding) Do(...G.Value) (G.Value, error) {
	return o.exec(func() {
		d := o.table.Hidden
		tokens := o.rt.Batch.Tokens
		o.rt.Pool.Rows(len(tokens), rowGrain, func(lo, hi int) {
			for t := lo; t < hi; t++ {
				o.table.Lookup(o.out[t*d:(t+1)*d], tokens[t])
			}
		})
		if o.rt.Noise > 0 && !o.rt.Evaluate {
			o.noise()
		}
	})
}

// noise adds NEFTune's noise (Jain et al. 2024) to the embeddings: uniform in
// +-alpha/sqrt(L*d), where L is the tokens of the example. It is keyed by seed,
// step, dataset row and position, as dropout is, so that neither micro-batches nor
// threads nor a replay can change it. The gradient of what it is added to is that
// of the sum.
func (o *embedding) noise() {
	rt, d := o.rt, o.table.Hidden
	stream := rng.New(rt.Seed, "neftune").With(uint64(rt.Step))
	b := rt.Batch
	rt.Pool.Run(len(b.Rows), func(e int) {
		row := stream.With(uint64(b.Rows[e]))
		x := o.out[b.Starts[e]*d : b.Starts[e+1]*d]
		bound := rt.Noise / math.Sqrt(float64(len(x)))
		for i := range x {
			x[i] += float32((2*row.Float64(uint64(i)) - 1) * bound)
		}
	})
}

func (o *embedding) DiffWRT(inputs int) []bool {
	need := make([]bool, inputs)
	if inputs > 1 {
		need[1] = true
	}
	return need
}

// SymDiff is dTable[token[t]] += dy[t], in token order so that the sum is the
// same whatever the number of workers.
func (o *embedding) SymDiff(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	d := o.table.Hidden
	sum := o.rt.accumulator(len(o.table.Rows))
	b := &backward{base: makeBase(o.rt, o.name, Backward, matrices(1), sum, len(sum)/d, d)}
	b.f = func(v []G.Value) {
		dy := floats(v[0])
		for t, id := range o.rt.Batch.Tokens {
			row := sum[int(id)*d:][:d]
			for i, x := range dy[t*d : (t+1)*d] {
				row[i] += x
			}
		}
	}
	n, err := apply(b, grad)
	return G.Nodes{nil, n}, err
}

// Tokens is the input that ties a graph to the token ids. The ops read the
// ids from the runtime; the node is there because an op needs a child.
func Tokens(g *G.ExprGraph, rt *Runtime) (*G.Node, error) {
	n := G.NewTensor(g, tensor.Int32, 1, G.WithShape(rt.MaxTokens), G.WithName("tokens"))
	return n, G.Let(n, tensor.New(tensor.WithShape(rt.MaxTokens), tensor.WithBacking(make([]int32, rt.MaxTokens))))
}
