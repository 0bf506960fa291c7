package experiments

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hone/data"
	"hone/runs"
)

// card is a model card as the hub shows it: data, recipe and scores as the run has them,
// nothing that it does not.
func (s *artifactSource) card() ([]byte, error) {
	info, err := runs.ReadInfo(s.side.RunDir)
	if err != nil {
		return nil, err
	}
	h, err := runs.ReadHistory(s.side.RunDir)
	if err != nil {
		return nil, err
	}
	recipe, err := s.recipe()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	name := baseName(s.config.Model.Path)
	shown := name
	if !IsHubID(s.config.Model.Path) { // a path of this machine says nothing elsewhere
		shown = filepath.Base(name)
	}
	line("---")
	if IsHubID(s.config.Model.Path) {
		line("base_model: %s", yamlText(name))
	}
	if s.adapter != nil {
		line("library_name: peft")
	} else {
		line("library_name: transformers")
	}
	line("pipeline_tag: text-generation\ntags:\n- hone\n---\n")
	line("# %s\n", inMarkdown(s.config.Name))
	what := "All weights of " + inMarkdown(shown) + " were trained"
	switch {
	case s.side.Model == base:
		what = inMarkdown(shown) + ", unchanged: a run started from it"
	case s.adapter != nil:
		what = fmt.Sprintf("A LoRA adapter of rank %d on %s", s.adapter.Config.R, inMarkdown(shown))
	}
	d := s.work.Dataset
	line("%s, trained with Hone %s: %d of %d steps.\n", what, inMarkdown(info.Version), info.Step, info.Steps)
	line("## Data\n")
	line("%s: %d rows to train on, %d for evaluation, %d for the test.\n", inMarkdown(filepath.Base(s.config.Data.Path)), len(d.Train), len(d.Eval), len(d.Test))
	if len(d.Schema) > 0 {
		line("Answers are JSON objects with the fields %s.\n", inMarkdown(strings.Join(d.Schema, ", ")))
	}
	switch {
	case d.Format == data.Text:
		line("Rows are texts, learned as a whole: the model goes on from the beginning of one.\n")
	case s.templated():
		line("The prompt, in which {event_text} is the text to read:\n")
		fence(&b, "", s.config.Data.Prompt)
	default:
		line("The prompts are in the dataset.\n")
	}
	var stops []string
	for _, id := range s.work.EOS {
		stops = append(stops, string(s.work.Tokenizer.Bytes(id)))
	}
	ends := inMarkdown(strings.Join(stops, " or "))
	switch d.Format {
	case data.Text:
		line("A text ends with %s.\n", ends)
	case data.Chat:
		line("Prompts are conversations by this chat template; an answer ends with %s:\n", ends)
		fence(&b, "", s.work.Encoder.Chat().Source())
	default:
		line("It is no chat template: the model was trained on these very bytes. An answer begins with a space and ends with %s.\n", ends)
	}
	line("## Scores\n")
	s.cardScores(line, h)
	line("## Recipe\n\nThe whole experiment, for hone train --config FILE:\n")
	fence(&b, "toml", string(recipe))
	return bytes.ToValidUTF8(b.Bytes(), []byte("\uFFFD")), nil
}

// recipe is the experiment with names in place of the paths of this machine, which are
// nobody else's business.
func (s *artifactSource) recipe() ([]byte, error) {
	c := s.config.Clone()
	for _, path := range []*string{&c.Model.Path, &c.Data.Path, &c.LoRA.InitAdapter} {
		if filepath.IsAbs(*path) {
			*path = filepath.Base(*path)
		}
	}
	return c.Marshal()
}

// cardScores are the scores of the test, with the base model beside them, where the run
// was compared, and of the best evaluation.
func (s *artifactSource) cardScores(line func(string, ...any), h *runs.History) {
	none := true
	if s.side.Model == tuned {
		if c, err := ReadComparison(s.side.RunDir, data.Test); err == nil {
			none = false
			line("| test split | base | tuned | change | 95 %% interval |\n|---|---:|---:|---:|---|")
			for _, x := range c.Difference.Scores {
				line("| %s (n = %d) | %.3f | %.3f | %+.3f | %+.3f to %+.3f |", inMarkdown(ScoreName(x.Score)), x.N, x.Base, x.Tuned, x.Change, x.Low, x.High)
			}
			line("\n%s\n", c.intervalText())
		}
		if e, ok := h.BestEval(data.Eval, s.config.Train.BestBy); ok {
			none = false
			if e.N == 0 {
				line("On the evaluation split, after step %d: loss %.4f.\n", e.Step, e.Loss)
				return
			}
			line("On %d rows of the evaluation split, after step %d: exact match %.3f, valid JSON %.3f, fields right %.3f, loss %.4f.\n",
				e.N, e.Step, e.ExactMatch, e.JSONValidity, e.FieldAccuracy, e.Loss)
		}
	}
	if none {
		line("It was not evaluated.\n")
	}
}

// yamlText is text as a string of YAML: JSON's strings are.
func yamlText(text string) string {
	b, _ := json.Marshal(text) // a string always has a form
	return string(b)
}

// fence writes text between fences longer than any in it.
func fence(b *bytes.Buffer, language, text string) {
	mark := "```"
	for strings.Contains(text, mark) {
		mark += "`"
	}
	fmt.Fprintf(b, "%s%s\n%s\n%s\n\n", mark, language, strings.TrimRight(text, "\n"), mark)
}

func writeCard(_ context.Context, s *artifactSource, path string) error {
	text, err := s.card()
	if err != nil {
		return err
	}
	return runs.WriteFile(path, text)
}

// verifyCard reads the recipe out of the card again: it has to be the experiment.
func verifyCard(_ context.Context, s *artifactSource, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	_, recipe, _ := strings.Cut(string(text), "\n## Recipe\n")
	_, recipe, _ = strings.Cut(recipe, "toml\n")
	want, err := s.recipe()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(recipe, strings.TrimRight(string(want), "\n")) {
		return fmt.Errorf("%w: the recipe in the card is not the run's", ErrArtifactDiffers)
	}
	s.art.Checks = append(s.art.Checks, "the recipe in it is the run's")
	return nil
}
