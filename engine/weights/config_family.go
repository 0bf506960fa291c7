package weights

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// family is what a model_type decides beside the sizes.
type family struct {
	class        string // of transformers
	kvHeads      int    // where the file does not say; 0: as many as heads
	headDim      int    // where the file does not say; 0: hidden size shared out
	maxPositions int    // where the file does not say
	qkvBias      bool   // whatever the file says
	headNorm     bool
	window       bool     // a sliding window is known
	windowed     bool     // in some layers
	biases       []string // keys that turn biases on; at others they are refused
}

// families are the architectures by their model_type.
var families = map[string]family{
	"llama":   {class: "LlamaForCausalLM", maxPositions: 2048, biases: []string{"attention_bias", "mlp_bias"}},
	"mistral": {class: "MistralForCausalLM", kvHeads: 8, maxPositions: 131072, window: true},
	"qwen2":   {class: "Qwen2ForCausalLM", kvHeads: 32, maxPositions: 32768, qkvBias: true, window: true, windowed: true},
	"qwen3":   {class: "Qwen3ForCausalLM", kvHeads: 32, headDim: 128, maxPositions: 32768, headNorm: true, window: true, windowed: true, biases: []string{"attention_bias"}},
}

// has reports whether c has the parts of the family: what a config.json of it can
// say.
func (fam family) has(c Config) bool {
	attention := slices.Contains(fam.biases, "attention_bias")
	return c.HeadNorm == fam.headNorm && (c.Window == 0 || fam.window) && (c.Windowed == nil || fam.windowed) &&
		(c.QKVBias == fam.qkvBias || attention) && (c.OBias == c.QKVBias && attention || !c.OBias && !attention) &&
		(!c.MLPBias || slices.Contains(fam.biases, "mlp_bias"))
}

