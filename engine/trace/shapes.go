package trace

import (
	"math"
	"strings"
)

// shape is what decides how many weights a decoder of the Llama family has.
type shape struct {
	name                                  string
	hidden, layers, heads, kv, ffn, vocab int
	head                                  int // size of a head; 0 = hidden/heads
	tied                                  bool
	bias, oBias, mlpBias, headNorm        bool // of q, k, v; of o; of gate, up, down; norms of query and key heads
}

// knownShapes are public base models, by which a trainer's count of operations can
// be understood where it comes without the model's configuration.
var knownShapes = []shape{
	{name: "SmolLM-135M", hidden: 576, layers: 30, heads: 9, kv: 3, ffn: 1536, vocab: 49152, tied: true},
	{name: "SmolLM-360M", hidden: 960, layers: 32, heads: 15, kv: 5, ffn: 2560, vocab: 49152, tied: true},
	{name: "SmolLM-1.7B", hidden: 2048, layers: 24, heads: 32, kv: 32, ffn: 8192, vocab: 49152, tied: true},
	{name: "TinyLlama-1.1B", hidden: 2048, layers: 22, heads: 32, kv: 4, ffn: 5632, vocab: 32000},
	{name: "Llama-3.2-1B", hidden: 2048, layers: 16, heads: 32, kv: 8, ffn: 8192, vocab: 128256, tied: true},
	{name: "Llama-3.2-3B", hidden: 3072, layers: 28, heads: 24, kv: 8, ffn: 8192, vocab: 128256, tied: true},
	{name: "Llama-2-7B", hidden: 4096, layers: 32, heads: 32, kv: 32, ffn: 11008, vocab: 32000},
	{name: "Llama-3-8B", hidden: 4096, layers: 32, heads: 32, kv: 8, ffn: 14336, vocab: 128256},
	{name: "Mistral-7B", hidden: 4096, layers: 32, heads: 32, kv: 8, ffn: 14336, vocab: 32000},
	{name: "Qwen2.5-0.5B", hidden: 896, layers: 24, heads: 14, kv: 2, ffn: 4864, vocab: 151936, tied: true, bias: true},
	{name: "Qwen2.5-1.5B", hidden: 1536, layers: 28, heads: 12, kv: 2, ffn: 8960, vocab: 151936, tied: true, bias: true},
	{name: "Qwen2.5-3B", hidden: 2048, layers: 36, heads: 16, kv: 2, ffn: 11008, vocab: 151936, tied: true, bias: true},
	{name: "Qwen2.5-7B", hidden: 3584, layers: 28, heads: 28, kv: 4, ffn: 18944, vocab: 152064, bias: true},
}

// ModelShape is the part of a configuration that counts weights.
type ModelShape struct {
	Hidden, Layers, Heads, KVHeads, HeadDim, FFN, Vocab int
	Tied                                                bool
	Architecture                                        string // model_type
	AttentionBias, MLPBias                              bool
}

// SetModel says what the base model is, where the caller knows.
func (l *Log) SetModel(m ModelShape) {
	l.Model = Args{
		"model_type": m.Architecture, "attention_bias": m.AttentionBias, "mlp_bias": m.MLPBias, "hidden_size": float64(m.Hidden), "num_hidden_layers": float64(m.Layers), "num_attention_heads": float64(m.Heads),
		"num_key_value_heads": float64(m.KVHeads), "head_dim": float64(m.HeadDim), "intermediate_size": float64(m.FFN), "vocab_size": float64(m.Vocab),
		"tie_word_embeddings": m.Tied,
	}
}

// shapeOf reads a configuration; false where it is not known or of another family.
func (l *Log) shapeOf() (shape, bool) {
	m := l.Model
	s := shape{name: l.BaseName}
	for key, to := range map[string]*int{
		"hidden_size": &s.hidden, "num_hidden_layers": &s.layers, "num_attention_heads": &s.heads,
		"intermediate_size": &s.ffn, "vocab_size": &s.vocab,
	} {
		x, ok := m.Number(key)
		if !ok || x < 1 || x > 1<<24 || x != math.Trunc(x) {
			return l.namedShape()
		}
		*to = int(x)
	}
	s.kv = s.heads
	if x, ok := m.Number("num_key_value_heads"); ok && x >= 1 && x <= float64(s.heads) {
		s.kv = int(x)
	}
	if x, ok := m.Number("head_dim"); ok && x >= 1 && x <= 1<<16 {
		s.head = int(x)
	}
	s.tied, _ = m.Bool("tie_word_embeddings")
	attention, _ := m.Bool("attention_bias")
	switch m.Text("model_type") {
	case "llama", "mistral":
		s.bias, s.oBias = attention, attention
		s.mlpBias, _ = m.Bool("mlp_bias")
	case "qwen2":
		s.bias = true
	case "qwen3":
		s.bias, s.oBias, s.headNorm = attention, attention, true
		if s.head == 0 {
			s.head = 128
		}
	default:
		return shape{}, false
	}
	return s, true
}

// namedShape finds the base model by its name.
func (l *Log) namedShape() (shape, bool) {
	plain := func(s string) string {
		return strings.NewReplacer("-", "", "_", "", ".", "", "smollm2", "smollm").Replace(strings.ToLower(s[strings.LastIndexByte(s, '/')+1:]))
	}
	name := plain(l.BaseName)
	if name == "" {
		return shape{}, false
	}
	for _, s := range knownShapes {
		if strings.HasPrefix(name, plain(s.name)) {
			return s, true
		}
	}
	return shape{}, false
}

func (s shape) widths() (q, kv int64) {
	head := s.head
	if head == 0 {
		head = s.hidden / s.heads
	}
	return int64(head) * int64(s.heads), int64(head) * int64(s.kv)
}

// weights counts what transformers counts for total_flos: all but the embedding,
// of which a tied head is a part.
func (s shape) weights() int64 {
	q, kv := s.widths()
	h, f := int64(s.hidden), int64(s.ffn)
	layer := 2*h*q + 2*h*kv + 3*h*f + 2*h
	if s.bias {
		layer += q + 2*kv
	}
	if s.oBias {
		layer += h
	}
	if s.mlpBias {
		layer += 2*f + h
	}
	if s.headNorm {
		layer += 2 * q / int64(s.heads)
	}
	n := int64(s.layers)*layer + h
	if !s.tied {
		n += int64(s.vocab) * h
	}
	return n
}

// targetSets are the usual targets of LoRA.
var targetSets = [][]string{
	{"q", "k", "v", "o", "gate", "up", "down"},
	{"q", "v"},
	{"q", "k", "v", "o"},
	{"q", "k", "v"},
	{"q", "k"},
	{"gate", "up", "down"},
	{"q", "v", "o"},
	{"q", "k", "v", "o", "gate", "up"},
}

// Ranks of adapters, those that most people take and the others.
var (
	usualRanks = []int{8, 16, 32, 64, 4, 128, 2, 256, 1}
	otherRanks = []int{3, 5, 6, 7, 10, 12, 20, 24, 40, 48, 96}
)

// lora counts the values of an adapter.
func (s shape) lora(r int, targets []string) int64 {
	q, kv := s.widths()
	h, f := int64(s.hidden), int64(s.ffn)
	sums := map[string]int64{"q": h + q, "k": h + kv, "v": h + kv, "o": q + h, "gate": h + f, "up": h + f, "down": f + h}
	n := int64(0)
	for _, t := range targets {
		n += sums[t]
	}
	return n * int64(r) * int64(s.layers)
}
