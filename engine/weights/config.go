package weights

import (
	"fmt"
	"math"
)

// Config is what decides the arithmetic of a model of the Llama family.
type Config struct {
	Architecture string // one of Architectures
	Hidden       int    // width of the residual stream
	Layers       int
	Heads        int // query heads
	KVHeads      int // key and value heads; divides Heads
	HeadDim      int // even; Heads*HeadDim need not be Hidden
	FFN          int // width of the gated MLP
	Vocab        int
	MaxPositions int
	RopeTheta    float64
	RopeScaling  RopeScaling
	NormEps      float64 // epsilon of RMSNorm
	QKVBias      bool    // q_proj, k_proj and v_proj add a bias
	OBias        bool    // o_proj does
	MLPBias      bool    // gate_proj, up_proj and down_proj do
	HeadNorm     bool    // every query and key head goes through an RMSNorm before it is rotated
	Window       int     // positions that a query sees, itself included; 0: all before it
	Windowed     []bool  // [layers] in which it sees no more than them; nil: in all
	Tied         bool    // the output head is the embedding
	EOS          []int32 // any of them ends a generation; training appends the first
	BOS          int32   // -1: none
	// InitializerRange is the standard deviation of random initial weights; 0: not
	// said.
	InitializerRange float64
}

// DefaultInitializerRange is the standard deviation of random weights where a
// configuration does not say one, as in transformers.
const DefaultInitializerRange = 0.02

// Largest values accepted. They are far above any Llama, and low enough that no
// product of sizes can overflow 63 bits.
const (
	maxHidden    = 1 << 17
	maxLayers    = 1 << 12
	maxHeads     = 1 << 12
	maxHeadDim   = 1 << 12
	maxFFN       = 1 << 20
	maxVocab     = 1 << 24
	maxPositions = 1 << 31
)

// Validate checks that every size is in range and that the sizes fit each other.
// The error wraps [ErrCorrupt], or [ErrUnsupported] for another architecture.
func (c Config) Validate() error {
	fam, known := families[c.Architecture]
	if !known {
		return unsupported("architecture %q (%s)", c.Architecture, works)
	}
	if !fam.has(c) {
		return corrupt("biases, norms of heads or a sliding window that %s does not have", c.Architecture)
	}
	for _, s := range []struct {
		name       string
		value, max int64
	}{
		{"hidden size", int64(c.Hidden), maxHidden},
		{"number of layers", int64(c.Layers), maxLayers},
		{"number of heads", int64(c.Heads), maxHeads},
		{"number of key/value heads", int64(c.KVHeads), maxHeads},
		{"head size", int64(c.HeadDim), maxHeadDim},
		{"feed-forward size", int64(c.FFN), maxFFN},
		{"vocabulary size", int64(c.Vocab), maxVocab},
		{"number of positions", int64(c.MaxPositions), maxPositions},
	} {
		if s.value < 1 || s.value > s.max {
			return corrupt("%s is %d, not between 1 and %d", s.name, s.value, s.max)
		}
	}
	if c.Heads%c.KVHeads != 0 {
		return corrupt("%d heads cannot share %d key/value heads", c.Heads, c.KVHeads)
	}
	if c.HeadDim%2 != 0 {
		return corrupt("head size %d is odd, rotary embedding needs pairs", c.HeadDim)
	}
	if !(c.RopeTheta > 0) || math.IsInf(c.RopeTheta, 0) {
		return corrupt("rope theta %v is not a positive number", c.RopeTheta)
	}
	if err := c.RopeScaling.validate(); err != nil {
		return err
	}
	if c.Window < 0 || c.Window > maxPositions {
		return corrupt("sliding window of %d positions", c.Window)
	}
	if c.Windowed != nil && (c.Window == 0 || len(c.Windowed) != c.Layers) {
		return corrupt("a sliding window of %d positions in %d of %d layers", c.Window, len(c.Windowed), c.Layers)
	}
	if !(c.NormEps > 0 && c.NormEps < 1) {
		return corrupt("norm epsilon %v is not between 0 and 1", c.NormEps)
	}
	for _, id := range c.EOS {
		if id < 0 || int(id) >= c.Vocab {
			return corrupt("end-of-sequence token %d is not in the vocabulary of %d", id, c.Vocab)
		}
	}
	if c.BOS < -1 || int(c.BOS) >= c.Vocab {
		return corrupt("beginning-of-sequence token %d is not in the vocabulary of %d", c.BOS, c.Vocab)
	}
	return nil
}

