package ops

import (
	"math"

	"hone/engine/kernel"
)

// KeyValues are the keys and values of one head of one sequence, [length, dim]
// in rows KeyStride and ValueStride floats apart. Keys are already rotated.
type KeyValues struct {
	Keys, Values           []float32
	KeyStride, ValueStride int
	Length                 int
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
	s.k.Reset(n, dim)
	s.k.SetRows(0, kv.Keys, kv.KeyStride, n)
	scale := float32(1 / math.Sqrt(float64(dim)))
	for h := range heads {
		for first := 0; first < q.Count; first += queryBlock {
			m := min(queryBlock, q.Count-first)
			seen := past + first + m // keys that some query of the block may see
			kernel.SerialNT(s.scores, n, q.Q[first*q.Stride+h*dim:], q.Stride, m, s.k, seen, dim, false)
			for i := range m {
				lse := softmax(s.scores[i*n:i*n+seen], past+first+i+1, scale)
				if q.LSE != nil {
					q.LSE[(first+i)*q.LSEStride+h] = lse
				}
			}
			kernel.SerialNN(q.Out[first*q.OutStride+h*dim:], q.OutStride, s.scores, n, m, kv.Values, kv.ValueStride, dim, seen, false)
		}
	}
}

// softmax turns the first seen scores of row into probabilities, clears the
// rest, and returns the log-sum-exp of the scaled scores.
func softmax(row []float32, seen int, scale float32) float32 {
	visible := row[:seen]
	largest, _ := kernel.Max(visible)
	sum := kernel.ExpSum(visible, visible, scale, -largest*scale)
	kernel.Scale(visible, visible, 1/sum)
	clear(row[seen:])
	return largest*scale + float32(math.Log(float64(sum)))
}
