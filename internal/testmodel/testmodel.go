// Package testmodel writes Llama models of any shape with seeded random
// weights, for tests and measurements: what a training step costs depends on the
// shape of the weights, not on their values.
//
//	dir := t.TempDir()
//	err := testmodel.Write(dir, testmodel.Tiny, testmodel.Options{Seed: 1})
//
// The same from a shell:
//
//	go run ./internal/testmodel/cmd -preset smollm-360m -out /tmp/smollm-360m
//
// Files are in Hugging Face's layout: config.json, generation_config.json, and
// bfloat16 weights in one safetensors file or several with an index. They are
// written by hand here and not by engine/weights, so that the project's reader
// is tested against a writer that shares no code with it.
package testmodel

import (
	"errors"
	"fmt"
)

// Shape is the architecture of a Llama model.
type Shape struct {
	Hidden  int
	Layers  int
	Heads   int
	KVHeads int // query heads share Heads/KVHeads to one; divides Heads
	HeadDim int // 0: Hidden/Heads
	FFN     int
	Vocab   int
	Tied    bool    // the head is the embedding: there is no lm_head.weight
	Theta   float64 // base of the rotary frequencies; 0: 10000
}

// Shapes that tests and measurements name.
var (
	// Tiny is for tests: 30 thousand weights.
	Tiny = Shape{Hidden: 32, Layers: 2, Heads: 4, KVHeads: 2, FFN: 64, Vocab: 304, Tied: true}
	// SmolLM135M is the shape of SmolLM-135M and SmolLM2-135M.
	SmolLM135M = Shape{Hidden: 576, Layers: 30, Heads: 9, KVHeads: 3, FFN: 1536, Vocab: 49152, Tied: true}
	// SmolLM360M is the shape of SmolLM-360M and SmolLM2-360M.
	SmolLM360M = Shape{Hidden: 960, Layers: 32, Heads: 15, KVHeads: 5, FFN: 2560, Vocab: 49152, Tied: true}
	// SmolLM17B is the shape of SmolLM2-1.7B.
	SmolLM17B = Shape{Hidden: 2048, Layers: 24, Heads: 32, KVHeads: 32, FFN: 8192, Vocab: 49152, Tied: true, Theta: 130000}
)

// Presets are the shapes by the name that the command takes.
var Presets = map[string]Shape{
	"tiny":         Tiny,
	"smollm-135m":  SmolLM135M,
	"smollm-360m":  SmolLM360M,
	"smollm2-135m": SmolLM135M,
	"smollm2-360m": SmolLM360M,
	"smollm2-1.7b": SmolLM17B,
}

// maxWeights bounds a model to what a disk surely has: a typing error in a
// dimension is refused instead of filling it.
const maxWeights = 8 << 30

// Validate says what is wrong with a shape.
func (s Shape) Validate() error {
	for _, d := range []struct {
		name               string
		value, least, most int
	}{
		{"hidden", s.Hidden, 1, 1 << 20},
		{"layers", s.Layers, 1, 1 << 12},
		{"heads", s.Heads, 1, 1 << 12},
		{"kv heads", s.KVHeads, 1, 1 << 12},
		{"head size", s.HeadDim, 0, 1 << 12},
		{"ffn", s.FFN, 1, 1 << 20},
		{"vocabulary", s.Vocab, 1, 1 << 24},
	} {
		if d.value < d.least || d.value > d.most {
			return fmt.Errorf("%s is %d, not in %d..%d", d.name, d.value, d.least, d.most)
		}
	}
	switch {
	case s.HeadDim == 0 && s.Hidden%s.Heads != 0:
		return fmt.Errorf("hidden %d does not divide into %d heads", s.Hidden, s.Heads)
	case s.headDim()%2 != 0:
		return fmt.Errorf("head size %d is odd: rotary embedding turns pairs", s.headDim())
	case s.Heads%s.KVHeads != 0:
		return fmt.Errorf("%d heads do not divide into %d kv heads", s.Heads, s.KVHeads)
	case s.Parameters() > maxWeights:
		return fmt.Errorf("%d weights are more than %d", s.Parameters(), int64(maxWeights))
	}
	return nil
}

// Parameters counts all weights, a tied head once.
func (s Shape) Parameters() int64 {
	hidden, kv, queries := int64(s.Hidden), int64(s.KVHeads)*int64(s.headDim()), int64(s.Heads)*int64(s.headDim())
	layer := 2*hidden*queries + 2*hidden*kv + 3*hidden*int64(s.FFN) + 2*hidden
	n := int64(s.Layers)*layer + hidden + hidden*int64(s.Vocab)
	if !s.Tied {
		n += hidden * int64(s.Vocab)
	}
	return n
}

func (s Shape) headDim() int {
	if s.HeadDim != 0 {
		return s.HeadDim
	}
	return s.Hidden / s.Heads
}

// tensor is a weight to be written: a vector [n] or a matrix [out, in].
type tensor struct {
	name  string
	shape []int
}

func (t tensor) size() int {
	n := 1
	for _, d := range t.shape {
		n *= d
	}
	return n
}

// tensors lists the weights of a shape in the order of the forward pass, by
// Hugging Face's names.
func (s Shape) tensors() []tensor {
	queries, kv := s.Heads*s.headDim(), s.KVHeads*s.headDim()
	list := []tensor{{"model.embed_tokens.weight", []int{s.Vocab, s.Hidden}}}
	for l := range s.Layers {
		prefix := fmt.Sprintf("model.layers.%d.", l)
		list = append(list,
			tensor{prefix + "input_layernorm.weight", []int{s.Hidden}},
			tensor{prefix + "self_attn.q_proj.weight", []int{queries, s.Hidden}},
			tensor{prefix + "self_attn.k_proj.weight", []int{kv, s.Hidden}},
			tensor{prefix + "self_attn.v_proj.weight", []int{kv, s.Hidden}},
			tensor{prefix + "self_attn.o_proj.weight", []int{s.Hidden, queries}},
			tensor{prefix + "post_attention_layernorm.weight", []int{s.Hidden}},
			tensor{prefix + "mlp.gate_proj.weight", []int{s.FFN, s.Hidden}},
			tensor{prefix + "mlp.up_proj.weight", []int{s.FFN, s.Hidden}},
			tensor{prefix + "mlp.down_proj.weight", []int{s.Hidden, s.FFN}},
		)
	}
	list = append(list, tensor{"model.norm.weight", []int{s.Hidden}})
	if !s.Tied {
		list = append(list, tensor{"lm_head.weight", []int{s.Vocab, s.Hidden}})
	}
	return list
}

// Options say how a model is written. The zero value is one file of seed 0.
type Options struct {
	Seed   uint64
	Shards int // safetensors files; 0 and 1: one, without an index
	// Tokenizer is a tokenizer.json to copy beside the weights; "": none. Its
	// vocabulary must fit the shape, which is not checked here.
	Tokenizer string
	EOS       int32 // end-of-sequence id in both configurations; 0: 2, SmolLM's
	// Check, if set, is called before each tensor; its error ends the writing. A
	// large model takes a while.
	Check func() error
}

// errNotEmpty guards against writing weights among somebody's files.
var errNotEmpty = errors.New("the directory is not empty")
