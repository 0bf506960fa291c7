package cli

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"hone/experiments"
)

// findLR sweeps the learning rate and shows the curve in figures.
func (a *app) findLR(ctx context.Context, c experiments.Config) error {
	o := experiments.FindOptions{Low: experiments.FindLow, High: experiments.FindHigh, Steps: experiments.FindSteps}
	began := time.Now()
	a.progress.show("loading the model", 0, o.Steps, 0)
	o.Seen = func(p experiments.RateTrial) {
		left := time.Since(began) / time.Duration(p.Step) * time.Duration(o.Steps-p.Step)
		a.progress.show(fmt.Sprintf("step %d/%d  lr %.2g  loss %.4f", p.Step, o.Steps, float64(p.LR), float64(p.Loss)), p.Step, o.Steps, left)
	}
	found, err := experiments.FindLR(ctx, c, o)
	a.progress.clear()
	if err != nil {
		return err
	}
	if a.json {
		return a.out.line(struct {
			Type string `json:"type"`
			experiments.FoundRate
		}{"find-lr", found})
	}
	a.showSweep(found)
	return nil
}

// Sizes of the table of a sweep.
const (
	sweepRows = 25
	sweepBar  = 40
)

// showSweep prints every few steps of a sweep, with a bar of the smoothed loss, and
// what follows from all.
func (a *app) showSweep(found experiments.FoundRate) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range found.Trials {
		low, high = min(low, float64(p.Smoothed)), max(high, float64(p.Smoothed))
	}
	n := len(found.Trials)
	t := a.table()
	t.row("step", "lr", "loss", "smoothed")
	for i := range min(n, sweepRows) {
		p := found.Trials[i*(n-1)/max(1, min(n, sweepRows)-1)]
		bar := 1
		if high > low {
			bar += int(float64(sweepBar-1) * (float64(p.Smoothed) - low) / (high - low))
		}
		t.row(fmt.Sprint(p.Step), fmt.Sprintf("%.2g", float64(p.LR)), fmt.Sprintf("%.4f", float64(p.Loss)), fmt.Sprintf("%.4f", float64(p.Smoothed)), strings.Repeat("#", bar))
	}
	t.flush()
	a.out.printf("ended: %s\n", found.Ended)
	if n > 0 {
		a.out.printf("smoothed loss: smallest at lr %.2g", float64(found.Lowest))
		if s := float64(found.Steepest); !math.IsNaN(s) {
			a.out.printf(", fell fastest at %.2g", s)
		}
		a.out.printf("\n")
	}
	if s := float64(found.Suggestion); !math.IsNaN(s) {
		a.out.printf("suggestion: --set train.lr=%g, %s\n", s, found.Rule)
	} else {
		a.out.printf("suggestion: %s\n", found.Rule)
	}
}
