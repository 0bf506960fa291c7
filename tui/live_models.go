package tui

import (
	"context"

	"hone/experiments"
)

// Models lists the models at hand.
func (live) Models(ctx context.Context, c experiments.Config, store string) (experiments.ModelsAtHand, error) {
	return experiments.ListModels(ctx, c, store)
}

// FindRate sweeps the learning rate as `hone train --find-lr` does.
func (live) FindRate(ctx context.Context, c experiments.Config, seen func(experiments.RateTrial)) (experiments.FoundRate, error) {
	return experiments.FindLR(ctx, c, experiments.FindOptions{Low: experiments.FindLow, High: experiments.FindHigh, Steps: experiments.FindSteps, Seen: seen})
}

// RunModels lists the models of a run.
func (live) RunModels(dir string) ([]experiments.Side, error) { return experiments.Sides(dir) }

// ExportModel writes a model of a run in a format of other tools.
func (live) ExportModel(ctx context.Context, side experiments.Side, o experiments.ArtifactOptions) (*experiments.Artifact, error) {
	return experiments.ExportArtifact(ctx, side, o)
}
