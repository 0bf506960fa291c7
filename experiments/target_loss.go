package experiments

import (
	"context"
	"fmt"

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

// targetLosses measures every row of a split with a forward pass; a row that was
// dropped for its length has none.
func (l *loaded) targetLosses(ctx context.Context, m *decode.Model, split string, progress func(done int)) ([]*TargetLoss, error) {
	rows, err := l.Dataset.Split(split)
	if err != nil {
		return nil, err
	}
	out := make([]*TargetLoss, len(rows))
	encoded := l.Encoded[split]
	for from := 0; from < len(encoded.Examples); from += lossChunk {
		examples := encoded.Examples[from:min(from+lossChunk, len(encoded.Examples))]
		_, stats, err := m.Loss(ctx, examples, loss.Weights{CE: 1})
		if err != nil {
			return nil, fmt.Errorf("measuring the loss of targets: %w", err)
		}
		for i, e := range examples {
			out[encoded.Rows[from+i]] = l.targetLoss(e.IDs[len(e.IDs)-len(stats[i]):], stats[i])
		}
		progress(encoded.Rows[from+len(examples)-1] + 1)
	}
	progress(len(rows))
	return out, nil
}

// targetLoss sums up the statistics of a target's tokens, which are a text's last.
func (l *loaded) targetLoss(ids []int32, stats []loss.Stats) *TargetLoss {
	if len(stats) == 0 {
		return nil
	}
	t := &TargetLoss{Tokens: len(stats)}
	sum, worst := 0.0, -1
	for i, s := range stats {
		nats := -s.LogP
		sum += nats
		// One that is no number is the worst of all; it stays.
		if at := float64(t.WorstNats); worst < 0 || at == at && !(nats <= at) {
			worst, t.WorstNats = i, runs.Number(nats)
		}
	}
	t.Nats = runs.Number(sum / float64(len(stats)))
	t.Worst = l.Tokenizer.Decode(ids[worst : worst+1])
	return t
}
