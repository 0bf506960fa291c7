package tui

import (
	"context"
	"sync"

	"hone/experiments"
)

// openedWorkspace is the last workspace that was opened: a plan for the same
// data does not read it again.
type openedWorkspace struct {
	mu sync.Mutex
	w  *experiments.Workspace
}

// Open reads an experiment's dataset and tokenizer.
func (l live) Open(ctx context.Context, c experiments.Config) (*workspace, error) {
	w, err := experiments.OpenWorkspace(ctx, c)
	if err != nil {
		return nil, err
	}
	l.opened.mu.Lock()
	l.opened.w = w
	l.opened.mu.Unlock()
	return workspaceOf(w), nil
}

// Plan says what training would cost.
func (l live) Plan(c experiments.Config) (planView, error) {
	l.opened.mu.Lock()
	w := l.opened.w
	l.opened.mu.Unlock()
	var p experiments.Plan
	err := c.Validate()
	switch {
	case err != nil:
	case w != nil && w.ModelProblem == nil && sameData(w.Config, c):
		same := *w
		same.Config = c
		p, err = same.Plan()
	default:
		p, err = experiments.MakePlan(c)
	}
	return planView{
		TrainableParams: p.TrainableParams, TotalParams: p.TotalParams, TrainablePercent: p.TrainablePercent,
		Steps: p.Steps, Tokens: p.Tokens, MemoryBytes: p.MemoryBytes, Seconds: p.Seconds, StepSeconds: p.StepSeconds, EOS: p.EOS, Notes: p.Notes, Warnings: p.Warnings,
		Rates: ratesOf(c, p.Steps),
	}, err
}

// Preflight looks at an experiment as a run of it would begin.
func (l live) Preflight(ctx context.Context, c experiments.Config) (experiments.Preflight, error) {
	l.opened.mu.Lock()
	w := l.opened.w
	l.opened.mu.Unlock()
	if err := c.Validate(); err != nil {
		return experiments.Preflight{}, err
	}
	if w == nil || !sameData(w.Config, c) {
		var err error
		if w, err = experiments.OpenWorkspace(ctx, c); err != nil {
			return experiments.Preflight{}, err
		}
	}
	same := *w
	same.Config = c
	return same.Preflight(ctx)
}

// ratePoints are enough to draw a schedule at any width of a terminal.
const ratePoints = 400

// ratesOf samples the learning rate over the whole run.
func ratesOf(c experiments.Config, steps *int) []ratePoint {
	if steps == nil {
		return nil
	}
	var points []ratePoint
	for _, p := range experiments.LearningRates(c, *steps, ratePoints) {
		points = append(points, ratePoint{float64(p.Step), p.LR})
	}
	return points
}

// sameData reports whether two experiments open the same workspace.
func sameData(a, b experiments.Config) bool {
	for _, change := range experiments.Diff(a, b) {
		if touchesData(change.Key) {
			return false
		}
	}
	return true
}
