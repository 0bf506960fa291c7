package tui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"hone/experiments"
	"hone/runs"
)

func (f *fakeBackend) Models(_ context.Context, c experiments.Config, store string) (experiments.ModelsAtHand, error) {
	f.called("models beside %s and in %s", c.Model.Path, store)
	return f.models, f.modelsErr
}

func (f *fakeBackend) FindRate(ctx context.Context, c experiments.Config, seen func(experiments.RateTrial)) (experiments.FoundRate, error) {
	f.called("sweep r=%d", c.LoRA.R)
	if f.endless {
		for _, p := range sampleRates().Trials[:3] {
			seen(p)
		}
		<-ctx.Done()
		return experiments.FoundRate{}, fmt.Errorf("step 4: %w", ctx.Err())
	}
	if f.rates == nil {
		return experiments.FoundRate{}, f.ratesErr
	}
	for _, p := range f.rates.Trials {
		seen(p)
	}
	return *f.rates, f.ratesErr
}

func (f *fakeBackend) RunModels(dir string) ([]experiments.Side, error) {
	f.called("models of %s", dir)
	if f.sidesErr != nil {
		return nil, f.sidesErr
	}
	if f.sides != nil {
		return f.sides, nil
	}
	return []experiments.Side{experiments.BaseOf(dir), experiments.CheckpointOf(dir, 50), experiments.CheckpointOf(dir, 100), experiments.TunedOf(dir)}, nil
}

func (f *fakeBackend) ExportModel(ctx context.Context, side experiments.Side, o experiments.ArtifactOptions) (*experiments.Artifact, error) {
	f.called("export %s of %s to %s at %s, overwrite %v", side.Model, side.RunDir, o.Format, o.Path, o.Overwrite)
	o.Progress("writing " + o.Format)
	if errors.Is(f.exportErr, fs.ErrExist) && o.Overwrite {
		return f.artifact, nil
	}
	if f.endless {
		<-ctx.Done()
		return nil, fmt.Errorf("exporting to %s: %w", o.Path, ctx.Err())
	}
	return f.artifact, f.exportErr
}

// sampleModels are models of every kind, with what outside text may hold.
func sampleModels() experiments.ModelsAtHand {
	llama := func(m experiments.ModelAtHand, layers, hidden, vocab int, weights, bytes, needs int64) experiments.ModelAtHand {
		m.Architecture, m.Layers, m.Hidden, m.Vocab, m.Parameters, m.Bytes, m.Needs = "llama", layers, hidden, vocab, weights, bytes, needs
		return m
	}
	big := llama(experiments.ModelAtHand{Path: "Qwen/Qwen3-8B@main", Place: experiments.ModelCached, Revision: "main", Format: "safetensors"}, 36, 4096, 151936, 8_190_735_360, 16_381_516_776, 34_600_000_000)
	big.Architecture = "qwen3"
	return experiments.ModelsAtHand{
		Memory: 10_700_000_000, Tokens: 384,
		Models: []experiments.ModelAtHand{
			llama(experiments.ModelAtHand{Path: "builtin", Place: experiments.ModelBuiltin, Format: "safetensors"}, 4, 256, 2048, 3_737_856, 7_479_808, 98_000_000),
			llama(experiments.ModelAtHand{Path: "HuggingFaceTB/SmolLM2-135M", Place: experiments.ModelCached, Revision: "main", Format: "safetensors"}, 30, 576, 49152, 134_515_008, 269_060_552, 1_300_000_000),
			{Path: "HuggingFaceTB/SmolLM-360M", Place: experiments.ModelCached, Revision: "main", Format: "safetensors", Problem: errors.New("it is not whole: it lacks model.safetensors; hone pull HuggingFaceTB/SmolLM-360M fetches what is missing")},
			big,
			{Path: "models/gpt2", Place: experiments.ModelOnDisk, Format: "safetensors", Problem: errors.New("reading models/gpt2/config.json: unsupported: model_type \"gpt2\" (what works: SmolLM, SmolLM2, Llama, Mistral, Qwen2, Qwen2.5 and Qwen3 models)")},
			llama(experiments.ModelAtHand{Path: "models/SmolLM2-135M", Place: experiments.ModelOnDisk, Format: "safetensors"}, 30, 576, 49152, 134_515_008, 269_060_552, 1_300_000_000),
			llama(experiments.ModelAtHand{Path: "runs/2026-11-23-1402-calendar/export/gguf-q8_0.gguf", Place: experiments.ModelOnDisk, Format: "gguf"}, 4, 256, 2048, 3_737_856, 4_210_112, 98_000_000),
			{Path: "\x1b[31mevil\t\u4f1a\u8bae.gguf", Place: experiments.ModelOnDisk, Format: "gguf", Problem: errors.New("reading \x1b[31mevil.gguf: corrupt: not a GGUF file")},
		},
	}
}

// sampleRates is a sweep with a valley, that ended when the loss rose.
func sampleRates() *experiments.FoundRate {
	f := &experiments.FoundRate{
		Ended: "the smoothed loss was more than 4 times its smallest", Suggestion: 2.1e-3, Lowest: 0.021, Steepest: 3.3e-3,
		Rule: "1/10 of the rate at which the smoothed loss was smallest",
	}
	for i := range 88 {
		x := -6 + 6*float64(i)/99
		smoothed := 1.9 - 1.5*math.Exp(-(x+1.68)*(x+1.68)/1.6)
		if x > -1.2 {
			smoothed += 3 * (x + 1.2) * (x + 1.2) * (x + 1.2) * 8
		}
		f.Trials = append(f.Trials, experiments.RateTrial{
			Step: i + 1, LR: runs.Number(math.Pow(10, x)), Loss: runs.Number(smoothed * (1 + 0.2*math.Sin(float64(i*i)))), Smoothed: runs.Number(smoothed),
		})
	}
	return f
}

// sampleArtifact is an export that was read back.
func sampleArtifact() *experiments.Artifact {
	return &experiments.Artifact{
		Format: "ollama", Path: "runs/2026-11-23-1402-calendar/export/ollama",
		Files:  []experiments.ArtifactFile{{Name: "Modelfile", Bytes: 311}, {Name: "model.gguf", Bytes: 7_612_448}},
		Probe:  &experiments.LogitCheck{Split: "eval", Rows: 4, Positions: 96, Largest: 0.0214, Range: 28.3, Tolerance: 0.283, SameBest: 1},
		Checks: []string{"the prompts of 792 rows are those of training, byte for byte"},
		Notes:  []string{"ollama create NAME -f Modelfile, in its directory"},
	}
}
