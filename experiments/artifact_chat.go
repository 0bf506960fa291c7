package experiments

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"hone/data"
	"hone/data/chat"
	"hone/engine/weights"
)

// ggufTokens are the texts that llama.cpp has for the names in templates: it knows two.
func (s *artifactSource) ggufTokens() map[string]string {
	c := s.modelConfig()
	tokens := map[string]string{"eos_token": string(s.work.Tokenizer.Bytes(c.EOS[0]))}
	if id, ok := s.work.Tokenizer.BOS(); ok {
		c.BOS = id
	}
	if c.BOS >= 0 {
		tokens["bos_token"] = string(s.work.Tokenizer.Bytes(c.BOS))
	}
	return tokens
}

// ggufTemplate is the chat template of a GGUF file: that by which conversations were
// trained, else the model's own; "" where there is none.
func (s *artifactSource) ggufTemplate() (string, error) {
	own, err := chatOf(s.config.Model.Path)
	if err != nil {
		return "", err
	}
	if tpl := s.work.Encoder.Chat(); tpl != nil {
		own.source = tpl.Source()
	}
	return withTokens(own, s.ggufTokens()), nil
}

// withTokens is a template that sets the names whose texts are others where it is read:
// tokenizer_config.json and a GGUF file need not agree.
func withTokens(own modelChat, there map[string]string) string {
	source := own.source
	if source == "" {
		return ""
	}
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	set := ""
	for _, name := range []string{"bos_token", "eos_token", "pad_token", "unk_token"} {
		if own.tokens[name] != there[name] && regexp.MustCompile(`\b`+name+`\b`).MatchString(source) {
			set += fmt.Sprintf("{%% set %s = '%s' %%}", name, quote.Replace(own.tokens[name]))
		}
	}
	if set != "" && strings.HasPrefix(source, "\n") {
		set += "\n" // a newline after a block is none
	}
	return set + source
}

// verifyGGUF renders all conversations of a run by the template that a GGUF file has, with
// the tokens that llama.cpp knows: they have to be those of training.
func verifyGGUF(_ context.Context, s *artifactSource, path string) error {
	trained := s.work.Encoder.Chat()
	if trained == nil {
		return nil
	}
	m, err := weights.Open(path)
	if err != nil {
		return err
	}
	defer m.Close()
	said := m.Chat()
	for name := range said.Tokens {
		if name != "bos_token" && name != "eos_token" {
			delete(said.Tokens, name)
		}
	}
	written, err := chat.Parse(said.Template, said.Tokens, s.work.Tokenizer.SpecialTexts())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrArtifactDiffers, err)
	}
	rows, bos := 0, true
	first := ""
	if id, ok := s.work.Tokenizer.BOS(); ok {
		first = string(s.work.Tokenizer.Bytes(id))
	}
	err = s.eachConversation(func(r data.Row) error {
		for end, generate := range map[int]bool{len(r.Messages): false, len(r.Messages) - 1: true} {
			want, err := trained.Render(r.Messages[:end], generate)
			if err != nil {
				return err
			}
			got, err := written.Render(r.Messages[:end], generate)
			if err != nil {
				return fmt.Errorf("%w: its template: %w", ErrArtifactDiffers, err)
			}
			if got.Text != want.Text {
				return fmt.Errorf("%w: its template makes %q of %s, in training it was %q", ErrArtifactDiffers, got.Text, r.Position(), want.Text)
			}
			bos = bos && strings.HasPrefix(want.Text, first)
		}
		rows++
		return nil
	})
	if err != nil {
		return err
	}
	s.art.Checks = append(s.art.Checks, fmt.Sprintf("its chat template makes of all %d conversations what training had", rows))
	if !bos {
		s.art.Notes = append(s.art.Notes, fmt.Sprintf("llama.cpp puts %q before every text, which the chat template of training does not", first))
	}
	return nil
}

// eachConversation calls f with the chat rows of all splits.
func (s *artifactSource) eachConversation(f func(data.Row) error) error {
	for _, split := range data.Splits() {
		list, err := s.work.Dataset.Split(split)
		if err != nil {
			return err
		}
		for _, r := range list {
			if len(r.Messages) == 0 {
				continue
			}
			if err := f(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// oneQuestion reports whether a conversation is a question and its answer.
func oneQuestion(r data.Row) bool {
	return len(r.Messages) == 2 && r.Messages[0].Role == chat.User
}

// errTurns refuses to make a template of one question of conversations that have more.
var errTurns = errors.New("no conversation of the dataset is one question and its answer, and a Modelfile's template is of one question (what works: gguf-f16, which has the chat template)")

// questionParts are what a chat template writes around one question, without the BOS that
// llama.cpp puts there itself.
func (s *artifactSource) questionParts() ([]string, error) {
	const question = "\u2402question\u2403"
	r, err := s.work.Encoder.Chat().Render([]chat.Message{{Role: chat.User, Content: question}}, true)
	if err != nil {
		return nil, err
	}
	parts := strings.Split(r.Text, question)
	if id, ok := s.work.Tokenizer.BOS(); ok {
		parts[0] = strings.TrimPrefix(parts[0], string(s.work.Tokenizer.Bytes(id)))
	}
	return parts, nil
}

// noQuestions refuses conversations of which none is one question.
func noQuestions(s *artifactSource) error {
	if s.work.Encoder.Chat() == nil {
		return nil
	}
	for _, split := range data.Splits() {
		list, err := s.work.Dataset.Split(split)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(list, oneQuestion) {
			return nil
		}
	}
	return errTurns
}
