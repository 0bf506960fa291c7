package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"hone/tui/chart"
)

// curveHeight is the least height at which the loss curves are drawn.
const curveHeight = 6

// curvePoint is the loss of one step.
type curvePoint struct {
	Step int
	Loss float64
}

// runCurves is the chart under the list: the loss of the selected run and of the
// marked ones.
type runCurves struct {
	gen   int
	of    curvesOf // what was asked for last
	shown curvesOf // what chart shows
	chart *chart.Chart
	names []string // of its series, cleaned
}

// curvesOf names the curves; a run that went on has another step.
type curvesOf struct {
	selected string // directory
	marked   [mostMarked]string
	step     int
}

// curves reads the curves of the selected and the marked runs when they are not
// the ones being shown. The chart is filled in a command, too.
func (r *runsScreen) curves() tea.Cmd {
	run, ok := r.selected()
	if !ok {
		return nil
	}
	of := curvesOf{selected: run.Dir, step: run.Step}
	names := []string{run.ID}
	for k, i := range r.marked(run.ID) {
		of.marked[k] = r.all[i].Dir
		names = append(names, r.all[i].ID)
	}
	if of == r.curve.of {
		return nil
	}
	r.curve.of = of
	r.curve.gen++
	gen, back, palette, ascii := r.curve.gen, r.back, chartPalette(r.t), r.t.g.ascii
	for i := range names {
		names[i] = r.t.clean(names[i])
	}
	return func() tea.Msg {
		c := chart.New(chart.Options{Title: "loss", XLabel: "step", ASCII: ascii, Palette: palette})
		for i, dir := range append([]string{of.selected}, of.marked[:len(names)-1]...) {
			id := c.Add(chart.Series{Label: names[i], Ink: chart.InkS1 + chart.Ink(i), Smooth: smoothings, Shape: runShapes[i], MarkZero: true})
			points, err := back.Curve(dir)
			if err != nil {
				continue // the list says what is wrong with the run
			}
			for _, p := range points {
				c.Append(id, float64(p.Step), p.Loss)
			}
		}
		return curvesMsg{gen, of, c, names}
	}
}

// curveLines draws the chart; nil while there is none for the selection.
func (r *runsScreen) curveLines(height int) []string {
	run, ok := r.selected()
	c := &r.curve
	if !ok || c.chart == nil || c.shown.selected != run.Dir || height < curveHeight || c.chart.Len(0) == 0 {
		return nil
	}
	c.chart.SetSize(r.width, height)
	return c.chart.Lines()
}
