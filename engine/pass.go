package engine

import (
	"hone/engine/batch"
	"hone/engine/llama"
	"hone/engine/rng"
)

// LargestPass is the largest forward pass of a run over examples: batches are
// looked at in the order in which the run will take them, which is mostly much
// smaller than its longest examples together. Of the tokens, the targets and the
// targets of an example the largest may be those of different passes.
func (c Config) LargestPass(examples []batch.Example) llama.Pass {
	var largest llama.Pass
	tokens, targets := make([]int, len(examples)), make([]int, len(examples))
	for i, e := range examples {
		tokens[i], targets[i] = len(e.IDs), e.Targets()
		largest.Example = max(largest.Example, targets[i])
	}
	limit := c.MicroBatch
	take := func(t, y int) { largest.Tokens, largest.Targets = max(largest.Tokens, t), max(largest.Targets, y) }
	for epoch := range c.Epochs {
		order := func(i int) int { return i }
		if c.Shuffle {
			p := rng.New(c.Seed, "order").With(uint64(epoch)).Permutation(len(examples))
			order = func(i int) int { return p[i] }
		} else if epoch > 0 {
			break
		}
		for first := 0; first < len(examples); first += c.BatchSize {
			t, y := 0, 0
			for i := first; i < min(first+c.BatchSize, len(examples)); i++ {
				e := order(i)
				if limit > 0 && t > 0 && t+tokens[e] > limit {
					take(t, y)
					t, y = 0, 0
				}
				t, y = t+tokens[e], y+targets[e]
			}
			take(t, y)
		}
	}
	return largest
}
