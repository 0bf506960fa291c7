package weights

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// tinyAdapter makes an adapter for tinyConfig with random matrices.
func tinyAdapter(r int, targets []string, layers []int) *Adapter {
	a := &Adapter{Config: AdapterConfig{R: r, Alpha: 32, Dropout: 0.05, Targets: targets, Base: "some/model", Layers: layers}}
	return fillTiny(a)
}

// fillTiny gives an adapter for tinyConfig the tensors that its configuration asks
// for.
func fillTiny(a *Adapter) *Adapter {
	tensors, err := AdapterTensors(tinyConfig, a.Config)
	if err != nil {
		panic(err)
	}
	a.Tensors = tensors
	for i := range a.Tensors {
		a.Tensors[i].Data = tinyWeights(a.Tensors[i].Name, a.Tensors[i].Shape)
	}
	return a
}

func writeTinyAdapter(t testing.TB, a *Adapter) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "adapter")
	if err := WriteAdapter(dir, a); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAdapterRoundTrip(t *testing.T) {
	for name, a := range map[string]*Adapter{
		"all":        tinyAdapter(4, Linears, nil),
		"two":        tinyAdapter(16, []string{"q_proj", "v_proj"}, nil),
		"last layer": tinyAdapter(1, []string{"down_proj"}, []int{1}),
		"rsLoRA": func() *Adapter {
			a := tinyAdapter(2, Linears, nil)
			a.Config.RSLoRA, a.Config.Alpha = true, 2.5
			return a
		}(),
		"ranks and alphas": fillTiny(&Adapter{Config: AdapterConfig{
			R: 2, Alpha: 4, Targets: Linears,
			Ranks:  Patterns{{"v_proj", 8}, {"layers.1.self_attn.*", 3}, {"^model.layers.0.mlp.up_proj", 1}},
			Alphas: Patterns{{"down_proj", 0.5}, {"(q|k)_proj", 16}},
		}}),
		"one layer's":   fillTiny(&Adapter{Config: AdapterConfig{R: 2, Alpha: 4, Targets: []string{"layers.1.self_attn.q_proj", "v_proj"}}}),
		"an expression": fillTiny(&Adapter{Config: AdapterConfig{R: 2, Alpha: 4, Regex: `.*\.(0\.self_attn\.[qk]|1\.mlp\.up)_proj`}}),
		"subnormal":     func() *Adapter { a := tinyAdapter(2, Linears, nil); a.Tensors[3].Data[5] = 1e-44; return a }(),
	} {
		dir := writeTinyAdapter(t, a)
		for range 2 { // the second time over the first
			got, err := ReadAdapter(dir)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				break
			}
			if !reflect.DeepEqual(got, a) {
				t.Errorf("%s: got %+v, want %+v", name, got.Config, a.Config)
			}
			if err := got.CheckModel(tinyConfig); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := WriteAdapter(dir, a); err != nil {
				t.Error(err)
			}
		}
		if files, _ := os.ReadDir(dir); len(files) != 2 {
			t.Errorf("%s: %d files", name, len(files))
		}
		if files, _ := os.ReadDir(filepath.Dir(dir)); len(files) != 1 {
			t.Errorf("%s: %d entries beside the adapter", name, len(files))
		}
	}
}

