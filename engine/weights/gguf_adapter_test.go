package weights

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func scaledAdapter(rslora bool) *Adapter {
	a := &Adapter{Config: AdapterConfig{R: 4, Alpha: 6, RSLoRA: rslora, Targets: Linears}}
	a.Tensors, _ = AdapterTensors(tinyConfig, a.Config) // a sound configuration
	for i := range a.Tensors {
		a.Tensors[i].Data = tinyWeights(a.Tensors[i].Name, a.Tensors[i].Shape)
	}
	return a
}

// scaleOf is the scale of every module of an adapter.
func scaleOf(t *testing.T, a *Adapter) float64 {
	t.Helper()
	modules, err := a.Config.Modules(tinyConfig.Layers)
	if err != nil || len(modules) == 0 {
		t.Fatalf("%+v: %v", a.Config, err)
	}
	for _, m := range modules {
		if m.Scale != modules[0].Scale {
			t.Errorf("%s is scaled by %v, others by %v", m.Name(), m.Scale, modules[0].Scale)
		}
	}
	return modules[0].Scale
}

// Ranks and scales of some modules are those of the pair, and in its B.
func TestGGUFAdapterWithPatterns(t *testing.T) {
	a := scaledAdapter(true)
	module, r := "model.layers.0.self_attn.q_proj", 2
	a.Config.Ranks = Patterns{{Name: module, Value: float64(r)}}
	a.Config.Alphas = Patterns{{Name: module, Value: 7}}
	shapes, err := AdapterTensors(tinyConfig, a.Config)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a.Tensors {
		x := &a.Tensors[i]
		if x.Shape = shapes[i].Shape; strings.HasPrefix("model."+x.Name, module+".") {
			x.Data = x.Data[:x.Shape[0]*x.Shape[1]]
		}
	}
	path := filepath.Join(t.TempDir(), "lora.gguf")
	if err := WriteGGUFAdapter(path, tinyConfig, a, "tiny"); err != nil {
		t.Fatal(err)
	}
	b, err := ReadGGUFAdapter(path, tinyConfig)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := b.Config.Modules(tinyConfig.Layers)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := a.Config.Modules(tinyConfig.Layers)
	if err != nil || len(mine) != len(theirs) {
		t.Fatalf("%v and %v: %v", mine, theirs, err)
	}
	for i, m := range mine {
		if theirs[i].R != m.R {
			t.Errorf("%s has rank %d, written as %d", m.Name(), theirs[i].R, m.R)
		}
		for j, x := range a.Tensors {
			if !strings.HasPrefix("model."+x.Name, m.Name()+".lora_B") {
				continue
			}
			for k, v := range x.Data {
				if want, got := m.Scale*float64(v), theirs[i].Scale*float64(b.Tensors[j].Data[k]); math.Abs(got-want) > 1e-6*math.Abs(want) {
					t.Fatalf("%s[%d] counts %v, not %v", x.Name, k, got, want)
				}
			}
		}
	}
}

