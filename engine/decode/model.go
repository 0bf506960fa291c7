// Package decode runs a model forward only: batched generation with a key-value
// cache, and the loss of held-out examples. It computes on the packed weights
// that training uses, with a snapshot of an adapter or without one: the base
// model is the tuned one with the adapter left out.
package decode

import (
	"context"
	"fmt"

	"hone/engine/kernel"
	"hone/engine/llama"
	"hone/engine/ops"
)

// Model is a model ready for inference. It is not safe for concurrent use.
type Model struct {
	pool    *kernel.Pool
	weights *llama.Weights
	layers  []layer
	rope    *ops.Rope // as far as the longest sequence yet: a model may be made for far more
	limit   int       // positions
	heads   ops.Heads
	scratch map[string][]float32
	ended   []*sequence // whose caches may be used again

	// Hook, if set, sees the output of every named operation: name, rows
	// [rows, width]. Names are those of the training graph.
	Hook func(name string, out []float32, width int)
}

// layer is one block's matrices with the adapter's factors packed.
type layer struct {
	llama.Layer
	qkv, o, gateUp, down linear
}

// linear is a fused projection and the adapters of its parts.
type linear struct {
	w     *ops.Matrix
	rank  int
	a     *kernel.Packed // [rank, in] all parts' A
	parts []adapted
}

type adapted struct {
	col, inner, r int
	b             *kernel.Packed // [width, r]
	scale         float32
}

// New returns the model with a snapshot of adapter (nil: the base model) for
// sequences of up to positions tokens.
func New(pool *kernel.Pool, w *llama.Weights, adapter *llama.Adapter, positions int) *Model {
	c := w.Config
	m := &Model{
		pool: pool, weights: w, scratch: map[string][]float32{},
		heads: llama.HeadsOf(c, 0),
		rope:  ops.NewRope(0, c.RopeFrequencies()), limit: positions,
	}
	for i, l := range w.Layers {
		m.layers = append(m.layers, layer{
			Layer:  l,
			qkv:    newLinear(l.QKV, adapter, i, "q_proj", "k_proj", "v_proj"),
			o:      newLinear(l.O, adapter, i, "o_proj"),
			gateUp: newLinear(l.GateUp, adapter, i, "gate_proj", "up_proj"),
			down:   newLinear(l.Down, adapter, i, "down_proj"),
		})
	}
	return m
}

func newLinear(w *ops.Matrix, adapter *llama.Adapter, index int, modules ...string) linear {
	l := linear{w: w}
	if adapter == nil {
		return l
	}
	factors := adapter.Factors(index, modules...)
	for _, f := range factors {
		if f.A != nil {
			l.rank += f.A.Shape[0]
		}
	}
	if l.rank == 0 {
		return l
	}
	l.a = kernel.NewPacked(l.rank, w.In)
	col, inner := 0, 0
	for i, f := range factors {
		if f.A != nil {
			r := f.A.Shape[0]
			l.a.SetRows(inner, f.A.Data, w.In, r)
			b := kernel.NewPacked(w.Parts[i], r)
			b.SetRows(0, f.B.Data, r, w.Parts[i])
			l.parts = append(l.parts, adapted{col, inner, r, b, f.Scale})
			inner += r
		}
		col += w.Parts[i]
	}
	return l
}

// scaled multiplies x [rows, rank] by the scales of the parts.
func (l linear) scaled(x []float32) {
	for _, p := range l.parts[1:] {
		if p.scale == l.parts[0].scale {
			continue
		}
		for ; len(x) > 0; x = x[l.rank:] {
			for _, p := range l.parts {
				kernel.Scale(x[p.inner:p.inner+p.r], x[p.inner:p.inner+p.r], p.scale)
			}
		}
		return
	}
	kernel.Scale(x, x, l.parts[0].scale)
}

