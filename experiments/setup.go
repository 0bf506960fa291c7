package experiments

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"hone/data"
	"hone/engine/decode"
	"hone/engine/kernel"
	"hone/engine/llama"
	"hone/engine/loss"
	"hone/engine/weights"
)

// loaded is a workspace with its weights packed and workers to compute on them.
type loaded struct {
	*Workspace
	pool      *kernel.Pool
	weights   *llama.Weights
	modelHash string
}

// loadModel opens an experiment with its weights.
func loadModel(ctx context.Context, c Config, use llama.Use) (*loaded, error) {
	w, err := OpenWorkspace(ctx, c)
	if err != nil {
		return nil, err
	}
	return w.load(ctx, use)
}

// load packs the weights of a workspace.
func (w *Workspace) load(ctx context.Context, use llama.Use) (*loaded, error) {
	c := w.Config
	if err := w.ready(); err != nil {
		return nil, err
	}
	if use == llama.Full && c.Model.Init == InitRandom {
		return w.loadRandom(ctx)
	}
	model, err := OpenModel(c.Model.Path)
	if errors.Is(err, fs.ErrNotExist) && use == llama.Full {
		return nil, fmt.Errorf("%w (model.init = %q starts from random weights)", err, InitRandom)
	}
	if err != nil {
		return nil, err
	}
	defer model.Close()
	hash, err := model.Hash()
	if err != nil {
		return nil, err
	}
	pool := kernel.NewPool(c.Threads)
	packed, err := llama.Load(ctx, pool, model, use, DType(c))
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &loaded{Workspace: w, pool: pool, weights: packed, modelHash: hash}, nil
}

// use is what training does with the weights.
func use(c Config) llama.Use {
	if c.Method == Full {
		return llama.Full
	}
	return llama.Frozen
}

// DType is what an experiment's frozen weights are computed in: "auto" is bf16
// where the CPU multiplies bf16 natively, else f32. What every weight was trained
// in is f32.
func DType(c Config) llama.DType {
	switch {
	case c.Method == Full:
		return llama.F32
	case c.Model.DType != "auto":
		return llama.DType(c.Model.DType)
	case kernel.ComputesBF16():
		return llama.BF16
	}
	return llama.F32
}

func (l *loaded) close() { l.pool.Close() }

// positions is the longest sequence that an experiment's prompts can grow to.
func (l *loaded) positions() int {
	longest := 0
	for _, split := range data.Splits() {
		rows, _ := l.Dataset.Split(split)
		for _, r := range rows {
			if ids, err := l.Encoder.PromptOf(r); err == nil { // an error is reported where the prompt is used
				longest = max(longest, len(ids))
			}
		}
		for _, e := range l.Encoded[split].Examples {
			longest = max(longest, len(e.IDs))
		}
	}
	return longest + l.Config.Eval.MaxNew
}

// readAdapter reads an adapter for the loaded model; dir "" is the base model.
func (l *loaded) readAdapter(dir string) (*llama.Adapter, error) {
	if dir == "" {
		return nil, nil
	}
	file, err := weights.ReadAdapter(dir)
	if err != nil {
		return nil, err
	}
	a, err := llama.FromFile(l.Model, file)
	if err != nil {
		return nil, fmt.Errorf("adapter %s: %w", dir, err)
	}
	return a, nil
}

// decoder is the loaded model with a snapshot of an adapter (nil: base).
func (l *loaded) decoder(a *llama.Adapter, positions int) *decode.Model {
	return decode.New(l.pool, l.weights, a, positions)
}

// newAdapter is the adapter that training starts from.
func (l *loaded) newAdapter() (*llama.Adapter, error) {
	c := l.Config.LoRA
	a, err := llama.NewAdapter(l.Model, AdapterSettings(l.Config), l.Config.Seed)
	if err != nil || c.InitAdapter == "" {
		return a, err
	}
	_, err = beginFrom(a, c.InitAdapter)
	return a, err
}

// AdapterSettings are those of the adapter that is trained: of none with method
// Full.
func AdapterSettings(c Config) llama.LoRA {
	if c.Method == Full {
		return llama.LoRA{}
	}
	l := llama.LoRA{
		R: c.LoRA.R, Alpha: c.LoRA.Alpha, RSLoRA: c.LoRA.RSLoRA, Dropout: c.LoRA.Dropout, Targets: c.LoRA.Targets,
		Ranks: patterns(c.LoRA.RankPattern), Alphas: patterns(c.LoRA.AlphaPattern),
	}
	if l.Exclude, l.ExcludeRegex = c.LoRA.ExcludeModules, c.LoRA.ExcludeRegex; len(l.Exclude) == 0 {
		l.Exclude = nil
	}
	if len(c.LoRA.Layers) > 0 {
		l.Layers = slices.Sorted(slices.Values(c.LoRA.Layers))
	}
	if c.LoRA.TargetRegex != "" {
		l.Targets, l.Regex = nil, c.LoRA.TargetRegex
	}
	return l
}

// patterns are the entries of a table in the order of the alphabet, which is that
// in which PEFT saves them, and so tries them when it has read them.
func patterns(table map[string]float64) weights.Patterns {
	var out weights.Patterns
	for _, name := range slices.Sorted(maps.Keys(table)) {
		out = append(out, weights.Pattern{Name: name, Value: table[name]})
	}
	return out
}

// LossWeights are the weights of an experiment's loss; where completions are not
// JSON objects there is no structure and there are no fields.
func LossWeights(c Config, json bool) loss.Weights {
	return lossWeights(c.Loss, json)
}

func lossWeights(c LossConfig, json bool) loss.Weights {
	w := loss.Weights{CE: c.CE, JSON: c.JSON, Field: c.Field, Confidence: c.Confidence}
	if !json {
		w.JSON, w.Field = 0, 0
	}
	return w
}
