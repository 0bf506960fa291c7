package engine

import (
	"testing"

	"hone/engine/batch"
	"hone/engine/llama"
)

// The largest pass that is foreseen is the largest that a run takes.
func TestLargestPassIsThatOfTheRun(t *testing.T) {
	var examples []batch.Example
	for i := range 53 {
		n, prompt := 5+i*i*37%61, 2+i%3
		e := batch.Example{Row: i, IDs: make([]int32, n), Class: make([]int32, n)}
		for j := range min(prompt, n) {
			e.Class[j] = batch.NotTarget
		}
		examples = append(examples, e)
	}
	for _, c := range []Config{
		{Seed: 3, Epochs: 4, BatchSize: 8, Shuffle: true},
		{Seed: 4, Epochs: 2, BatchSize: 8, Shuffle: true, MicroBatch: 100},
		{Seed: 4, Epochs: 3, BatchSize: 7, MicroBatch: 10},
		{Epochs: 1, BatchSize: 100},
	} {
		run := &Trainer{Config: c, examples: examples}
		var want llama.Pass
		for s := range run.Steps() {
			limit := c.MicroBatch
			if limit == 0 {
				limit = 1 << 30
			}
			for _, micro := range batch.Split(run.Batch(s), limit) {
				p := batch.Pack(micro)
				want.Tokens, want.Targets = max(want.Tokens, len(p.Tokens)), max(want.Targets, len(p.LossRows))
				for _, e := range micro {
					want.Example = max(want.Example, e.Targets())
				}
			}
		}
		if got := c.LargestPass(examples); got != want || got.Tokens == 0 {
			t.Errorf("%+v: %+v, want %+v", c, got, want)
		}
	}
}
