package experiments

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hone/engine/llama"
	"hone/engine/weights"
	"hone/runs"
)

// startAdapter is an adapter to go on from: of a short run.
func startAdapter(t *testing.T, set ...string) string {
	t.Helper()
	r := train(t, toyConfig(t, append([]string{"train.epochs=1", "train.eval_every=0"}, set...)...), StartOptions{RunDir: filepath.Join(t.TempDir(), "start")})
	return r.RunDir
}

// Every option changes what is trained. With each the resumed run is the
// uninterrupted one to the bit, and a step replays with the bits that were recorded.
func TestOptionsKeepTheBits(t *testing.T) {
	others := map[string][]byte{}
	start := startAdapter(t)
	for _, option := range [][]string{
		nil,
		{"train.schedule=wsd", "train.decay=0.5", "train.decay_shape=linear"},
		{"train.schedule=wsd", "train.decay=0.5", "train.decay_shape=1-sqrt"},
		{"train.loraplus_ratio=4"},
		{"train.neftune_alpha=5"},
		{`lora.targets=["v_proj", "layers.1.mlp.up_proj"]`},
		{"lora.layers=[1]"},
		{`lora.target_regex=.*\.0\.self_attn\.[qv]_proj|.*\.mlp\..*`},
		{`lora.exclude_modules=["q_proj", "layers.1.mlp.up_proj"]`},
		{`lora.targets=["q_proj", "v_proj"]`, `lora.exclude_regex=.*\.1\.self_attn\.q_proj`},
		{`lora.rank_pattern={ down_proj = 7, "layers.0.self_attn.*" = 2 }`},
		{`lora.alpha_pattern={ "(q|k)_proj" = 64 }`},
		{"lora.init_adapter=" + start},
	} {
		name := strings.Join(option, " ")
		c := toyConfig(t, append([]string{"train.epochs=1", "train.eval_every=0", "train.micro_batch=300"}, option...)...)
		whole := train(t, c, StartOptions{RunDir: filepath.Join(t.TempDir(), "whole")})
		dir := filepath.Join(t.TempDir(), "parts")
		train(t, c, StartOptions{RunDir: dir, MaxSteps: 3})
		train(t, c, StartOptions{RunDir: dir})
		var adapter []byte
		for _, file := range []string{"adapter_model.safetensors", "optimizer.safetensors", "adapter_config.json"} {
			a, err := os.ReadFile(filepath.Join(whole.RunDir, "checkpoints", "step-000004", file))
			b, err2 := os.ReadFile(filepath.Join(dir, "checkpoints", "step-000004", file))
			if err != nil || err2 != nil || !bytes.Equal(a, b) {
				t.Errorf("%s: %s of the resumed run differs: %v %v", name, file, err, err2)
			}
			if adapter == nil {
				adapter = a
			}
		}
		for other, bytesOf := range others {
			if bytes.Equal(bytesOf, adapter) {
				t.Errorf("%q trains what %q does", name, other)
			}
		}
		others[name] = adapter
		if got := replay(t, dir, ReplayOptions{Step: 4}); !got.Reproduced {
			t.Errorf("%s: step 4 replays otherwise: %v", name, got.Differences)
		}
		// The plan counts what is trained.
		plan, err := MakePlan(c)
		if err != nil {
			t.Fatal(err)
		}
		values := 0
		for _, x := range readAdapter(t, runs.AdapterDir(dir)).Tensors {
			values += len(x.Data)
		}
		if int64(values) != plan.TrainableParams {
			t.Errorf("%s: %d parameters planned, %d trained", name, plan.TrainableParams, values)
		}
	}
}