// modelConfig takes a Config from config.json, with the defaults of
// transformers, and refuses all that would change the arithmetic. generation may
// be nil.
func modelConfig(f, generation fields) (Config, error) {
	c := Config{BOS: -1}
	kind, err := architecture(f)
	if err != nil {
		return c, err
	}
	c.Architecture = kind
	fam := families[kind]
	if err := checkNeutral(f); err != nil {
		return c, err
	}
	for _, s := range []struct {
		key      string
		to       *int
		required bool
	}{
		{"hidden_size", &c.Hidden, true},
		{"num_hidden_layers", &c.Layers, true},
		{"num_attention_heads", &c.Heads, true},
		{"num_key_value_heads", &c.KVHeads, false},
		{"intermediate_size", &c.FFN, true},
		{"vocab_size", &c.Vocab, true},
	} {
		if s.required && !f.has(s.key) {
			return c, corrupt("%s is missing", s.key)
		}
		def := c.Heads
		if _, said := f[s.key]; !said && fam.kvHeads > 0 { // null stands for as many as heads
			def = fam.kvHeads
		}
		if *s.to, err = f.integer(s.key, def); err != nil {
			return c, err
		}
	}
	if err := headSize(f, &c); err != nil {
		return c, err
	}
	if c.MaxPositions, err = f.integer("max_position_embeddings", fam.maxPositions); err != nil {
		return c, err
	}
	if c.RopeTheta, c.RopeScaling, err = rope(f); err != nil {
		return c, err
	}
	if c.NormEps, err = f.number("rms_norm_eps", 1e-6); err != nil {
		return c, err
	}
	if c.Tied, err = f.boolean("tie_word_embeddings"); err != nil {
		return c, err
	}
	if err := biases(f, &c); err != nil {
		return c, err
	}
	if err := window(f, &c); err != nil {
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

// architecture returns the model_type of a language model that is computed here.
func architecture(f fields) (string, error) {
	kind, err := f.text("model_type", "")
	if err != nil {
		return "", err
	}
	fam, known := families[kind]
	if !known {
		if kind == "" {
			return "", unsupported("a configuration without model_type (%s)", works)
		}
		return "", unsupported("model_type %q (%s)", clip(kind), works)
	}
	if !f.has("architectures") {
		return kind, nil
	}
	var names []string
	if err := json.Unmarshal(f["architectures"], &names); err != nil {
		return "", corrupt("architectures is %s, not a list of names", clip(string(f["architectures"])))
	}
	if len(names) > 0 && !slices.Contains(names, fam.class) {
		return "", unsupported("architecture %s with model_type %s (what works: %s)", clip(strings.Join(names, ", ")), kind, fam.class)
	}
	return kind, nil
}

// biases sets which linear layers add one.
func biases(f fields, c *Config) error {
	fam := families[c.Architecture]
	c.QKVBias, c.HeadNorm = fam.qkvBias, fam.headNorm
	for _, key := range []string{"attention_bias", "mlp_bias"} {
		on, err := f.boolean(key)
		switch {
		case err != nil:
			return err
		case !on:
		case !slices.Contains(fam.biases, key):
			return unsupported("%s true with model_type %s (%s)", key, c.Architecture, works)
		case key == "mlp_bias":
			c.MLPBias = true
		default:
			c.QKVBias, c.OBias = true, true
		}
	}
	return nil
}

// window sets the sliding window of attention and the layers that have it, as
// transformers does: of mistral sliding_window, 4096 where the file does not say, in
// every layer; of qwen2 and qwen3 the same where use_sliding_window is true, in the
// layers from max_window_layers on, or in those that layer_types names.
func window(f fields, c *Config) error {
	size := func() error {
		def := 0
		if _, said := f["sliding_window"]; !said {
			def = 4096
		}
		n, err := f.integer("sliding_window", def)
		if err != nil {
			return err
		}
		if f.has("sliding_window") && n < 1 {
			return corrupt("sliding_window is %d", n)
		}
		c.Window = n
		return nil
	}
	types, err := layerTypes(f, *c)
	if err != nil {
		return err
	}
	switch c.Architecture {
	case "mistral":
		if err := size(); err != nil {
			return err
		}
	case "qwen2", "qwen3":
		on, err := f.boolean("use_sliding_window")
		if err != nil {
			return err
		}
		first, err := f.integer("max_window_layers", 28)
		if err != nil {
			return err
		}
		if on {
			if err := size(); err != nil {
				return err
			}
		}
		if types == nil && c.Window > 0 {
			for layer := range min(c.Layers, maxLayers) {
				types = append(types, layer >= first)
			}
		}
		return c.windows(types)
	default:
		if f.has("sliding_window") {
			return unsupported("sliding_window %s with model_type %s (%s)", clip(string(f["sliding_window"])), c.Architecture, works)
		}
	}
	// Others have one kind of attention, whatever layer_types says.
	for layer, windowed := range types {
		if windowed != (c.Window > 0) {
			return unsupported("layer_types has %s in layer %d (what works here: %s in all)", attentionKinds[windowed], layer, attentionKinds[!windowed])
		}
	}
	return nil
}

// windows settles which layers have the window: none, some or all.
func (c *Config) windows(types []bool) error {
	switch some := slices.Contains(types, true); {
	case some && c.Window == 0:
		return corrupt("layer_types has %s without use_sliding_window and sliding_window", attentionKinds[true])
	case !some:
		c.Window = 0
	case slices.Contains(types, false):
		c.Windowed = types
	}
	return nil
}

// attentionKinds are the names of layer_types, by whether they have a window.
var attentionKinds = map[bool]string{false: "full_attention", true: "sliding_attention"}

// layerTypes says which layers have a window, nil where the file does not. A list of
// another length than the number of layers is refused, unless it says one thing.
func layerTypes(f fields, c Config) ([]bool, error) {
	if !f.has("layer_types") {
		return nil, nil
	}
	var names []string
	if err := json.Unmarshal(f["layer_types"], &names); err != nil {
		return nil, corrupt("layer_types is %s, not a list of names", clip(string(f["layer_types"])))
	}
	types := make([]bool, len(names))
	for i, name := range names {
		if types[i] = name == attentionKinds[true]; !types[i] && name != attentionKinds[false] {
			return nil, unsupported("layer_types has %s in layer %d (%s)", clip(name), i, works)
		}
	}
	if slices.Contains(types, true) && len(types) != c.Layers {
		return nil, corrupt("layer_types names %d layers, num_hidden_layers is %d", len(types), c.Layers)
	}
	return types, nil
}

// checkNeutral refuses what is there and not at the value that leaves the
// arithmetic as it is.
func checkNeutral(f fields) error {
	act, err := f.text("hidden_act", "silu")
	if err != nil {
		return err
	}
	if act != "silu" {
		return unsupported("hidden_act %q (what works: silu)", clip(act))
	}
	if on, err := f.boolean("rope_interleaved"); err != nil {
		return err
	} else if on {
		return unsupported("rope_interleaved true (%s)", works)
	}
	if f.has("quantization_config") {
		return unsupported("quantization_config %s (%s)", clip(string(f["quantization_config"])), works)
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
	if def := families[c.Architecture].headDim; def > 0 {
		c.HeadDim, err = f.integer("head_dim", def)
		return err
	}
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

// rope finds base and scaling of the rotary embedding: in rope_theta and
// rope_scaling in files up to transformers 4, both within rope_parameters in newer
// ones.
func rope(f fields) (float64, RopeScaling, error) {
	theta, err := f.number("rope_theta", 10000)
	if err != nil {
		return 0, RopeScaling{}, err
	}
	var scaling RopeScaling
	for i, key := range []string{"rope_scaling", "rope_parameters"} {
		if !f.has(key) {
			continue
		}
		p, err := parseFields(f[key])
		if err != nil {
			return 0, scaling, corrupt("%s is %s, not an object", key, clip(string(f[key])))
		}
		s, err := ropeScaling(key, p)
		if err != nil {
			return 0, scaling, err
		}
		if i > 0 && f.has("rope_scaling") && s != scaling {
			return 0, scaling, corrupt("rope_scaling and rope_parameters differ")
		}
		scaling = s
		inner, err := p.number("rope_theta", theta)
		if err != nil {
			return 0, scaling, err
		}
		if f.has("rope_theta") && inner != theta {
			return 0, scaling, corrupt("rope_theta is %v, in %s it is %v", theta, key, inner)
		}
		theta = inner
	}
	return theta, scaling, nil
}

// ropeScaling reads an object of rope_scaling or rope_parameters, called key.
func ropeScaling(key string, p fields) (s RopeScaling, err error) {
	kind := "default"
	for _, name := range []string{"type", "rope_type"} { // the newer name counts
		if kind, err = p.text(name, kind); err != nil {
			return s, err
		}
	}
	known := []string{"rope_theta", "rope_type", "type", "partial_rotary_factor"}
	numbers := map[string]*float64{}
	switch kind {
	case "default":
	case ScaleLinear:
		s.Kind = kind
		numbers["factor"] = &s.Factor
	case ScaleLlama3:
		s.Kind = kind
		numbers["factor"], numbers["low_freq_factor"], numbers["high_freq_factor"] = &s.Factor, &s.LowFreq, &s.HighFreq
		known = append(known, "original_max_position_embeddings")
		if s.Original, err = p.integer("original_max_position_embeddings", 0); err != nil {
			return s, err
		}
	default:
		return s, unsupported("%s of type %q (%s)", key, clip(kind), works)
	}
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if to, wanted := numbers[name]; wanted {
			if *to, err = p.number(name, 0); err != nil {
				return s, err
			}
		} else if !slices.Contains(known, name) && p.has(name) {
			return s, unsupported("%s of type %s with %s (%s)", key, kind, clip(name), works)
		}
	}
	if part, err := p.number("partial_rotary_factor", 1); err != nil {
		return s, err
	} else if part != 1 {
		return s, unsupported("partial_rotary_factor %v (what works: 1)", part)
	}
	return s, s.validate() // what is missing is 0, and that is refused
}
