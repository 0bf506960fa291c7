package testmodel_test

import (
	"errors"
	"io/fs"
	"math"
	"path/filepath"
	"testing"

	"hone/engine/weights"
	"hone/internal/testmodel"
)

// The engine's reader and this writer share no code: what they agree on is the format.
func TestEngineOpensWhatIsWritten(t *testing.T) {
	untied := testmodel.Shape{Hidden: 24, Layers: 3, Heads: 6, KVHeads: 2, HeadDim: 8, FFN: 40, Vocab: 77}
	for _, c := range []struct {
		name   string
		shape  testmodel.Shape
		shards int
	}{
		{"tied in one file", testmodel.Tiny, 1},
		{"untied in four", untied, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "model")
			if err := testmodel.Write(dir, c.shape, testmodel.Options{Seed: 3, Shards: c.shards, EOS: 9}); err != nil {
				t.Fatal(err)
			}
			m, err := weights.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = m.Close() }()
			if got := m.Config.Parameters(); got != c.shape.Parameters() {
				t.Errorf("%d weights read, %d written", got, c.shape.Parameters())
			}
			if m.Config.Tied != c.shape.Tied || len(m.Config.EOS) != 1 || m.Config.EOS[0] != 9 {
				t.Errorf("read as %+v", m.Config)
			}
			norm := make([]float32, c.shape.Hidden)
			if err := m.Float32("model.norm.weight", norm); err != nil {
				t.Fatal(err)
			}
			for i, x := range norm {
				if math.Abs(float64(x)-1) > 0.6 { // six deviations
					t.Errorf("norm[%d] is %g, not about one", i, x)
				}
			}
		})
	}
}

func TestMissingTokenizerIsAnError(t *testing.T) {
	err := testmodel.Write(t.TempDir(), testmodel.Tiny, testmodel.Options{Tokenizer: filepath.Join(t.TempDir(), "none.json")})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want one that wraps fs.ErrNotExist", err)
	}
}

// The tokenizer of the toy models fits Tiny: a whole model that can be trained.
func TestTokenizerIsCopiedBeside(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join("..", "..", "engine", "testdata", "toy", "tokenizer.json")
	if err := testmodel.Write(dir, testmodel.Tiny, testmodel.Options{Tokenizer: source}); err != nil {
		t.Fatal(err)
	}
	m, err := weights.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	if got := m.TokenizerFile(); filepath.Base(got) != "tokenizer.json" {
		t.Errorf("tokenizer file %q", got)
	}
}
