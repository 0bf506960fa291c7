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
	"hone/internal/hub"
)

// ErrNoBuiltin says that the program was built without the built-in model: one has
// to be named.
var ErrNoBuiltin = errors.New("this version has no built-in model")

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

// modelPath is where the model lies that model.path names: of a hub id, in the
// cache, and of what is on disk, where it is. The network is never asked; the error
// wraps [hub.ErrNotCached] where the cache has no such model, and says how to
// fetch it.
func modelPath(path string) (string, error) {
	if !IsHubID(path) {
		return path, nil
	}
	if _, err := os.Stat(path); err == nil {
		return path, nil // a directory org/name
	}
	ref, err := hub.ParseRef(path)
	if err != nil {
		return "", err
	}
	cache, err := hub.CacheDir()
	if err != nil {
		return "", err
	}
	return hub.Locate(cache, ref)
}

// incomplete tells of a model in the cache what brings the rest of it.
func incomplete(path string, err error) error {
	if err == nil || !errors.Is(err, fs.ErrNotExist) || !IsHubID(path) {
		return err
	}
	return fmt.Errorf("%w: fetch the rest of it with hone pull %s", err, path)
}

// baseName is a model as an adapter names it: of a hub id without revision and
// file, which PEFT would not understand.
func baseName(path string) string {
	if ref, err := hub.ParseRef(path); err == nil && IsHubID(path) {
		return ref.ID
	}
	return path
}

// OpenModel opens the weights that model.path names: [weights.Open], or the
// built-in model, or one in the cache. Its error may wrap ErrNoBuiltin or
// [hub.ErrNotCached].
func OpenModel(path string) (*weights.Model, error) {
	files, err := embedded(path)
	switch {
	case err != nil:
		return nil, err
	case files != nil:
		return weights.OpenFS(files, path)
	}
	where, err := modelPath(path)
	if err != nil {
		return nil, err
	}
	m, err := weights.Open(where)
	return m, incomplete(path, err)
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
	where, err := modelPath(path)
	if err != nil {
		return weights.Config{}, err
	}
	c, err := weights.OpenConfig(where)
	return c, incomplete(path, err)
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
	where, err := modelPath(path)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(where, name))
}

// checkModelPath refuses what is not a path to a model.
func checkModelPath(path string) error {
	if files, err := embedded(path); files != nil || err != nil {
		return err
	}
	_, err := modelPath(path)
	return err
}

// checkModel refuses what an experiment cannot be made with.
func checkModel(c Config) error {
	if err := checkModelPath(c.Model.Path); err != nil {
		return err
	}
	if c.Method != Full || c.Model.Path == builtin.Name {
		return nil
	}
	where, err := modelPath(c.Model.Path)
	if err != nil {
		return err
	}
	if info, err := os.Stat(where); err == nil && !info.IsDir() {
		return fmt.Errorf("model %s: %w: method %q writes a model directory and needs one to start from: config.json, tokenizer.json and safetensors",
			c.Model.Path, weights.ErrUnsupported, Full)
	}
	return nil
}

// OpenTokenizer reads the tokenizer of the model at path. It needs no weights
// of a directory. The error wraps ErrNoTokenizer where the model has none, and
// ErrNoBuiltin or [hub.ErrNotCached] where path is not one of a model.
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
	where, err := modelPath(path)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(where); err == nil && info.IsDir() {
		file := filepath.Join(where, "tokenizer.json")
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("%s: %w: it has no tokenizer.json", path, ErrNoTokenizer)
		}
		return tokenizer.Load(file)
	}
	m, err := weights.Open(where)
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
