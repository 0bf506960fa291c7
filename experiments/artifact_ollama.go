package experiments

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"hone/data"
	"hone/engine/weights"
	"hone/runs"
)

const (
	ollamaModel = "model.gguf"
	modelfile   = "Modelfile"
)

// writeOllama writes a directory that `ollama create` takes: the merged model, and the
// template that makes of a text the very prompt that the model was trained on. Its absence
// is the most common reason for nonsense in Ollama.
func writeOllama(ctx context.Context, s *artifactSource, path string) error {
	text, err := s.modelfile()
	if err != nil {
		return err
	}
	if err := makeDir(path, nil); err != nil {
		return err
	}
	if err := ggufWriter("F16")(ctx, s, filepath.Join(path, ollamaModel)); err != nil {
		return err
	}
	return runs.WriteFile(filepath.Join(path, modelfile), text)
}

// modelfile is what Ollama makes a model of.
func (s *artifactSource) modelfile() ([]byte, error) {
	var b bytes.Buffer
	source, err := s.ollamaTemplate()
	if err != nil {
		return nil, err
	}
	t, err := modelfileText(source)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, "FROM ./%s\nTEMPLATE %s\n", ollamaModel, t)
	for _, id := range s.work.EOS {
		stop, err := modelfileText(string(s.work.Tokenizer.Bytes(id)))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "PARAMETER stop %s\n", stop)
	}
	fmt.Fprintf(&b, "PARAMETER temperature 0\nPARAMETER num_predict %d\n", s.config.Eval.MaxNew)
	return b.Bytes(), nil
}

// ollamaTemplate is data.prompt as a template of Go, which Ollama's are, or what a chat
// template writes around one question. Where the dataset has whole prompts, a prompt stands
// for itself.
func (s *artifactSource) ollamaTemplate() (string, error) {
	var parts []string
	switch {
	case s.work.Encoder.Chat() != nil:
		var err error
		if parts, err = s.questionParts(); err != nil {
			return "", err
		}
	case s.templated():
		parts = strings.Split(s.config.Data.Prompt, data.Placeholder)
	default:
		parts = []string{"", ""}
	}
	for i, p := range parts {
		if strings.Contains(p, "{{") || strings.Contains(p, `"""`) {
			parts[i] = "{{ " + strconv.Quote(p) + " }}" // literal text that a reader would take for its own
		}
	}
	return strings.Join(parts, "{{ .Prompt }}"), nil
}

// ollamaPrompt is what is given to the template for a row, and what it has to make of it;
// ok is false of conversations of more turns.
func (s *artifactSource) ollamaPrompt(r data.Row) (given, want string, ok bool, err error) {
	switch tpl := s.work.Encoder.Chat(); {
	case tpl != nil && !oneQuestion(r):
		return "", "", false, nil
	case tpl != nil:
		rendered, err := tpl.Render(r.Messages[:1], true)
		want = rendered.Text
		if id, has := s.work.Tokenizer.BOS(); has {
			want = strings.TrimPrefix(want, string(s.work.Tokenizer.Bytes(id)))
		}
		return r.Messages[0].Content, want, true, err
	case s.templated():
		return r.Event, r.Prompt, true, nil
	}
	return r.Prompt, r.Prompt, true, nil
}

// templated reports whether the dataset's prompts come from data.prompt.
func (s *artifactSource) templated() bool {
	for _, r := range s.work.Dataset.Train {
		return r.Event != "" && data.Render(s.config.Data.Prompt, r.Event) == r.Prompt
	}
	return false
}

// modelfileText is text as a Modelfile holds it: as it is between three quotes. Text that
// has them, or that ends in one, cannot be written.
func modelfileText(text string) (string, error) {
	if strings.Contains(text, `"""`) || strings.HasSuffix(text, `"`) || strings.HasPrefix(text, `"`) {
		return "", fmt.Errorf("%w: a Modelfile cannot hold the text %q, for its quotes", weights.ErrUnsupported, text)
	}
	return `"""` + text + `"""`, nil
}

// verifyOllama reads the Modelfile as Ollama does and compares the prompts of all rows
// with those of training, byte for byte.
func verifyOllama(ctx context.Context, s *artifactSource, path string) error {
	if err := verifyGGUF(ctx, s, filepath.Join(path, ollamaModel)); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(path, modelfile))
	if err != nil {
		return err
	}
	templateText, stops := parseModelfile(string(text))
	t, err := template.New("").Parse(templateText)
	if err != nil {
		return fmt.Errorf("%w: the template: %w", ErrArtifactDiffers, err)
	}
	rows, others := 0, 0
	for _, split := range data.Splits() {
		list, err := s.work.Dataset.Split(split)
		if err != nil {
			return err
		}
		for _, r := range list {
			given, want, ok, err := s.ollamaPrompt(r)
			if err != nil {
				return err
			}
			if !ok {
				others++
				continue
			}
			var b strings.Builder
			if err := t.Execute(&b, struct{ Prompt string }{given}); err != nil {
				return fmt.Errorf("%w: the template: %w", ErrArtifactDiffers, err)
			}
			if b.String() != want {
				return fmt.Errorf("%w: its prompt of %s is %q, in training it was %q", ErrArtifactDiffers, r.Position(), b.String(), want)
			}
			rows++
		}
	}
	for i, id := range s.work.EOS {
		if want := string(s.work.Tokenizer.Bytes(id)); i >= len(stops) || stops[i] != want {
			return fmt.Errorf("%w: it stops at %q, not at %q", ErrArtifactDiffers, stops, want)
		}
	}
	s.art.Checks = append(s.art.Checks, fmt.Sprintf("the prompts of %d rows are those of training, byte for byte; it stops at %q", rows, stops))
	if others > 0 {
		s.art.Notes = append(s.art.Notes, fmt.Sprintf("%d conversations have more turns than one question, and the Modelfile's template is of one question", others))
	}
	s.art.Notes = append(s.art.Notes, "ollama create NAME -f Modelfile, in the directory; then give it the bare text: the template makes the prompt of it")
	return nil
}

// parseModelfile reads template and stops of a file of ours.
func parseModelfile(text string) (templateText string, stops []string) {
	for text != "" {
		var key string
		switch {
		case strings.HasPrefix(text, "TEMPLATE "):
			key = "TEMPLATE "
		case strings.HasPrefix(text, "PARAMETER stop "):
			key = "PARAMETER stop "
		}
		rest, quoted := strings.CutPrefix(strings.TrimPrefix(text, key), `"""`)
		if key == "" || !quoted {
			_, text, _ = strings.Cut(text, "\n")
			continue
		}
		value, after, _ := strings.Cut(rest, `"""`)
		if key == "TEMPLATE " {
			templateText = value
		} else {
			stops = append(stops, value)
		}
		text = strings.TrimPrefix(after, "\n")
	}
	return templateText, stops
}
