package experiments

import (
	"context"
	"fmt"

	"hone/engine/decode"
	"hone/engine/llama"
)

// runModels are the models of a run: its base and what was trained. With an
// adapter all are the same weights; with method Full every one is a model.
type runModels struct {
	dir       string
	config    Config
	workspace *Workspace
	opened    map[string]*loaded // by model path
	borrowed  map[*loaded]bool   // those of opened whose workers are another run's
}

// openRunModels opens the workspace of a run. Weights are not read yet.
func openRunModels(ctx context.Context, runDir string) (*runModels, error) {
	c, err := LoadRun(runDir)
	if err != nil {
		return nil, err
	}
	w, err := OpenWorkspace(ctx, c)
	if err != nil {
		return nil, err
	}
	return &runModels{dir: runDir, config: c, workspace: w, opened: map[string]*loaded{}, borrowed: map[*loaded]bool{}}, w.ready()
}

// open loads one of the models.
func (r *runModels) open(ctx context.Context, s Side) (*loaded, *decode.Model, error) {
	path, adapterDir := r.config.Model.Path, ""
	switch {
	case s.Model == base && r.config.Model.Init == InitRandom:
		return nil, nil, fmt.Errorf("%s: %w", r.dir, ErrNoBase)
	case s.Model == base:
	case s.dir() == "":
		return nil, nil, fmt.Errorf("%s: %w", r.dir, errNothingTrained)
	case r.config.Method == Full:
		path = s.dir()
	default:
		adapterDir = s.dir()
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
		if !r.borrowed[l] {
			l.close()
		}
	}
}
