package ops

import (
	"math"

	"hone/engine/kernel"
)

// KeyValues are the keys and values of one head of one sequence. Keys are
// packed and already rotated; values lie in rows, or are packed transposed.
type KeyValues struct {
	Keys        *kernel.Packed // [length or more, dim]
	Values      []float32      // [length, dim], ValueStride apart; or nil, and
	ValueStride int
	Across      *kernel.Packed // [dim, length or more]
	Length      int
	Window      int // positions that a query sees, itself included; 0: all before it
}

// firstSeen is the first position that the query at position pos sees.
func firstSeen(pos, window int) int {
	if window == 0 {
		return 0
	}
	return max(0, pos+1-window)
}

// mix computes out [m, dim] = scores [m, length] * values of the first n positions.
func (kv KeyValues) mix(out []float32, ldo int, scores []float32, lds, m, n, dim int) {
	if kv.Across != nil {
		kernel.SerialNT(out, ldo, scores, lds, m, kv.Across, dim, n, false)
		return
	}
	kernel.SerialNN(out, ldo, scores, lds, m, kv.Values, kv.ValueStride, dim, n, false)
}

// Queries are consecutive positions of one sequence as several query heads see
// them: head h of query i is Q[i*Stride+h*dim:][:dim]; the last query is the
// sequence's last position.
type Queries struct {
	Q         []float32
	Stride    int
	Count     int
	Out       []float32 // [count, ..] attended values, head h of query i at i*OutStride+h*dim
	OutStride int
	LSE       []float32 // optional: log-sum-exp of the scaled scores, at i*LSEStride+h
	LSEStride int
}

// Attend computes causal attention of the heads that share one key head:
// softmax(q kᵀ scale) v, a block of queries at a time.
func Attend(q Queries, kv KeyValues, heads, dim int) {
	n := kv.Length
	past := n - q.Count // positions before the first query
	s := takeWorkspace(n, dim)
	defer workspaces.Put(s)
	scale := float32(1 / math.Sqrt(float64(dim)))
	if q.Count == 1 && heads <= queryBlock && q.LSE == nil {
		// The heads of a single query lie side by side: they are one product's rows.
		kernel.SerialNT(s.scores, n, q.Q, dim, heads, kv.Keys, n, dim, false)
		for h := range heads {
			softmax(s.scores[h*n:(h+1)*n], firstSeen(past, kv.Window), n, scale)
		}
		kv.mix(q.Out, dim, s.scores, n, heads, n, dim)
		return
	}
	for h := range heads {
		for first := 0; first < q.Count; first += queryBlock {
			m := min(queryBlock, q.Count-first)
			seen := past + first + m // keys that some query of the block may see
			kernel.SerialNT(s.scores, n, q.Q[first*q.Stride+h*dim:], q.Stride, m, kv.Keys, seen, dim, false)
			for i := range m {
				pos := past + first + i
				lse := softmax(s.scores[i*n:i*n+seen], firstSeen(pos, kv.Window), pos+1, scale)
				if q.LSE != nil {
					q.LSE[(first+i)*q.LSEStride+h] = lse
				}
			}
			kv.mix(q.Out[first*q.OutStride+h*dim:], q.OutStride, s.scores, n, m, seen, dim)
		}
	}
}

// softmax turns the scores of row from first to seen into probabilities, clears
// the rest, and returns the log-sum-exp of the scaled scores.
func softmax(row []float32, first, seen int, scale float32) float32 {
	visible := row[first:seen]
	largest, _ := kernel.Max(visible)
	sum := kernel.ExpSum(visible, visible, scale, -largest*scale)
	kernel.Scale(visible, visible, 1/sum)
	clear(row[:first])
	clear(row[seen:])
	return largest*scale + float32(math.Log(float64(sum)))
}