// The scale of the adapter is in B, and the rest as it was.
func TestGGUFAdapter(t *testing.T) {
	for _, rslora := range []bool{false, true} {
		a := scaledAdapter(rslora)
		path := filepath.Join(t.TempDir(), "lora.gguf")
		if err := WriteGGUFAdapter(path, tinyConfig, a, "tiny"); err != nil {
			t.Fatal(err)
		}
		b, err := ReadGGUFAdapter(path, tinyConfig)
		if err != nil {
			t.Fatal(err)
		}
		if scaleOf(t, b) != 1 || b.Config.RSLoRA || b.Config.R != 4 {
			t.Errorf("%+v", b.Config)
		}
		scale := 1.5
		if rslora {
			scale = 3
		}
		for i, x := range a.Tensors {
			y := b.Tensors[i]
			factor := 1.0
			if strings.Contains(x.Name, "lora_B") {
				factor = scale
			}
			if y.Name != x.Name || !equalShape(y.Shape, x.Shape) {
				t.Fatalf("%s %v became %s %v", x.Name, x.Shape, y.Name, y.Shape)
			}
			for j := range x.Data {
				if want := float32(factor * float64(x.Data[j])); y.Data[j] != want {
					t.Fatalf("%s[%d] is %v, not %v", x.Name, j, y.Data[j], want)
				}
			}
		}
		if _, err := Open(path); !errors.Is(err, ErrUnsupported) {
			t.Errorf("as a model: %v", err)
		}
		// Rows of B are in llama.cpp's order: a pair's halves are neighbours.
		raw, err := openSource(path, false)
		if err != nil {
			t.Fatal(err)
		}
		g, err := parseGGUF(raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range g.regions {
			if r.name != "blk.0.attn_q.weight.lora_b" {
				continue
			}
			got := make([]float32, 64*4)
			if err := (stored{region: r, source: raw}).read(0, got, 0); err != nil {
				t.Fatal(err)
			}
			b := b.Tensors[1].Data // [64, 4]; heads of 16
			for k := range 4 {
				if got[1*4+k] != b[8*4+k] || got[2*4+k] != b[1*4+k] || got[17*4+k] != b[24*4+k] {
					t.Errorf("rows of B are not permuted")
				}
			}
		}
		raw.close()
	}
}

// An adapter on some layers, or on other modules in each, comes back as what it changes.
func TestGGUFAdapterOnSomeLayers(t *testing.T) {
	for name, change := range map[string]func(*AdapterConfig){
		"all layers":   func(a *AdapterConfig) { a.Targets = []string{"k_proj", "q_proj"} },
		"one layer":    func(a *AdapterConfig) { a.Targets, a.Layers = []string{"q_proj", "down_proj"}, []int{1} },
		"two of three": func(a *AdapterConfig) { a.Targets, a.Layers = []string{"v_proj"}, []int{0, 2} },
		"module by one": func(a *AdapterConfig) {
			a.Targets = []string{"layers.0.self_attn.q_proj", "layers.2.mlp.up_proj", "o_proj"}
		},
	} {
		for arch, of := range architectures {
			c := tinyConfig
			c.Layers = 3
			of(&c)
			a := &Adapter{Config: AdapterConfig{R: 4, Alpha: 6}}
			change(&a.Config)
			var err error
			if a.Tensors, err = AdapterTensors(c, a.Config); err != nil {
				t.Fatal(err)
			}
			for i := range a.Tensors {
				a.Tensors[i].Data = slices.Clone(tinyWeights(a.Tensors[i].Name, a.Tensors[i].Shape))
			}
			path := filepath.Join(t.TempDir(), "lora.gguf")
			if err := WriteGGUFAdapter(path, c, a, "tiny"); err != nil {
				t.Fatalf("%s of %s: %v", name, arch, err)
			}
			b, err := ReadGGUFAdapter(path, c)
			if err != nil {
				t.Fatalf("%s of %s: %v", name, arch, err)
			}
			mine, err1 := a.Config.Modules(c.Layers)
			theirs, err2 := b.Config.Modules(c.Layers)
			if err1 != nil || err2 != nil || len(mine) == 0 || len(mine) != len(theirs) {
				t.Fatalf("%s of %s: %v and %v, %v, %v", name, arch, mine, theirs, err1, err2)
			}
			for i, m := range mine {
				if m.Name() != theirs[i].Name() || theirs[i].Scale != 1 {
					t.Errorf("%s of %s: %v became %v", name, arch, m, theirs[i])
				}
			}
			for i, x := range a.Tensors {
				for j, v := range x.Data {
					if strings.Contains(x.Name, "lora_B") {
						v *= 1.5
					}
					if y := b.Tensors[i]; y.Name != x.Name || y.Data[j] != v {
						t.Fatalf("%s of %s: %s[%d] is another", name, arch, x.Name, j)
					}
				}
			}
		}
	}
}

func TestGGUFAdapterRefused(t *testing.T) {
	write := func(change func(*ggufHeader, *[]ggufTensorOut)) string {
		var h ggufHeader
		h.str("general.architecture", "llama")
		h.str("general.type", "adapter")
		tensors := []ggufTensorOut{
			{name: "blk.0.attn_q.weight.lora_a", shape: []int{4, 64}, encoding: ggufF32Encoding},
			{name: "blk.0.attn_q.weight.lora_b", shape: []int{64, 4}, encoding: ggufF32Encoding},
			{name: "blk.1.attn_q.weight.lora_a", shape: []int{4, 64}, encoding: ggufF32Encoding},
			{name: "blk.1.attn_q.weight.lora_b", shape: []int{64, 4}, encoding: ggufF32Encoding},
		}
		change(&h, &tensors)
		path := filepath.Join(t.TempDir(), "lora.gguf")
		err := writeGGUF(path, h, tensors, func(_ string, shape []int) ([]float32, error) {
			n, _ := elements(shape)
			return make([]float32, n), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	sound := func(h *ggufHeader) { h.str("adapter.type", "lora"); h.f32("adapter.lora.alpha", 0) }
	if a, err := ReadGGUFAdapter(write(func(h *ggufHeader, _ *[]ggufTensorOut) { sound(h) }), tinyConfig); err != nil || scaleOf(t, a) != 1 {
		t.Errorf("alpha zero: %v", err)
	}
	for name, change := range map[string]func(*ggufHeader, *[]ggufTensorOut){
		"no type": func(h *ggufHeader, _ *[]ggufTensorOut) {},
		"NaN": func(h *ggufHeader, _ *[]ggufTensorOut) {
			h.str("adapter.type", "lora")
			h.f32("adapter.lora.alpha", float32(math.NaN()))
		},
		"half":                func(h *ggufHeader, ts *[]ggufTensorOut) { sound(h); *ts = (*ts)[:3] },
		"two ranks in a pair": func(h *ggufHeader, ts *[]ggufTensorOut) { sound(h); (*ts)[2].shape = []int{2, 64} },
		"another size":        func(h *ggufHeader, ts *[]ggufTensorOut) { sound(h); (*ts)[1].shape = []int{32, 4} },
		"a vector":            func(h *ggufHeader, ts *[]ggufTensorOut) { sound(h); (*ts)[1].shape = []int{256} },
		"a norm":              func(h *ggufHeader, ts *[]ggufTensorOut) { sound(h); (*ts)[0].name = "blk.0.attn_norm.weight.lora_a" },
		"a head":              func(h *ggufHeader, ts *[]ggufTensorOut) { sound(h); (*ts)[0].name = "output.weight.lora_a" },
		"a layer more": func(h *ggufHeader, ts *[]ggufTensorOut) {
			sound(h)
			for _, x := range (*ts)[2:] {
				x.name = strings.Replace(x.name, "blk.1", "blk.2", 1)
				*ts = append(*ts, x)
			}
		},
	} {
		if _, err := ReadGGUFAdapter(write(change), tinyConfig); !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzGGUFAdapter(f *testing.F) {
	path := filepath.Join(f.TempDir(), "lora.gguf")
	if err := WriteGGUFAdapter(path, tinyConfig, scaledAdapter(true), "tiny"); err != nil {
		f.Fatal(err)
	}
	sound, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sound)
	f.Add(sound[:2000])
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "lora.gguf")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if a, err := ReadGGUFAdapter(path, tinyConfig); err == nil {
			if err := a.CheckModel(tinyConfig); err != nil {
				t.Error(err)
			}
		}
	})
}
