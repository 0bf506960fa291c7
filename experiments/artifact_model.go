package experiments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"hone/engine/weights"
)

// artifactKinds is the table of formats. Tolerances are shares of the range of the run's
// logits: several times the most that was measured over the toy models, whose small matrices
// suffer most, the built-in one and SmolLM2-135M (docs/exports.md). That of Q4_1 is wide:
// it finds a wrong layout, not a missing adapter.
func artifactKinds() []artifactKind {
	same := func(path string) string { return path }
	lossy := func(dtype, name, doc string, tolerance float64) artifactKind {
		return artifactKind{
			ArtifactFormat: ArtifactFormat{name, doc}, file: name + ".gguf", refuse: []func(*artifactSource) error{noGGUF},
			write: ggufWriter(dtype), model: &artifactModel{tolerance: tolerance, model: same},
		}
	}
	return []artifactKind{
		{
			ArtifactFormat: ArtifactFormat{"peft", "the adapter as PEFT and vLLM load it"}, file: "peft", refuse: []func(*artifactSource) error{onlyAdapters},
			write: writePEFT, model: &artifactModel{tolerance: 1e-6, adapter: openPEFT},
		},
		{
			ArtifactFormat: ArtifactFormat{"safetensors-f32", "the adapter merged into a model directory, exact"}, file: "safetensors-f32",
			write: mergedWriter("F32"), model: &artifactModel{tolerance: 1e-5, model: same},
		},
		{
			ArtifactFormat: ArtifactFormat{"safetensors-bf16", "the same in half the space"}, file: "safetensors-bf16",
			write: mergedWriter("BF16"), model: &artifactModel{tolerance: 0.04, model: same},
		},
		lossy("F16", "gguf-f16", "the adapter merged, for llama.cpp", 0.01),
		lossy("Q8_0", "gguf-q8_0", "the same, matrices in 8.5 bits a weight", 0.06),
		lossy("Q4_1", "gguf-q4_1", "the same in 5 bits a weight, the embedding in 8.5", 0.4),
		{
			ArtifactFormat: ArtifactFormat{"gguf-lora", "the adapter for llama.cpp's --lora, its scale folded in"}, file: "gguf-lora.gguf",
			refuse: []func(*artifactSource) error{onlyAdapters, noGGUFLoRA},
			write:  writeGGUFLoRA, model: &artifactModel{tolerance: 1e-5, adapter: openGGUFLoRA},
		},
		{
			ArtifactFormat: ArtifactFormat{"ollama", "gguf-f16 with a Modelfile: template and stop as in training"}, file: "ollama",
			refuse: []func(*artifactSource) error{noGGUF}, write: writeOllama, verify: verifyOllama,
			model: &artifactModel{tolerance: 0.01, model: func(path string) string { return filepath.Join(path, ollamaModel) }},
		},
		{
			ArtifactFormat: ArtifactFormat{"card", "a model card: data, recipe and scores"}, file: "README.md",
			write: writeCard, verify: verifyCard,
		},
		{
			ArtifactFormat: ArtifactFormat{"tensorboard", "losses, norms and scores as an event file"}, file: "tensorboard", records: true,
			write: writeEvents, verify: verifyEvents,
		},
		{
			ArtifactFormat: ArtifactFormat{"trl", "a script of the experiment for TRL on a GPU, with the rows as tokens"}, file: "trl",
			refuse: []func(*artifactSource) error{onlyTrainable}, write: writeTRL, verify: verifyTRL,
		},
	}
}

// merge is the source's model with its adapter folded in.
func (s *artifactSource) merge() (*weights.Merge, error) { return weights.NewMerge(s.base, s.adapter) }

// mergedWriter writes a model directory as transformers reads it.
func mergedWriter(dtype string) func(context.Context, *artifactSource, string) error {
	return func(ctx context.Context, s *artifactSource, path string) error {
		files, err := s.tokenizerFiles()
		if err != nil {
			return err
		}
		if files["README.md"], err = s.card(); err != nil {
			return err
		}
		if err := makeDir(path, files); err != nil {
			return err
		}
		m, err := s.merge()
		if err != nil {
			return err
		}
		return weights.WriteModel(path, s.modelConfig(), 4<<30, dtype, untilDone(ctx, m))
	}
}

// untilDone reads the tensors of a merge until ctx ends.
func untilDone(ctx context.Context, m *weights.Merge) func(string, []int) ([]float32, error) {
	return func(name string, shape []int) ([]float32, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return m.Tensor(name, shape)
	}
}

// tokenizerFiles are the files of the tokenizer for a model directory: the model's own,
// or what says the same of a GGUF's.
func (s *artifactSource) tokenizerFiles() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range tokenizerFiles {
		text, err := ReadModelFile(s.base.Path, name)
		switch {
		case err == nil:
			files[name] = text
		case s.base.Format == "gguf", errors.Is(err, fs.ErrNotExist):
		default:
			return nil, fmt.Errorf("copying the tokenizer: %w", err)
		}
	}
	if chat := s.work.Encoder.ChatSource(); chat != "" {
		files[chatTemplateFile] = []byte(chat) // it has precedence
	}
	if files[tokenizerFiles[0]] == nil {
		text, err := s.work.Tokenizer.JSON()
		if err != nil {
			return nil, fmt.Errorf("writing the tokenizer: %w", err)
		}
		files[tokenizerFiles[0]] = text
	}
	if files[tokenizerFiles[1]] == nil {
		// Without it transformers takes the class that goes with the architecture, which
		// puts a BOS before every text.
		config := map[string]any{
			"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": false,
			"eos_token": string(s.work.Tokenizer.Bytes(s.work.EOS[0])), "model_max_length": s.base.Config.MaxPositions,
		}
		if id, ok := s.work.Tokenizer.BOS(); ok {
			config["bos_token"] = string(s.work.Tokenizer.Bytes(id))
		}
		text, err := json.MarshalIndent(config, "", "  ")
		if err != nil {
			return nil, err
		}
		files[tokenizerFiles[1]] = append(text, '\n')
	}
	return files, nil
}
