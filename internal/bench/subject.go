package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"hone/engine/kernel"
	"hone/engine/llama"
	"hone/engine/weights"
	"hone/experiments"
	"hone/internal/testmodel"
)

// Options say what is measured.
type Options struct {
	Config experiments.Config
	// Shape names an architecture of [Shapes] that gets random weights in place of
	// the experiment's model: what a step costs depends on the shape of the weights,
	// not on their values. Tokenizer is the tokenizer.json that it gets; "" = that of
	// the experiment's model.
	Shape, Tokenizer string
	Repeat           int // measurements of which the median is reported; 0 = 1
	// Progress, if set, is told what is going on; total 0 is work of unknown length.
	Progress func(what string, done, total int)
}

// ErrShape is wrapped by the error about a shape that does not exist.
var ErrShape = errors.New("unknown shape")

// ErrTokenizer is wrapped by the error about a shape without a tokenizer.
var ErrTokenizer = errors.New("a shape needs a tokenizer")

// Shapes are the names that Options.Shape takes.
func Shapes() []string { return slices.Sorted(maps.Keys(testmodel.Presets)) }

func (o Options) progress(what string, done, total int) {
	if o.Progress != nil {
		o.Progress(what, done, total)
	}
}

// target is the model and data to be measured.
type target struct {
	config experiments.Config
	name   string
	random bool
	dir    string // of random weights, removed at the end; "" = none
}

// resolve writes random weights where a shape asks for them.
func (o Options) resolve(ctx context.Context) (t target, err error) {
	t = target{config: o.Config.Clone(), name: filepath.Base(o.Config.Model.Path)}
	if o.Shape != "" {
		if t.dir, err = writeShape(ctx, o); err != nil {
			return t, err
		}
		t.name, t.random, t.config.Model.Path = o.Shape, true, t.dir
	}
	return t, nil
}

func (t target) close() {
	if t.dir != "" {
		_ = os.RemoveAll(t.dir) // a temporary directory: the system's to clean if not ours
	}
}

// setting describes a measurement of the target.
func (t target) setting(what string) Setting {
	threads := t.config.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return setting(what, t.name, t.random, experiments.DType(t.config), threads)
}

// subject is a target whose dataset and tokenizer are open, with workers to
// compute on it.
type subject struct {
	target
	*experiments.Workspace
	pool *kernel.Pool
}

// open reads dataset and tokenizer. Weights are not read yet.
func open(ctx context.Context, o Options) (*subject, error) {
	t, err := o.resolve(ctx)
	if err != nil {
		return nil, err
	}
	w, err := experiments.OpenWorkspace(ctx, t.config)
	if err == nil && w.ModelProblem != nil {
		err = fmt.Errorf("opening the model: %w", w.ModelProblem)
	}
	if err != nil {
		t.close()
		return nil, err
	}
	return &subject{t, w, kernel.NewPool(t.config.Threads)}, nil
}

func (s *subject) close() {
	s.pool.Close()
	s.target.close()
}

// writeShape writes random weights with a tokenizer to a temporary directory.
func writeShape(ctx context.Context, o Options) (dir string, err error) {
	shape, err := findShape(o.Shape)
	if err != nil {
		return "", err
	}
	tokenizer, err := o.tokenizer()
	if err != nil {
		return "", err
	}
	parent, err := os.MkdirTemp("", "hone-bench-")
	if err != nil {
		return "", fmt.Errorf("making room for random weights: %w", err)
	}
	o.progress("writing random weights", 0, 0)
	err = testmodel.Write(parent, shape, testmodel.Options{Seed: 1, Check: ctx.Err})
	if err == nil {
		err = os.WriteFile(filepath.Join(parent, tokenizerFile), tokenizer, 0o666)
	}
	if err != nil {
		_ = os.RemoveAll(parent)
		return "", err
	}
	return parent, nil
}

const tokenizerFile = "tokenizer.json"

// tokenizer reads the tokenizer.json that a shape gets.
func (o Options) tokenizer() ([]byte, error) {
	if o.Tokenizer != "" {
		return os.ReadFile(o.Tokenizer)
	}
	text, err := experiments.ReadModelFile(o.Config.Model.Path, tokenizerFile)
	if err != nil {
		return nil, fmt.Errorf("%w: give %s a tokenizer.json, or a model directory that has one", ErrTokenizer, o.Shape)
	}
	return text, nil
}

func findShape(name string) (testmodel.Shape, error) {
	shape, ok := testmodel.Presets[name]
	if !ok {
		return shape, fmt.Errorf("%w %q: there are %s", ErrShape, name, strings.Join(Shapes(), ", "))
	}
	return shape, nil
}

// load packs the weights.
func (s *subject) load(ctx context.Context, use llama.Use) (*llama.Weights, error) {
	file, err := experiments.OpenModel(s.Config.Model.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return llama.Load(ctx, s.pool, file, use, experiments.DType(s.Config))
}

// readAdapter reads an adapter for the subject's model; dir "" is the base model.
func (s *subject) readAdapter(dir string) (*llama.Adapter, error) {
	if dir == "" {
		return nil, nil
	}
	file, err := weights.ReadAdapter(dir)
	if err != nil {
		return nil, err
	}
	a, err := llama.FromFile(s.Model, file)
	if err != nil {
		return nil, fmt.Errorf("adapter %s: %w", dir, err)
	}
	return a, nil
}
