package decode

import (
	"hone/engine/kernel"
	"hone/engine/llama"
	"hone/engine/weights"
)

// Texts are what an evaluation reads and generates, for an estimate of its memory.
type Texts struct {
	Longest int // tokens of the longest example whose loss is computed
	Targets int // supervised tokens of the example with the most
	Prompt  int // tokens of the longest prompt
	Shared  int // tokens that all prompts begin with
	MaxNew  int
	Batch   int // texts generated side by side
}

// Bytes is the memory that an evaluation takes beside the weights: a packed
// adapter, the key-value caches, activations and logits.
func Bytes(c weights.Config, l llama.LoRA, dtype llama.DType, t Texts) int64 {
	cache := func(positions int) int64 {
		f := cacheFormat(dtype.Format())
		return int64(c.Layers*c.KVHeads) * (kernel.PackedBytes(f, positions, c.HeadDim) + kernel.PackedBytes(f, c.HeadDim, positions))
	}
	n := l.PackedAdapterBytes(c) + cache(t.Longest) + int64(t.Batch)*cache(t.Prompt+t.MaxNew)
	if t.Shared > 0 {
		n += cache(t.Shared)
	}
	rows := max(t.Longest, t.Shared, t.Batch*(t.Prompt-t.Shared))
	// hidden state and norm, q|k|v, attention, gate|up, SwiGLU, LoRA's inner products
	width := 2*c.Hidden + (2*c.Heads+2*c.KVHeads)*c.HeadDim + 3*c.FFN + l.WidestRank(c)
	logits := max(t.Batch, min(headRows, t.Targets))
	return n + 4*(int64(rows)*int64(width)+int64(logits)*int64(c.Vocab)+int64(max(t.Longest, t.Prompt+t.MaxNew))*int64(c.HeadDim))
}
