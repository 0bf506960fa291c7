package weights

import (
	"encoding/json"
	"errors"
	"fmt"
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
	return llamaConfig(f, g)
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

func TestConfigRefused(t *testing.T) {
	type m = map[string]any
	for name, c := range map[string]struct {
		changes m
		want    error
		says    string
	}{
		"mistral":              {m{"model_type": "mistral"}, ErrUnsupported, `"mistral" (what works: SmolLM, SmolLM2`},
		"smollm3":              {m{"model_type": "smollm3"}, ErrUnsupported, "smollm3"},
		"no model_type":        {m{"model_type": nil}, ErrUnsupported, "model_type"},
		"Llama in other case":  {m{"model_type": nil, "Model_Type": "llama"}, ErrUnsupported, "model_type"},
		"a classifier":         {m{"architectures": []string{"LlamaForSequenceClassification"}}, ErrUnsupported, "LlamaForSequenceClassification"},
		"rope_scaling":         {m{"rope_scaling": m{"rope_type": "llama3", "factor": 8.0}}, ErrUnsupported, "rope_scaling"},
		"rope_parameters":      {m{"rope_parameters": m{"rope_theta": 100000, "rope_type": "yarn", "factor": 4}}, ErrUnsupported, `"yarn"`},
		"rope factor":          {m{"rope_parameters": m{"rope_theta": 100000, "factor": 4}}, ErrUnsupported, "factor"},
		"two thetas":           {m{"rope_parameters": m{"rope_theta": 5000}}, ErrCorrupt, "5000"},
		"rope list":            {m{"rope_parameters": []int{1}}, ErrCorrupt, "rope_parameters"},
		"partial rotary":       {m{"partial_rotary_factor": 0.5}, ErrUnsupported, "partial_rotary_factor"},
		"partial rotary inner": {m{"rope_parameters": m{"partial_rotary_factor": 0.5}}, ErrUnsupported, "partial_rotary_factor"},
		"gelu":                 {m{"hidden_act": "gelu"}, ErrUnsupported, `"gelu" (what works: silu)`},
		"attention_bias":       {m{"attention_bias": true}, ErrUnsupported, "attention_bias"},
		"mlp_bias":             {m{"mlp_bias": true}, ErrUnsupported, "mlp_bias"},
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
