package ops

import (
	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"hone/engine/batch"
	"hone/engine/loss"
)

// headRows is how many rows of logits are held at a time, unless one example
// alone has more targets.
const headRows = 256

// HeadLoss is the output projection fused with the loss: the logits of a batch
// never exist whole. Rows that predict a target are gathered, projected chunk
// by chunk (a chunk ends where an example ends, because a field's product must
// be whole when its gradient is formed), and the gradient of the hidden state
// is computed while the chunk's logits are at hand.
type HeadLoss struct {
	base
	head  *Matrix // [vocab, hidden]
	need  bool
	Sums  loss.Sums    // of the last run
	Stats []loss.Stats // of the last run, one a loss row

	hidden  []float32 // [loss rows, hidden] gathered
	dHidden []float32 // [loss rows, hidden] gradient, gathered
	logits  []float32 // [chunk, vocab]
	dHead   []float32 // accumulated gradient of a trained head
}

// NewHeadLoss adds the loss of hidden states x [tokens, hidden] to their graph.
// name is the readable name of the projection (lm_head); gradient says whether
// backward follows.
func NewHeadLoss(rt *Runtime, name string, x *G.Node, head *Matrix, gradient bool) (*HeadLoss, *G.Node, error) {
	in, children := []hm.Type{matrix}, []*G.Node{x}
	o := &HeadLoss{head: head, need: gradient}
	for _, p := range head.params {
		in = append(in, hm.Type(p.typ()))
		children = append(children, p.Leaf(x.Graph()))
	}
	o.base = newBase(rt, name, Forward, in)
	if head.Trainable() && gradient {
		o.dHead = rt.accumulator(len(head.params[0].Data))
	}
	n, err := apply(o, children...)
	return o, n, err
}

// Name is the readable name of the projection.
func (o *HeadLoss) Name() string { return o.name }

// Do returns the weighted loss of the micro-batch: its share of the loss of the
// whole optimizer batch.
func (o *HeadLoss) Do(in ...G.Value) (G.Value, error) {
	_, err := o.exec(func() {
		o.run(floats(in[0]))
		o.out[0] = float32(o.Sums.Terms(o.rt.Counts, o.rt.Weights).Loss)
	})
	if err != nil {
		return nil, err
	}
	return G.NewF32(o.out[0]), nil
}

func (o *HeadLoss) run(x []float32) {
	rt, d, vocab, rows := o.rt, o.head.In, o.head.Out, o.rt.Batch.LossRows
	o.Sums, o.Stats = loss.Sums{}, grow(o.Stats, len(rows))
	o.hidden = grow(o.hidden, len(rows)*d)
	for i, r := range rows {
		copy(o.hidden[i*d:(i+1)*d], x[int(r.Row)*d:][:d])
	}
	if o.need {
		o.dHidden = grow(o.dHidden, len(rows)*d)
	}
	for first := 0; first < len(rows); {
		if rt.Ctx != nil && rt.Ctx.Err() != nil {
			return // exec reports it at the next op
		}
		last := chunkEnd(rows, first)
		m := last - first
		o.logits = grow(o.logits, m*vocab)
		h := o.hidden[first*d : last*d]
		rt.Pool.GemmNT(o.logits, vocab, h, d, m, o.head.Packed(), false)
		o.Sums = o.Sums.Add(loss.Rows(rt.Pool, o.logits, vocab, rows[first:last], o.Stats[first:last], rt.Counts, rt.Weights, o.need))
		if o.need {
			rt.Pool.GemmPacked(o.dHidden[first*d:], d, o.logits, vocab, m, o.head.Packed(), false)
		}
		if o.dHead != nil {
			rt.weightGrad(o.dHead, o.logits, vocab, vocab, h, d, m)
		}
		first = last
	}
}

// chunkEnd is the end of the chunk that starts at row first: as many whole
// examples as fit headRows, at least one.
func chunkEnd(rows []batch.LossRow, first int) int {
	end := first
	for end < len(rows) {
		last := end
		for last < len(rows) && rows[last].Example == rows[end].Example {
			last++
		}
		if end > first && last-first > headRows {
			break
		}
		end = last
	}
	return end
}

// LogitRows is how many rows of logits exist at a time at most, of so many
// targets of which one example has as many.
func LogitRows(targets, example int) int { return max(example, min(targets, headRows)) }

// grow returns b with length n, reallocated only if it is too small.
func grow[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n)
	}
	return b[:n]
}

// DiffWRT: everything but the tokens.
func (o *HeadLoss) DiffWRT(inputs int) []bool {
	need := make([]bool, inputs)
	for i := range need {
		need[i] = o.need
	}
	return need
}

// SymDiff scatters the gathered gradient back to its rows. The gradient
// of the loss itself is the constant 1 by which Gorgonia starts.
func (o *HeadLoss) SymDiff(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
	rt, d := o.rt, o.head.In
	b := &backward{base: newBase(rt, o.name, Backward, []hm.Type{matrix, tensor.Float32, tensor.Float32}, rt.MaxTokens, d)}
	b.f = func([]G.Value) {
		clear(b.out[:rt.tokens()*d])
		for i, r := range rt.Batch.LossRows {
			copy(b.out[int(r.Row)*d:][:d], o.dHidden[i*d:(i+1)*d])
		}
	}
	n, err := apply(b, in[0], out, grad) // out: backward must follow the forward pass
	if err != nil || o.dHead == nil {
		return G.Nodes{n}, err
	}
	dHead, err := apply(rt.gradient(o.name, o.head.params[0], o.dHead), n)
	return G.Nodes{n, dHead}, err
}
