package experiments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hone/data"
	"hone/runs"
)

// chatConfig is the toy experiment on n conversations made of the toy's events,
// with the toy model in a directory of its own.
func chatConfig(t testing.TB, n int, set ...string) Config {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "model"), os.DirFS(toyDir+"tied")); err != nil {
		t.Fatal(err)
	}
	d, err := data.Load(toyDir+"events", data.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, rows []data.Row) {
		var b strings.Builder
		for i, r := range rows {
			messages := []map[string]string{{"role": "user", "content": r.Event}, {"role": "assistant", "content": r.Completion}}
			if i%2 == 0 {
				messages = append([]map[string]string{{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes?"}}, messages...)
			}
			line, err := json.Marshal(map[string]any{"messages": messages})
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s\n", line)
		}
		writeFile(t, filepath.Join(dir, "rows", name), b.String())
	}
	write("train.jsonl", d.Train[:n])
	write("eval.jsonl", d.Eval)
	write("test.jsonl", d.Test)
	return toyConfig(t, append([]string{"model.path=" + filepath.Join(dir, "model"), "data.path=" + filepath.Join(dir, "rows"), "data.chat_template=chatml"}, set...)...)
}

func writeFile(t testing.TB, name, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// Where a template comes from: the key, then the files of the model in their
// order; without one nothing is made up.
func TestChatTemplateIsFound(t *testing.T) {
	c := chatConfig(t, 4, "data.chat_template=")
	prompt := func() string {
		t.Helper()
		w, err := OpenWorkspace(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		if w.ModelProblem != nil {
			return w.ModelProblem.Error()
		}
		ids, err := w.Encoder.PromptOf(w.Dataset.Train[1])
		if err != nil {
			t.Fatal(err)
		}
		return w.Tokenizer.Decode(ids)
	}
	if got := prompt(); !strings.Contains(got, "no chat template") || !strings.Contains(got, "data.chat_template") {
		t.Errorf("without a template: %s", got)
	}
	const one = `{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}`
	writeFile(t, filepath.Join(c.Model.Path, "tokenizer_config.json"), fmt.Sprintf(`{"eos_token": {"content": "<|im_end|>"}, "chat_template": [{"name": "tool_use", "template": "x"}, {"name": "default", "template": %q}]}`, one))
	if got := prompt(); !strings.HasPrefix(got, "user: ") || !strings.HasSuffix(got, "<|im_end|>assistant: ") {
		t.Errorf("of tokenizer_config.json: %q", got)
	}
	writeFile(t, filepath.Join(c.Model.Path, "chat_template.jinja"), "FILE "+one)
	if got := prompt(); !strings.HasPrefix(got, "FILE user: ") {
		t.Errorf("of chat_template.jinja: %q", got)
	}
	c.Data.ChatTemplate = filepath.Join(t.TempDir(), "mine.jinja")
	writeFile(t, c.Data.ChatTemplate, "MINE "+one)
	if got := prompt(); !strings.HasPrefix(got, "MINE user: ") {
		t.Errorf("of a file: %q", got)
	}
	c.Data.ChatTemplate = ChatML
	if got := prompt(); !strings.HasPrefix(got, "<|im_start|>user\n") {
		t.Errorf("chatml: %q", got)
	}
}

// Evaluation and generation ask with the ids that training has before the answer,
// and the last turn is scored, field by field where it is an object.
func TestChatIsAskedAsTrained(t *testing.T) {
	c := chatConfig(t, 8)
	w, err := OpenWorkspace(context.Background(), c)
	if err != nil || w.ModelProblem != nil {
		t.Fatal(err, w.ModelProblem)
	}
	for _, f := range w.Findings {
		if f.Severity != data.SeverityNote {
			t.Errorf("finding %+v", f)
		}
	}
	for _, ex := range w.Encoded[data.Train].Examples {
		ids, err := w.Encoder.PromptOf(w.Dataset.Train[ex.Row])
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(ids, ex.IDs[:ex.Prompt]) {
			t.Errorf("row %d: prompt of %d tokens is not the example's", ex.Row, len(ids))
		}
	}
	g, err := OpenGenerator(context.Background(), c, "")
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	row := w.Dataset.Train[1]
	_, ids, _, err := g.promptOf(g.model, row.Messages[0].Content, true, 0)
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := w.Encoder.PromptOf(row); !slices.Equal(ids, want) {
		t.Error("generate asks otherwise")
	}
	if _, ids, _, err = g.promptOf(g.model, "raw", false, 0); err != nil || !slices.Equal(ids, w.Encoder.Prompt("raw")) {
		t.Errorf("a raw prompt is rendered: %v", err)
	}
	if !slices.Equal(w.Dataset.Schema, []string{"action", "date", "time", "attendees", "location"}) {
		t.Errorf("schema %v", w.Dataset.Schema)
	}
}

// What decides how rows are rendered, and the adapter that training began from, are
// inputs of a run like its data: one that has changed is said by name, and outputs
// of another template are not compared with.
func TestResumeNeedsTheSameTemplateAndInitAdapter(t *testing.T) {
	template := filepath.Join(t.TempDir(), "mine.jinja")
	const text = `{% for m in messages %}{{ m.role }}: {{ m.content }}{{ '<|im_end|>' }}{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}`
	writeFile(t, template, text)
	start := filepath.Join(t.TempDir(), "start")
	train(t, chatConfig(t, 8), StartOptions{RunDir: start, MaxSteps: 1})
	c := chatConfig(t, 8, "data.chat_template="+template, "lora.init_adapter="+start)
	dir := filepath.Join(t.TempDir(), "run")
	train(t, c, StartOptions{RunDir: dir, MaxSteps: 1})
	info, err := runs.ReadInfo(dir)
	if err != nil || len(info.Hashes["chat template"]) != 64 || info.Hashes["init adapter"] == "" {
		t.Fatalf("%v, %v", err, info.Hashes)
	}
	resume := func() error {
		r, err := Start(context.Background(), c, StartOptions{RunDir: dir, MaxSteps: 2})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Wait()
		return err
	}
	writeFile(t, template, "X"+text)
	if err := resume(); err == nil || !strings.Contains(err.Error(), "chat template has changed") {
		t.Errorf("another template: %v", err)
	}
	if _, err := ReplayStep(context.Background(), dir, ReplayOptions{Step: 1}); err == nil || !strings.Contains(err.Error(), "chat template has changed") {
		t.Errorf("replay with another template: %v", err)
	}
	writeFile(t, template, text)
	// The template's tokens count too.
	config := filepath.Join(c.Model.Path, "tokenizer_config.json")
	writeFile(t, config, `{"eos_token": "<|im_end|>"}`)
	if err := resume(); err == nil || !strings.Contains(err.Error(), "chat template has changed") {
		t.Errorf("another eos_token: %v", err)
	}
	if err := os.Remove(config); err != nil {
		t.Fatal(err)
	}
	before := filepath.Join(t.TempDir(), "before")
	if err := os.Rename(runs.AdapterDir(start), before); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other")
	train(t, chatConfig(t, 8), StartOptions{RunDir: other, MaxSteps: 2})
	if err := os.CopyFS(runs.AdapterDir(start), os.DirFS(runs.AdapterDir(other))); err != nil {
		t.Fatal(err)
	}
	if err := resume(); err == nil || !strings.Contains(err.Error(), "init adapter has changed") {
		t.Errorf("another init adapter: %v", err)
	}
	if err := errors.Join(os.RemoveAll(runs.AdapterDir(start)), os.Rename(before, runs.AdapterDir(start))); err != nil {
		t.Fatal(err)
	}
	if err := resume(); err != nil {
		t.Errorf("all as it was: %v", err)
	}
}

// A generation also ends where the template ends a turn, whatever the model calls
// the end of a text; what other rows end with stays the first.
func TestTurnEndsStopGenerations(t *testing.T) {
	c := chatConfig(t, 4, "data.eos=<|im_start|>")
	w, err := OpenWorkspace(context.Background(), c)
	if err != nil || w.ModelProblem != nil {
		t.Fatal(err, w.ModelProblem)
	}
	start, _ := w.Tokenizer.ID("<|im_start|>")
	end, _ := w.Tokenizer.ID("<|im_end|>")
	if !slices.Equal(w.EOS, []int32{start, end}) {
		t.Errorf("stops at %v, want %d and %d", w.EOS, start, end)
	}
	ids := w.Encoded[data.Train].Examples[0].IDs
	if ids[len(ids)-1] != end {
		t.Errorf("a row ends with %d", ids[len(ids)-1])
	}
}
