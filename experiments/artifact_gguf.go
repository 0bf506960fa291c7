package experiments

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/text/unicode/norm"

	"hone/data"
	"hone/engine/llama"
	"hone/engine/tokenizer"
	"hone/engine/weights"
)

// noGGUF says what of the model a GGUF file cannot hold.
func noGGUF(s *artifactSource) error {
	if err := weights.CheckGGUF(s.modelConfig()); err != nil {
		return err
	}
	v, err := s.work.Tokenizer.Vocabulary(s.base.Config.Vocab)
	if err != nil || v.Metaspace == "" {
		return err
	}
	return s.samePrompts(v)
}

// uncomposed counts the prompts that are not in Unicode's form NFC.
func (s *artifactSource) uncomposed() (n int) {
	for _, rows := range [][]data.Row{s.work.Dataset.Train, s.work.Dataset.Eval, s.work.Dataset.Test} {
		for _, r := range rows {
			if !norm.NFC.IsNormalString(r.Prompt) {
				n++
			}
		}
	}
	return n
}

// samePrompts refuses a vocabulary of which llama.cpp knows less than there is where that
// gives the prompt of a row other tokens.
func (s *artifactSource) samePrompts(v tokenizer.Vocabulary) error {
	v.Metaspace = ""
	there, err := tokenizer.FromVocabulary(v)
	if err != nil {
		return err
	}
	encoder := data.NewEncoder(there, s.work.EOS[0], nil).WithChat(s.work.Encoder.Chat(), false)
	for _, split := range data.Splits() {
		list, err := s.work.Dataset.Split(split)
		if err != nil {
			return err
		}
		for _, r := range list {
			mine, err := s.work.Encoder.PromptOf(r)
			if err != nil {
				return err
			}
			if theirs, err := encoder.PromptOf(r); err != nil || !slices.Equal(mine, theirs) {
				return fmt.Errorf("%w: the prompt of %s has other tokens in llama.cpp, which knows no pre_tokenizer Metaspace and puts a sign of a space before every text and after every special token",
					weights.ErrUnsupported, r.Position())
			}
		}
	}
	return nil
}

// ggufWriter writes the merged model as a GGUF file.
func ggufWriter(dtype string) func(context.Context, *artifactSource, string) error {
	return func(ctx context.Context, s *artifactSource, path string) error {
		v, err := s.work.Tokenizer.Vocabulary(s.base.Config.Vocab)
		if err != nil {
			return err
		}
		if v.Metaspace != "" {
			s.art.Notes = append(s.art.Notes, "llama.cpp knows no pre_tokenizer Metaspace: it puts a sign of a space before every text and after every special token; the prompts of the dataset are the same")
		}
		if n := s.uncomposed(); v.Pre == "qwen2" && n > 0 {
			s.art.Notes = append(s.art.Notes, fmt.Sprintf("%d prompts have characters that the tokenizer composes (NFC) and llama.cpp does not: they get other tokens there", n))
		}
		template, err := s.ggufTemplate()
		if err != nil {
			return err
		}
		m, err := s.merge()
		if err != nil {
			return err
		}
		return weights.WriteGGUF(path, s.modelConfig(), dtype, weights.GGUFText{Name: s.name(), ChatTemplate: template}, v, untilDone(ctx, m))
	}
}

// name is what the exported model is called.
func (s *artifactSource) name() string {
	name := filepath.Base(s.side.RunDir)
	if s.side.Model != tuned {
		name += " " + s.side.Name()
	}
	return name
}

// noGGUFLoRA says what of the adapter, or of the model it is for, llama.cpp cannot have.
func noGGUFLoRA(s *artifactSource) error {
	c := s.base.Config
	c.EOS = nil // it does not say them
	return weights.CheckGGUF(c)
}

func writeGGUFLoRA(_ context.Context, s *artifactSource, path string) error {
	return weights.WriteGGUFAdapter(path, s.base.Config, s.adapter, s.name())
}

func openGGUFLoRA(path string, c weights.Config) (*llama.Adapter, error) {
	file, err := weights.ReadGGUFAdapter(path, c)
	if err != nil {
		return nil, err
	}
	return llama.FromFile(c, file)
}
