package experiments

import (
	"context"
	"fmt"
	"slices"

	"hone/engine/batch"
	"hone/engine/decode"
	"hone/engine/loss"
	"hone/runs"
)

// TargetLoss is how unlikely a model finds a row's target.
type TargetLoss struct {
	Nats   runs.Number `json:"nats"` // mean of -log p over the target's tokens, EOS included
	Tokens int         `json:"tokens"`
	// Worst is the token that surprised the model most.
	Worst     string      `json:"worst"`
	WorstNats runs.Number `json:"worst_nats"`
}

// lossChunk is how many rows are measured in one call: the statistics of every
// token are held that long.
const lossChunk = 32

// targetLosses measures the first rows of a split with a forward pass; a row that
// was dropped for its length has none.
func (l *loaded) targetLosses(ctx context.Context, m *decode.Model, split string, rows int, progress func(done int)) ([]*TargetLoss, error) {
	out := make([]*TargetLoss, rows)
	encoded := l.Encoded[split]
	n, _ := slices.BinarySearch(encoded.Rows, rows) // in the split's order
	for from := 0; from < n; from += lossChunk {
		examples := encoded.Examples[from:min(from+lossChunk, n)]
		err := l.eachTarget(ctx, m, examples, func(i int, nats []float64) {
			ids := examples[i].IDs
			out[encoded.Rows[from+i]] = l.targetLoss(ids[len(ids)-len(nats):], nats)
		})
		if err != nil {
			return nil, err
		}
		progress(encoded.Rows[from+len(examples)-1] + 1)
	}
	progress(rows)
	return out, nil
}

// eachTarget runs a model over examples and tells how unlikely it finds each
// token of their targets, which are a text's last, in nats.
func (l *loaded) eachTarget(ctx context.Context, m *decode.Model, examples []batch.Example, each func(i int, nats []float64)) error {
	_, stats, err := m.Loss(ctx, examples, loss.Weights{CE: 1})
	if err != nil {
		return fmt.Errorf("measuring the loss of targets: %w", err)
	}
	for i := range examples {
		nats := make([]float64, len(stats[i]))
		for k, s := range stats[i] {
			nats[k] = -s.LogP
		}
		each(i, nats)
	}
	return nil
}

// targetLoss sums up the losses of a target's tokens.
func (l *loaded) targetLoss(ids []int32, losses []float64) *TargetLoss {
	if len(losses) == 0 {
		return nil
	}
	t := &TargetLoss{Tokens: len(losses)}
	sum, worst := 0.0, -1
	for i, nats := range losses {
		sum += nats
		// One that is no number is the worst of all; it stays.
		if at := float64(t.WorstNats); worst < 0 || at == at && !(nats <= at) {
			worst, t.WorstNats = i, runs.Number(nats)
		}
	}
	t.Nats = runs.Number(sum / float64(len(losses)))
	t.Worst = l.Tokenizer.Decode(ids[worst : worst+1])
	return t
}
