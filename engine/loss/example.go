package loss

import "hone/engine/batch"

// Example is the cross entropy of one example: its mean is NLL/Targets.
type Example struct {
	NLL     float64 // Σ -log p_t(y_t) over its targets; sums to Sums.NLL over a batch
	Targets int
}

// PerExample splits the statistics of rows by example, of which there are n. An
// example without targets has zeros.
func PerExample(rows []batch.LossRow, stats []Stats, n int) []Example {
	out := make([]Example, n)
	for i, r := range rows {
		out[r.Example].NLL -= stats[i].LogP
		out[r.Example].Targets++
	}
	return out
}
