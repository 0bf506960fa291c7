package experiments

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hone/data/builtin"
	"hone/engine/tokenizer"
	"hone/engine/weights"
)

// ErrNoBuiltin says that the program was built without the built-in model: one has
// to be named.
var ErrNoBuiltin = errors.New("this version has no built-in model")

// ErrHub says that a model was named by a hub id.
var ErrHub = errors.New("models are not fetched from a hub in this version")

// ErrNoTokenizer says that a model comes without a tokenizer.
var ErrNoTokenizer = errors.New("the model has no tokenizer")

// ErrNoEOS says that no token is known to end a completion.
var ErrNoEOS = errors.New("no token ends a completion")

// builtinModel opens the built-in model; tests put another in its place.
var builtinModel = builtin.Model

// embedded returns the files of a model that is in the program, nil of any other.
func embedded(path string) (fs.FS, error) {
	if path != builtin.Name {
		return nil, nil
	}
	files, err := builtinModel()
	if err != nil {
		return nil, fmt.Errorf("%w: name a model with --model DIR (config.json, safetensors and tokenizer.json) or --model FILE.gguf", ErrNoBuiltin)
	}
	return files, nil
}

// OpenModel opens the weights that model.path names: [weights.Open], or the
// built-in model. Its error may wrap ErrNoBuiltin.
func OpenModel(path string) (*weights.Model, error) {
	files, err := embedded(path)
	switch {
	case err != nil:
		return nil, err
	case files != nil:
		return weights.OpenFS(files, path)
	}
	return weights.Open(path)
}

// OpenModelConfig reads the configuration of what model.path names, without its
// weights. Its error may wrap ErrNoBuiltin.
func OpenModelConfig(path string) (weights.Config, error) {
	files, err := embedded(path)
	switch {
	case err != nil:
		return weights.Config{}, err
	case files != nil:
		return weights.OpenConfigFS(files, path)
	}
	return weights.OpenConfig(path)
}

// ReadModelFile reads a small file of the model directory that model.path names.
// Its error may wrap ErrNoBuiltin or [fs.ErrNotExist].
func ReadModelFile(path, name string) ([]byte, error) {
	files, err := embedded(path)
	switch {
	case err != nil:
		return nil, err
	case files != nil:
		return fs.ReadFile(files, name)
	}
	return os.ReadFile(filepath.Join(path, name))
}

// checkModelPath refuses what is not a path to a model.
func checkModelPath(path string) error {
	if files, err := embedded(path); files != nil || err != nil {
		return err
	}
	if _, err := os.Stat(path); err == nil || !IsHubID(path) {
		return nil
	}
	return fmt.Errorf("model %s: %w: download it and name its directory with --model DIR", path, ErrHub)
}

// checkModel refuses what an experiment cannot be made with.
func checkModel(c Config) error {
	if err := checkModelPath(c.Model.Path); err != nil {
		return err
	}
	if c.Method != Full || c.Model.Path == builtin.Name {
		return nil
	}
	if info, err := os.Stat(c.Model.Path); err == nil && !info.IsDir() {
		return fmt.Errorf("model %s: %w: method %q writes a model directory and needs one to start from: config.json, tokenizer.json and safetensors",
			c.Model.Path, weights.ErrUnsupported, Full)
	}
	return nil
}

// OpenTokenizer reads the tokenizer of the model at path. It needs no weights
// of a directory. The error wraps ErrNoTokenizer where the model has none, and
// ErrNoBuiltin or ErrHub where path is not one of a model.
func OpenTokenizer(path string) (*tokenizer.Tokenizer, error) {
	if err := checkModelPath(path); err != nil {
		return nil, err
	}
	if files, _ := embedded(path); files != nil {
		t, err := tokenizer.LoadFS(files, tokenizerFiles[0])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return t, nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		file := filepath.Join(path, "tokenizer.json")
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("%s: %w: it has no tokenizer.json", path, ErrNoTokenizer)
		}
		return tokenizer.Load(file)
	}
	m, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	v, ok := m.Vocabulary()
	if !ok {
		if err := m.TokenizerProblem(); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return nil, fmt.Errorf("%s: %w", path, ErrNoTokenizer)
	}
	t, err := tokenizer.FromVocabulary(v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// endOfText resolves the tokens that end a completion: data.eos if set, else
// the model's own. The first is trained on, any of them stops a generation.
func endOfText(c Config, m weights.Config, t *tokenizer.Tokenizer) ([]int32, error) {
	if c.Data.EOS != "" {
		id, ok := t.ID(c.Data.EOS)
		if !ok {
			return nil, fmt.Errorf("data.eos %q is not a token of the model", c.Data.EOS)
		}
		return []int32{id}, nil
	}
	if len(m.EOS) == 0 {
		return nil, fmt.Errorf("%w: the model names none; set data.eos to the text of a token", ErrNoEOS)
	}
	for _, id := range m.EOS {
		if int(id) >= t.Size() {
			return nil, fmt.Errorf("the model's end-of-text id %d is not in its vocabulary of %d", id, t.Size())
		}
	}
	return m.EOS, nil
}
