package experiments

import (
	"context"
	"errors"

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

// writePEFT writes the adapter as PEFT does.
func writePEFT(_ context.Context, s *artifactSource, path string) error {
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
