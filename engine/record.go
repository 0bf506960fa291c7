package engine

import (
	"hone/engine/batch"
	"hone/engine/loss"
)

// Pass is one forward pass of a step as the graph consumed it: taken from what
// ran, not from what was meant to run.
type Pass struct {
	Rows     []RowRecord
	Sums     loss.Sums
	Distinct int        // different sequences of ids among the rows
	Of       loss.Terms // the share of Loss and CE that was differentiated, see Step.Differentiated
	Evaluate bool       // ran without dropout
}

// RowRecord is one example of a pass.
type RowRecord struct {
	Row    int    // of the dataset
	Hash   uint64 // batch.Hash of the ids that were consumed
	Tokens int
	Loss   loss.Example
	First  Target // first and last supervised token; of a row without any, both are zero
	Last   Target

	IDs        []int32   // that were consumed, [Tokens]
	Supervised []int     // positions of its targets, [Loss.Targets]
	NLL        []float64 // nats of each target; none where nothing was computed
}

// Target is a supervised token.
type Target struct {
	Position int // in its example
	ID       int32
}

// consumed describes the pass that has just run, of which number came before it.
func (t *Trainer) consumed(number int) Pass {
	rt, head := t.graph.Runtime, t.graph.Loss
	pass := describe(rt.Batch)
	pass.Sums, pass.Evaluate = head.Sums, rt.Evaluate
	for i, l := range loss.PerExample(rt.Batch.LossRows, head.Stats, len(rt.Batch.Rows)) {
		pass.Rows[i].Loss = l
	}
	for i, r := range rt.Batch.LossRows {
		row := &pass.Rows[r.Example]
		row.NLL = append(row.NLL, -head.Stats[i].LogP)
	}
	pass.Of = head.Sums.Terms(rt.Counts, rt.Weights)
	if number > 0 { // the confidence term is 1 less a share: the 1 counts once
		pass.Of.Loss -= rt.Weights.Confidence
	}
	return pass
}

// describe says what a pass holds, without its losses.
func describe(p batch.Packed) Pass {
	pass := Pass{Rows: make([]RowRecord, len(p.Rows))}
	seen := make(map[uint64]bool, len(p.Rows))
	for i := range p.Rows {
		ids := p.Tokens[p.Starts[i]:p.Starts[i+1]]
		pass.Rows[i] = RowRecord{Row: p.Rows[i], Hash: batch.Hash(ids), Tokens: len(ids), IDs: ids}
		seen[pass.Rows[i].Hash] = true
	}
	pass.Distinct = len(seen)
	for _, r := range p.LossRows {
		row := &pass.Rows[r.Example]
		row.Loss.Targets++
		row.Last = Target{Position: int(r.Row) + 1 - p.Starts[r.Example], ID: r.Target}
		if row.First == (Target{}) {
			row.First = row.Last
		}
		row.Supervised = append(row.Supervised, row.Last.Position)
	}
	return pass
}

// recent is how many steps a trainer remembers.
const recent = 64

// remember keeps the record of a step in a ring.
func (t *Trainer) remember(s Step) {
	if len(t.ring) < recent {
		t.ring = append(t.ring, s)
		return
	}
	copy(t.ring, t.ring[1:])
	t.ring[recent-1] = s
}

// Recent are the records of the last 64 steps, the failed ones included, the
// newest last. The records are shared with the trainer.
func (t *Trainer) Recent() []Step { return append([]Step(nil), t.ring...) }
