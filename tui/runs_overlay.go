package tui

import (
	"fmt"
	"math"

	tea "github.com/charmbracelet/bubbletea"

	"hone/tui/chart"
)

// mostMarked is how many runs can be marked: with the selected one each has a
// shape of line of its own.
const mostMarked = 4

// runShapes are the lines of the selected and of the marked runs.
var runShapes = [mostMarked + 1]chart.Shape{chart.Line, chart.Dashed, chart.Dotted, chart.DashDot, chart.Sparse}

// runsOverlay is how the curves look on the whole screen.
type runsOverlay struct {
	on     bool
	linear bool
	full   bool
	smooth int
	window chart.Window
	cross  float64 // NaN = none
}

// overlayKeys are the keys of the curves on the whole screen.
func (r *runsScreen) overlayKeys() []keyGroup {
	o := &r.over
	then := func(f func()) func() tea.Cmd {
		return do(func() { f(); r.dressOverlay() })
	}
	turn := func(on *bool) func() tea.Cmd { return then(func() { *on = !*on }) }
	return []keyGroup{{Title: "overlay", Bindings: []binding{
		{Keys: []string{"o"}, Text: "list", Help: "back to the list (also esc)", Run: do(func() { o.on = false })},
		{Keys: []string{"left"}, Label: "←/→", Text: "crosshair", Help: "crosshair to the previous and next step", Run: then(func() { r.crossTo(-1) })},
		{Keys: []string{"right"}, Run: then(func() { r.crossTo(1) }), Quiet: true},
		{Keys: []string{"ctrl+left", "H"}, Label: "^←/^→", Help: "ten steps back and on (also H, L)", Run: then(func() { r.crossTo(-10) }), Quiet: true},
		{Keys: []string{"ctrl+right", "L"}, Run: then(func() { r.crossTo(10) }), Quiet: true},
		{Keys: []string{"x"}, Text: "no crosshair", Run: then(func() { o.cross = math.NaN() }), Quiet: true},
		{Keys: []string{"+", "="}, Label: "+/-", Text: "zoom", Help: "show half and twice as many steps", Run: then(func() { r.zoom(0.5) })},
		{Keys: []string{"-"}, Run: then(func() { r.zoom(2) }), Quiet: true},
		{Keys: []string{"shift+left"}, Label: "shift+←/→", Text: "pan", Help: "zoomed in: a quarter of the width back and on", Run: then(func() { r.pan(-0.25) }), When: o.window.On},
		{Keys: []string{"shift+right"}, Run: then(func() { r.pan(0.25) }), When: o.window.On, Quiet: true},
		{Keys: []string{"0"}, Text: "all steps", Run: then(func() { o.window = chart.Window{} }), When: o.window.On, Quiet: true},
		{Keys: []string{"y"}, Text: "log", Help: "logarithmic or linear axis", Run: turn(&o.linear)},
		{Keys: []string{"z"}, Text: "range with spikes", Help: "let spikes into the range, or leave them out", Run: turn(&o.full), Quiet: true},
		{Keys: []string{"m"}, Text: "smoothing", Help: "moving average: off, light, strong", Run: then(func() { o.smooth = (o.smooth + 1) % len(smoothingNames) })},
	}}}
}

// overlaid reports whether the curves have the whole screen.
func (r *runsScreen) overlaid() bool { return r.over.on && r.curve.chart != nil }

// curveReach are the first and last step of all curves, and the longest of them.
func (r *runsScreen) curveReach() (first, last float64, longest int) {
	for i := range r.curve.names {
		if a, b, ok := r.curve.chart.Bounds(i); ok {
			if b > last {
				longest = i
			}
			first, last = min(first, a), max(last, b)
		}
	}
	return first, last, longest
}

// crossTo moves the crosshair by samples; the first press puts it on the last step.
func (r *runsScreen) crossTo(by int) {
	first, last, longest := r.curveReach()
	at := r.over.cross
	if math.IsNaN(at) {
		at = last
	}
	if x, ok := r.curve.chart.Neighbor(longest, at, by); ok {
		r.over.cross = x
		r.over.window.Show(first, last, x)
	}
}

func (r *runsScreen) zoom(factor float64) {
	first, last, _ := r.curveReach()
	at := r.over.cross
	if math.IsNaN(at) {
		_, at, _ = r.over.window.Over(first, last)
	}
	r.over.window.Zoom(first, last, at, factor, leastWindow)
}

func (r *runsScreen) pan(share float64) {
	first, last, _ := r.curveReach()
	r.over.window.Pan(first, last, share)
}

// dressOverlay gives the chart the settings of the screen.
func (r *runsScreen) dressOverlay() {
	c := r.curve.chart
	if c == nil {
		return
	}
	o := &r.over
	first, last, _ := r.curveReach()
	if lo, hi, zoomed := o.window.Over(first, last); zoomed {
		c.SetWindow(lo, hi)
	} else {
		c.SetWindow(0, 0)
	}
	c.SetLog(!o.linear)
	c.SetRobust(!o.full)
	c.SetSmoothing(o.smooth)
	c.SetCrosshair(o.cross)
}

// overlayLines are the curves on the whole screen, with every run's figures at the
// crosshair below.
func (r *runsScreen) overlayLines() []string {
	t, c := r.t, r.curve.chart
	var under []string
	if !math.IsNaN(r.over.cross) {
		for i, name := range r.curve.names {
			step, loss, mean, ok := c.At(i, r.over.cross)
			if !ok {
				continue
			}
			text := figure(loss)
			if finite(mean) {
				text += " ~" + figure(mean)
			}
			where := t.accent.Render(pad(fmt.Sprintf("step %.0f", step), 12))
			under = append(under, " "+t.ends(where+pad(c.Sample(i), 3)+name, text, max(min(r.width-2, 90), 1)))
		}
		if len(under) > r.height-6 {
			under = nil
		}
	}
	c.SetSize(r.width, max(r.height-len(under), 1))
	return append(append([]string{}, c.Lines()...), under...)
}
