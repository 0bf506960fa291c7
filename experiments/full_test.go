package experiments

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hone/data"
	"hone/engine"
	"hone/engine/weights"
	"hone/runs"
)

// bareModel is a directory with the toy's configuration and tokenizer.
func bareModel(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"config.json", "tokenizer.json", "generation_config.json"} {
		text, err := os.ReadFile(filepath.Join(toyDir, "tied", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// All weights are trained from those of the toy: the run keeps a model that can
// be opened like any other, with what the evaluation during training had seen.
func TestFullRun(t *testing.T) {
	ctx := context.Background()
	c := toyConfig(t, "method=full", "train.lr=3e-3")
	plan, err := MakePlan(c)
	if err != nil {
		t.Fatal(err)
	}
	model, err := weights.Open(toyDir + "tied")
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	if n := model.Config.Parameters(); plan.TrainableParams != n || plan.TotalParams != n || plan.TrainablePercent != 100 || *plan.MemoryBytes <= 0 {
		t.Errorf("%+v of %d parameters", plan, n)
	}
	result := train(t, c, StartOptions{RunDir: filepath.Join(t.TempDir(), "run")})
	if result.State != engine.Finished || result.Step != 8 || result.Eval == nil {
		t.Fatalf("%+v", result)
	}
	dir := result.RunDir
	if _, err := os.Stat(runs.AdapterDir(dir)); err == nil {
		t.Error("there is an adapter")
	}
	h, err := runs.ReadHistory(dir)
	if err != nil || h.Steps[7].Loss >= h.Steps[0].Loss {
		t.Errorf("no loss fell: %v", err)
	}
	gradients, err := runs.ReadGradients(dir, 100)
	if err != nil || len(gradients.Steps) != 8 || len(gradients.Steps[3].Norms) != len(model.Names()) {
		t.Errorf("gradients: %v", err)
	}

	trained, err := weights.Open(runs.ModelDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer trained.Close()
	if !slices.Equal(trained.Names(), model.Names()) || trained.DType(trained.Names()[0]) != "F32" {
		t.Errorf("tensors %v of %s", trained.Names(), trained.DType(trained.Names()[0]))
	}
	// The kept model, opened with --model, has the best evaluation's scores.
	own := c.Clone()
	own.Method, own.Model.Path = LoRA, runs.ModelDir(dir)
	g, err := OpenGenerator(ctx, own, "")
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	e, err := g.Evaluate(ctx, data.Eval, 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	if runs.Number(e.ExactMatch) != result.Eval.ExactMatch || runs.Number(e.FieldAccuracy) != result.Eval.FieldAccuracy {
		t.Errorf("scores %+v, during training %+v", e.Scores, result.Eval)
	}
	terms, _, err := g.model.Loss(ctx, g.Encoded[data.Eval].Examples, LossWeights(c, true))
	if err != nil || math.Abs(terms.Loss/float64(result.Eval.Loss)-1) > 1e-6 {
		t.Errorf("loss %v, during training %v: %v", terms.Loss, result.Eval.Loss, err)
	}

	comparison, err := Compare(ctx, dir, data.Test, nil)
	if err != nil {
		t.Fatal(err)
	}
	different := false
	for _, p := range comparison.Examples {
		different = different || p.Base.Text != p.Tuned.Text
	}
	if len(comparison.Examples) != 8 || !different {
		t.Errorf("%d examples, different: %v", len(comparison.Examples), different)
	}
	p, err := OpenPrompt(ctx, BaseOf(dir), TunedOf(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	event := comparison.Examples[0].Event
	got, err := p.Try(ctx, event, false, [2]bool{true, true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for side, want := range []string{comparison.Examples[0].Base.Text, comparison.Examples[0].Tuned.Text} {
		if got[side].Text != want {
			t.Errorf("side %d: %q instead of %q", side, got[side].Text, want)
		}
	}
	// A checkpoint is a model of its own.
	steps, err := CompareSides(ctx, CheckpointOf(dir, 4), TunedOf(dir), data.Test, nil)
	if err != nil || len(steps.Examples) != 8 || steps.Labels != [2]string{"step 4", "tuned"} {
		t.Errorf("%+v: %v", steps, err)
	}
}

// From random weights, stopped after every step and resumed, a run is the
// uninterrupted one to the bit. Neither reads weights of the model.
func TestFullFromRandomResumed(t *testing.T) {
	ctx := context.Background()
	c := toyConfig(t, "method=full", "model.init=random", "model.path="+bareModel(t), "train.save=bf16", "train.weight_decay=0.1", "train.optimizer=muon", "train.beta2=0.95")
	whole := train(t, c, StartOptions{RunDir: filepath.Join(t.TempDir(), "whole")})
	dir := filepath.Join(t.TempDir(), "parts")
	for step := 1; step <= 8; step++ {
		if r := train(t, c, StartOptions{RunDir: dir, MaxSteps: step}); r.Step != step {
			t.Fatalf("session %d: %+v", step, r)
		}
	}
	for _, file := range []string{"checkpoints/step-000008/model.safetensors", "checkpoints/step-000008/optimizer.safetensors", "model/model.safetensors", "model/config.json", "model/tokenizer.json"} {
		a, err := os.ReadFile(filepath.Join(whole.RunDir, file))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs", file)
		}
	}
	kept, err := weights.Open(runs.ModelDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	if kind := kept.DType("model.norm.weight"); kind != "BF16" {
		t.Errorf("stored as %s", kind)
	}
	if _, err := Compare(ctx, dir, data.Test, nil); !errors.Is(err, ErrNoBase) {
		t.Errorf("compared with nothing: %v", err)
	}
	p, err := OpenPrompt(ctx, BaseOf(dir), TunedOf(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Try(ctx, "Lunch with Zoe at noon", false, [2]bool{false, true}, nil); err != nil {
		t.Error(err)
	}
	if _, err := p.Try(ctx, "Lunch with Zoe at noon", false, [2]bool{true, true}, nil); !errors.Is(err, ErrNoBase) {
		t.Error(err)
	}
	other := train(t, toyConfig(t, "method=full", "model.init=random", "model.path="+c.Model.Path, "seed=7", "train.eval_every=0"), StartOptions{RunDir: filepath.Join(t.TempDir(), "other"), MaxSteps: 1})
	h, err := runs.ReadHistory(other.RunDir)
	if err != nil {
		t.Fatal(err)
	}
	first, err := runs.ReadHistory(dir)
	if err != nil || h.Steps[0].Loss == first.Steps[0].Loss {
		t.Errorf("another seed begins with the same loss: %v", err)
	}
	if _, err := os.Stat(runs.ModelDir(other.RunDir)); err != nil {
		t.Error("without evaluations the last model is kept:", err)
	}
}

func TestFullRefusals(t *testing.T) {
	r, err := Start(context.Background(), toyConfig(t, "method=full", "model.path="+bareModel(t)), StartOptions{RunDir: filepath.Join(t.TempDir(), "run")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Wait(); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), `model.init = "random"`) {
		t.Errorf("without weights: %v", err)
	}
	gguf := filepath.Join(t.TempDir(), "model.gguf")
	if err := os.WriteFile(gguf, []byte("GGUF"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(context.Background(), toyConfig(t, "method=full", "model.path="+gguf), StartOptions{Store: t.TempDir()}); !errors.Is(err, weights.ErrUnsupported) {
		t.Errorf("from a GGUF: %v", err)
	}
	for set, says := range map[string][]string{
		"model.init":        {"model.init=random"},
		"model.dtype":       {"method=full", "model.dtype=bf16"},
		"lora.init_adapter": {"method=full", "lora.init_adapter=" + toyDir + "tied/adapter"},
	} {
		var p *Problems
		if _, err := Load("", says...); !errors.As(err, &p) || p.For(set) == "" {
			t.Errorf("%v: %v", says, err)
		}
	}
}