// apply is y [rows, out] = x Wᵀ + bias + scale * x Aᵀ Bᵀ.
func (m *Model) apply(l linear, y, x []float32, rows int) {
	if rows == 0 {
		return
	}
	m.pool.GemmNT(y, l.w.Out, x, l.w.In, rows, l.w.Packed(), false)
	if l.w.Biased() {
		m.pool.Rows(rows, 16, func(lo, hi int) {
			for t := lo; t < hi; t++ {
				l.w.AddBias(y[t*l.w.Out : (t+1)*l.w.Out])
			}
		})
	}
	if l.rank == 0 {
		return
	}
	inner := m.buffer("inner", rows*l.rank)
	m.pool.GemmNT(inner, l.rank, x, l.w.In, rows, l.a, false)
	l.scaled(inner)
	for _, p := range l.parts {
		m.pool.GemmNT(y[p.col:], l.w.Out, inner[p.inner:], l.rank, rows, p.b, true)
	}
}

func (m *Model) buffer(name string, n int) []float32 {
	b := m.scratch[name]
	if cap(b) < n {
		b = make([]float32, n)
		m.scratch[name] = b
	}
	return b[:n]
}

// chunk is tokens to append to a sequence. Of their hidden states those from the
// from-th token on are wanted.
type chunk struct {
	seq    *sequence
	tokens []int32
	from   int
}

func (c chunk) wanted() int { return len(c.tokens) - c.from }

// forward appends chunks to their sequences and returns the hidden states that
// are wanted after the final norm, [wanted of all chunks, hidden], valid until
// the next call. In the last layer nothing else is computed than these and what
// later tokens will attend to.
func (m *Model) forward(ctx context.Context, chunks []chunk) ([]float32, error) {
	c := m.weights.Config
	rows, wanted := 0, 0
	for _, ch := range chunks {
		if ch.seq.length+len(ch.tokens) > ch.seq.limit {
			return nil, fmt.Errorf("a sequence of %d tokens exceeds the %d planned for", ch.seq.length+len(ch.tokens), ch.seq.limit)
		}
		m.rope.Reach(ch.seq.limit)
		rows += len(ch.tokens)
		wanted += ch.wanted()
	}
	x := m.buffer("x", rows*c.Hidden)                        // [rows, hidden]
	h := m.buffer("h", rows*c.Hidden)                        // [rows, hidden]
	qkv := m.buffer("qkv", rows*m.heads.Width())             // [rows, (heads+2kv)*dim]
	attended := m.buffer("attended", rows*c.Heads*c.HeadDim) // [rows, heads*dim]
	gateUp := m.buffer("gate_up", rows*2*c.FFN)              // [rows, 2*ffn]
	act := m.buffer("act", rows*c.FFN)                       // [rows, ffn]

	row := 0
	for _, ch := range chunks {
		for _, id := range ch.tokens {
			if id < 0 || int(id) >= c.Vocab {
				return nil, fmt.Errorf("token id %d is outside the vocabulary of %d", id, c.Vocab)
			}
			m.weights.Embed.Lookup(x[row*c.Hidden:(row+1)*c.Hidden], id)
			row++
		}
	}
	m.seen("embed_tokens", x, c.Hidden)
	for i := range m.layers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l := &m.layers[i]
		m.norm(h, x, l.InputNorm, rows)
		m.apply(l.qkv, qkv, h, rows)
		last := i == len(m.layers)-1
		m.attend(attended, qkv, chunks, i, last)
		if last {
			keepWanted(x, chunks, c.Hidden)
			rows = wanted
			x, h = x[:rows*c.Hidden], h[:rows*c.Hidden]
		}
		m.apply(l.o, h, attended, rows)
		m.add(x, h)
		m.norm(h, x, l.PostNorm, rows)
		m.apply(l.gateUp, gateUp, h, rows)
		m.pool.Rows(rows, 4, func(lo, hi int) {
			for t := lo; t < hi; t++ {
				g := gateUp[t*2*c.FFN : (t+1)*2*c.FFN]
				kernel.SiLUMul(act[t*c.FFN:(t+1)*c.FFN], g[:c.FFN], g[c.FFN:])
			}
		})
		m.apply(l.down, h, act, rows)
		m.add(x, h)
		if m.Hook != nil {
			m.seen(fmt.Sprintf("layers.%d.mlp.down_proj", i), x, c.Hidden)
		}
	}
	m.norm(h, x, m.weights.Norm, rows)
	m.seen("norm", h, c.Hidden)
	for _, ch := range chunks {
		ch.seq.length += len(ch.tokens)
	}
	return h, nil
}

