package tui

import (
	"context"

	"hone/experiments"
)

var _ ownRun = (*experiments.Run)(nil)

// Start trains in this process; it returns when the run's directory exists.
func (l live) Start(ctx context.Context, c experiments.Config, store, dir string) (ownRun, error) {
	run, err := experiments.Start(ctx, c, experiments.StartOptions{RunDir: dir, Store: store, Version: l.version})
	if err != nil {
		return nil, err
	}
	return run, nil
}
