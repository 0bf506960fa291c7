package tui

import (
	"context"

	"hone/experiments"
)

var _ ownRun = (*experiments.Run)(nil)

// Start trains in this process; it returns when the run's directory exists.
func (l live) Start(ctx context.Context, c experiments.Config, o experiments.StartOptions) (ownRun, error) {
	o.Version = l.version
	run, err := experiments.Start(ctx, c, o)
	if err != nil {
		return nil, err
	}
	return run, nil
}
