package llama

import (
	"slices"

	"hone/engine/kernel"
	"hone/engine/ops"
	"hone/engine/weights"
)

// Pass is the largest forward pass of a training run.
type Pass struct {
	Tokens  int // of all its examples
	Targets int // supervised ones of all its examples
	Example int // supervised ones of the example with the most
}

// fused are the linear modules of a layer as they are multiplied: each row is
// one matrix, whose parts have the same input.
var fused = [][]string{{"q_proj", "k_proj", "v_proj"}, {"o_proj"}, {"gate_proj", "up_proj"}, {"down_proj"}}

// fusedShape is a fused matrix of a layer, [out, in].
type fusedShape struct {
	out, in int
	parts   []int // rows of each part
}

func fusedShapes(c weights.Config) []fusedShape {
	var shapes []fusedShape
	for _, modules := range fused {
		var s fusedShape
		for _, m := range modules {
			out, in, _ := c.LinearShape(m)
			s.in = in
			s.out += out
			s.parts = append(s.parts, out)
		}
		shapes = append(shapes, s)
	}
	return shapes
}

// ranks are the ranks of the adapters of each fused matrix together, [layers][fused].
func (l LoRA) ranks(c weights.Config) [][]int {
	ranks := make([][]int, c.Layers)
	for i := range ranks {
		ranks[i] = make([]int, len(fused))
	}
	for _, m := range l.modules(c) {
		i := slices.IndexFunc(fused, func(modules []string) bool { return slices.Contains(modules, m.Linear) })
		ranks[m.Layer][i] += m.R
	}
	return ranks
}

// WidestRank is the largest sum of the ranks of a layer.
func (l LoRA) WidestRank(c weights.Config) int {
	widest := 0
	for _, layer := range l.ranks(c) {
		sum := 0
		for _, r := range layer {
			sum += r
		}
		widest = max(widest, sum)
	}
	return widest
}

// PackedAdapterBytes is the memory of an adapter packed for inference.
func (l LoRA) PackedAdapterBytes(c weights.Config) int64 {
	var n int64
	shapes := fusedShapes(c)
	for _, layer := range l.ranks(c) {
		for i, r := range layer {
			if r > 0 {
				n += kernel.PackedBytes(kernel.F32, r, shapes[i].in)
			}
		}
	}
	for _, m := range l.modules(c) {
		out, _, _ := c.LinearShape(m.Linear)
		n += kernel.PackedBytes(kernel.F32, out, m.R)
	}
	return n
}

// WeightBytes is the memory of a model's weights as Load has them. Of weights
// that are trained it is that of their packed copies; the weights themselves are
// parameters.
func WeightBytes(c weights.Config, use Use, dtype DType) int64 {
	format := dtype.of(use).Format()
	n := kernel.PackedBytes(format, c.Vocab, c.Hidden)
	for _, s := range fusedShapes(c) {
		n += int64(c.Layers) * kernel.PackedBytes(format, s.out, s.in)
	}
	if use == Full {
		return n
	}
	n += 4 * (int64(c.Layers)*c.LayerVectors() + int64(c.Hidden)) // norms and biases
	if !c.Tied {
		n += 4 * int64(c.Vocab) * int64(c.Hidden) // the embedding table
	}
	return n
}

// TrainingBytes is the memory of training with forward passes no larger than p:
// weights, what is trained with its gradient and moments, activations and
// scratch. l has no targets where there is no adapter.
func TrainingBytes(c weights.Config, l LoRA, use Use, dtype DType, p Pass) int64 {
	trained := l.Parameters(c)
	if use == Full {
		trained += c.Parameters()
	}
	floats := 4 * trained // values, gradient, two moments
	floats += int64(p.Tokens)*activations(c, l) + head(c, p) + loraScratch(c, l)
	if use == Full {
		floats += 256 * int64(p.Tokens) // a weight's gradient is computed from transposed blocks
		if c.Tied {
			floats += 3 * int64(c.Vocab) * int64(c.Hidden) // head and embedding have a gradient each, and sums of them
		}
	}
	return 4*floats + WeightBytes(c, use, dtype) + roundedBytes(c, dtype, use, p)
}

// activations is how many floats a token takes in the graph: what each layer
// keeps for backward, and what all layers share.
func activations(c weights.Config, l LoRA) int64 {
	hidden, ffn := c.Hidden, c.FFN
	q := c.Heads * c.HeadDim
	qkv := q + 2*c.KVHeads*c.HeadDim
	shapes, rank, widest := fusedShapes(c), 0, 0
	dropped := 0
	for _, layer := range l.ranks(c) {
		for i, r := range layer {
			rank += r
			widest = max(widest, r)
			if l.Dropout > 0 && r > 0 {
				dropped = max(dropped, shapes[i].in)
			}
		}
	}
	// qkv, attention with its log-sum-exps, o, gate|up, down; two norms' scales
	layer := qkv + q + c.Heads + hidden + 2*ffn + hidden + 2
	// embedding, a norm's output, SwiGLU's; final norm's scale, rotary table, token id
	forward := hidden + hidden + ffn + 1 + c.HeadDim + 1
	// gradients: of each kind of product's input, of three norms', of attention's and SwiGLU's, of the gathered rows; two sums
	backward := hidden + q + hidden + ffn + 3*hidden + qkv + 2*ffn + hidden + 2*hidden
	if c.HeadNorm {
		forward, backward = forward+qkv, backward+qkv // heads after their norm, and its gradient
	}
	return int64(c.Layers)*int64(layer) + int64(rank) + int64(forward+backward+2*widest+dropped) // rank: LoRA's inner products of all layers
}

// head is the floats of the head with the loss: gathered hidden states, their
// gradient, and a chunk of logits.
func head(c weights.Config, p Pass) int64 {
	return 2*int64(p.Targets)*int64(c.Hidden) + int64(ops.LogitRows(p.Targets, p.Example))*int64(c.Vocab)
}

// loraScratch is the floats of the adapters' packed factors and their gradients
// on the way, which all layers share.
func loraScratch(c weights.Config, l LoRA) int64 {
	var bytes int64
	stacked, across := 0, 0
	inputs := fusedShapes(c)
	shapes := map[[2]int]bool{}
	for _, layer := range l.ranks(c) {
		for i, r := range layer {
			if r > 0 {
				shapes[[2]int{r, inputs[i].in}] = true
				stacked = max(stacked, r*inputs[i].in)
			}
		}
	}
	for _, m := range l.modules(c) {
		out, _, _ := c.LinearShape(m.Linear)
		shapes[[2]int{out, m.R}] = true
		across = max(across, m.R*out)
	}
	for s := range shapes {
		bytes += kernel.PackedBytes(kernel.F32, s[0], s[1])
	}
	return bytes/4 + int64(stacked+across)
}

// roundedBytes is the room for operands rounded to bf16: of the widest gradient
// that is multiplied, or of a chunk of logits.
func roundedBytes(c weights.Config, dtype DType, use Use, p Pass) int64 {
	if dtype.of(use) != BF16 {
		return 0
	}
	n := kernel.RoundedBytes(ops.LogitRows(p.Targets, p.Example), c.Vocab)
	for _, s := range fusedShapes(c) {
		n = max(n, kernel.RoundedBytes(p.Tokens, max(s.in, s.out)))
	}
	return n
}