// TestAdapterFiles checks what other programs see: PEFT's keys and names.
func TestAdapterFiles(t *testing.T) {
	dir := writeTinyAdapter(t, tinyAdapter(4, []string{"up_proj", "q_proj"}, nil))
	text, err := os.ReadFile(filepath.Join(dir, "adapter_config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(`alpha_pattern auto_mapping base_model_name_or_path bias corda_config eva_config exclude_modules fan_in_fan_out
		inference_mode init_lora_weights layer_replication layers_pattern layers_to_transform loftq_config lora_alpha lora_bias lora_dropout
		megatron_config megatron_core modules_to_save peft_type qalora_group_size r rank_pattern revision target_modules target_parameters
		task_type trainable_token_indices use_dora use_qalora use_rslora`)
	if !slices.Equal(sortedKeys(m), want) {
		t.Errorf("keys %v", sortedKeys(m))
	}
	for key, value := range map[string]string{
		"r": "4", "lora_alpha": "32", "lora_dropout": "0.05", "peft_type": `"LORA"`, "task_type": `"CAUSAL_LM"`, "use_rslora": "false",
		"base_model_name_or_path": `"some/model"`, "layers_to_transform": "null", "rank_pattern": "{}", "inference_mode": "true",
	} {
		if string(m[key]) != value {
			t.Errorf("%s is %s, want %s", key, m[key], value)
		}
	}
	if !strings.HasPrefix(string(text), "{\n  \"alpha_pattern\": {},\n") || !strings.Contains(string(text), "\"target_modules\": [\n    \"q_proj\",\n    \"up_proj\"\n  ]") {
		t.Errorf("adapter_config.json:\n%s", text)
	}
	tensors, metadata, err := ReadSafetensors(filepath.Join(dir, "adapter_model.safetensors"))
	if err != nil || metadata["format"] != "pt" {
		t.Fatalf("metadata %v, %v", metadata, err)
	}
	if len(tensors) != 8 || tensors[0].Name != "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight" || !slices.Equal(tensors[0].Shape, []int{4, 64}) ||
		tensors[7].Name != "base_model.model.model.layers.1.mlp.up_proj.lora_B.weight" || !slices.Equal(tensors[7].Shape, []int{96, 4}) {
		t.Errorf("%d tensors from %s %v", len(tensors), tensors[0].Name, tensors[0].Shape)
	}
}

// TestAdapterConfigs edits the configuration of a sound adapter of q_proj and
// v_proj. want nil: it is read.
func TestAdapterConfigs(t *testing.T) {
	type m = map[string]any
	null := json.RawMessage("null")
	for name, c := range map[string]struct {
		changes m
		want    error
		says    string
	}{
		"as written":          {m{}, nil, ""},
		"least":               {m{"alpha_pattern": nil, "bias": nil, "fan_in_fan_out": nil, "init_lora_weights": nil, "task_type": nil, "use_dora": nil, "use_rslora": nil, "lora_dropout": nil}, nil, ""},
		"default targets":     {m{"target_modules": null}, nil, ""},
		"longer names":        {m{"target_modules": []string{"self_attn.q_proj", "attn.v_proj", "v_proj"}}, nil, ""},
		"an expression":       {m{"target_modules": `.*\.self_attn\.(q|v)_proj`}, nil, ""},
		"unknown keys":        {m{"runtime_config": m{"ephemeral_gpu_offload": false}, "something_new": 1, "use_new": false}, nil, ""},
		"gaussian":            {m{"init_lora_weights": "gaussian"}, nil, ""},
		"empty patterns":      {m{"rank_pattern": m{}, "modules_to_save": []string{}}, nil, ""},
		"layers":              {m{"layers_to_transform": []int{1, 0}}, nil, ""},
		"no peft_type":        {m{"peft_type": nil}, ErrCorrupt, "peft_type"},
		"IA3":                 {m{"peft_type": "IA3"}, ErrUnsupported, "IA3"},
		"classifier":          {m{"task_type": "SEQ_CLS"}, ErrUnsupported, "SEQ_CLS"},
		"DoRA":                {m{"use_dora": true}, ErrUnsupported, "use_dora"},
		"QALoRA":              {m{"use_qalora": true}, ErrUnsupported, "use_qalora"},
		"something new":       {m{"use_new": 1}, ErrUnsupported, "use_new"},
		"bias":                {m{"bias": "all"}, ErrUnsupported, `bias "all"`},
		"lora_bias":           {m{"lora_bias": true}, ErrUnsupported, "lora_bias"},
		"modules_to_save":     {m{"modules_to_save": []string{"lm_head"}}, ErrUnsupported, "modules_to_save"},
		"rank_pattern":        {m{"rank_pattern": m{"q_proj": 4, "up_proj": 9}, "r": 4}, nil, ""},
		"another rank":        {m{"rank_pattern": m{"q_proj": 8}}, ErrCorrupt, "with r = 8 it should be [8 any]"},
		"rank 2.5":            {m{"rank_pattern": m{"q_proj": 2.5}}, ErrCorrupt, "rank_pattern of q_proj"},
		"ranks in a list":     {m{"rank_pattern": []int{1}}, ErrCorrupt, "rank_pattern"},
		"no rank expression":  {m{"rank_pattern": m{"(?!q)": 4}}, ErrUnsupported, "rank_pattern"},
		"alpha_pattern":       {m{"alpha_pattern": m{"q_proj": 8}}, nil, ""},
		"alpha -1":            {m{"alpha_pattern": m{"q_proj": -1}}, ErrCorrupt, "alpha_pattern of q_proj"},
		"fan_in_fan_out":      {m{"fan_in_fan_out": true}, ErrUnsupported, "fan_in_fan_out"},
		"excludes nothing":    {m{"exclude_modules": "x"}, nil, ""},
		"exclude":             {m{"exclude_modules": []string{"q_proj"}}, ErrCorrupt, "q_proj"},
		"exclude a number":    {m{"exclude_modules": 3}, ErrCorrupt, "exclude_modules"},
		"exclude numbers":     {m{"exclude_modules": []int{3}}, ErrCorrupt, "exclude_modules"},
		"exclude lookahead":   {m{"exclude_modules": "(?!q).*"}, ErrUnsupported, "exclude_modules"},
		"PiSSA":               {m{"init_lora_weights": "pissa_niter_4"}, ErrUnsupported, "pissa"},
		"token indices":       {m{"trainable_token_indices": []int{1}}, ErrUnsupported, "trainable_token_indices"},
		"r of 8":              {m{"r": 8}, ErrCorrupt, "with r = 8"},
		"r of 0":              {m{"r": 0}, ErrCorrupt, "r is 0"},
		"r of 2^40":           {m{"r": 1 << 40}, ErrCorrupt, "r is"},
		"r as text":           {m{"r": "4"}, ErrCorrupt, "r is"},
		"alpha 0":             {m{"lora_alpha": 0}, ErrCorrupt, "lora_alpha"},
		"alpha as text":       {m{"lora_alpha": "32"}, ErrCorrupt, "lora_alpha"},
		"dropout 1":           {m{"lora_dropout": 1}, ErrCorrupt, "lora_dropout"},
		"dropout negative":    {m{"lora_dropout": -0.1}, ErrCorrupt, "lora_dropout"},
		"more targets":        {m{"target_modules": []string{"q_proj", "v_proj", "o_proj"}}, ErrCorrupt, "layers.0.self_attn.o_proj.lora_A.weight is missing"},
		"all-linear":          {m{"target_modules": "all-linear"}, ErrCorrupt, "k_proj.lora_A.weight is missing"},
		"fewer targets":       {m{"target_modules": []string{"q_proj"}}, ErrCorrupt, "v_proj"},
		"no targets":          {m{"target_modules": []string{}}, ErrCorrupt, "no targets"},
		"other targets":       {m{"target_modules": []string{"c_attn"}}, ErrCorrupt, "no targets"},
		"part of a name":      {m{"target_modules": []string{"proj"}}, ErrCorrupt, "no targets"},
		"one layer's":         {m{"target_modules": []string{"v_proj", "layers.0.self_attn.q_proj"}}, ErrCorrupt, "q_proj in layer 1"},
		"no expression":       {m{"target_modules": "(?<=a)b"}, ErrUnsupported, "regular expression"},
		"targets are numbers": {m{"target_modules": []int{1}}, ErrCorrupt, "target_modules"},
		"other layers":        {m{"layers_to_transform": []int{0}}, ErrCorrupt, "layers"},
		"negative layer":      {m{"layers_to_transform": -1}, ErrCorrupt, "layers"},
	} {
		dir := writeTinyAdapter(t, tinyAdapter(4, []string{"q_proj", "v_proj"}, nil))
		editAdapter(t, dir, c.changes)
		a, err := ReadAdapter(dir)
		if c.want == nil {
			if err != nil || !slices.Equal(a.Config.Targets, []string{"q_proj", "v_proj"}) || a.Config.R != 4 {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: got %v, want %v naming %q", name, err, c.want, c.says)
		}
	}
}

// editAdapter replaces members of adapter_config.json; nil removes one.
func editAdapter(t testing.TB, dir string, changes map[string]any) {
	t.Helper()
	path := filepath.Join(dir, "adapter_config.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	for k, v := range changes {
		if v == nil {
			delete(m, k)
		} else {
			m[k] = v
		}
	}
	if text, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	writeRaw(t, path, text)
}

// TestAdapterTensors changes the tensors of a sound adapter.
func TestAdapterTensors(t *testing.T) {
	const q0, v1 = "layers.0.self_attn.q_proj.", "layers.1.self_attn.v_proj."
	for name, c := range map[string]struct {
		change func(ts []Tensor) []Tensor
		want   error
		says   string
	}{
		"missing A":     {func(ts []Tensor) []Tensor { return ts[1:] }, ErrCorrupt, q0 + "lora_A.weight is missing"},
		"missing B":     {func(ts []Tensor) []Tensor { return ts[:len(ts)-1] }, ErrCorrupt, v1 + "lora_B.weight is missing"},
		"missing layer": {func(ts []Tensor) []Tensor { return ts[4:] }, ErrCorrupt, "gaps"},
		"nothing":       {func(ts []Tensor) []Tensor { return nil }, ErrCorrupt, "no targets"},
		"wrong prefix":  {func(ts []Tensor) []Tensor { ts[0].Name = "model." + q0 + "lora_A.weight"; return ts }, ErrCorrupt, "does not start with"},
		"inner name":    {func(ts []Tensor) []Tensor { ts[0].Name = adapterPrefix + q0 + "inner.lora_A.weight"; return ts }, ErrUnsupported, "inner"},
		"adapter name":  {func(ts []Tensor) []Tensor { ts[0].Name = adapterPrefix + q0 + "lora_A.default.weight"; return ts }, ErrUnsupported, "default"},
		"surplus target": {func(ts []Tensor) []Tensor {
			return append(ts, Tensor{adapterPrefix + "layers.0.mlp.up_proj.lora_A.weight", []int{4, 64}, make([]float32, 256)})
		}, ErrCorrupt, "up_proj"},
		"wrong module": {func(ts []Tensor) []Tensor {
			ts[0].Name = adapterPrefix + "layers.0.mlp.q_proj.lora_A.weight"
			return ts
		}, ErrUnsupported, "mlp.q_proj"},
		"layer 00": {func(ts []Tensor) []Tensor {
			ts[0].Name = adapterPrefix + "layers.00.self_attn.q_proj.lora_A.weight"
			return ts
		}, ErrUnsupported, "layers.00"},
		"layer 10^9": {func(ts []Tensor) []Tensor {
			ts[0].Name = adapterPrefix + "layers.1000000000.self_attn.q_proj.lora_A.weight"
			return ts
		}, ErrUnsupported, "layers.1000000000"},
		"DoRA": {func(ts []Tensor) []Tensor {
			return append(ts, Tensor{adapterPrefix + q0 + "lora_magnitude_vector", []int{1}, []float32{1}})
		}, ErrUnsupported, "DoRA"},
		"bias": {func(ts []Tensor) []Tensor {
			return append(ts, Tensor{adapterPrefix + q0 + "bias", []int{1}, []float32{1}})
		}, ErrUnsupported, "bias"},
		"head": {func(ts []Tensor) []Tensor {
			return append(ts, Tensor{"base_model.model.lm_head.weight", []int{1}, []float32{1}})
		}, ErrUnsupported, "modules_to_save"},
		"embedding": {func(ts []Tensor) []Tensor {
			return append(ts, Tensor{adapterPrefix + "embed_tokens.lora_embedding_A", []int{1}, []float32{1}})
		}, ErrUnsupported, "embedding"},
		"transposed":    {func(ts []Tensor) []Tensor { ts[0].Shape = []int{64, 4}; return ts }, ErrCorrupt, "lora_A.weight is [64 4]"},
		"three axes":    {func(ts []Tensor) []Tensor { ts[0].Shape = []int{4, 64, 1}; return ts }, ErrCorrupt, "[4 64 1]"},
		"uneven layers": {func(ts []Tensor) []Tensor { ts[4].Shape, ts[4].Data = []int{4, 63}, ts[4].Data[:252]; return ts }, ErrCorrupt, "should be [4 64]"},
		"NaN":           {func(ts []Tensor) []Tensor { ts[7].Data[3] = float32(math.NaN()); return ts }, ErrNonFinite, v1 + "lora_B.weight[3] is NaN"},
	} {
		dir := writeTinyAdapter(t, tinyAdapter(4, []string{"q_proj", "v_proj"}, nil))
		path := filepath.Join(dir, "adapter_model.safetensors")
		tensors, _, err := ReadSafetensors(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := WriteSafetensors(path, c.change(tensors), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadAdapter(dir); !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: got %v, want %v naming %q", name, err, c.want, c.says)
		}
	}
}

// TestAdapterHalf reads adapters that were saved in half precision.
func TestAdapterHalf(t *testing.T) {
	a := tinyAdapter(4, []string{"q_proj"}, nil)
	dir := writeTinyAdapter(t, a)
	named := slices.Clone(a.Tensors)
	for i := range named {
		named[i].Name = adapterPrefix + named[i].Name
	}
	w, err := NewSafetensorsWriter(filepath.Join(dir, "adapter_model.safetensors"), "BF16", named, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range named {
		if err := w.Write(x.Name, x.Data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := ReadAdapter(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range got.Tensors {
		for j, v := range x.Data {
			if want := math.Float32frombits(uint32(floatToBF16(a.Tensors[i].Data[j])) << 16); v != want {
				t.Fatalf("%s[%d] is %v, want %v", x.Name, j, v, want)
			}
		}
	}
}

func TestAdapterCut(t *testing.T) {
	dir := writeTinyAdapter(t, tinyAdapter(1, []string{"q_proj"}, nil))
	for _, name := range []string{"adapter_config.json", "adapter_model.safetensors"} {
		path := filepath.Join(dir, name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		content := len(strings.TrimRight(string(whole), "\n")) // a final newline is no loss
		for n := range content {
			writeRaw(t, path, whole[:n])
			if _, err := ReadAdapter(dir); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%s cut at %d of %d: %v", name, n, len(whole), err)
			}
		}
		writeRaw(t, path, whole)
		if _, err := ReadAdapter(dir); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"adapter_model.safetensors", "adapter_config.json"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadAdapter(dir); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func TestWriteAdapterRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(a *Adapter)
		want  error
		says  string
	}{
		"NaN":            {func(a *Adapter) { a.Tensors[2].Data[9] = float32(math.NaN()) }, ErrNonFinite, "layers.0.self_attn.k_proj.lora_A.weight[9] is NaN"},
		"infinity":       {func(a *Adapter) { a.Tensors[1].Data[0] = float32(math.Inf(1)) }, ErrNonFinite, "q_proj.lora_B.weight[0] is +Inf"},
		"alpha NaN":      {func(a *Adapter) { a.Config.Alpha = math.NaN() }, ErrCorrupt, "lora_alpha"},
		"too few values": {func(a *Adapter) { a.Tensors[0].Data = a.Tensors[0].Data[1:] }, ErrCorrupt, "do not fill"},
		"another r":      {func(a *Adapter) { a.Config.R = 5 }, ErrCorrupt, "r = 5"},
		"no such target": {func(a *Adapter) { a.Config.Targets = append([]string{"lm_head"}, a.Config.Targets...) }, ErrUnsupported, "lm_head"},
		"twice":          {func(a *Adapter) { a.Tensors = append(a.Tensors, a.Tensors[0]) }, ErrCorrupt, "twice"},
		"prefixed":       {func(a *Adapter) { a.Tensors[0].Name = adapterPrefix + a.Tensors[0].Name }, ErrUnsupported, "base_model"},
	} {
		a := tinyAdapter(4, slices.Clone(Linears), nil)
		c.spoil(a)
		parent := t.TempDir()
		err := WriteAdapter(filepath.Join(parent, "a"), a)
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: got %v, want %v naming %q", name, err, c.want, c.says)
		}
		if files, _ := os.ReadDir(parent); len(files) != 0 {
			t.Errorf("%s: %d files are left", name, len(files))
		}
	}
}

func TestAdapterCheckModel(t *testing.T) {
	for name, change := range map[string]func(a *Adapter, c *Config){
		"more layers":   func(_ *Adapter, c *Config) { c.Layers = 3 },
		"fewer layers":  func(_ *Adapter, c *Config) { c.Layers = 1 },
		"wider":         func(_ *Adapter, c *Config) { c.Hidden = 128 },
		"listed layers": func(a *Adapter, c *Config) { a.Config.Layers = []int{0, 5} },
	} {
		a, c := tinyAdapter(4, Linears, nil), tinyConfig
		change(a, &c)
		if err := a.CheckModel(c); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzAdapterConfig(f *testing.F) {
	text, err := marshal(adapterJSON(AdapterConfig{R: 4, Alpha: 8, Targets: []string{"q_proj"}}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"peft_type":"LORA","target_modules":".*(q|v)_proj","r":4,"layers_to_transform":[0,1]}`))
	f.Add([]byte(`{"peft_type":"LORA","target_modules":null,"rank_pattern":{"q":1}}`))
	f.Add([]byte(`{"peft_type":"LORA","target_modules":["layers.0.self_attn.q_proj","layers.1.self_attn.q_proj"],"r":1,"rank_pattern":{"q_proj":4},"alpha_pattern":{"q_.*":2}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parseAdapterConfig(data)
		var a *Adapter
		if err == nil {
			q := tinyAdapter(4, []string{"q_proj"}, nil)
			a, err = p.adapter(q.Tensors)
		}
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) {
				t.Fatalf("an error of neither kind: %v", err)
			}
			return
		}
		modules, err := a.Config.Modules(2)
		if err != nil || len(modules) != 2 || modules[0].R != 4 || modules[1].R != 4 || modules[0].Linear != "q_proj" || modules[1].Linear != "q_proj" {
			t.Fatalf("accepted %+v for an adapter of q_proj with r = 4: %v", a.Config, err)
		}
	})
}
