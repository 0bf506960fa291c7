package doctor

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hone/engine/trace"
	"hone/experiments"
	"hone/runs"
)

const (
	template = `{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}`
	turns    = `{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}` + "\n" +
		`{"messages": [{"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}]}` + "\n" +
		`{"messages": [{"role": "user", "content": "e"}, {"role": "assistant", "content": "f"}]}` + "\n"
)

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The template that a run of conversations was trained with is compared with the one
// it finds now, with that of a model that lies in it, and with that of the run that
// it began from.
func TestTemplateDrift(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	model, rows := filepath.Join(dir, "model"), filepath.Join(dir, "rows")
	if err := os.CopyFS(model, os.DirFS("../../engine/testdata/toy/tied")); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(model, "tokenizer_config.json")
	put(t, config, `{"eos_token": "<|im_end|>"}`)
	own, other := filepath.Join(model, "chat_template.jinja"), filepath.Join(dir, "other.jinja")
	put(t, own, template)
	put(t, other, "X"+template)
	if err := os.Mkdir(rows, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, split := range []string{"train", "eval", "test"} {
		put(t, filepath.Join(rows, split+".jsonl"), turns)
	}
	run := func(name string, set ...string) string {
		t.Helper()
		c, err := experiments.Load("", append([]string{"model.path=" + model, "data.path=" + rows, "train.epochs=1", "train.warmup=0", "train.eval_every=0", "lora.r=4", "lora.alpha=8", "eval.max_new=4"}, set...)...)
		if err != nil {
			t.Fatal(err)
		}
		r, err := experiments.Start(ctx, c, experiments.StartOptions{RunDir: filepath.Join(dir, name)})
		if err != nil {
			t.Fatal(err)
		}
		result, err := r.Wait()
		if err != nil {
			t.Fatal(err)
		}
		return result.RunDir
	}
	drift := func(path string) string {
		t.Helper()
		r := diagnose(t, path, Options{})
		if !slices.Contains(r.Checked, trace.PromptDrift) {
			t.Errorf("%s: templates were not looked at", path)
		}
		for _, f := range r.Findings {
			if f.ID == trace.PromptDrift {
				return strings.Join(f.Evidence, "; ")
			}
		}
		return ""
	}
	first := run("first", "data.chat_template="+other)
	if got := drift(first); got != "" {
		t.Errorf("a sound run: %s", got)
	}
	a, err := experiments.ExportArtifact(ctx, experiments.TunedOf(first), experiments.ArtifactOptions{Format: "safetensors-f32"})
	if err != nil {
		t.Fatal(err)
	}
	if got := drift(a.Path); got != "" {
		t.Errorf("an export brings the run's template: %s", got)
	}
	exported := filepath.Join(a.Path, "chat_template.jinja")
	put(t, exported, template)
	if got := drift(a.Path); !strings.Contains(got, "the chat templates differ") || !strings.Contains(got, "differ from byte 0") {
		t.Errorf("another template in an export: %q", got)
	}
	if err := os.Remove(exported); err != nil {
		t.Fatal(err)
	}
	if got := drift(a.Path); !strings.Contains(got, "brings no chat template") {
		t.Errorf("no template in an export: %q", got)
	}
	second := run("second", "lora.init_adapter="+first)
	if got := drift(second); !strings.Contains(got, "the chat templates differ") {
		t.Errorf("begun from a run with another template: %q", got)
	}
	third := run("third", "lora.init_adapter="+runs.AdapterDir(first), "data.chat_template="+other)
	if got := drift(third); got != "" {
		t.Errorf("begun from a run with this template: %s", got)
	}
	put(t, config, `{"eos_token": "<|im_start|>"}`)
	if got := drift(third); !strings.Contains(got, "has changed since the run began") {
		t.Errorf("another eos_token: %q", got)
	}
}