// keepWanted moves the wanted rows of x [rows, width] to its beginning.
func keepWanted(x []float32, chunks []chunk, width int) {
	from, to := 0, 0
	for _, ch := range chunks {
		n := ch.wanted() * width
		copy(x[to:to+n], x[from+ch.from*width:])
		to += n
		from += len(ch.tokens) * width
	}
}

// add is x += y.
func (m *Model) add(x, y []float32) {
	const grain = 1 << 13
	m.pool.Rows(len(x), grain, func(lo, hi int) { kernel.Add(x[lo:hi], x[lo:hi], y[lo:hi]) })
}

func (m *Model) seen(name string, out []float32, width int) {
	if m.Hook != nil {
		m.Hook(name, out, width)
	}
}

func (m *Model) norm(y, x []float32, n *ops.Norm, rows int) {
	d := len(n.Weight)
	m.pool.Rows(rows, 16, func(lo, hi int) {
		for t := lo; t < hi; t++ {
			n.Apply(y[t*d:(t+1)*d], x[t*d:(t+1)*d])
		}
	})
}

// attend norms heads where the model does, rotates queries and keys, appends keys and values to the caches of
// layer i and attends: from all tokens, or in the last layer from the wanted
// ones, [wanted of all chunks, heads*dim].
func (m *Model) attend(out, qkv []float32, chunks []chunk, i int, last bool) {
	h, l := llama.HeadsOf(m.weights.Config, i), m.layers[i]
	turn := func(x []float32, norm *ops.Norm, pos int) {
		if norm != nil {
			norm.Apply(x, x)
		}
		m.rope.Turn(x, pos)
	}
	w, wide, group := h.Width(), h.Heads*h.Dim, h.Heads/h.KV
	starts, outs := make([]int, len(chunks)+1), make([]int, len(chunks)+1)
	for j, ch := range chunks {
		starts[j+1] = starts[j] + len(ch.tokens)
		outs[j+1] = outs[j] + len(ch.tokens)
		if last {
			outs[j+1] = outs[j] + ch.wanted()
		}
	}
	m.pool.Run(len(chunks)*h.KV, func(task int) {
		j, kv := task/h.KV, task%h.KV
		s, n := chunks[j].seq, len(chunks[j].tokens)
		count := outs[j+1] - outs[j]
		first := kv * group
		rows := qkv[starts[j]*w:]
		for t := range n {
			row, pos := rows[t*w:][:w], s.length+t
			if t >= n-count {
				for q := first; q < first+group; q++ {
					turn(row[q*h.Dim:][:h.Dim], l.QNorm, pos)
				}
			}
			turn(row[(h.Heads+kv)*h.Dim:][:h.Dim], l.KNorm, pos)
		}
		c := s.cache[i*h.KV+kv]
		c.keys.SetRows(s.length, rows[(h.Heads+kv)*h.Dim:], w, n)
		c.values.SetTransposedBlock(0, s.length, rows[(h.Heads+h.KV+kv)*h.Dim:], w, n, h.Dim)
		if count == 0 {
			return
		}
		ops.Attend(ops.Queries{
			Q: rows[(n-count)*w+first*h.Dim:], Stride: w, Count: count,
			Out: out[outs[j]*wide+first*h.Dim:], OutStride: wide,
		}, ops.KeyValues{Keys: c.keys, Across: c.values, Length: s.length + n, Window: h.Window}, group, h.Dim)
	})
}

// Positions is the longest sequence that the model was opened for.
func (m *Model) Positions() int { return m.limit }
