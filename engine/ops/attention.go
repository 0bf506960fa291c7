package ops

import (
	"math"
	"sync"

	G "gorgonia.org/gorgonia"

	"hone/engine/kernel"
)

// Heads is the shape of grouped-query attention: KV key and value heads, each
// shared by Heads/KV query heads.
type Heads struct {
	Heads, KV, Dim int
	Window         int // positions that a query sees, itself included; 0: all before it
}

// Width is the width of the fused q|k|v projection.
func (h Heads) Width() int { return (h.Heads + 2*h.KV) * h.Dim }

// Scale is the factor on the scores.
func (h Heads) Scale() float32 { return float32(1 / math.Sqrt(float64(h.Dim))) }

// queryBlock is how many queries of one head are scored against the keys at a
// time. It bounds the memory of the scores to queryBlock x length.
const queryBlock = 64

// attention is rotary embedding and causal attention within each example of
// the packed sequence: qkv [tokens, (heads+2kv)*dim] -> [tokens, heads*dim].
// Keys, values and queries go through the matrix kernels block by block, as in
// FlashAttention (Dao 2022) but with whole rows of scores, since a row of at
// most max_length floats stays in cache.
//
// The rotation happens in place in qkv's buffer: nothing else reads it. Where that
// is shared by all layers (norms of heads), backward has it restored and rotates
// again.
type attention struct {
	base
	Heads
	need bool
	rope *Rope
	lse  []float32 // [tokens, heads] log-sum-exp of the scaled scores, saved for backward
}

// Attention adds causal attention over the packed examples.
func Attention(rt *Runtime, name string, qkv *G.Node, h Heads, rope *Rope, need bool) (*G.Node, error) {
	o := &attention{base: newBase(rt, name, Forward, matrices(1), rt.MaxTokens, h.Heads*h.Dim), Heads: h, need: need, rope: rope}
	o.lse = make([]float32, rt.MaxTokens*h.Heads)
	return apply(o, qkv)
}

// workspace is the scratch of one task.
type workspace struct {
	k, v            *kernel.Packed // keys or values of one example and head
	scores, dScores []float32      // [queryBlock, length]
	across          []float32      // [length, queryBlock]
}

// workspaces lends scratch to tasks.
var workspaces sync.Pool

func takeWorkspace(length, dim int) *workspace {
	w, _ := workspaces.Get().(*workspace)
	if w == nil {
		w = &workspace{k: kernel.NewPacked(length, dim), v: kernel.NewPacked(length, dim)}
	}
	if len(w.scores) < queryBlock*length {
		w.scores = make([]float32, queryBlock*length)
		w.dScores = make([]float32, queryBlock*length)
		w.across = make([]float32, queryBlock*length)
	}
	return w
}

func (o *attention) Do(in ...G.Value) (G.Value, error) {
	return o.exec(func() {
		qkv := floats(in[0])
		o.rotate(qkv, o.rope.Turn)
		starts := o.rt.Batch.Starts
		o.rt.Pool.Run((len(starts)-1)*o.KV, func(task int) {
			e, kv := task/o.KV, task%o.KV
			o.forward(qkv, starts[e], starts[e+1], kv)
		})
	})
}

// rotate turns the query and key heads of every token to its position within
// its example.
func (o *attention) rotate(qkv []float32, turn func(x []float32, pos int)) {
	w, d, starts := o.Width(), o.Dim, o.rt.Batch.Starts
	o.rt.Pool.Run(len(starts)-1, func(e int) {
		for t := starts[e]; t < starts[e+1]; t++ {
			for h := range o.Heads.Heads + o.KV {
				turn(qkv[t*w+h*d:][:d], t-starts[e])
			}
		}
	})
}

// forward attends the queries that share key head kv in the example at tokens
// [lo, hi).
func (o *attention) forward(qkv []float32, lo, hi, kv int) {
	d, w, heads, group := o.Dim, o.Width(), o.Heads.Heads, o.Heads.Heads/o.KV
	first := kv * group // of the query heads
	s := takeWorkspace(hi-lo, d)
	defer workspaces.Put(s)
	s.k.Reset(hi-lo, d)
	s.k.SetRows(0, qkv[lo*w+(heads+kv)*d:], w, hi-lo)
	Attend(Queries{
		Q: qkv[lo*w+first*d:], Stride: w, Count: hi - lo,
		Out: o.out[lo*heads*d+first*d:], OutStride: heads * d,
		LSE: o.lse[lo*heads+first:], LSEStride: heads,
	}, KeyValues{
		Keys:   s.k,
		Values: qkv[lo*w+(heads+o.KV+kv)*d:], ValueStride: w,
		Length: hi - lo, Window: o.Window,
	}, group, d)
}

