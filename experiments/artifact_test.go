package experiments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hone/data"
	"hone/data/chat"
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
		for _, format := range []string{"gguf-f32", "gguf-f16", "gguf-bf16", "gguf-q8_0", "gguf-q4_1"} {
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

// archCopy is a copy of a model of testdata/arch as GGUF can hold it: the Mistral without
// its window, and with a tokenizer whose merges scores can say.
func archCopy(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS("../engine/testdata/arch/"+name)); err != nil {
		t.Fatal(err)
	}
	if name == "mistral" {
		config, err := os.ReadFile(filepath.Join(dir, "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, "config.json"), strings.Replace(string(config), `"sliding_window": 7`, `"sliding_window": null`, 1))
		scores, err := os.ReadFile("../engine/tokenizer/testdata/kinds/scores.json")
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, "tokenizer.json"), string(scores))
	}
	return dir
}

// ggufModels are the models of testdata/arch by the general.architecture they get.
var ggufModels = map[string]string{"llama3": "llama", "llama-bias": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}

// Every architecture goes to GGUF, and comes back with its tokenizer.
func TestExportGGUFArchitectures(t *testing.T) {
	for name := range ggufModels {
		t.Run(name, func(t *testing.T) {
			model := archCopy(t, name)
			run := trainedToy(t, "model.path="+model)
			want, err := OpenTokenizer(model)
			if err != nil {
				t.Fatal(err)
			}
			for _, format := range []string{"gguf-f32", "gguf-bf16", "gguf-f16", "gguf-q8_0", "gguf-q4_1", "ollama"} {
				a := export(t, run, format)
				path := a.Path
				if format == "ollama" {
					path = filepath.Join(path, ollamaModel)
				}
				if got, err := OpenTokenizer(path); err != nil || got.Hash() != want.Hash() {
					t.Errorf("%s has another tokenizer: %v", format, err)
				}
			}
			export(t, run, "gguf-lora")
			// A run that starts from such a file is exported in turn.
			again := trainedToy(t, "model.path="+filepath.Join(run, "export", "gguf-f32.gguf"))
			export(t, again, "safetensors-f32")
			export(t, again, "gguf-f32")
			export(t, again, "gguf-lora")
		})
	}
}

// llama.cpp does not compose what Qwen's tokenizer does, and an export says so.
func TestExportGGUFUncomposed(t *testing.T) {
	for prompt, notes := range map[string]int{"data.prompt=\"caf\u00e9 {event_text}\"": 0, "data.prompt=\"cafe\u0301 {event_text}\"": 1} {
		a := export(t, trainedToy(t, archModel("qwen2"), prompt), "gguf-f16")
		if len(a.Notes) != notes || notes > 0 && !strings.Contains(a.Notes[0], "NFC") {
			t.Errorf("%s: %v", prompt, a.Notes)
		}
	}
}

