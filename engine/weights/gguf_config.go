package weights

import "strings"

// config takes a Config from the metadata and refuses what the engine does not
// compute. Every key of the architecture's own has to be known: one that is not may
// change the arithmetic.
func (g *gguf) config() (Config, error) {
	c := Config{BOS: -1}
	if err := g.checkGeneral(); err != nil {
		return c, err
	}
	c.Architecture = g.arch
	if err := g.checkKeys(); err != nil {
		return c, err
	}
	for _, s := range []struct {
		key      string
		to       *int
		fallback *int // used where the key is absent; nil: required
	}{
		{"embedding_length", &c.Hidden, nil},
		{"block_count", &c.Layers, nil},
		{"attention.head_count", &c.Heads, nil},
		{"attention.head_count_kv", &c.KVHeads, &c.Heads},
		{"feed_forward_length", &c.FFN, nil},
		{"context_length", &c.MaxPositions, nil},
	} {
		s.key = g.key(s.key)
		def := int64(0)
		if s.fallback != nil {
			def = int64(*s.fallback)
		} else if _, ok := g.values[s.key]; !ok {
			return c, corrupt("%s is missing", s.key)
		}
		if a, ok := g.values[s.key].(ggufArray); ok {
			return c, unsupported("%s is a list of %d, one a layer (%s)", s.key, a.n, works)
		}
		v, err := g.integer(s.key, def)
		if err != nil {
			return c, err
		}
		if v < 1 || v > maxPositions {
			return c, corrupt("%s is %d", s.key, v)
		}
		*s.to = int(v)
	}
	if err := g.headSize(&c); err != nil {
		return c, err
	}
	var err error
	if c.RopeTheta, err = g.number(g.key("rope.freq_base"), 10000); err != nil {
		return c, err
	}
	if err := g.ropeScaling(&c); err != nil {
		return c, err
	}
	eps := g.key("attention.layer_norm_rms_epsilon")
	if _, ok := g.values[eps]; !ok {
		return c, corrupt("%s is missing", eps)
	}
	if c.NormEps, err = g.number(eps, 0); err != nil {
		return c, err
	}
	if err := g.vocabulary(&c); err != nil {
		return c, err
	}
	g.parts(&c)
	return c, c.Validate()
}

// parts sets which parts the layers have, as the first one shows: that all are the same is
// checked with the names of the tensors.
func (g *gguf) parts(c *Config) {
	c.HeadNorm = families[c.Architecture].headNorm
	for _, r := range g.regions {
		switch r.name {
		case "blk.0.attn_q.bias":
			c.QKVBias = true
		case "blk.0.attn_output.bias":
			c.OBias = true
		case "blk.0.ffn_gate.bias":
			c.MLPBias = true
		}
	}
}

// checkGeneral refuses other architectures, and files that are a part of
// something else.
func (g *gguf) checkGeneral() error {
	arch, err := g.text("general.architecture", "")
	if err != nil {
		return err
	}
	kind, err := g.text("general.type", "model")
	if err != nil {
		return err
	}
	split, err := g.integer("split.count", 1)
	if err != nil {
		return err
	}
	_, known := ggufArchs[arch]
	switch {
	case arch == "":
		return corrupt("general.architecture is missing")
	case !known:
		return unsupported("architecture %q (%s)", clip(arch), ggufWorks)
	case kind != "model":
		return unsupported("a GGUF file of type %q (what works: model)", clip(kind))
	case split > 1:
		return unsupported("a model split over %d GGUF files (what works: one file)", split)
	}
	g.arch = arch
	return nil
}

// ggufKeys are the known keys of an architecture's own. Those with a neutral value are
// refused at any other.
var ggufKeys = map[string]any{
	"vocab_size": nil, "context_length": nil, "embedding_length": nil, "block_count": nil,
	"feed_forward_length": nil, "attention.head_count": nil, "attention.head_count_kv": nil,
	"attention.key_length": nil, "attention.value_length": nil, "attention.layer_norm_rms_epsilon": nil,
	"rope.dimension_count": nil, "rope.freq_base": nil,
	"rope.scaling.type": nil, "rope.scaling.factor": nil, "rope.scale_linear": nil, "rope.scaling.finetuned": nil,

	"expert_count": 0.0, "expert_used_count": 0.0, "attention.sliding_window": 0.0,
	"attention.causal": true, "use_parallel_residual": false, "tensor_data_layout": "Meta AI original pth",
}

