package llama

import "hone/engine/weights"

// linears counts the weights of a layer's linear modules.
func linears(c weights.Config) int64 {
	var n int64
	for _, m := range weights.Linears {
		out, in, _ := c.LinearShape(m)
		n += int64(out) * int64(in)
	}
	return n
}

// ForwardFlops is the arithmetic of a forward pass over tokens of which targets
// are projected to the vocabulary.
func ForwardFlops(c weights.Config, tokens, targets int) float64 {
	layers := 2 * float64(linears(c)) * float64(c.Layers) * float64(tokens)
	return layers + 2*float64(c.Vocab)*float64(c.Hidden)*float64(targets)
}

// TrainingFlops is the arithmetic of forward and backward through frozen
// weights, with an adapter.
func TrainingFlops(c weights.Config, l LoRA, tokens, targets int) float64 {
	return 2*ForwardFlops(c, tokens, targets) + 6*float64(l.Parameters(c))*float64(tokens)
}

// TrainingBytes estimates the memory of training an adapter with forward
// passes of so many tokens: weights packed both ways, the adapter with its
// gradient and moments, activations kept for backward, and scratch.
func TrainingBytes(c weights.Config, l LoRA, dtype DType, tokens int) int64 {
	hidden, ffn := int64(c.Hidden), int64(c.FFN)
	q, kv := int64(c.Heads*c.HeadDim), int64(c.KVHeads*c.HeadDim)
	vocab := int64(c.Vocab) * hidden
	packed := 2 * (linears(c)*int64(c.Layers) + vocab)
	floats := packed
	if dtype == BF16 {
		floats = packed / 2
	}
	if !c.Tied {
		floats += vocab // the embedding table
	}
	floats += 4 * l.Parameters(c)

	rank := int64(l.R) * int64(len(l.Targets))
	kept := 3*hidden + (q + 2*kv) + q + 3*ffn + hidden + int64(c.Heads) + 2 + rank // a layer's outputs and what backward needs
	ends := 4 * hidden                                                             // embedding, final norm, gathered rows and their gradient
	backward := 8*hidden + (q + 2*kv) + q + 3*ffn + 2*rank                         // one buffer a kind
	if l.Dropout > 0 {
		backward += max(hidden, ffn, q)
	}
	floats += int64(tokens) * (kept*int64(c.Layers) + ends + backward)
	floats += int64(headLogits(tokens)) * int64(c.Vocab)
	return floats * 4
}

// headLogits is how many rows of logits exist at a time (see ops.HeadLoss).
func headLogits(tokens int) int { return min(tokens, 256) }