// A tokenizer behind Metaspace goes to GGUF where llama.cpp gives the prompts of the rows the
// same tokens.
func TestExportGGUFMetaspace(t *testing.T) {
	model := archCopy(t, "mistral")
	text, err := os.ReadFile(filepath.Join(model, "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	file["normalizer"] = nil
	file["pre_tokenizer"] = map[string]any{"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": false}
	if text, err = json.Marshal(file); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(model, "tokenizer.json"), string(text))
	a := export(t, trainedToy(t, "model.path="+model), "gguf-f16")
	if len(a.Notes) != 1 || !strings.Contains(a.Notes[0], "Metaspace") {
		t.Errorf("%v", a.Notes)
	}
	want, err1 := OpenTokenizer(model)
	got, err2 := OpenTokenizer(a.Path)
	if err := errors.Join(err1, err2); err != nil || got.Hash() != want.Hash() {
		t.Errorf("another tokenizer: %v", err)
	}
	for _, prompt := range []string{`data.prompt=" {event_text}"`, `data.prompt="</s>{event_text}"`} {
		run := trainedToy(t, "model.path="+model, prompt)
		if _, err := ExportArtifact(context.Background(), TunedOf(run), ArtifactOptions{Format: "gguf-f16"}); !errors.Is(err, ErrArtifact) || !strings.Contains(err.Error(), "Metaspace") {
			t.Errorf("%s: %v", prompt, err)
		}
	}
}

// An adapter on some layers, or on other modules in each, is one for llama.cpp too.
func TestExportGGUFOfSomeLayers(t *testing.T) {
	for _, set := range []string{"lora.layers=[1]", `lora.targets=["layers.0.self_attn.q_proj","layers.1.mlp.up_proj","k_proj"]`} {
		export(t, trainedToy(t, set), "gguf-lora")
	}
}

// What an architecture or a tokenizer does not support is refused by its name, before
// anything is written.
func TestExportRefused(t *testing.T) {
	for model, want := range map[string]string{"mistral": "sliding window of 7"} {
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

// A conversation run takes its chat template along: into GGUF, from where a run finds it
// again, into a model directory, and as that of one question into a Modelfile.
func TestExportChat(t *testing.T) {
	const own = `{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}{{ eos_token }}
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}`
	for name, set := range map[string]struct{ template, config, want string }{
		"chatml": {template: "chatml", want: "<|im_start|>user\n"},
		"tokens": {config: fmt.Sprintf(`{"bos_token": "it's", "eos_token": {"content": "<|im_end|>"}, "chat_template": %q}`, own), want: "it's<|im_start|>user\n"},
		"no bos": {config: fmt.Sprintf(`{"eos_token": "</turn>", "chat_template": %q}`, "\n"+own), want: "\n<|im_start|>user\n"},
	} {
		t.Run(name, func(t *testing.T) {
			c := chatConfig(t, 8, "data.chat_template="+set.template, "train.epochs=1", "train.eval_every=0")
			if set.config != "" {
				writeFile(t, filepath.Join(c.Model.Path, "tokenizer_config.json"), set.config)
			}
			run := train(t, c, StartOptions{RunDir: filepath.Join(t.TempDir(), "run")}).RunDir
			w, err := OpenWorkspace(context.Background(), c)
			if err != nil || w.ModelProblem != nil {
				t.Fatal(err, w.ModelProblem)
			}
			for _, format := range []string{"gguf-f32", "ollama", "safetensors-f32"} {
				a := export(t, run, format)
				model := a.Path
				if format == "ollama" {
					model = filepath.Join(model, ollamaModel)
					text, err := os.ReadFile(filepath.Join(a.Path, modelfile))
					if err != nil || !strings.Contains(string(text), `TEMPLATE """`+set.want+"{{ .Prompt }}") {
						t.Errorf("%s: %v", text, err)
					}
				}
				again := c
				again.Model.Path, again.Data.ChatTemplate = model, ""
				v, err := OpenWorkspace(context.Background(), again)
				if err != nil || v.ModelProblem != nil {
					t.Fatal(format, err, v.ModelProblem)
				}
				for i, e := range v.Encoded[data.Train].Examples {
					if !slices.Equal(e.IDs, w.Encoded[data.Train].Examples[i].IDs) {
						t.Errorf("%s: row %d is encoded otherwise", format, i)
					}
				}
				if format != "safetensors-f32" && (len(a.Checks) == 0 || !strings.Contains(a.Checks[0], "conversations what training had")) {
					t.Errorf("%s: %v", format, a.Checks)
				}
			}
			// So does a run that starts from the file.
			again := c
			again.Model.Path, again.Data.ChatTemplate = filepath.Join(run, "export", "gguf-f32.gguf"), ""
			a := export(t, train(t, again, StartOptions{RunDir: filepath.Join(t.TempDir(), "run")}).RunDir, "safetensors-f32")
			again.Model.Path = a.Path
			v, err := OpenWorkspace(context.Background(), again)
			if err != nil || v.ModelProblem != nil {
				t.Fatal(err, v.ModelProblem)
			}
			for i, e := range v.Encoded[data.Train].Examples {
				if !slices.Equal(e.IDs, w.Encoded[data.Train].Examples[i].IDs) {
					t.Errorf("of the file: row %d is encoded otherwise", i)
				}
			}
			// Another template is found out.
			s, err := openArtifactSource(context.Background(), TunedOf(run))
			if err != nil {
				t.Fatal(err)
			}
			defer s.base.Close()
			s.art = &Artifact{}
			path := filepath.Join(t.TempDir(), "other.gguf")
			if err := ggufWriter("F32")(context.Background(), s, path); err != nil {
				t.Fatal(err)
			}
			if err := verifyGGUF(context.Background(), s, path); err != nil {
				t.Error(err)
			}
			tpl, err := chat.Parse(strings.Replace(s.work.Encoder.Chat().Source(), "im_start", "im_end", 1), nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			s.work.Encoder = s.work.Encoder.WithChat(tpl, false)
			if err := verifyGGUF(context.Background(), s, path); !errors.Is(err, ErrArtifactDiffers) {
				t.Errorf("another template: %v", err)
			}
		})
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
