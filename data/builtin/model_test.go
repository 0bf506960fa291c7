package builtin

import (
	"bytes"
	"errors"
	"io/fs"
	"sync"
	"testing"

	"hone/data/builtin/pretrain"
	"hone/engine/weights"
)

// learned is the tokenizer of the built-in model as its corpus gives it.
var learned = sync.OnceValues(func() ([]byte, error) { return pretrain.LearnTokenizer(1) })

// Configuration and tokenizer are functions of package pretrain and its seed, byte for byte.
// With the weights trained, neither they nor the words that they come from can change: a
// change needs another training (make builtin-model).
func TestModelIsOfTheCorpus(t *testing.T) {
	tokenizer, err := learned()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"config.json": pretrain.Config(), "tokenizer.json": tokenizer} {
		got, err := embeddedModel.ReadFile("model/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("model/%s is not what data/builtin/pretrain makes", name)
		}
	}
}

// maxWeights is what the weights may add to the repository and to every binary, in bytes.
const maxWeights = 12e6

func TestModel(t *testing.T) {
	files, err := Model()
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("model/model.safetensors is not there: make builtin-model trains it")
	}
	if err != nil {
		t.Fatal(err)
	}
	m, err := weights.OpenFS(files, Name)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, name := range m.Names() {
		shape, err := m.Shape(name)
		if err != nil {
			t.Fatal(err)
		}
		size := 1
		for _, n := range shape {
			size *= n
		}
		if err := m.Float32(name, make([]float32, size)); err != nil { // non-finite values are errors
			t.Error(err)
		}
		if kind := m.DType(name); kind != "BF16" {
			t.Errorf("%s is stored as %s", name, kind)
		}
	}
	info, err := fs.Stat(files, "model.safetensors")
	if err != nil || info.Size() > maxWeights {
		t.Errorf("%d bytes, %v; at most %.0f are agreed on", info.Size(), err, maxWeights)
	}
}
