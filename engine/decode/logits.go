package decode

import (
	"context"
	"fmt"
	"slices"
)

// Logits computes the logits [len(ids)-from, vocab] of what follows ids[from],
// ids[from+1] and so on, for comparing two models value by value.
func (m *Model) Logits(ctx context.Context, ids []int32, from int) ([]float32, error) {
	if from < 0 || from >= len(ids) {
		return nil, fmt.Errorf("logits from position %d of %d tokens", from, len(ids))
	}
	seq := m.newSequence(len(ids))
	defer m.end(seq)
	hidden, err := m.forward(ctx, []chunk{{seq, ids, from}})
	if err != nil {
		return nil, err
	}
	d := m.weights.Config.Hidden
	out := make([]float32, 0, (len(ids)-from)*m.weights.Config.Vocab)
	for first := 0; first < len(ids)-from; first += headRows {
		n := min(headRows, len(ids)-from-first)
		out = append(out, m.logits(hidden[first*d:], n)...)
	}
	return slices.Clip(out), nil
}
