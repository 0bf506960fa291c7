package decode

import (
	"context"

	"hone/engine/batch"
	"hone/engine/loss"
)

// headRows is how many rows of logits are held at a time.
const headRows = 128

// logits computes the logits [len(rows), vocab] of rows of hidden states.
func (m *Model) logits(hidden []float32, rows []int) []float32 {
	c := m.weights.Config
	gathered := m.buffer("gathered", len(rows)*c.Hidden)
	for i, r := range rows {
		copy(gathered[i*c.Hidden:(i+1)*c.Hidden], hidden[r*c.Hidden:])
	}
	out := m.buffer("logits", len(rows)*c.Vocab)
	m.pool.GemmNT(out, c.Vocab, gathered, c.Hidden, len(rows), m.weights.Head.Packed(), false)
	return out
}

// Loss computes the loss of examples, with means over all of them, and the
// statistics of every supervised token, example by example.
func (m *Model) Loss(ctx context.Context, examples []batch.Example, w loss.Weights) (loss.Terms, [][]loss.Stats, error) {
	counts := batch.Count(examples)
	longest := 0
	for _, e := range examples {
		longest = max(longest, len(e.IDs))
	}
	m.end(m.newSequence(longest)) // one cache serves all
	var sums loss.Sums
	var all [][]loss.Stats
	for _, e := range examples {
		s, stats, err := m.example(ctx, e)
		if err != nil {
			return loss.Terms{}, nil, err
		}
		sums = sums.Add(s)
		all = append(all, stats)
	}
	return sums.Terms(counts, w), all, nil
}

// example is the loss of one example, whose statistics are gathered over
// chunks of logits and reduced once.
func (m *Model) example(ctx context.Context, e batch.Example) (loss.Sums, []loss.Stats, error) {
	seq := m.newSequence(len(e.IDs))
	defer m.end(seq)
	hidden, err := m.forward(ctx, []chunk{{seq, e.IDs}})
	if err != nil {
		return loss.Sums{}, nil, err
	}
	rows := batch.Pack([]batch.Example{e}).LossRows
	stats := make([]loss.Stats, len(rows))
	for first := 0; first < len(rows); first += headRows {
		last := min(first+headRows, len(rows))
		var positions []int
		for _, r := range rows[first:last] {
			positions = append(positions, int(r.Row))
		}
		loss.Measure(m.pool, m.logits(hidden, positions), m.weights.Config.Vocab, rows[first:last], stats[first:last])
	}
	return loss.Reduce(rows, stats), stats, nil
}
