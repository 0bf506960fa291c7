package tui

import "hone/tui/chart"

// scheduleHeight is how many lines the schedule takes at least, scheduleTallest
// at most.
const (
	scheduleHeight  = 7
	scheduleTallest = 11
)

// scheduleLines draw the learning rate over the whole run in at most height
// lines; nil where it is not known or there is no room.
func (e *experimentScreen) scheduleLines(width, height int) []string {
	if !e.planned || e.planErr != nil || len(e.plan.Rates) == 0 || height < scheduleHeight {
		return nil
	}
	c := chart.New(chart.Options{Title: "learning rate", XLabel: "step", ASCII: e.t.g.ascii, Palette: chartPalette(e.t)})
	rate := c.Add(chart.Series{Ink: chart.InkS1})
	for _, p := range e.plan.Rates {
		c.Append(rate, p.Step, p.LR)
	}
	c.SetFromZero(true)
	c.SetSize(width-1, min(height, scheduleTallest))
	var lines []string
	for _, l := range c.Lines() {
		lines = append(lines, " "+l)
	}
	return lines
}
