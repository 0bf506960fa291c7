package experiments

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"hone/engine/decode"
	"hone/engine/llama"
	"hone/engine/weights"
	"hone/runs"
)

// runModels are the base and the tuned model of a run. With an adapter both are
// the same weights; with method Full they are two models.
type runModels struct {
	dir       string
	config    Config
	workspace *Workspace
	opened    map[string]*loaded // by model path
}

// openRunModels opens the workspace of a run that has an adapter or a model.
// Weights are not read yet.
func openRunModels(ctx context.Context, runDir string) (*runModels, error) {
	c, err := LoadRun(runDir)
	if err != nil {
		return nil, err
	}
	if _, ok := trainedDir(runDir); !ok {
		return nil, fmt.Errorf("%s: %w", runDir, errNothingTrained)
	}
	w, err := OpenWorkspace(ctx, c)
	if err != nil {
		return nil, err
	}
	return &runModels{dir: runDir, config: c, workspace: w, opened: map[string]*loaded{}}, w.ready()
}

// open loads one of the models: base or tuned.
func (r *runModels) open(ctx context.Context, model string) (*loaded, *decode.Model, error) {
	path, adapterDir := r.config.Model.Path, ""
	switch {
	case model == base && r.config.Model.Init == InitRandom:
		return nil, nil, fmt.Errorf("%s: %w", r.dir, ErrNoBase)
	case model == tuned && r.config.Method == Full:
		path = runs.ModelDir(r.dir)
	case model == tuned:
		adapterDir = runs.AdapterDir(r.dir)
	}
	l := r.opened[path]
	if l == nil {
		w := *r.workspace
		w.Config.Model.Path = path
		var err error
		if l, err = w.load(ctx, llama.Frozen); err != nil {
			return nil, nil, err
		}
		r.opened[path] = l
	}
	a, err := l.readAdapter(adapterDir)
	if err != nil {
		return nil, nil, err
	}
	return l, l.decoder(a, max(l.positions(), l.Model.MaxPositions)), nil
}

func (r *runModels) close() {
	for _, l := range r.opened {
		l.close()
	}
}

// errNothingTrained is ErrNoAdapter with when there will be something.
var errNothingTrained = fmt.Errorf("%w: it is saved at the first evaluation or at the end", ErrNoAdapter)

// trainedDir is the directory of what a run has trained: its adapter, or its
// model.
func trainedDir(runDir string) (string, bool) {
	for _, dir := range []string{runs.AdapterDir(runDir), runs.ModelDir(runDir)} {
		if _, err := os.Stat(dir); err == nil {
			return dir, true
		}
	}
	return "", false
}

// trainedIdentity changes whenever the contents of a run's adapter or model do.
func trainedIdentity(runDir string) (string, error) {
	dir, ok := trainedDir(runDir)
	if !ok {
		return "", errNothingTrained
	}
	if dir == runs.ModelDir(runDir) {
		return modelHash(dir)
	}
	a, err := weights.ReadAdapter(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", errNothingTrained
	}
	if err != nil {
		return "", err
	}
	return a.Hash(), nil
}

// modelHash is the identity of a model's weights.
func modelHash(path string) (string, error) {
	m, err := OpenModel(path)
	if err != nil {
		return "", err
	}
	defer m.Close()
	return m.Hash()
}
