package experiments

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"hone/engine/kernel"
	"hone/engine/llama"
	"hone/engine/weights"
	"hone/runs"
)

// loadRandom makes random weights of a workspace's configuration to train.
func (w *Workspace) loadRandom(ctx context.Context) (*loaded, error) {
	pool := kernel.NewPool(w.Config.Threads)
	random, err := llama.Random(ctx, pool, w.Model, w.Config.Seed)
	if err != nil {
		pool.Close()
		return nil, err
	}
	hash := sha256.Sum256(fmt.Appendf(nil, "%+v", w.Model)) // the seed is the run's
	return &loaded{Workspace: w, pool: pool, weights: random, modelHash: fmt.Sprintf("random:%x", hash)}, nil
}

// tokenizerFiles are what belongs to a model's tokenizer; only the first is
// needed.
var tokenizerFiles = []string{"tokenizer.json", tokenizerConfigFile, "special_tokens_map.json", chatTemplateFile}

// writeModel writes trained weights as a model directory that needs nothing of
// the one it came from. Its config.json names the tokens that ended completions.
func (l *loaded) writeModel(dir, dtype string) error {
	for _, name := range tokenizerFiles {
		text, err := ReadModelFile(l.Config.Model.Path, name)
		if errors.Is(err, fs.ErrNotExist) && name != tokenizerFiles[0] {
			continue
		}
		if err != nil {
			return fmt.Errorf("copying the tokenizer: %w", err)
		}
		if err := runs.WriteFile(filepath.Join(dir, name), text); err != nil {
			return err
		}
	}
	if tpl := l.Encoder.Chat(); tpl != nil { // it has precedence
		if err := runs.WriteFile(filepath.Join(dir, chatTemplateFile), []byte(tpl.Source())); err != nil {
			return err
		}
	}
	values := map[string][]float32{}
	for _, p := range l.weights.Params {
		values[p.Name] = p.Data
	}
	config := l.weights.Config
	config.EOS = l.EOS
	return weights.WriteModel(dir, config, 0, dtype, func(name string, _ []int) ([]float32, error) { return values[name], nil })
}

// readModel takes trained weights over from a model directory of writeModel.
func (l *loaded) readModel(dir string) error {
	m, err := weights.Open(dir)
	if err != nil {
		return err
	}
	defer m.Close()
	return l.weights.SetParams(m)
}

// safetensorsType is a type of train.save as safetensors call it.
var safetensorsType = map[string]string{"f32": "F32", "bf16": "BF16"}
