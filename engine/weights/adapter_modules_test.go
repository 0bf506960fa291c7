package weights

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func pickedNames(t *testing.T, c AdapterConfig, layers int) []string {
	t.Helper()
	modules, err := c.Modules(layers)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range modules {
		list = append(list, m.Name())
	}
	return list
}

// Modules are picked as PEFT's check_target_module_exists does: by an entry that is
// the whole name, whatever the layers, by the end of the name after a dot in the
// chosen layers, or by an expression that matches the whole name.
func TestModulesAreThoseOfPEFT(t *testing.T) {
	for what, c := range map[string]struct {
		config AdapterConfig
		want   string
	}{
		"names":             {AdapterConfig{Targets: []string{"v_proj", "up_proj"}}, "0.self_attn.v_proj 0.mlp.up_proj 1.self_attn.v_proj 1.mlp.up_proj 2.self_attn.v_proj 2.mlp.up_proj"},
		"part of a name":    {AdapterConfig{Targets: []string{"proj", "p_proj"}}, ""},
		"one module":        {AdapterConfig{Targets: []string{"layers.1.mlp.up_proj"}}, "1.mlp.up_proj"},
		"end with a layer":  {AdapterConfig{Targets: []string{"2.self_attn.q_proj"}}, "2.self_attn.q_proj"},
		"layers":            {AdapterConfig{Targets: []string{"q_proj"}, Layers: []int{0, 2}}, "0.self_attn.q_proj 2.self_attn.q_proj"},
		"whole name":        {AdapterConfig{Targets: []string{"q_proj", "model.layers.1.self_attn.k_proj"}, Layers: []int{0}}, "0.self_attn.q_proj 1.self_attn.k_proj"},
		"expression":        {AdapterConfig{Regex: `model\.layers\.[12]\.self_attn\.(q|v)_proj`}, "1.self_attn.q_proj 1.self_attn.v_proj 2.self_attn.q_proj 2.self_attn.v_proj"},
		"part of the name":  {AdapterConfig{Regex: `self_attn\.q_proj`}, ""},
		"two alternatives":  {AdapterConfig{Regex: `.*0\.mlp\.up_proj|.*1\.mlp\.down_proj`}, "0.mlp.up_proj 1.mlp.down_proj"},
		"excluded":          {AdapterConfig{Targets: []string{"q_proj", "mlp.up_proj"}, Exclude: []string{"layers.1.mlp.up_proj", "0.self_attn.q_proj", "down_proj", "p_proj"}}, "0.mlp.up_proj 1.self_attn.q_proj 2.self_attn.q_proj 2.mlp.up_proj"},
		"excluded by name":  {AdapterConfig{Regex: `.*\.[qk]_proj`, Exclude: []string{"model.layers.1.self_attn.k_proj", "q_proj"}}, "0.self_attn.k_proj 2.self_attn.k_proj"},
		"not the whole":     {AdapterConfig{Targets: []string{"q_proj"}, ExcludeRegex: `q_proj`}, "0.self_attn.q_proj 1.self_attn.q_proj 2.self_attn.q_proj"},
		"an exclusion":      {AdapterConfig{Targets: []string{"q_proj"}, Layers: []int{0, 1}, ExcludeRegex: `.*\.0\..*|.*v_proj`}, "1.self_attn.q_proj"},
		"a name of a layer": {AdapterConfig{Regex: `.*\.1\..*_proj`, Targets: nil}, "1.self_attn.q_proj 1.self_attn.k_proj 1.self_attn.v_proj 1.self_attn.o_proj 1.mlp.gate_proj 1.mlp.up_proj 1.mlp.down_proj"},
	} {
		c.config.R, c.config.Alpha = 1, 1
		var want []string
		for _, n := range strings.Fields(c.want) {
			want = append(want, "model.layers."+n)
		}
		if got := pickedNames(t, c.config, 3); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
}

// Rank and alpha are those of the first pattern for which (.*\.)?(pattern)$ matches
// from the beginning of the name, as PEFT's get_pattern_key has it, and the scale is
// alpha/r or alpha/sqrt(r) of these.
func TestPatternsAreThoseOfPEFT(t *testing.T) {
	c := AdapterConfig{
		R: 4, Alpha: 8, Targets: Linears,
		Ranks: Patterns{
			{"model.layers.0.self_attn.q_proj", 2},
			{"q_proj", 16},
			{"_proj", 99},
			{"^layers.0.mlp.up_proj", 99},
			{"^model.layers.1.mlp.up_proj", 7},
			{`layers\.\d+\.mlp\.(gate|up)_proj`, 32},
			{"up_proj", 5},
		},
		Alphas: Patterns{{"1.self_attn.q_proj", 64}, {"mlp.gate_proj", 1}},
	}
	want := map[string][2]float64{
		"0.self_attn.q_proj": {2, 8}, "1.self_attn.q_proj": {16, 64}, "0.mlp.gate_proj": {32, 1}, "1.mlp.gate_proj": {32, 1},
		"0.mlp.up_proj": {32, 8}, "1.mlp.up_proj": {7, 8},
	}
	for _, rslora := range []bool{false, true} {
		c.RSLoRA = rslora
		modules, err := c.Modules(2)
		if err != nil || len(modules) != 14 {
			t.Fatal(len(modules), err)
		}
		for _, m := range modules {
			w, ok := want[strings.TrimPrefix(m.Name(), "model.layers.")]
			if !ok {
				w = [2]float64{4, 8}
			}
			scale := w[1] / w[0]
			if rslora {
				scale = w[1] / math.Sqrt(w[0])
			}
			if m.R != int(w[0]) || m.Alpha != w[1] || m.Scale != scale {
				t.Errorf("%s: rank %d, alpha %g, scale %g, want %v and %g", m.Name(), m.R, m.Alpha, m.Scale, w, scale)
			}
		}
	}
	idle, err := c.Idle(2)
	if err != nil || strings.Join(idle, "; ") != `the rank of "_proj"; the rank of "^layers.0.mlp.up_proj"; the rank of "up_proj"` {
		t.Errorf("without effect: %v %v", idle, err)
	}
	idle, _ = AdapterConfig{R: 1, Alpha: 1, Targets: []string{"q_proj", "layers.7.mlp.up_proj"}, Layers: []int{1, 9}}.Idle(2)
	if strings.Join(idle, "; ") != `the target "layers.7.mlp.up_proj"; layer 9` {
		t.Errorf("without effect: %v", idle)
	}
}

func TestNamesLinear(t *testing.T) {
	for entry, want := range map[string]bool{
		"q_proj": true, "mlp.up_proj": true, "3.mlp.up_proj": true, "layers.3.self_attn.o_proj": true, "model.layers.30.self_attn.q_proj": true,
		"": false, "proj": false, "self_attn.up_proj": false, "layers.x.mlp.up_proj": false, "layers.03.mlp.up_proj": false, "lm_head": false,
		"x.model.layers.3.mlp.up_proj": false, ".q_proj": false, "layers.-1.mlp.up_proj": false,
	} {
		if NamesLinear(entry) != want {
			t.Errorf("%q: %v", entry, !want)
		}
	}
}

// What PEFT reads of a written adapter: patterns in their order, an expression as a
// string, and the order of a file is kept.
func TestAdapterPatternFiles(t *testing.T) {
	a := fillTiny(&Adapter{Config: AdapterConfig{
		R: 2, Alpha: 4, Regex: `.*\.1\.(self_attn|mlp)\..*`, Ranks: Patterns{{"v_proj", 8}, {"self_attn.*", 3}}, Alphas: Patterns{{"up_proj", 2.5}},
	}})
	dir := writeTinyAdapter(t, a)
	text, err := os.ReadFile(filepath.Join(dir, "adapter_config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Targets string             `json:"target_modules"`
		Ranks   map[string]int     `json:"rank_pattern"`
		Alphas  map[string]float64 `json:"alpha_pattern"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if file.Targets != a.Config.Regex || file.Ranks["v_proj"] != 8 || file.Ranks["self_attn.*"] != 3 || file.Alphas["up_proj"] != 2.5 {
		t.Errorf("%+v", file)
	}
	if strings.Index(string(text), `"v_proj"`) > strings.Index(string(text), `"self_attn.*"`) {
		t.Error("the patterns are in another order, and the first that matches counts")
	}
	back, err := ReadAdapter(dir)
	if err != nil {
		t.Fatal(err)
	}
	if back.Hash() != a.Hash() {
		t.Error("another hash")
	}
	back.Config.Alphas = nil
	if back.Hash() == a.Hash() {
		t.Error("the hash does not know of alphas")
	}
}
