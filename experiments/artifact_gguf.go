package experiments

import (
	"context"
	"path/filepath"

	"hone/engine/llama"
	"hone/engine/weights"
)

// noGGUF says what of the model a GGUF file cannot hold.
func noGGUF(s *artifactSource) error {
	if err := weights.CheckGGUF(s.modelConfig()); err != nil {
		return err
	}
	_, err := s.work.Tokenizer.Vocabulary(s.base.Config.Vocab)
	return err
}

// ggufWriter writes the merged model as a GGUF file.
func ggufWriter(dtype string) func(context.Context, *artifactSource, string) error {
	return func(ctx context.Context, s *artifactSource, path string) error {
		v, err := s.work.Tokenizer.Vocabulary(s.base.Config.Vocab)
		if err != nil {
			return err
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