func (g *gguf) checkKeys() error {
	for _, key := range sortedKeys(g.values) {
		name, own := strings.CutPrefix(key, g.arch+".")
		if !own {
			continue
		}
		neutral, known := ggufKeys[name]
		if !known {
			return unsupported("metadata %s, which may change what is computed (%s)", clip(key), works)
		}
		var same bool
		var err error
		switch want := neutral.(type) {
		case nil:
			continue
		case string:
			var v string
			v, err = g.text(key, want)
			same = v == want
		case bool:
			var v bool
			v, err = g.boolean(key, want)
			same = v == want
		case float64:
			var v float64
			v, err = g.number(key, want)
			same = v == want
		}
		if err != nil {
			return err
		}
		if !same {
			return unsupported("%s is %v (what works: %v; %s)", key, clipValue(g.values[key]), neutral, works)
		}
	}
	return nil
}

func clipValue(v any) any {
	if s, ok := v.(string); ok {
		return clip(s)
	}
	return v
}

// headSize sets c.HeadDim from the key length, or the hidden size shared out, and
// checks that values and rotary embedding have the same.
func (g *gguf) headSize(c *Config) error {
	def := int64(0)
	if c.Hidden%c.Heads == 0 {
		def = int64(c.Hidden / c.Heads)
	}
	size, err := g.integer(g.key("attention.key_length"), def)
	if err != nil {
		return err
	}
	if size < 1 || size > maxHeadDim {
		return corrupt("head size %d (%d hidden, %d heads)", size, c.Hidden, c.Heads)
	}
	for _, key := range []string{g.key("attention.value_length"), g.key("rope.dimension_count")} {
		if v, err := g.integer(key, size); err != nil {
			return err
		} else if v != size {
			return unsupported("%s is %d with heads of %d (%s)", key, v, size, works)
		}
	}
	c.HeadDim = int(size)
	return nil
}

// ggufEnds are the keys of the tokens that end a generation: of a text, a turn and a
// message.
var ggufEnds = []string{"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}

// vocabulary sets the size of the vocabulary and the tokens that begin and end a
// sequence. The size is that of the embedding; what else states it must agree.
func (g *gguf) vocabulary(c *Config) error {
	c.Tied = true
	rows := -1
	for _, t := range g.regions {
		switch t.name {
		case "token_embd.weight":
			rows = t.shape[0]
		case "output.weight":
			c.Tied = false
		}
	}
	if rows < 0 {
		return corrupt("tensor token_embd.weight is missing")
	}
	c.Vocab = rows
	size, err := g.integer(g.key("vocab_size"), int64(rows))
	if err != nil {
		return err
	}
	if size != int64(rows) {
		return corrupt("%s is %d, the embedding has %d rows", g.key("vocab_size"), size, rows)
	}
	if a, ok := g.values["tokenizer.ggml.tokens"].(ggufArray); ok && a.n != rows {
		return corrupt("tokenizer.ggml.tokens has %d tokens, the embedding %d rows", a.n, rows)
	}
	bos, err := g.token("tokenizer.ggml.bos_token_id", rows)
	if err != nil {
		return err
	}
	c.BOS = bos
	for _, key := range ggufEnds {
		id, err := g.token(key, rows)
		if err != nil {
			return err
		}
		c.EOS = append(c.EOS, id)
	}
	c.EOS = unique(c.EOS)
	return nil
}

// token returns a token id of the metadata, -1 where it is absent.
func (g *gguf) token(key string, vocab int) (int32, error) {
	id, err := g.integer(key, -1)
	if err != nil {
		return -1, err
	}
	if id == 1<<32-1 { // llama.cpp's token null as an unsigned number
		id = -1
	}
	if id < -1 || id >= int64(vocab) {
		return -1, corrupt("%s is %d, the vocabulary has %d tokens", key, id, vocab)
	}
	return int32(id), nil
}
