package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
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
	// not on their values. Tokenizer is the tokenizer.json that it gets; "" = the
	// one in the experiment's model directory.
	Shape, Tokenizer string
	Repeat           int // measurements of which the median is reported; 0 = 1
	// Progress, if set, is told what is going on; total 0 is work of unknown length.
	Progress func(what string, done, total int)
}

// ErrShape is wrapped by errors about a shape that cannot be measured.
var ErrShape = errors.New("bad shape")

// Shapes are the names that Options.Shape takes.
func Shapes() []string { return slices.Sorted(maps.Keys(testmodel.Presets)) }

func (o Options) progress(what string, done, total int) {
	if o.Progress != nil {
		o.Progress(what, done, total)
	}
}

// subject is an opened experiment to be measured.
type subject struct {
	*experiments.Workspace
	name   string
	random bool
	dir    string // of random weights, removed at the end; "" = none
	pool   *kernel.Pool
}

// open reads dataset and tokenizer, and writes random weights where a shape asks
// for them. Weights are not read yet.
func open(ctx context.Context, o Options) (s *subject, err error) {
	s = &subject{name: filepath.Base(o.Config.Model.Path)}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	c := o.Config.Clone()
	if o.Shape != "" {
		if s.dir, err = writeShape(ctx, o); err != nil {
			return nil, err
		}
		s.name, s.random, c.Model.Path = o.Shape, true, s.dir
	}
	if s.Workspace, err = experiments.OpenWorkspace(ctx, c); err != nil {
		return nil, err
	}
	if s.ModelProblem != nil {
		return nil, fmt.Errorf("opening the model: %w", s.ModelProblem)
	}
	s.pool = kernel.NewPool(c.Threads)
	return s, nil
}

func (s *subject) close() {
	if s.pool != nil {
		s.pool.Close()
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir) // a temporary directory: the system's to clean if not ours
	}
}

// writeShape writes random weights with a tokenizer to a temporary directory.
func writeShape(ctx context.Context, o Options) (dir string, err error) {
	shape, err := findShape(o.Shape)
	if err != nil {
		return "", err
	}
	tokenizer := o.Tokenizer
	if tokenizer == "" {
		tokenizer = filepath.Join(o.Config.Model.Path, "tokenizer.json")
		if _, err := os.Stat(tokenizer); err != nil {
			return "", fmt.Errorf("%w: %s needs a tokenizer: a tokenizer.json, or a model directory that has one", ErrShape, o.Shape)
		}
	}
	parent, err := os.MkdirTemp("", "hone-bench-")
	if err != nil {
		return "", fmt.Errorf("making room for random weights: %w", err)
	}
	o.progress("writing random weights", 0, 0)
	if err := testmodel.Write(parent, shape, testmodel.Options{Seed: 1, Tokenizer: tokenizer, Check: ctx.Err}); err != nil {
		_ = os.RemoveAll(parent)
		return "", err
	}
	return parent, nil
}

func findShape(name string) (testmodel.Shape, error) {
	shape, ok := testmodel.Presets[name]
	if !ok {
		return shape, fmt.Errorf("%w: %q is not one of %s", ErrShape, name, strings.Join(Shapes(), ", "))
	}
	return shape, nil
}

// load packs the weights.
func (s *subject) load(ctx context.Context, use llama.Use) (*llama.Weights, error) {
	file, err := weights.Open(s.Config.Model.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	packed, err := llama.Load(ctx, s.pool, file, use, dtype(s.Config))
	if err != nil {
		return nil, err
	}
	debug.FreeOSMemory() // what was read to be packed is garbage as large as the model
	return packed, nil
}

// setting describes a measurement of the subject.
func (s *subject) setting(what string) Setting {
	return setting(what, s.name, s.random, dtype(s.Config), s.pool.Workers())
}

// adapterSettings are the adapter's hyperparameters in an experiment.
func adapterSettings(c experiments.Config) llama.LoRA {
	return llama.LoRA{R: c.LoRA.R, Alpha: c.LoRA.Alpha, RSLoRA: c.LoRA.RSLoRA, Dropout: c.LoRA.Dropout, Targets: c.LoRA.Targets}
}
