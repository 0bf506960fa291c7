package experiments

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"hone/data"
	"hone/data/builtin"
	"hone/engine"
	"hone/engine/llama"
	"hone/engine/weights"
	"hone/runs"
)

// The story that Hone begins with, shortened to half an epoch: the built-in model, which has
// never seen the calendar's fields, learns them from the built-in rows.
func TestBuiltinStory(t *testing.T) {
	if _, err := builtin.Model(); err != nil {
		t.Skipf("%v: make builtin-model trains it", err)
	}
	const (
		steps = 40
		rows  = 12 // of the eval split, written out by both models
	)
	ctx := context.Background()
	c, err := Load("", "train.epochs=1", "train.lr=1e-3", "train.eval_every=0", "train.checkpoint_every=0", "threads=2")
	if err != nil {
		t.Fatal(err)
	}
	result := train(t, c, StartOptions{RunDir: filepath.Join(t.TempDir(), "story"), MaxSteps: steps})
	if result.State != engine.Stopped || result.Step != steps {
		t.Fatalf("%+v", result)
	}
	adapter := runs.AdapterDir(result.RunDir)

	// measure returns the loss under teacher forcing on the whole eval split, and the field
	// accuracy of what is written for its first rows.
	measure := func(adapterDir string) (loss, fields float64) {
		g, err := OpenGenerator(ctx, c, adapterDir)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		terms, _, err := g.model.Loss(ctx, g.Encoded[data.Eval].Examples, LossWeights(c, true))
		if err != nil {
			t.Fatal(err)
		}
		e, err := g.Evaluate(ctx, data.Eval, rows, nil)
		if err != nil {
			t.Fatal(err)
		}
		if adapterDir == "" {
			if e.ExactMatch != 0 || e.Schema != 0 {
				t.Errorf("the base model has seen the schema: %+v", e.Scores)
			}
			checkTensorsChanged(t, g.loaded, adapter)
		}
		return terms.CE, e.FieldAccuracy
	}
	baseLoss, baseFields := measure("")
	loss, fields := measure(adapter)
	t.Logf("cross entropy %.3f, before %.3f; field accuracy %.3f, before %.3f", loss, baseLoss, fields, baseFields)
	if !(loss < baseLoss/3) {
		t.Errorf("cross entropy %v is not well below the base model's %v", loss, baseLoss)
	}
	if !(fields > baseFields+0.2) {
		t.Errorf("field accuracy %v is not well above the base model's %v", fields, baseFields)
	}
}

// checkTensorsChanged compares an adapter with what its training started from.
func checkTensorsChanged(t *testing.T, l *loaded, dir string) {
	t.Helper()
	begin, err := llama.NewAdapter(l.Model, AdapterSettings(l.Config), l.Config.Seed)
	if err != nil {
		t.Fatal(err)
	}
	before, after := begin.Export("").Tensors, readAdapter(t, dir).Tensors
	if len(before) != 2*7*l.Model.Layers || len(after) != len(before) {
		t.Fatalf("%d tensors, %d in the adapter", len(before), len(after))
	}
	for _, b := range before {
		i := slices.IndexFunc(after, func(a weights.Tensor) bool { return a.Name == b.Name })
		if i < 0 || slices.Equal(after[i].Data, b.Data) {
			t.Errorf("%s is as it was at the start", b.Name)
		}
	}
}
