package tui

import (
	"context"
	"fmt"
	"sync"

	"hone/experiments"
	"hone/experiments/doctor"
	"hone/runs"
)

// tracedData is what the run was trained on whose steps are looked at: it is opened
// once for all of them.
type tracedData struct {
	mu  sync.Mutex
	dir string
	w   *experiments.Workspace
	err error
}

func (d *tracedData) of(ctx context.Context, dir string) (*experiments.Workspace, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dir != dir {
		w, err := experiments.RunWorkspace(ctx, dir)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		d.dir, d.w, d.err = dir, w, err
	}
	return d.w, d.err
}

// Gradients reads the end of a run's trace.
func (live) Gradients(dir string, steps int) (runs.GradientTail, error) {
	return runs.ReadGradients(dir, steps)
}

// ReadStep reads a step from a run's trace.
func (l live) ReadStep(ctx context.Context, dir string, step int) (*experiments.StepRecord, error) {
	w, problem := l.traced.of(ctx, dir)
	r, err := experiments.ReadStep(dir, step, w)
	if err == nil && problem != nil {
		r.Notes = append(r.Notes, fmt.Sprintf("the run's dataset cannot be opened: %v", problem))
	}
	return r, err
}

// ReplayStep executes a recorded step again.
func (live) ReplayStep(ctx context.Context, dir string, o experiments.ReplayOptions) (*experiments.Replay, error) {
	return experiments.ReplayStep(ctx, dir, o)
}

// Diagnose has the doctor look at a run or a log.
func (live) Diagnose(ctx context.Context, path string) (diagnosis, error) {
	r, err := doctor.Diagnose(ctx, path, doctor.Options{})
	if err != nil {
		return diagnosis{}, err
	}
	d := diagnosis{Verdict: r.Verdict, Checked: len(r.Checked)}
	for _, f := range r.Findings {
		if f.ID == doctor.Limits {
			continue // said beside the log
		}
		n := finding{id: f.ID, kind: alertKind(string(f.Severity)), advice: f.Advice, confidence: f.Confidence, by: "doctor"}
		if len(f.Evidence) > 0 {
			n.text, n.evidence = f.Evidence[0], f.Evidence[1:]
		}
		d.Findings = append(d.Findings, n)
	}
	return d, nil
}