func (o *attention) DiffWRT(int) []bool { return []bool{o.need} }

// SymDiff: with P the probabilities recomputed from lse, dP = dy Vᵀ and
// D = rowsum(dy * y), dS = P * (dP - D) * scale; dq = dS K, dk = dSᵀ q,
// dv = Pᵀ dy, rotated back.
func (o *attention) SymDiff(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
	w := o.Width()
	buf := o.rt.buffer("attention.backward", o.rt.MaxTokens*w)
	b := &backward{base: makeBase(o.rt, o.name, Backward, matrices(3), buf, o.rt.MaxTokens, w)}
	shared, restored := in[0].Op().(restorer)
	b.f = func(v []G.Value) {
		qkv, y, dy, starts := floats(v[0]), floats(v[1]), floats(v[2]), o.rt.Batch.Starts
		if restored {
			shared.restore()
			o.rotate(qkv, o.rope.Turn)
		}
		clear(b.out[:o.rt.tokens()*w])
		o.rt.Pool.Run((len(starts)-1)*o.KV, func(task int) {
			e, kv := task/o.KV, task%o.KV
			o.backward(b.out, qkv, y, dy, starts[e], starts[e+1], kv)
		})
		o.rotate(b.out, o.rope.Back)
	}
	n, err := apply(b, in[0], out, grad)
	return G.Nodes{n}, err
}

func (o *attention) backward(dqkv, qkv, y, dy []float32, lo, hi, kv int) {
	n, d, w, wide := hi-lo, o.Dim, o.Width(), o.Heads.Heads*o.Dim
	s := takeWorkspace(n, d)
	defer workspaces.Put(s)
	keyCol, valueCol := (o.Heads.Heads+kv)*d, (o.Heads.Heads+o.KV+kv)*d
	keys := qkv[lo*w+keyCol:]
	s.k.Reset(n, d)
	s.k.SetRows(0, keys, w, n)
	s.v.Reset(n, d)
	s.v.SetRows(0, qkv[lo*w+valueCol:], w, n)
	dk, dv := dqkv[lo*w+keyCol:], dqkv[lo*w+valueCol:]
	group := o.Heads.Heads / o.KV
	for h := kv * group; h < (kv+1)*group; h++ {
		for q := 0; q < n; q += queryBlock {
			m := min(queryBlock, n-q)
			seen := q + m
			queries, dOut := qkv[(lo+q)*w+h*d:], dy[(lo+q)*wide+h*d:]
			kernel.SerialNT(s.scores, n, queries, w, m, s.k, seen, d, false)
			kernel.SerialNT(s.dScores, n, dOut, wide, m, s.v, seen, d, false)
			for i := range m {
				t := lo + q + i
				delta := kernel.Dot(dy[t*wide+h*d:][:d], y[t*wide+h*d:][:d])
				scoreGrad(s.scores[i*n:i*n+seen], s.dScores[i*n:i*n+seen], firstSeen(q+i, o.Window), q+i+1, o.Scale(), o.lse[t*o.Heads.Heads+h], delta)
			}
			kernel.SerialNN(dqkv[(lo+q)*w+h*d:], w, s.dScores, n, m, keys, w, d, seen, false)
			kernel.Transpose(s.across, m, s.scores, n, m, seen)
			kernel.SerialNN(dv, w, s.across, m, seen, dOut, wide, d, m, true)
			kernel.Transpose(s.across, m, s.dScores, n, m, seen)
			kernel.SerialNN(dk, w, s.across, m, seen, queries, w, d, m, true)
		}
	}
}

// scoreGrad turns raw scores into probabilities p and dp into the gradient of
// the raw scores, p * (dp - delta) * scale, of the positions from first to seen;
// what is hidden is cleared.
func scoreGrad(p, dp []float32, first, seen int, scale, lse, delta float32) {
	clear(p[:first])
	clear(dp[:first])
	clear(p[seen:])
	clear(dp[seen:])
	p, dp = p[first:seen], dp[first:seen]
	kernel.ExpSum(p, p, scale, -lse)
	for j, v := range p {
		dp[j] = v * (dp[j] - delta) * scale
	}
}
