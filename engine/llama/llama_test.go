package llama

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hone/engine/kernel"
	"hone/engine/ops"
	"hone/engine/weights"
)

const toyDir = "../testdata/toy/tied"

func toy(t *testing.T) *weights.Model {
	t.Helper()
	m, err := weights.Open(toyDir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// A weight that is not finite is named, and nothing is trained on it.
func TestLoadNamesNonFiniteWeight(t *testing.T) {
	dir := t.TempDir()
	tensors, _, err := weights.ReadSafetensors(filepath.Join(toyDir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range tensors {
		if tensors[i].Name == "model.layers.1.mlp.up_proj.weight" {
			tensors[i].Data[77] = float32(math.NaN())
		}
	}
	if err := weights.WriteSafetensors(filepath.Join(dir, "model.safetensors"), tensors, nil); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(toyDir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := weights.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	pool := kernel.NewPool(2)
	defer pool.Close()
	if _, err := Load(context.Background(), pool, m, Frozen, F32); !errors.Is(err, weights.ErrNonFinite) || !strings.Contains(err.Error(), "layers.1.mlp.up_proj") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Load(ctx, pool, toy(t), Frozen, F32); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestAdapterShapes(t *testing.T) {
	c := toy(t).Config
	l := LoRA{R: 3, Alpha: 6, Targets: []string{"down_proj", "q_proj"}}
	a, err := NewAdapter(c, l, 1)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, p := range a.Params {
		total += len(p.Data)
		largest := float32(0)
		for _, v := range p.Data {
			largest = max(largest, v, -v)
		}
		bound := float32(1 / math.Sqrt(float64(p.Shape[1])))
		switch isA := strings.Contains(p.Name, "lora_A"); {
		case isA && (largest > bound || largest < bound/2):
			t.Errorf("%s reaches %g, its bound is %g", p.Name, largest, bound)
		case !isA && largest != 0:
			t.Errorf("%s is not zero", p.Name)
		}
	}
	if int64(total) != l.Parameters(c) || len(a.Params) != 8 {
		t.Errorf("%d values in %d tensors, counted %d", total, len(a.Params), l.Parameters(c))
	}
	if f := a.Factors(1, "q_proj", "k_proj"); f[0].A == nil || f[1].A != nil || f[0].A.Name != "layers.1.self_attn.q_proj.lora_A.weight" {
		t.Errorf("%+v", f)
	}
	for _, bad := range []LoRA{{R: 0, Targets: []string{"q_proj"}}, {R: 1}, {R: 1, Targets: []string{"lm_head"}}} {
		if _, err := NewAdapter(c, bad, 1); !errors.Is(err, ErrAdapter) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestImportIsStrict(t *testing.T) {
	c := toy(t).Config
	l := LoRA{R: 3, Alpha: 6, Targets: []string{"q_proj"}}
	fresh := func() *Adapter {
		a, err := NewAdapter(c, l, 1)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for name, change := range map[string]func(*weights.Adapter){
		"rank":    func(f *weights.Adapter) { f.Config.R = 4 },
		"alpha":   func(f *weights.Adapter) { f.Config.Alpha = 1 },
		"alphas":  func(f *weights.Adapter) { f.Config.Alphas = weights.Patterns{{Name: "1.self_attn.q_proj", Value: 1}} },
		"ranks":   func(f *weights.Adapter) { f.Config.Ranks = weights.Patterns{{Name: "q_proj", Value: 2}} },
		"rslora":  func(f *weights.Adapter) { f.Config.RSLoRA = true },
		"missing": func(f *weights.Adapter) { f.Tensors = f.Tensors[1:] },
		"shape":   func(f *weights.Adapter) { f.Tensors[0].Shape = []int{1, 2} },
		"surplus": func(f *weights.Adapter) { f.Tensors = append(f.Tensors, weights.Tensor{Name: "x"}) },
	} {
		file := fresh().Export("base")
		change(file)
		if err := fresh().Import(file); !errors.Is(err, ErrAdapter) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := fresh()
	other.Params[0].Data[0] = 42
	a := fresh()
	if err := a.Import(other.Export("base")); err != nil || a.Params[0].Data[0] != 42 {
		t.Error(err)
	}
}

// A start that does not fit is refused with what it has and what the experiment
// wants, and changes nothing.
func TestContinueRefuses(t *testing.T) {
	c := toy(t).Config
	start, err := NewAdapter(c, LoRA{R: 3, Alpha: 6, Targets: []string{"q_proj", "v_proj"}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for says, l := range map[string]LoRA{
		"its rank at model.layers.0.self_attn.q_proj is 3, the experiment's 4":                                               {R: 4, Alpha: 6, Targets: []string{"q_proj", "v_proj"}},
		"it has nothing for model.layers.0.mlp.up_proj, which the experiment trains; it has the targets q_proj, v_proj":      {R: 3, Alpha: 6, Targets: []string{"q_proj", "v_proj", "up_proj"}},
		"it has layers.0.self_attn.v_proj.lora_A.weight, which the experiment does not train; it has the targets q_proj, v_": {R: 3, Alpha: 6, Targets: []string{"q_proj"}},
		"it has layers.0.self_attn.q_proj.lora_A.weight, which the experiment does not train":                                {R: 3, Alpha: 6, Targets: []string{"q_proj", "v_proj"}, Layers: []int{1}},
	} {
		a, err := NewAdapter(c, l, 2)
		if err != nil {
			t.Fatal(err)
		}
		before := a.Params[0].Data[0]
		if _, err := a.Continue(start.Export("")); !errors.Is(err, ErrAdapter) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
		if a.Params[0].Data[0] != before {
			t.Error("refused but changed")
		}
	}
}

// The graph refuses two nodes that Gorgonia would take for one.
func TestEqualHashesAreRefused(t *testing.T) {
	pool := kernel.NewPool(1)
	defer pool.Close()
	w, err := Load(context.Background(), pool, toy(t), Frozen, F32)
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewAdapter(w.Config, LoRA{R: 2, Alpha: 2, Targets: []string{"q_proj"}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	a.Params[1].Name = a.Params[0].Name
	a.Params[1].Shape = a.Params[0].Shape
	if _, err := Build(ops.NewRuntime(pool, 8), w, a); !errors.Is(err, ops.ErrSameHash) {
		t.Errorf("two equal names: %v", err)
	}
}

func TestCosts(t *testing.T) {
	c := weights.Config{Hidden: 576, Layers: 30, Heads: 9, KVHeads: 3, HeadDim: 64, FFN: 1536, Vocab: 49152, Tied: true}
	l := LoRA{R: 16, Targets: weights.Linears}
	if n := l.Parameters(c); n != 4884480 {
		t.Errorf("%d parameters", n)
	}
	if f := ForwardFlops(c, 1, 1); math.Abs(f/(2*134.5e6)-1) > 0.01 {
		t.Errorf("%g operations a token", f)
	}
}
