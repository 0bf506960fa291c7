package engine_test

import (
	"slices"
	"testing"

	"hone/engine/batch"
	"hone/engine/kernel"
	"hone/engine/llama"
	"hone/engine/loss"
	"hone/engine/ops"
)

// Failures of other engines that cannot happen here, held by a property each.

// ATTN-LEAK, POSITION: no token sees a later one or another example. Changing either
// leaves every earlier prediction as it was, bit for bit.
func TestNoTokenSeesLaterOrOthers(t *testing.T) {
	x := openToy(t, "tied")
	pool := newPool(t, 2)
	graph, err := llama.Build(ops.NewRuntime(pool, 300), load(t, pool, x.model, llama.Frozen), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer graph.Close()
	graph.Runtime.Weights = loss.Weights{CE: 1}
	predict := func(examples []batch.Example) ([]batch.LossRow, []loss.Stats) {
		t.Helper()
		graph.Runtime.Counts = batch.Count(examples)
		p := batch.Pack(examples)
		if err := graph.Run(p); err != nil {
			t.Fatal(err)
		}
		return p.LossRows, slices.Clone(graph.Loss.Stats[:len(p.LossRows)])
	}
	examples := slices.Clone(x.examples[:4])
	rows, want := predict(examples)
	for _, changed := range []int{0, 2} {
		other := slices.Clone(examples)
		e := &other[changed]
		e.IDs = slices.Clone(e.IDs)
		at := len(e.IDs) - 1 // its last token: nothing comes after it
		e.IDs[at] = (e.IDs[at] + 7) % int32(x.model.Config.Vocab)
		_, got := predict(other)
		for i, r := range rows {
			if int(r.Example) == changed && r.Target != e.IDs[at] && i+1 < len(rows) && rows[i+1].Example != r.Example {
				continue // predicts the token that was changed
			}
			if got[i] != want[i] {
				t.Errorf("example %d, position %d: changed with the last token of example %d", r.Example, r.Row, changed)
			}
		}
	}
}

// SOFTMAX-NOSUB: logits far beyond what exp can hold have a finite loss.
func TestLargeLogitsHaveAFiniteLoss(t *testing.T) {
	logits := []float32{1e4, -1e4, 3e37, 0, -3e37, 1e4, 1e4, 1e4}
	rows := []batch.LossRow{{Target: 1}, {Target: 1, Example: 1}}
	stats := make([]loss.Stats, 2)
	pool := kernel.NewPool(1)
	defer pool.Close()
	loss.Measure(pool, logits, 4, rows, stats)
	for i, s := range stats {
		if !(s.LogP <= 0 && s.LogP > -1e38 && s.MaxP > 0 && s.MaxP <= 1) {
			t.Errorf("row %d: %+v", i, s)
		}
	}
}
