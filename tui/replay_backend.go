package tui

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"

	"hone/experiments"
	"hone/runs"
)

// errReplay is why a replayed run is left alone.
var errReplay = errors.New("this is a replay: nothing is written to the recorded run")

// replaying is a backend in which one run is played. It never writes to that
// run's directory; all else is the backend's.
type replaying struct {
	backend
	r *replay
}

// Start refuses to go on with the run that is played.
func (b replaying) Start(ctx context.Context, c experiments.Config, o experiments.StartOptions) (ownRun, error) {
	if o.RunDir != "" && samePath(o.RunDir, b.r.dir) {
		return nil, errReplay
	}
	return b.backend.Start(ctx, c, o)
}

// Follow plays the run.
func (b replaying) Follow(dir string) follower {
	if samePath(dir, b.r.dir) {
		return b.r
	}
	return b.backend.Follow(dir)
}

// Gradients are the last before the moment that is played.
func (b replaying) Gradients(dir string, steps int) (runs.GradientTail, error) {
	if samePath(dir, b.r.dir) {
		return b.r.player.Gradients(steps)
	}
	return b.backend.Gradients(dir, steps)
}

// ReadStep takes the step that is played for the newest, and its gradients.
func (b replaying) ReadStep(ctx context.Context, dir string, step int) (*experiments.StepRecord, error) {
	if over := b.r.player.At() == b.r.player.Len(); step > 0 || over || !samePath(dir, b.r.dir) {
		return b.backend.ReadStep(ctx, dir, step)
	}
	last, ok := b.r.player.History().LastStep()
	if !ok {
		return &experiments.StepRecord{Loss: math.NaN(), GradNorm: math.NaN()}, nil
	}
	r, err := b.backend.ReadStep(ctx, dir, last.Step)
	if err != nil {
		return nil, err
	}
	r.Gradients, err = b.r.player.Gradients(max(len(r.Gradients.Steps), 1))
	if len(r.Gradients.Steps) > 0 && r.Step == 0 {
		r.Step = last.Step
	}
	return r, err
}

// Runs lists the store with the run as it is played, which is the first where it
// is not of the store.
func (b replaying) Runs(ctx context.Context, store string) ([]runRow, error) {
	rows, err := b.backend.Runs(ctx, store)
	if err != nil {
		return nil, err
	}
	played := runRowOf(b.r.player.Summary())
	if c, err := b.RunConfig(b.r.dir); err == nil {
		played.Config = &c
	}
	for i := range rows {
		if samePath(rows[i].Dir, b.r.dir) {
			played.Dir = rows[i].Dir
			rows[i] = played
			return rows, nil
		}
	}
	return append([]runRow{played}, rows...), nil
}

// Curve is the loss up to the moment that is played.
func (b replaying) Curve(dir string) ([]curvePoint, error) {
	if samePath(dir, b.r.dir) {
		return curveOf(b.r.player.History()), nil
	}
	return b.backend.Curve(dir)
}

// Remove spares the run that is played.
func (b replaying) Remove(store, id string) error {
	if samePath(filepath.Join(store, id), b.r.dir) {
		return errReplay
	}
	return b.backend.Remove(store, id)
}

// Compare generates nothing for the run that is played.
func (b replaying) Compare(ctx context.Context, sides [2]experiments.Side, split string, progress func(done, total int)) (*comparison, error) {
	if slices.ContainsFunc(sides[:], func(s experiments.Side) bool { return samePath(s.RunDir, b.r.dir) }) {
		return nil, errReplay
	}
	return b.backend.Compare(ctx, sides, split, progress)
}

// ExportModel writes nothing into the run that is played.
func (b replaying) ExportModel(ctx context.Context, side experiments.Side, o experiments.ArtifactOptions) (*experiments.Artifact, error) {
	if samePath(side.RunDir, b.r.dir) {
		return nil, errReplay
	}
	return b.backend.ExportModel(ctx, side, o)
}

// Label leaves the run that is played as it is.
func (b replaying) Label(dir string, change func(*runs.Labels)) error {
	if samePath(dir, b.r.dir) {
		return errReplay
	}
	return b.backend.Label(dir, change)
}

// SetNote keeps no note in the run that is played.
func (b replaying) SetNote(dir, id, event, text string) error {
	if samePath(dir, b.r.dir) {
		return errReplay
	}
	return b.backend.SetNote(dir, id, event, text)
}

// samePath reports whether two paths name one place, as far as their text says.
func samePath(a, b string) bool {
	a, errA := filepath.Abs(a)
	b, errB := filepath.Abs(b)
	return errA == nil && errB == nil && a == b
}

// curveOf is the loss of every step of a history.
func curveOf(h *runs.History) []curvePoint {
	points := make([]curvePoint, len(h.Steps))
	for i, s := range h.Steps {
		points[i] = curvePoint{s.Step, float64(s.Loss)}
	}
	return points
}
