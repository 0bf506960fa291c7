package tui

import (
	"fmt"
	"math"
	"strings"

	"hone/experiments"
	"hone/tui/chart"
)

// Series of the chart of a sweep.
const (
	sweepSmoothed = iota
	sweepLoss
)

// newSweepChart is the loss against the logarithm of the rate.
func newSweepChart(t *theme) *chart.Chart {
	c := chart.New(chart.Options{Title: "loss", XLabel: "learning rate", LogX: true, Robust: true, ASCII: t.g.ascii, Palette: chartPalette(t)})
	c.Add(chart.Series{Label: "smoothed", Ink: chart.InkS1})
	c.Add(chart.Series{Label: "each step", Ink: chart.InkGhost, Shape: chart.Dots})
	c.SetWindow(experiments.FindLow, experiments.FindHigh) // the whole sweep from its first step on
	return c
}

// drawTrial adds a step of a sweep.
func drawTrial(c *chart.Chart, p experiments.RateTrial) {
	c.Append(sweepSmoothed, float64(p.LR), float64(p.Smoothed))
	c.Append(sweepLoss, float64(p.LR), float64(p.Loss))
}

// sweepMarks are what an ended sweep has found, on the chart.
func sweepMarks(s *sweep) []chart.Event {
	var marks []chart.Event
	if rate, ok := s.suggestion(); ok {
		marks = append(marks, chart.Event{X: rate, Label: "suggested " + rateText(rate), Ink: chart.InkGood})
	}
	if low := float64(s.found.Lowest); finite(low) && low > 0 {
		marks = append(marks, chart.Event{X: low, Label: "lowest", Ink: chart.InkLabel})
	}
	return marks
}

// redrawSweep makes the chart anew, as with other colours.
func (e *experimentScreen) redrawSweep() {
	s := &e.sweep
	if !s.on {
		return
	}
	s.chart = newSweepChart(e.t)
	for _, p := range s.trials {
		drawTrial(s.chart, p)
	}
	if s.found != nil {
		s.chart.SetEvents(sweepMarks(s))
	}
}

// sweepLines are the sweep in the place of the form: its curve, and what follows from
// it.
func (e *experimentScreen) sweepLines() []string {
	t, s := e.t, &e.sweep
	state := t.good.Render(t.g.ok + " ended")
	_, found := s.suggestion()
	switch {
	case s.busy && s.stopped:
		state = t.warn.Render("stopping " + t.g.ellipsis)
	case s.busy:
		state = t.accent.Render(t.g.dot + " sweeping")
	case s.stopped:
		state = t.warn.Render("stopped")
	case s.err != nil:
		state = t.bad.Render(t.g.no + " failed")
	case !found:
		state = t.warn.Render("! nothing to suggest")
	}
	left := " " + t.strong.Render("learning rate") + "  " + t.clean(e.config.Name) + t.dim.Render("  "+t.clean(e.config.Model.Path))
	lines := []string{t.ends(left, state+" ", e.width), t.ruleLine(e.width)}
	below := e.sweepSays(max(e.width-2, 1))
	room := e.height - len(lines) - 1 - len(below)
	switch {
	case len(s.trials) == 0 && s.busy:
		lines = append(lines, t.block([]string{"", t.dim.Render("  loading the model " + t.g.ellipsis)}, e.width, max(room, 2))...)
	case len(s.trials) == 0:
		lines = append(lines, t.block([]string{"", t.dim.Render("  no step was taken")}, e.width, max(room, 2))...)
	case room > 2:
		s.chart.SetSize(max(e.width-1, 1), room)
		for _, l := range s.chart.Lines() {
			lines = append(lines, " "+l)
		}
	}
	lines = append(lines, t.ruleLine(e.width))
	for _, l := range below {
		lines = append(lines, " "+l)
	}
	return lines
}

// sweepSays is a sweep in words.
func (e *experimentScreen) sweepSays(width int) []string {
	t, s := e.t, &e.sweep
	var lines []string
	say := func(name, text string, render func(...string) string) {
		for i, l := range wrap(t.clean(text), max(width-11, 8)) {
			if i > 0 {
				name = ""
			}
			lines = append(lines, t.dim.Render(t.fit(name, 10))+" "+render(l))
		}
	}
	plain := t.text.Render
	n := len(s.trials)
	if n > 0 {
		p := s.trials[n-1]
		bar := ""
		if s.busy {
			bar = t.dim.Render(t.g.bar) + t.fit(t.accent.Render(t.barOf(float64(n)/experiments.FindSteps, 16)), 16) + t.dim.Render(t.g.bar)
		}
		lines = append(lines, t.dim.Render(t.fit("step", 10))+" "+joinWords(fmt.Sprintf("%d of %d", n, experiments.FindSteps), bar,
			"rate "+rateText(float64(p.LR)), "loss "+figure(float64(p.Loss)), "smoothed "+figure(float64(p.Smoothed))))
	}
	switch {
	case s.busy:
		say("", fmt.Sprintf("one step of training at each rate from %s to %s, on the experiment's own batches, in memory only: nothing is written", rateText(experiments.FindLow), rateText(experiments.FindHigh)), t.dim.Render)
	case s.stopped:
		say("stopped", "before its end: there is nothing to suggest", t.warn.Render)
	case s.err != nil:
		for i, part := range strings.Split(s.err.Error(), "\n") {
			name := ""
			if i == 0 {
				name = "failed"
			}
			say(name, part, t.bad.Render)
		}
	case s.found != nil:
		say("ended", s.found.Ended, plain)
		if low := float64(s.found.Lowest); finite(low) {
			text := "smallest at a rate of " + rateText(low)
			if steep := float64(s.found.Steepest); !math.IsNaN(steep) {
				text += ", fell fastest at " + rateText(steep)
			}
			say("smoothed", text, plain)
		}
		if rate, ok := s.suggestion(); ok {
			say("suggested", fmt.Sprintf("%s, %s; the form has %s", rateText(rate), s.found.Rule, valueText(e.config, "train.lr")), t.good.Render)
		} else {
			say("suggested", s.found.Rule, t.warn.Render)
		}
	}
	return lines
}
