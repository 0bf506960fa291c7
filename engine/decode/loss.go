package decode

import (
	"context"

	"hone/engine/batch"
	"hone/engine/loss"
)

// headRows is how many rows of logits are held at a time.
const headRows = 128

// logits computes the logits [rows, vocab] of the first rows of hidden states
// [.., hidden].
func (m *Model) logits(hidden []float32, rows int) []float32 {
	c := m.weights.Config
	out := m.buffer("logits", rows*c.Vocab)
	m.pool.GemmNT(out, c.Vocab, hidden, c.Hidden, rows, m.weights.Head.Packed(), false)
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
	rows := batch.Pack([]batch.Example{e}).LossRows
	if len(rows) == 0 {
		return loss.Sums{}, nil, nil
	}
	from := int(rows[0].Row) // targets are a text's end: little is computed in vain
	hidden, err := m.forward(ctx, []chunk{{seq, e.IDs, from}})
	if err != nil {
		return loss.Sums{}, nil, err
	}
	d := m.weights.Config.Hidden
	states := m.buffer("states", min(headRows, len(rows))*d)
	stats := make([]loss.Stats, len(rows))
	for first := 0; first < len(rows); first += headRows {
		part := rows[first:min(first+headRows, len(rows))]
		for i, r := range part {
			copy(states[i*d:(i+1)*d], hidden[(int(r.Row)-from)*d:])
		}
		loss.Measure(m.pool, m.logits(states, len(part)), m.weights.Config.Vocab, part, stats[first:first+len(part)])
	}
	return loss.Reduce(rows, stats), stats, nil
}
