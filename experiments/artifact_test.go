package experiments

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hone/data"
	"hone/engine/weights"
)

// trainedToy is a finished run on a toy model with an adapter that matters.
func trainedToy(t testing.TB, set ...string) string {
	t.Helper()
	c := toyConfig(t, append([]string{"train.lr=2e-2", "train.epochs=1", "train.eval_every=0"}, set...)...)
	return train(t, c, StartOptions{RunDir: filepath.Join(t.TempDir(), "run")}).RunDir
}

func archModel(name string) string { return "model.path=../engine/testdata/arch/" + name }

func export(t testing.TB, run, format string) *Artifact {
	t.Helper()
	a, err := ExportArtifact(context.Background(), TunedOf(run), ArtifactOptions{Format: format})
	if err != nil {
		t.Fatal(err)
	}
	if a.Probe != nil {
		t.Logf("%s: largest difference %.3g of a range of %.3g (%.2e), tolerance %.3g, same best %.3f", format, a.Probe.Largest, a.Probe.Range, a.Probe.Largest/a.Probe.Range, a.Probe.Tolerance, a.Probe.SameBest)
	}
	return a
}

func TestExportMerged(t *testing.T) {
	for _, set := range [][]string{
		nil,
		{"lora.rslora=true", `lora.targets=["q_proj","down_proj"]`},
		{"method=full"},
		{archModel("qwen3")},
		{archModel("qwen2")},
		{archModel("qwen2-window")},
		{archModel("mistral")},
		{archModel("llama-bias")},
		{archModel("llama3")},
	} {
		run := trainedToy(t, set...)
		for _, format := range []string{"safetensors-f32", "safetensors-bf16"} {
			a := export(t, run, format)
			if a.Probe.Positions < 24 || a.Probe.Range <= 0 {
				t.Errorf("%v: %+v", set, a.Probe)
			}
			m, err := weights.Open(a.Path)
			if err != nil {
				t.Fatal(err)
			}
			if want := map[string]string{"safetensors-f32": "F32", "safetensors-bf16": "BF16"}[format]; m.DType("model.norm.weight") != want {
				t.Errorf("%s holds %s", format, m.DType("model.norm.weight"))
			}
			m.Close()
		}
	}
}

func TestExportKeepsWhatIsThere(t *testing.T) {
	run := trainedToy(t)
	ctx := context.Background()
	a := export(t, run, "safetensors-f32")
	o := ArtifactOptions{Format: "safetensors-f32"}
	if _, err := ExportArtifact(ctx, TunedOf(run), o); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over an export: %v", err)
	}
	o.Overwrite = true
	if _, err := ExportArtifact(ctx, TunedOf(run), o); err != nil {
		t.Error(err)
	}
	mine := filepath.Join(a.Path, "thesis.tex")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ExportArtifact(ctx, TunedOf(run), o); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("over somebody's directory: %v", err)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(filepath.Dir(a.Path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left beside it: %v %v", entries, err)
	}
	if _, err := ExportArtifact(ctx, TunedOf(run), ArtifactOptions{Format: "onnx"}); !errors.Is(err, ErrArtifact) {
		t.Error(err)
	}
}

// A model that is not the run's does not get its name.
func TestExportFindsAnotherModel(t *testing.T) {
	run := trainedToy(t)
	s, err := openArtifactSource(context.Background(), TunedOf(run))
	if err != nil {
		t.Fatal(err)
	}
	defer s.base.Close()
	want, err := s.reference(context.Background(), 4)
	if err != nil {
		t.Fatal(err)
	}
	kind, err := artifactKindOf("safetensors-bf16")
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(){
		"without the adapter": func() { s.adapter = nil },
		"with half of it": func() {
			s.adapter = readAdapter(t, filepath.Join(run, "adapter"))
			s.adapter.Config.Alpha /= 2
		},
	} {
		spoil()
		path := filepath.Join(t.TempDir(), "model")
		if err := kind.write(context.Background(), s, path); err != nil {
			t.Fatal(err)
		}
		if r, err := s.compare(context.Background(), *kind.model, path, want); !errors.Is(err, ErrArtifactDiffers) {
			t.Errorf("%s: %v %+v", name, err, r)
		}
	}
}

func TestExportGGUF(t *testing.T) {
	for _, set := range [][]string{nil, {"lora.rslora=true", "lora.alpha=3"}, {"method=full"}, {"model.path=" + toyDir + "untied"}} {
		run := trainedToy(t, set...)
		for _, format := range []string{"gguf-f16", "gguf-q8_0", "gguf-q4_1"} {
			export(t, run, format)
		}
		if set != nil && set[0] == "method=full" {
			for _, format := range []string{"gguf-lora", "peft"} {
				if _, err := ExportArtifact(context.Background(), TunedOf(run), ArtifactOptions{Format: format}); !errors.Is(err, ErrArtifact) || !strings.Contains(err.Error(), "whole model") {
					t.Errorf("%s: %v", format, err)
				}
			}
			continue
		}
		export(t, run, "gguf-lora")
		if a := export(t, run, "peft"); a.Probe.Largest != 0 {
			t.Errorf("a copy of the adapter differs by %g", a.Probe.Largest)
		}
	}
}

