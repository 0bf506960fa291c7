package weights

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// smol is the config.json of SmolLM2-135M-Instruct as published.
const smol = `{
  "architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2,
  "hidden_act": "silu", "hidden_size": 576, "initializer_range": 0.041666666666666664, "intermediate_size": 1536, "is_llama_config": true,
  "max_position_embeddings": 8192, "mlp_bias": false, "model_type": "llama", "num_attention_heads": 9, "num_hidden_layers": 30,
  "num_key_value_heads": 3, "pad_token_id": 2, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_interleaved": false, "rope_scaling": null,
  "rope_theta": 100000, "tie_word_embeddings": true, "torch_dtype": "bfloat16", "transformers_version": "4.42.3",
  "transformers.js_config": {"kv_cache_dtype": {"q4f16": "float16"}}, "use_cache": true, "vocab_size": 49152
}`

var smolConfig = Config{
	Architecture: "llama", Hidden: 576, Layers: 30, Heads: 9, KVHeads: 3, HeadDim: 64, FFN: 1536, Vocab: 49152,
	MaxPositions: 8192, RopeTheta: 100000, NormEps: 1e-5, Tied: true, EOS: []int32{2}, BOS: 1,
	InitializerRange: 0.041666666666666664,
}

// edit returns smol with members replaced; nil removes one.
func edit(t testing.TB, changes map[string]any) []byte {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(smol), &m); err != nil {
		t.Fatal(err)
	}
	for k, v := range changes {
		if v == nil {
			delete(m, k)
		} else {
			m[k] = v
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parseConfig(data []byte, generation string) (Config, error) {
	f, err := parseFields(data)
	if err != nil {
		return Config{}, err
	}
	var g fields
	if generation != "" {
		if g, err = parseFields([]byte(generation)); err != nil {
			return Config{}, err
		}
	}
	return modelConfig(f, g)
}

func TestConfigAccepted(t *testing.T) {
	with := func(change func(*Config)) Config {
		c := smolConfig
		change(&c)
		return c
	}
	type m = map[string]any
	null := json.RawMessage("null")
	for name, c := range map[string]struct {
		changes    m
		generation string
		want       Config
	}{
		"as published": {m{}, "", smolConfig},
		"defaults":     {m{"hidden_act": nil, "attention_bias": nil, "mlp_bias": nil, "rope_scaling": nil, "architectures": nil}, "", smolConfig},
		"default sizes": {m{"num_key_value_heads": nil, "max_position_embeddings": nil, "rms_norm_eps": nil, "rope_theta": nil, "tie_word_embeddings": nil}, "", with(func(c *Config) {
			c.KVHeads, c.MaxPositions, c.NormEps, c.RopeTheta, c.Tied = 9, 2048, 1e-6, 10000, false
		})},
		"head_dim null":           {m{"head_dim": null}, "", smolConfig},
		"head_dim":                {m{"head_dim": 32}, "", with(func(c *Config) { c.HeadDim = 32 })},
		"rope_parameters":         {m{"rope_theta": nil, "rope_scaling": nil, "rope_parameters": m{"rope_theta": 100000.0, "rope_type": "default"}}, "", smolConfig},
		"rope_parameters agree":   {m{"rope_parameters": m{"rope_theta": 100000.0, "rope_type": "default", "factor": null}}, "", smolConfig},
		"eos list":                {m{"eos_token_id": []int{5, 2, 5}}, "", with(func(c *Config) { c.EOS = []int32{5, 2} })},
		"eos of generation":       {m{}, `{"eos_token_id": 9}`, with(func(c *Config) { c.EOS = []int32{9} })},
		"eos list of generation":  {m{}, `{"eos_token_id": [7, 9], "do_sample": true}`, with(func(c *Config) { c.EOS = []int32{7, 9} })},
		"generation without eos":  {m{}, `{"_from_model_config": true}`, smolConfig},
		"eos null, generation -1": {m{"eos_token_id": null}, `{"eos_token_id": -1}`, with(func(c *Config) { c.EOS = nil })},
		"no initializer_range":    {m{"initializer_range": nil}, "", with(func(c *Config) { c.InitializerRange = 0 })},
		"no bos":                  {m{"bos_token_id": null}, "", with(func(c *Config) { c.BOS = -1 })},
	} {
		got, err := parseConfig(edit(t, c.changes), c.generation)
		if err != nil || !equalConfig(got, c.want) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

// windowed has a window in the layers from one on, typesFrom says so as a file does.
func windowed(layers, from int) []bool {
	list := make([]bool, layers)
	for i := range list {
		list[i] = i >= from
	}
	return list
}

func typesFrom(layers, from int) []string {
	list := make([]string, layers)
	for i := range list {
		list[i] = attentionKinds[i >= from]
	}
	return list
}

func TestConfigRefused(t *testing.T) {
	type m = map[string]any
	for name, c := range map[string]struct {
		changes m
		want    error
		says    string
	}{
		"mixtral":              {m{"model_type": "mixtral"}, ErrUnsupported, `"mixtral" (what works: SmolLM, SmolLM2`},
		"class of another":     {m{"model_type": "mistral"}, ErrUnsupported, "LlamaForCausalLM with model_type mistral"},
		"smollm3":              {m{"model_type": "smollm3"}, ErrUnsupported, "smollm3"},
		"no model_type":        {m{"model_type": nil}, ErrUnsupported, "model_type"},
		"Llama in other case":  {m{"model_type": nil, "Model_Type": "llama"}, ErrUnsupported, "model_type"},
		"a classifier":         {m{"architectures": []string{"LlamaForSequenceClassification"}}, ErrUnsupported, "LlamaForSequenceClassification"},
		"rope_scaling":         {m{"rope_scaling": m{"rope_type": "yarn", "factor": 8.0}}, ErrUnsupported, "rope_scaling of type \"yarn\""},
		"dynamic":              {m{"rope_scaling": m{"type": "dynamic", "factor": 8.0}}, ErrUnsupported, `"dynamic"`},
		"llama3 cut":           {m{"rope_scaling": m{"rope_type": "llama3", "factor": 8.0}}, ErrCorrupt, "low_freq_factor"},
		"linear without":       {m{"rope_scaling": m{"rope_type": "linear"}}, ErrCorrupt, "factor"},
		"linear with more":     {m{"rope_scaling": m{"rope_type": "linear", "factor": 2, "beta_fast": 32}}, ErrUnsupported, "beta_fast"},
		"linear by text":       {m{"rope_scaling": m{"rope_type": "linear", "factor": "2"}}, ErrCorrupt, "factor"},
		"linear by 1e300":      {m{"rope_scaling": m{"rope_type": "linear", "factor": 1e300}}, ErrCorrupt, "1e+300"},
		"two scalings":         {m{"rope_scaling": m{"type": "linear", "factor": 2}, "rope_parameters": m{"type": "linear", "factor": 4}}, ErrCorrupt, "differ"},
		"layers apart":         {m{"layer_types": typesFrom(30, 1)}, ErrUnsupported, "sliding_attention in layer 1"},
		"layer_types a number": {m{"layer_types": 7}, ErrCorrupt, "layer_types"},
		"rope_parameters":      {m{"rope_parameters": m{"rope_theta": 100000, "rope_type": "yarn", "factor": 4}}, ErrUnsupported, `"yarn"`},
		"rope factor":          {m{"rope_parameters": m{"rope_theta": 100000, "factor": 4}}, ErrUnsupported, "factor"},
		"two thetas":           {m{"rope_parameters": m{"rope_theta": 5000}}, ErrCorrupt, "5000"},
		"rope list":            {m{"rope_parameters": []int{1}}, ErrCorrupt, "rope_parameters"},
		"partial rotary":       {m{"partial_rotary_factor": 0.5}, ErrUnsupported, "partial_rotary_factor"},
		"partial rotary inner": {m{"rope_parameters": m{"partial_rotary_factor": 0.5}}, ErrUnsupported, "partial_rotary_factor"},
		"gelu":                 {m{"hidden_act": "gelu"}, ErrUnsupported, `"gelu" (what works: silu)`},
		"attention_bias is 1":  {m{"attention_bias": 1}, ErrCorrupt, "attention_bias"},
		"interleaved rope":     {m{"rope_interleaved": true}, ErrUnsupported, "rope_interleaved"},
		"quantized":            {m{"quantization_config": m{"quant_method": "gptq"}}, ErrUnsupported, "gptq"},
		"sliding window":       {m{"sliding_window": 4096}, ErrUnsupported, "sliding_window"},
		"attention dropout":    {m{"attention_dropout": 0.1}, ErrUnsupported, "attention_dropout"},
		"no hidden_size":       {m{"hidden_size": nil}, ErrCorrupt, "hidden_size is missing"},
		"hidden_size is text":  {m{"hidden_size": "576"}, ErrCorrupt, "hidden_size"},
		"hidden_size 576.5":    {m{"hidden_size": 576.5}, ErrCorrupt, "576.5"},
		"hidden_size huge":     {m{"hidden_size": 1 << 40, "head_dim": 64}, ErrCorrupt, "hidden size"},
		"hidden_size 1e300":    {m{"hidden_size": 1e300}, ErrCorrupt, "hidden_size"},
		"no layers":            {m{"num_hidden_layers": 0}, ErrCorrupt, "layers"},
		"no heads":             {m{"num_attention_heads": 0}, ErrCorrupt, "num_attention_heads"},
		"negative heads":       {m{"num_attention_heads": -9}, ErrCorrupt, "heads"},
		"4 kv heads of 9":      {m{"num_key_value_heads": 4}, ErrCorrupt, "9 heads cannot share 4"},
		"uneven heads":         {m{"num_attention_heads": 10}, ErrCorrupt, "multiple"},
		"odd head":             {m{"head_dim": 63}, ErrCorrupt, "odd"},
		"eps 0":                {m{"rms_norm_eps": 0}, ErrCorrupt, "epsilon"},
		"theta 0":              {m{"rope_theta": 0}, ErrCorrupt, "theta"},
		"eos beyond":           {m{"eos_token_id": 49152}, ErrCorrupt, "49152"},
		"eos text":             {m{"eos_token_id": "</s>"}, ErrCorrupt, "eos_token_id"},
		"eos mixed":            {m{"eos_token_id": []any{1, "2"}}, ErrCorrupt, "eos_token_id"},
		"eos beyond int32":     {m{"eos_token_id": 1 << 33}, ErrCorrupt, "eos_token_id"},
		"bos beyond":           {m{"bos_token_id": 1 << 35}, ErrCorrupt, "bos_token_id"},
		"tie is 1":             {m{"tie_word_embeddings": 1}, ErrCorrupt, "tie_word_embeddings"},
	} {
		_, err := parseConfig(edit(t, c.changes), "")
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: got %v, want %v naming %q", name, err, c.want, c.says)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "null": "null", "list": "[]", "cut": smol[:300], "key twice": `{"model_type":"llama","model_type":"llama"}`,
		"NaN": `{"rms_norm_eps": NaN}`, "two": smol + smol, "not UTF-8": "{\"a\":\"\xff\"}",
	} {
		if _, err := parseConfig([]byte(text), ""); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// of returns a configuration of another architecture, as published but for changes.
func of(t testing.TB, kind, class string, changes map[string]any) []byte {
	t.Helper()
	all := map[string]any{
		"model_type": kind, "architectures": []string{class}, "attention_bias": nil, "mlp_bias": nil, "rope_interleaved": nil,
		"hidden_size": 96, "num_attention_heads": 6, "num_key_value_heads": 2, "vocab_size": 512, "intermediate_size": 200, "num_hidden_layers": 3,
	}
	for k, v := range changes {
		all[k] = v
	}
	return edit(t, all)
}

func TestArchitectures(t *testing.T) {
	type m = map[string]any
	null := json.RawMessage("null")
	base := Config{
		Hidden: 96, Layers: 3, Heads: 6, KVHeads: 2, HeadDim: 16, FFN: 200, Vocab: 512, MaxPositions: 8192, RopeTheta: 100000, NormEps: 1e-5,
		Tied: true, EOS: []int32{2}, BOS: 1, InitializerRange: 0.041666666666666664,
	}
	scaling := RopeScaling{Kind: ScaleLlama3, Factor: 32, LowFreq: 1, HighFreq: 4, Original: 8192}
	llama3 := m{"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
	newer := m{"rope_theta": 500000.0}
	for k, v := range llama3 {
		newer[k] = v
	}
	for name, c := range map[string]struct {
		kind, class string
		changes     m
		want        func(*Config)
	}{
		"Llama 3.2":              {"llama", "LlamaForCausalLM", m{"rope_scaling": llama3}, func(c *Config) { c.RopeScaling = scaling }},
		"Llama 3.2, newer":       {"llama", "LlamaForCausalLM", m{"rope_scaling": nil, "rope_theta": nil, "rope_parameters": newer}, func(c *Config) { c.RopeScaling, c.RopeTheta = scaling, 500000 }},
		"linear, older":          {"llama", "LlamaForCausalLM", m{"rope_scaling": m{"type": "linear", "factor": 2}}, func(c *Config) { c.RopeScaling = RopeScaling{Kind: ScaleLinear, Factor: 2} }},
		"biases":                 {"llama", "LlamaForCausalLM", m{"attention_bias": true, "mlp_bias": true}, func(c *Config) { c.QKVBias, c.OBias, c.MLPBias = true, true, true }},
		"Mistral 0.1":            {"mistral", "MistralForCausalLM", m{"sliding_window": 4096}, func(c *Config) { c.Window = 4096 }},
		"Mistral 0.3":            {"mistral", "MistralForCausalLM", m{"sliding_window": null, "head_dim": 24}, func(c *Config) { c.HeadDim = 24 }},
		"Mistral, nothing said":  {"mistral", "MistralForCausalLM", m{"num_key_value_heads": nil, "num_attention_heads": 8, "max_position_embeddings": nil}, func(c *Config) { c.Window, c.Heads, c.KVHeads, c.HeadDim, c.MaxPositions = 4096, 8, 8, 12, 131072 }},
		"Mistral, as many heads": {"mistral", "MistralForCausalLM", m{"sliding_window": null, "num_key_value_heads": null}, func(c *Config) { c.KVHeads = 6 }},
		"Qwen2.5":                {"qwen2", "Qwen2ForCausalLM", m{"use_sliding_window": false, "sliding_window": 32768, "max_window_layers": 2, "layer_types": []string{"full_attention"}}, func(c *Config) { c.QKVBias = true }},
		"Qwen2, windows":         {"qwen2", "Qwen2ForCausalLM", m{"use_sliding_window": true, "sliding_window": 64, "max_window_layers": 1}, func(c *Config) { c.QKVBias, c.Window, c.Windowed = true, 64, windowed(c.Layers, 1) }},
		"Qwen2, in no layer":     {"qwen2", "Qwen2ForCausalLM", m{"use_sliding_window": true, "sliding_window": 64}, func(c *Config) { c.QKVBias = true }},
		"Qwen2, nothing said":    {"qwen2", "Qwen2ForCausalLM", m{"use_sliding_window": true, "max_window_layers": 0}, func(c *Config) { c.QKVBias, c.Window = true, 4096 }},
		"Qwen3, by its layers":   {"qwen3", "Qwen3ForCausalLM", m{"use_sliding_window": true, "sliding_window": 64, "max_window_layers": 0, "layer_types": typesFrom(base.Layers, 1)}, func(c *Config) { c.HeadNorm, c.HeadDim, c.Window, c.Windowed = true, 128, 64, windowed(c.Layers, 1) }},
		"Qwen3, all full":        {"qwen3", "Qwen3ForCausalLM", m{"use_sliding_window": true, "sliding_window": 64, "layer_types": typesFrom(base.Layers, base.Layers)}, func(c *Config) { c.HeadNorm, c.HeadDim = true, 128 }},
		"Qwen3":                  {"qwen3", "Qwen3ForCausalLM", m{"head_dim": 32, "sliding_window": null}, func(c *Config) { c.HeadNorm, c.HeadDim = true, 32 }},
		"Qwen3 with biases":      {"qwen3", "Qwen3ForCausalLM", m{"attention_bias": true}, func(c *Config) { c.HeadNorm, c.HeadDim, c.QKVBias, c.OBias = true, 128, true, true }},
	} {
		want := base
		want.Architecture = c.kind
		c.want(&want)
		got, err := parseConfig(of(t, c.kind, c.class, c.changes), "")
		if err != nil || !equalConfig(got, want) {
			t.Errorf("%s: got %+v, %v", name, got, err)
			continue
		}
		// What is written is read as the same.
		text, err := configJSON(got, "F32")
		if err != nil {
			t.Fatal(err)
		}
		if again, err := parseConfig(text, ""); err != nil || !equalConfig(again, got) {
			t.Errorf("%s: written and read: %+v, %v", name, again, err)
		}
		sum := int64(0)
		for _, e := range ExpectedTensors(got) {
			n, _ := elements(e.Shape)
			sum += n
		}
		if got.Parameters() != sum {
			t.Errorf("%s: %d parameters, the tensors have %d", name, got.Parameters(), sum)
		}
	}
	for name, c := range map[string]struct {
		kind, class string
		changes     m
		want        error
		says        string
	}{
		"bias of mistral":      {"mistral", "MistralForCausalLM", m{"attention_bias": true}, ErrUnsupported, "attention_bias true with model_type mistral"},
		"mlp bias of qwen3":    {"qwen3", "Qwen3ForCausalLM", m{"mlp_bias": true}, ErrUnsupported, "mlp_bias true with model_type qwen3"},
		"window of no tokens":  {"mistral", "MistralForCausalLM", m{"sliding_window": 0}, ErrCorrupt, "sliding_window is 0"},
		"window below nothing": {"mistral", "MistralForCausalLM", m{"sliding_window": -4}, ErrCorrupt, "sliding_window is -4"},
		"window beyond all":    {"mistral", "MistralForCausalLM", m{"sliding_window": 1 << 40}, ErrCorrupt, "sliding window"},
		"full layers":          {"mistral", "MistralForCausalLM", m{"layer_types": []string{"full_attention"}}, ErrUnsupported, "full_attention in layer 0"},
		"no window of qwen2":   {"qwen2", "Qwen2ForCausalLM", m{"layer_types": []string{"full_attention", "sliding_attention", "full_attention"}}, ErrCorrupt, "without use_sliding_window"},
		"too few layers":       {"qwen2", "Qwen2ForCausalLM", m{"use_sliding_window": true, "layer_types": []string{"sliding_attention"}}, ErrCorrupt, "layer_types names 1 layers"},
		"chunks":               {"qwen3", "Qwen3ForCausalLM", m{"use_sliding_window": true, "layer_types": []string{"chunked_attention"}}, ErrUnsupported, "chunked_attention in layer 0"},
		"no window of qwen3":   {"qwen3", "Qwen3ForCausalLM", m{"use_sliding_window": true, "sliding_window": 0}, ErrCorrupt, "sliding_window is 0"},
		"another class":        {"qwen2", "Qwen2ForSequenceClassification", nil, ErrUnsupported, "Qwen2ForSequenceClassification"},
		"yarn":                 {"qwen2", "Qwen2ForCausalLM", m{"rope_scaling": m{"type": "yarn", "factor": 4}}, ErrUnsupported, `"yarn"`},
		"mixture":              {"qwen2_moe", "Qwen2MoeForCausalLM", nil, ErrUnsupported, "qwen2_moe"},
	} {
		_, err := parseConfig(of(t, c.kind, c.class, c.changes), "")
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: got %v, want %v naming %q", name, err, c.want, c.says)
		}
	}
	impossible := base
	impossible.Architecture, impossible.QKVBias = "mistral", true
	if err := impossible.Validate(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a mistral with biases: %v", err)
	}
}

// The frequencies of Llama 3 against its definition: long waves are stretched,
// short ones stay.
func TestRopeFrequencies(t *testing.T) {
	c := Config{HeadDim: 64, RopeTheta: 500000}
	plain := c.RopeFrequencies()
	c.RopeScaling = RopeScaling{Kind: ScaleLlama3, Factor: 8, LowFreq: 1, HighFreq: 4, Original: 8192}
	stretched, kept, between := 0, 0, 0
	for i, f := range c.RopeFrequencies() {
		p := plain[i]
		switch wave := 2 * math.Pi / float64(p); {
		case wave > 8192 && f == p/8:
			stretched++
		case wave < 2048 && f == p:
			kept++
		case wave >= 2048 && wave <= 8192 && f > p/8 && f < p:
			between++
		default:
			t.Errorf("frequency %d is %g, was %g", i, f, p)
		}
	}
	if stretched == 0 || kept == 0 || between == 0 {
		t.Errorf("%d stretched, %d kept, %d between", stretched, kept, between)
	}
}

func TestParameters(t *testing.T) {
	if n := smolConfig.Parameters(); n != 134515008 {
		t.Errorf("%d parameters of SmolLM2-135M, want 134515008", n)
	}
	for _, tied := range []bool{true, false} {
		c := tinyConfig
		c.Tied, c.HeadDim = tied, 24 // queries wider than the stream
		sum := int64(0)
		for _, e := range ExpectedTensors(c) {
			n, _ := elements(e.Shape)
			sum += n
		}
		if c.Parameters() != sum {
			t.Errorf("%d parameters, the tensors have %d", c.Parameters(), sum)
		}
	}
}

func TestLinearShapes(t *testing.T) {
	c := tinyConfig
	c.HeadDim = 24
	for _, e := range ExpectedTensors(c) {
		target := strings.TrimSuffix(e.Name[strings.LastIndex(strings.TrimSuffix(e.Name, ".weight"), ".")+1:], ".weight")
		out, in, ok := c.LinearShape(target)
		if ok != slices.Contains(Linears, target) || ok && !slices.Equal(e.Shape, []int{out, in}) {
			t.Errorf("%s is %v, LinearShape(%s) = %d, %d, %v", e.Name, e.Shape, target, out, in, ok)
		}
	}
}

// TestOpenConfigOnly plans without weights.
func TestOpenConfigOnly(t *testing.T) {
	dir := t.TempDir()
	writeRaw(t, filepath.Join(dir, "config.json"), []byte(smol))
	if c, err := OpenConfig(dir); err != nil || !equalConfig(c, smolConfig) {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := Open(dir); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "model.safetensors") {
		t.Errorf("no weights: %v", err)
	}
	writeRaw(t, filepath.Join(dir, "generation_config.json"), []byte(`{"eos_token_id":`))
	if _, err := OpenConfig(dir); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "generation_config.json") {
		t.Errorf("a cut generation_config.json: %v", err)
	}
	f := tinyGGUF(tinyConfig)
	path := f.write(t)
	if err := os.Truncate(path, int64(len(f.bytes())/2)); err != nil {
		t.Fatal(err)
	}
	if c, err := OpenConfig(path); err != nil || !equalConfig(c, tinyConfig) {
		t.Errorf("the header of a cut GGUF: %+v, %v", c, err)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(smol))
	f.Add(edit(f, map[string]any{"rope_theta": nil, "rope_parameters": map[string]any{"rope_theta": 5e5, "rope_type": "default"}, "eos_token_id": []int{1, 2}}))
	f.Add([]byte(`{"model_type":"llama","hidden_size":-1}`))
	f.Add(of(f, "mistral", "MistralForCausalLM", map[string]any{"sliding_window": 64}))
	f.Add(of(f, "qwen3", "Qwen3ForCausalLM", map[string]any{"attention_bias": true, "rope_scaling": map[string]any{"rope_type": "llama3", "factor": 2}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseConfig(data, "")
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) {
				t.Fatalf("an error of neither kind: %v", err)
			}
			return
		}
		if c.Parameters() <= 0 || c.Validate() != nil {
			t.Fatalf("accepted %+v", c)
		}
	})
}