// A run that goes on from an adapter begins with what that computes, also with
// another scale; one that does not fit is refused before the model is read, and says
// what would.
func TestInitAdapterIsContinued(t *testing.T) {
	start := startAdapter(t)
	first := func(set ...string) float64 {
		t.Helper()
		c := toyConfig(t, append([]string{"train.epochs=1", "train.eval_every=0", "lora.dropout=0", "train.shuffle=false"}, set...)...)
		r := train(t, c, StartOptions{RunDir: filepath.Join(t.TempDir(), "run"), MaxSteps: 1})
		h, err := runs.ReadHistory(r.RunDir)
		if err != nil {
			t.Fatal(err)
		}
		return float64(h.Steps[0].Loss)
	}
	fresh, same := first(), first("lora.init_adapter="+start)
	if fresh == same {
		t.Fatal("the start changes nothing")
	}
	if got := first("lora.init_adapter=" + runs.AdapterDir(start)); got != same {
		t.Errorf("the adapter's own directory gives %g, the run's %g", got, same)
	}
	for _, set := range [][]string{{"lora.alpha=3"}, {"lora.rslora=true", "lora.alpha=7"}, {"lora.alpha_pattern={ up_proj = 1 }"}} {
		if got := first(append(set, "lora.init_adapter="+start)...); math.Abs(got/same-1) > 1e-5 {
			t.Errorf("%v begins with loss %g, the adapter has %g", set, got, same)
		}
	}
	plan, err := MakePlan(toyConfig(t, "lora.alpha=3", "lora.init_adapter="+start))
	if err != nil || !strings.Contains(strings.Join(plan.Notes, "\n"), "to make up for it in 14 modules") {
		t.Errorf("%v %v", plan.Notes, err)
	}
	for set, says := range map[string]string{
		"lora.r=8":                                        "its rank at model.layers.0.self_attn.q_proj is 4, the experiment's 8",
		`lora.targets=["q_proj"]`:                         "which the experiment does not train; it has the targets q_proj, k_proj",
		"model.path=" + toyDir + "untied":                 "",
		"lora.init_adapter=" + t.TempDir():                "adapter_config.json",
		"lora.rank_pattern={ up_proj = 2 }":               "its rank at model.layers.0.mlp.up_proj is 4, the experiment's 2",
		`lora.targets=["q_proj", "layers.9.mlp.up_proj"]`: `the target "layers.9.mlp.up_proj"`,
		"lora.layers=[0, 2]":                              "layer 2",
		"lora.target_regex=nothing":                       `the expression "nothing"`,
		"lora.exclude_regex=nothing":                      `the exclusion of "nothing"`,
		`lora.exclude_modules=["layers.2.mlp.up_proj"]`:   `the exclusion of "layers.2.mlp.up_proj"`,
		`lora.exclude_modules=["up_proj"]`:                `layers.0.mlp.up_proj.lora_A.weight, which the experiment does not train`,
	} {
		_, err := MakePlan(toyConfig(t, "lora.init_adapter="+start, set))
		switch {
		case says == "" && err != nil: // the toys have one shape
			t.Errorf("%s: %v", set, err)
		case says != "" && (err == nil || !strings.Contains(err.Error(), says)):
			t.Errorf("%s: %v, want %q", set, err, says)
		}
		if strings.HasPrefix(set, "lora.r=") && !errors.Is(err, llama.ErrAdapter) {
			t.Errorf("%s: %v is no ErrAdapter", set, err)
		}
	}
}

// Plans of a form read the adapter that a run begins from once, and again when it is
// another; training does not keep it.
func TestPlansReadTheInitAdapterOnce(t *testing.T) {
	start := startAdapter(t)
	other := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(other, os.DirFS(start)); err != nil {
		t.Fatal(err)
	}
	forgetPlanned()
	read := func(set ...string) (*weights.Adapter, error) {
		t.Helper()
		_, err := MakePlan(toyConfig(t, append([]string{"lora.init_adapter=" + other}, set...)...))
		return lastInit.adapter, err
	}
	first, err := read()
	if err != nil || first == nil {
		t.Fatal(err, first)
	}
	if again, err := read("train.lr=1e-3"); err != nil || again != first {
		t.Errorf("read again: %v", err)
	}
	before := first.Hash()
	if again, err := read("lora.alpha=3"); err != nil || again != first || again.Hash() != before {
		t.Errorf("a plan that rescales changes it: %v", err)
	}
	dir := other
	if kept := runs.AdapterDir(dir); isDirectory(kept) {
		dir = kept
	}
	file := filepath.Join(dir, "adapter_model.safetensors")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)-1] ^= 0x80 // the sign of its last value
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if again, err := read(); err != nil || again == first || again.Hash() == before {
		t.Errorf("another file is not read: %v", err)
	}
	if err := os.RemoveAll(other); err != nil {
		t.Fatal(err)
	}
	if _, err := read(); err == nil {
		t.Error("what is gone is still there")
	}
}