// What an architecture or a tokenizer does not support is refused by its name, before
// anything is written.
func TestExportRefused(t *testing.T) {
	for model, want := range map[string]string{"qwen3": "qwen3", "qwen2": "qwen2", "mistral": "sliding window", "llama-bias": "biases", "llama3": "rope scaling llama3"} {
		run := trainedToy(t, archModel(model))
		for _, format := range []string{"gguf-f16", "gguf-lora"} {
			_, err := ExportArtifact(context.Background(), TunedOf(run), ArtifactOptions{Format: format})
			if !errors.Is(err, ErrArtifact) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s to %s: %v", model, format, err)
			}
		}
		if _, err := os.Stat(filepath.Join(run, "export")); err == nil {
			t.Errorf("%s: something is left", model)
		}
		export(t, run, "peft")
	}
}

// Prompts that a template of Go or a Modelfile would read as its own stay what they are.
func TestExportOllama(t *testing.T) {
	for _, prompt := range []string{
		`data.prompt="Extract: {event_text}\nJSON:"`, `data.prompt="  {{ .System }} {event_text} }} {{/* x */}}\t{event_text} \n"`, `data.prompt="<|im_start|>say \"\"\"so\"\"\": {event_text}\n"`,
	} {
		run := trainedToy(t, prompt)
		a := export(t, run, "ollama")
		text, err := os.ReadFile(filepath.Join(a.Path, "Modelfile"))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s", text)
		if !strings.HasPrefix(string(text), "FROM ./model.gguf\nTEMPLATE \"\"\"") || !strings.Contains(string(text), "PARAMETER stop \"\"\"<|im_end|>\"\"\"\n") || len(a.Checks) != 1 {
			t.Errorf("%s\n%v", text, a.Checks)
		}
		// Another template is found out.
		s, err := openArtifactSource(context.Background(), TunedOf(run))
		if err != nil {
			t.Fatal(err)
		}
		s.art = a
		if err := os.WriteFile(filepath.Join(a.Path, "Modelfile"), []byte(strings.Replace(string(text), "{{ .Prompt }}", " {{ .Prompt }}", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := verifyOllama(context.Background(), s, a.Path); !errors.Is(err, ErrArtifactDiffers) {
			t.Errorf("a space more: %v", err)
		}
		s.base.Close()
	}
}

func TestExportRecords(t *testing.T) {
	run := trainedToy(t, "train.eval_every=2", `data.prompt="Read {event_text}\n~~~"`, `name="a [b](c) <d>"`)
	if _, err := Compare(context.Background(), run, data.Test, nil); err != nil {
		t.Fatal(err)
	}
	card := export(t, run, "card")
	text, err := os.ReadFile(card.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"library_name: peft", "A LoRA adapter of rank 4 on tied", "| exact match (n = ", " rows to train on, 8 for evaluation", "Read {event_text}", "lr = 0.02", "\\[b\\]\\(c\\) &lt;d&gt;"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the card does not say %q:\n%s", want, text)
		}
	}
	events := export(t, run, "tensorboard")
	if len(events.Files) != 1 || !strings.HasPrefix(events.Files[0].Name, "events.out.tfevents.") || len(events.Checks) != 1 {
		t.Errorf("%+v", events)
	}
	trl := export(t, run, "trl")
	script, err := os.ReadFile(filepath.Join(trl.Path, "train_trl.py"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"learning_rate=0.02,", "r=4,", `target_modules=["q_proj",`, "use_rslora=False", "tokenizer.eos_token_id = 2"} {
		if !strings.Contains(string(script), want) {
			t.Errorf("the script does not say %q:\n%s", want, script)
		}
	}
	// Records need no model, and are there when there is no adapter.
	if err := os.RemoveAll(filepath.Join(run, "adapter")); err != nil {
		t.Fatal(err)
	}
	if _, err := ExportArtifact(context.Background(), TunedOf(run), ArtifactOptions{Format: "tensorboard", Overwrite: true}); err != nil {
		t.Error(err)
	}
	if _, err := ExportArtifact(context.Background(), TunedOf(run), ArtifactOptions{Format: "peft"}); !errors.Is(err, ErrNoAdapter) {
		t.Errorf("no adapter: %v", err)
	}
}