// WindowOf is how many positions a query of a layer sees, itself included; 0: all
// before it.
func (c Config) WindowOf(layer int) int {
	if c.Windowed != nil && !c.Windowed[layer] {
		return 0
	}
	return c.Window
}

// Parameters counts all weights, a tied head once.
func (c Config) Parameters() int64 {
	hidden, q, kv := int64(c.Hidden), int64(c.Heads*c.HeadDim), int64(c.KVHeads*c.HeadDim)
	layer := 2*hidden*q + 2*hidden*kv + 3*hidden*int64(c.FFN) + c.LayerVectors()
	n := int64(c.Layers)*layer + hidden + int64(c.Vocab)*hidden
	if !c.Tied {
		n += int64(c.Vocab) * hidden
	}
	return n
}

// LayerVectors counts the weights of a layer that are not in matrices: of norms
// and biases.
func (c Config) LayerVectors() int64 {
	n := 2 * int64(c.Hidden)
	if c.HeadNorm {
		n += 2 * int64(c.HeadDim)
	}
	for _, m := range Linears {
		if out, _, _ := c.LinearShape(m); c.HasBias(m) {
			n += int64(out)
		}
	}
	return n
}

// HasBias reports whether a linear layer of Linears adds a bias.
func (c Config) HasBias(name string) bool {
	switch name {
	case "q_proj", "k_proj", "v_proj":
		return c.QKVBias
	case "o_proj":
		return c.OBias
	}
	return c.MLPBias
}

// ExpectedTensors lists names and shapes of all tensors of a model, without
// data, in the order embedding, layers, final norm, head. A tied head is not
// listed. c must be valid.
func ExpectedTensors(c Config) []Tensor {
	tensors := make([]Tensor, 0, 9*c.Layers+3)
	add := func(name string, shape ...int) { tensors = append(tensors, Tensor{Name: name, Shape: shape}) }
	add(embeddingName, c.Vocab, c.Hidden)
	for l := range c.Layers {
		p := fmt.Sprintf("model.layers.%d.", l)
		linear := func(names ...string) {
			for _, m := range names {
				out, in, _ := c.LinearShape(m)
				add(p+linearModule[m]+".weight", out, in)
				if c.HasBias(m) {
					add(p+linearModule[m]+".bias", out)
				}
			}
		}
		add(p+"input_layernorm.weight", c.Hidden)
		linear("q_proj", "k_proj", "v_proj")
		if c.HeadNorm {
			add(p+"self_attn.q_norm.weight", c.HeadDim)
			add(p+"self_attn.k_norm.weight", c.HeadDim)
		}
		linear("o_proj")
		add(p+"post_attention_layernorm.weight", c.Hidden)
		linear("gate_proj", "up_proj", "down_proj")
	}
	add(normName, c.Hidden)
	if !c.Tied {
		add(headName, c.Vocab, c.Hidden)
	}
	return tensors
}

const (
	embeddingName = "model.embed_tokens.weight"
	normName      = "model.norm.weight"
	headName      = "lm_head.weight"
)

// Linears are the seven linear layers of a block by the names that LoRA targets
// use, in the order of computation.
var Linears = []string{"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}

// linearModule maps a name of Linears to its path within a layer.
var linearModule = map[string]string{
	"q_proj": "self_attn.q_proj", "k_proj": "self_attn.k_proj", "v_proj": "self_attn.v_proj", "o_proj": "self_attn.o_proj",
	"gate_proj": "mlp.gate_proj", "up_proj": "mlp.up_proj", "down_proj": "mlp.down_proj",
}

// LinearShape returns the rows and columns of a linear layer of Linears, ok
// false for any other name.
func (c Config) LinearShape(name string) (out, in int, ok bool) {
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	switch name {
	case "q_proj":
		return q, c.Hidden, true
	case "k_proj", "v_proj":
		return kv, c.Hidden, true
	case "o_proj":
		return c.Hidden, q, true
	case "gate_proj", "up_proj":
		return c.FFN, c.Hidden, true
	case "down_proj":
		return c.Hidden, c.FFN, true
	}
	return 0, 0, false
}
