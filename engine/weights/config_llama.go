package weights

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// llamaConfig takes a Config from config.json, with the defaults of
// transformers' LlamaConfig, and refuses all that would change the arithmetic.
// generation may be nil.
func llamaConfig(f, generation fields) (Config, error) {
	c := Config{Architecture: "llama", BOS: -1}
	if err := checkArchitecture(f); err != nil {
		return c, err
	}
	if err := checkNeutral(f); err != nil {
		return c, err
	}
	for _, s := range []struct {
		key      string
		to       *int
		fallback *int // used where the key is absent; nil: required
	}{
		{"hidden_size", &c.Hidden, nil},
		{"num_hidden_layers", &c.Layers, nil},
		{"num_attention_heads", &c.Heads, nil},
		{"num_key_value_heads", &c.KVHeads, &c.Heads},
		{"intermediate_size", &c.FFN, nil},
		{"vocab_size", &c.Vocab, nil},
	} {
		def := 0
		if s.fallback != nil {
			def = *s.fallback
		} else if !f.has(s.key) {
			return c, corrupt("%s is missing", s.key)
		}
		var err error
		if *s.to, err = f.integer(s.key, def); err != nil {
			return c, err
		}
	}
	if err := headSize(f, &c); err != nil {
		return c, err
	}
	var err error
	if c.MaxPositions, err = f.integer("max_position_embeddings", 2048); err != nil {
		return c, err
	}
	if c.RopeTheta, err = ropeTheta(f); err != nil {
		return c, err
	}
	if c.NormEps, err = f.number("rms_norm_eps", 1e-6); err != nil {
		return c, err
	}
	if c.Tied, err = f.boolean("tie_word_embeddings"); err != nil {
		return c, err
	}
	if c.EOS, err = generation.ids("eos_token_id"); err != nil {
		return c, err
	}
	if len(c.EOS) == 0 {
		if c.EOS, err = f.ids("eos_token_id"); err != nil {
			return c, err
		}
	}
	bos, err := f.integer("bos_token_id", -1)
	if err != nil {
		return c, err
	}
	if bos < -1 || bos > maxVocab {
		return c, corrupt("bos_token_id is %d, not a token id", bos)
	}
	c.BOS = int32(bos)
	if c.InitializerRange, err = f.number("initializer_range", 0); err != nil {
		return c, err
	}
	return c, c.Validate()
}

func checkArchitecture(f fields) error {
	kind, err := f.text("model_type", "")
	if err != nil {
		return err
	}
	if kind != "llama" {
		if kind == "" {
			return unsupported("a configuration without model_type (%s)", works)
		}
		return unsupported("model_type %q (%s)", clip(kind), works)
	}
	if !f.has("architectures") {
		return nil
	}
	var names []string
	if err := json.Unmarshal(f["architectures"], &names); err != nil {
		return corrupt("architectures is %s, not a list of names", clip(string(f["architectures"])))
	}
	if len(names) > 0 && !slices.Contains(names, "LlamaForCausalLM") {
		return unsupported("architecture %s (what works: LlamaForCausalLM)", clip(strings.Join(names, ", ")))
	}
	return nil
}

// checkNeutral refuses what is there and not at the value that leaves the plain
// Llama arithmetic as it is.
func checkNeutral(f fields) error {
	act, err := f.text("hidden_act", "silu")
	if err != nil {
		return err
	}
	if act != "silu" {
		return unsupported("hidden_act %q (what works: silu)", clip(act))
	}
	for _, key := range []string{"attention_bias", "mlp_bias", "rope_interleaved"} {
		if on, err := f.boolean(key); err != nil {
			return err
		} else if on {
			return unsupported("%s true (%s)", key, works)
		}
	}
	if f.has("rope_scaling") {
		return unsupported("rope_scaling %s (%s)", clip(string(f["rope_scaling"])), works)
	}
	for _, key := range []string{"quantization_config", "sliding_window"} {
		if f.has(key) {
			return unsupported("%s %s (%s)", key, clip(string(f[key])), works)
		}
	}
	for _, s := range []struct {
		key     string
		neutral float64
	}{{"attention_dropout", 0}, {"partial_rotary_factor", 1}} {
		if v, err := f.number(s.key, s.neutral); err != nil {
			return err
		} else if v != s.neutral {
			return unsupported("%s %v (what works: %v)", s.key, v, s.neutral)
		}
	}
	return nil
}

// headSize sets c.HeadDim: head_dim, or the hidden size shared out.
func headSize(f fields, c *Config) (err error) {
	if !f.has("head_dim") {
		if c.Heads < 1 || c.Hidden%c.Heads != 0 {
			return corrupt("hidden_size %d is not a multiple of num_attention_heads %d, and there is no head_dim", c.Hidden, c.Heads)
		}
		c.HeadDim = c.Hidden / c.Heads
		return nil
	}
	c.HeadDim, err = f.integer("head_dim", 0)
	return err
}

// ropeTheta finds the base of the rotary embedding: at the top in files up to
// transformers 4, within rope_parameters in newer ones.
func ropeTheta(f fields) (float64, error) {
	theta, err := f.number("rope_theta", 10000)
	if err != nil || !f.has("rope_parameters") {
		return theta, err
	}
	p, err := parseFields(f["rope_parameters"])
	if err != nil {
		return 0, corrupt("rope_parameters is %s, not an object", clip(string(f["rope_parameters"])))
	}
	for _, key := range []string{"rope_type", "type"} {
		if kind, err := p.text(key, "default"); err != nil {
			return 0, err
		} else if kind != "default" {
			return 0, unsupported("rope_parameters of type %q (%s)", clip(kind), works)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(p)) {
		known := key == "rope_theta" || key == "rope_type" || key == "type" || key == "partial_rotary_factor"
		if !known && p.has(key) {
			return 0, unsupported("rope_parameters with %s (%s)", clip(key), works)
		}
	}
	if part, err := p.number("partial_rotary_factor", 1); err != nil {
		return 0, err
	} else if part != 1 {
		return 0, unsupported("partial_rotary_factor %v (what works: 1)", part)
	}
	inner, err := p.number("rope_theta", theta)
	if err != nil {
		return 0, err
	}
	if f.has("rope_theta") && inner != theta {
		return 0, corrupt("rope_theta is %v, in rope_parameters it is %v", theta, inner)
	}
	return inner, nil
}
