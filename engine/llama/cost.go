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
