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
	rope    *ops.Rope
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
	scale float32
}

type adapted struct {
	col, inner int
	b          *kernel.Packed // [width, r]
}

// New returns the model with a snapshot of adapter (nil: the base model) for
// sequences of up to positions tokens.
func New(pool *kernel.Pool, w *llama.Weights, adapter *llama.Adapter, positions int) *Model {
	c := w.Config
	m := &Model{
		pool: pool, weights: w, scratch: map[string][]float32{},
		heads: ops.Heads{Heads: c.Heads, KV: c.KVHeads, Dim: c.HeadDim},
		rope:  ops.NewRope(positions, c.HeadDim, c.RopeTheta),
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
	l.scale = adapter.Scale()
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
			l.parts = append(l.parts, adapted{col, inner, b})
			inner += r
		}
		col += w.Parts[i]
	}
	return l
}

// apply is y [rows, out] = x Wᵀ + scale * x Aᵀ Bᵀ.
func (m *Model) apply(l linear, y, x []float32, rows int) {
	m.pool.GemmNT(y, l.w.Out, x, l.w.In, rows, l.w.Packed(), false)
	if l.rank == 0 {
		return
	}
	inner := m.buffer("inner", rows*l.rank)
	m.pool.GemmNT(inner, l.rank, x, l.w.In, rows, l.a, false)
	kernel.Scale(inner, inner, l.scale)
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

// sequence is one text in the key-value cache.
type sequence struct {
	length int         // positions in the cache
	limit  int         // positions that the cache has room for
	keys   [][]float32 // [layers][kv * limit * dim]: head by head, rotated
	values [][]float32
}

// newSequence returns an empty sequence with room for limit positions, in the
// cache of one that has ended if there is one large enough.
func (m *Model) newSequence(limit int) *sequence {
	for i, s := range m.ended {
		if s.limit >= limit {
			m.ended = append(m.ended[:i], m.ended[i+1:]...)
			s.length = 0
			return s
		}
	}
	s := &sequence{limit: limit}
	for range m.layers {
		n := m.heads.KV * limit * m.heads.Dim
		s.keys = append(s.keys, make([]float32, n))
		s.values = append(s.values, make([]float32, n))
	}
	return s
}

// end gives the cache of a sequence back.
func (m *Model) end(s *sequence) { m.ended = append(m.ended, s) }

// chunk is tokens to append to a sequence.
type chunk struct {
	seq    *sequence
	tokens []int32
}

// forward appends chunks to their sequences and returns the hidden states after
// the final norm, [tokens of all chunks, hidden], valid until the next call.
func (m *Model) forward(ctx context.Context, chunks []chunk) ([]float32, error) {
	c := m.weights.Config
	rows := 0
	for _, ch := range chunks {
		if ch.seq.length+len(ch.tokens) > ch.seq.limit {
			return nil, fmt.Errorf("a sequence of %d tokens exceeds the %d planned for", ch.seq.length+len(ch.tokens), ch.seq.limit)
		}
		rows += len(ch.tokens)
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
		m.attend(attended, qkv, chunks, i)
		m.apply(l.o, h, attended, rows)
		kernel.Add(x, x, h)
		m.norm(h, x, l.PostNorm, rows)
		m.apply(l.gateUp, gateUp, h, rows)
		m.pool.Rows(rows, 4, func(lo, hi int) {
			for t := lo; t < hi; t++ {
				g := gateUp[t*2*c.FFN : (t+1)*2*c.FFN]
				kernel.SiLUMul(act[t*c.FFN:(t+1)*c.FFN], g[:c.FFN], g[c.FFN:])
			}
		})
		m.apply(l.down, h, act, rows)
		kernel.Add(x, x, h)
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

// attend rotates queries and keys, appends keys and values to the caches of
// layer i and attends.
func (m *Model) attend(out, qkv []float32, chunks []chunk, i int) {
	h := m.heads
	w, wide, group := h.Width(), h.Heads*h.Dim, h.Heads/h.KV
	starts := make([]int, len(chunks)+1)
	for j, ch := range chunks {
		starts[j+1] = starts[j] + len(ch.tokens)
	}
	m.pool.Run(len(chunks)*h.KV, func(task int) {
		j, kv := task/h.KV, task%h.KV
		s, n := chunks[j].seq, len(chunks[j].tokens)
		total := s.length + n
		block := kv * s.limit * h.Dim
		keys, values := s.keys[i][block:][:s.limit*h.Dim], s.values[i][block:][:s.limit*h.Dim]
		first := kv * group
		for t := range n {
			pos := s.length + t
			row := qkv[(starts[j]+t)*w:][:w]
			for q := first; q < first+group; q++ {
				m.rope.Turn(row[q*h.Dim:][:h.Dim], pos)
			}
			k := row[(h.Heads+kv)*h.Dim:][:h.Dim]
			m.rope.Turn(k, pos)
			copy(keys[pos*h.Dim:], k)
			copy(values[pos*h.Dim:][:h.Dim], row[(h.Heads+h.KV+kv)*h.Dim:])
		}
		ops.Attend(ops.Queries{
			Q: qkv[starts[j]*w+first*h.Dim:], Stride: w, Count: n,
			Out: out[starts[j]*wide+first*h.Dim:], OutStride: wide,
		}, ops.KeyValues{Keys: keys, Values: values, KeyStride: h.Dim, ValueStride: h.Dim, Length: total}, group, h.Dim)
	})
}

// Positions is the longest sequence that the model was opened for.
func (m *Model) Positions() int { return m.rope.Positions() }
