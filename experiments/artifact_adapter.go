package experiments

import (
	"context"
	"errors"
	"fmt"

	"hone/data/builtin"
	"hone/engine/llama"
	"hone/engine/weights"
)

// onlyAdapters refuses what is no adapter.
func onlyAdapters(s *artifactSource) error {
	if s.adapter == nil {
		return errors.New("it is a whole model, not an adapter (what works: safetensors-f32, safetensors-bf16, gguf-f16)")
	}
	return nil
}

// noteBase says how a base model comes to where transformers can open it.
func (s *artifactSource) noteBase() {
	if name := s.config.Model.Path; name == builtin.Name || s.base.Format == "gguf" {
		s.art.Notes = append(s.art.Notes, fmt.Sprintf("its base model is %s, which transformers cannot open: hone export RUN@base --to safetensors-f32 writes one that it can", name))
	}
}

// writePEFT writes the adapter as PEFT does.
func writePEFT(_ context.Context, s *artifactSource, path string) error {
	s.noteBase()
	a := *s.adapter
	a.Config.Base = baseName(s.config.Model.Path)
	text, err := s.card()
	if err != nil {
		return err
	}
	if err := makeDir(path, map[string][]byte{"README.md": text}); err != nil {
		return err
	}
	return weights.WriteAdapter(path, &a)
}

// openPEFT reads it again.
func openPEFT(path string, c weights.Config) (*llama.Adapter, error) {
	file, err := weights.ReadAdapter(path)
	if err != nil {
		return nil, err
	}
	return llama.FromFile(c, file)
}
