package tui

import (
	"fmt"
	"math"

	tea "github.com/charmbracelet/bubbletea"

	"hone/tui/chart"
)

// smoothings are the weights of the past in the two moving averages of a loss, light and strong.
var smoothings = []float64{0.9, 0.98}

// smoothingNames say what is drawn, by the number of the average.
var smoothingNames = []string{"every step's loss, no average", "light moving average, every step's loss behind it", "strong moving average, every step's loss behind it"}

// lossView is how the terms of the loss are shown.
type lossView int

const (
	lossTotal   lossView = iota // not at all
	lossApart                   // each as a line of its own
	lossStacked                 // weighted, above each other: their sum is the loss
	lossViews
)

// chartLook is how the charts of the Train screen look; it stays over runs.
type chartLook struct {
	linear bool
	full   bool // the range holds outliers too
	smooth int  // which average, 0 = none
	terms  lossView
	axis   xAxis
	window chart.Window // in steps, whatever the axis counts
	cross  float64      // the step under the crosshair; NaN = none
}

// leastWindow is how few steps a window can show.
const leastWindow = 8

// chartKeys are the keys of the charts.
func (s *trainScreen) chartKeys() []binding {
	has := func() bool { return s.feed != nil }
	zoomed := func() bool { return has() && s.charts.window.On() }
	return []binding{
		{Keys: []string{"left"}, Label: "←/→", Text: "crosshair", Help: "crosshair of all charts to the previous and next sample", Run: do(func() { s.moveCross(-1) }), When: has},
		{Keys: []string{"right"}, Run: do(func() { s.moveCross(1) }), When: has, Quiet: true},
		{Keys: []string{"ctrl+left", "H"}, Label: "^←/^→", Help: "crosshair ten samples back and on (also H, L)", Run: do(func() { s.moveCross(-10) }), When: has, Quiet: true},
		{Keys: []string{"ctrl+right", "L"}, Run: do(func() { s.moveCross(10) }), When: has, Quiet: true},
		{Keys: []string{"home"}, Label: "home end", Help: "crosshair to the first and last sample", Run: do(func() { s.moveCross(-math.MaxInt32) }), When: has, Quiet: true},
		{Keys: []string{"end"}, Run: do(func() { s.moveCross(math.MaxInt32) }), When: has, Quiet: true},
		{Keys: []string{"x"}, Text: "crosshair on or off", Help: "crosshair on the newest step, or away", Run: do(s.toggleCross), When: has, Quiet: true},
		{Keys: []string{"]"}, Label: "[/]", Text: "marks", Help: "crosshair to the previous and next mark: not finite, exactly zero, clipped, rate changed, checkpoint, alert", Run: func() tea.Cmd { return s.jumpMark(true) }, When: has},
		{Keys: []string{"["}, Run: func() tea.Cmd { return s.jumpMark(false) }, When: has, Quiet: true},
		{Keys: []string{"enter"}, Text: "trace", Help: "open Trace at the step under the crosshair, or at the newest mark that is a fault: its batch, tokens, mask and loss", Run: s.traceCross, When: has},
		{Keys: []string{"+", "="}, Label: "+/-", Text: "zoom", Help: "show half and twice as many steps, around the crosshair or at the newest", Run: do(func() { s.zoom(0.5) }), When: has},
		{Keys: []string{"-"}, Run: do(func() { s.zoom(2) }), When: has, Quiet: true},
		{Keys: []string{"shift+left"}, Label: "shift+←/→", Text: "pan", Help: "zoomed in: a quarter of the width back and on", Run: do(func() { s.pan(-0.25) }), When: zoomed},
		{Keys: []string{"shift+right"}, Run: do(func() { s.pan(0.25) }), When: zoomed, Quiet: true},
		{Keys: []string{"0"}, Text: "all steps", Help: "show all steps again", Run: do(func() { s.charts.window = chart.Window{}; s.dress() }), When: zoomed, Quiet: true},
		{Keys: []string{"y"}, Text: "log", Help: "logarithmic or linear axis for loss and gradient norm", Run: s.toggleLog, When: has},
		{Keys: []string{"z"}, Text: "range with spikes", Help: "let spikes into the range, or leave them out; arrows show where some are beyond it", Run: s.toggleRobust, When: has, Quiet: true},
		{Keys: []string{"m"}, Text: "smoothing", Help: "moving average of the loss: off, light, strong", Run: s.nextSmooth, When: has, Quiet: true},
		{Keys: []string{"a"}, Text: "x axis", Help: "count steps, tokens or time along the charts", Run: s.nextAxis, When: has, Quiet: true},
		{Keys: []string{"t"}, Text: "terms", Help: "terms of the loss: hidden, apart, stacked with their weights", Run: s.nextTerms, When: has, Quiet: true},
		{Keys: []string{"g"}, Text: "gradients", Help: "gradient norm by layer and module in place of the charts", Run: s.toggleHeat, When: has},
		{Keys: []string{"v"}, Text: "examples", Help: "evaluations and watched examples in place of the charts (both show from 110 columns on)", Run: do(func() { s.detail = !s.detail }), When: func() bool { return has() && !s.wide() }},
	}
}

// dress gives the charts of the feed the screen's settings.
func (s *trainScreen) dress() {
	f := s.feed
	if f == nil {
		return
	}
	look := &s.charts
	terms := look.terms
	if !f.terms && terms != lossTotal {
		terms = lossTotal // there is only one
	}
	first, last := f.reach()
	lo, hi, zoomed := look.window.Over(first, last)
	for _, c := range []trainChart{f.loss, f.norm, f.lr} {
		c.SetRobust(!look.full)
		c.SetSmoothing(look.smooth)
		if math.IsNaN(look.cross) {
			c.SetCrosshair(math.NaN())
		} else {
			c.SetCrosshair(f.x(look.cross))
		}
		if zoomed {
			c.SetWindow(f.x(lo), f.x(hi))
		} else {
			c.SetWindow(0, 0)
		}
	}
	f.lr.SetRobust(false)
	for i := range trainTerms {
		f.loss.SetHidden(f.loss.terms[i], terms != lossApart)
		f.loss.SetHidden(f.loss.stack[i], terms != lossStacked)
	}
	f.loss.SetFromZero(terms == lossStacked)
	// A logarithmic axis wherever there is something positive; parts of a sum need a linear one.
	f.loss.SetLog(!look.linear && terms != lossStacked)
	f.norm.SetLog(!look.linear)
}

// moveCross moves the crosshair by samples; the first press puts it on the last.
func (s *trainScreen) moveCross(by int) {
	n := len(s.feed.places)
	if n == 0 {
		return
	}
	i := n - 1
	if at, ok := s.feed.place(s.charts.cross); ok {
		i = min(max(at+by, 0), n-1)
	} else if by < 0 {
		i = max(n-1+by, 0)
	}
	s.setCross(float64(s.feed.places[i].step))
}

// toggleCross puts the crosshair on the newest step or takes it away.
func (s *trainScreen) toggleCross() {
	if math.IsNaN(s.charts.cross) {
		s.moveCross(math.MaxInt32)
		return
	}
	s.setCross(math.NaN())
}

// setCross puts the crosshair of all charts on a step; the window follows it.
func (s *trainScreen) setCross(step float64) {
	s.charts.cross = step
	if s.feed != nil && !math.IsNaN(step) {
		first, last := s.feed.reach()
		s.charts.window.Show(first, last, step)
	}
	s.dress()
}

// zoom shows fewer or more steps, around the crosshair or at the newest.
func (s *trainScreen) zoom(factor float64) {
	first, last := s.feed.reach()
	at := s.charts.cross
	if math.IsNaN(at) {
		_, at, _ = s.charts.window.Over(first, last)
	}
	s.charts.window.Zoom(first, last, at, factor, leastWindow)
	s.dress()
}

// pan moves the window by a share of its width.
func (s *trainScreen) pan(share float64) {
	first, last := s.feed.reach()
	s.charts.window.Pan(first, last, share)
	s.dress()
}

// jumpMark puts the crosshair on the next step with a mark and says what it is.
func (s *trainScreen) jumpMark(forward bool) tea.Cmd {
	from := s.charts.cross
	if math.IsNaN(from) {
		from = -1
		if !forward {
			from = math.MaxInt32
		}
	}
	step, ok := s.feed.nextMark(int(from), forward)
	if !ok {
		return notice("no mark there: nothing not finite, zero or clipped, no changed rate, checkpoint or alert")
	}
	s.setCross(float64(step))
	return nil
}

// traceCross opens Trace at the step under the crosshair, else at the last fault,
// else at the newest step.
func (s *trainScreen) traceCross() tea.Cmd {
	step := newestStep
	switch {
	case !math.IsNaN(s.charts.cross):
		step = int(s.charts.cross)
	case s.feed.fault > 0:
		step = s.feed.fault
	}
	return tea.Batch(func() tea.Msg { return traceAtMsg{step} }, goTo(traceScreenID))
}

func (s *trainScreen) toggleLog() tea.Cmd {
	if s.charts.linear && !s.feed.loss.SetLog(true) && !s.feed.norm.SetLog(true) {
		return notice("nothing is above zero yet, which a logarithmic axis needs")
	}
	s.charts.linear = !s.charts.linear
	s.dress()
	return notice(map[bool]string{true: "linear axis", false: "logarithmic axis"}[s.charts.linear])
}

func (s *trainScreen) toggleRobust() tea.Cmd {
	s.charts.full = !s.charts.full
	s.dress()
	return notice(map[bool]string{true: "range of all samples", false: "range without spikes; arrows show where samples lie beyond"}[s.charts.full])
}

func (s *trainScreen) nextSmooth() tea.Cmd {
	s.charts.smooth = (s.charts.smooth + 1) % len(smoothingNames)
	s.dress()
	return notice(smoothingNames[s.charts.smooth])
}

// nextAxis counts something else along the charts. They are made anew, a long history in a command.
func (s *trainScreen) nextAxis() tea.Cmd {
	s.charts.axis = (s.charts.axis + 1) % xAxes
	s.feed, s.building = nil, ""
	return tea.Batch(s.catchUp(), notice("x axis: "+s.charts.axis.String()))
}

func (s *trainScreen) nextTerms() tea.Cmd {
	if !s.feed.terms {
		return notice("the loss of this run has one term")
	}
	s.charts.terms = (s.charts.terms + 1) % lossViews
	s.dress()
	return notice([]string{"loss", "loss and its terms, without their weights", "terms of the loss with their weights; their sum is the loss"}[s.charts.terms])
}

// crossLine says in figures what is under the crosshair; "" without one.
func (s *trainScreen) crossLine(width int) string {
	f, t := s.feed, s.t
	i, ok := f.place(s.charts.cross)
	if !ok {
		return ""
	}
	at := f.places[i]
	x := f.xOf(at)
	parts := []string{t.accent.Render(fmt.Sprintf("step %d", at.step))}
	add := func(name, value string) {
		parts = append(parts, t.dim.Render(name+" ")+value)
	}
	if _, v, mean, ok := f.loss.At(f.loss.main, x); ok {
		text := s.value(v, true)
		if finite(mean) {
			text += " ~" + figure(mean)
		}
		add("loss", text)
	}
	if ex, v, _, ok := f.loss.At(f.loss.eval, x); ok {
		text := s.value(v, false)
		if ex != x {
			text += t.dim.Render(fmt.Sprintf(" @%d", f.stepAt(ex)))
		}
		add("eval", text)
	}
	if _, v, _, ok := f.norm.At(f.norm.main, x); ok {
		add("norm", s.value(v, false))
	}
	if _, v, _, ok := f.lr.At(f.lr.main, x); ok {
		add("lr", rateText(v))
	}
	parts = append(parts, thousands(at.tokens)+t.dim.Render(" tokens"), secondsClock(at.seconds))
	return " " + t.fit(joinFit(width-2, 2, parts...), width-2) + " "
}

// underLines are what is under the crosshair, in a body with room lines for them and the charts.
func (s *trainScreen) underLines(room int) []string {
	line := s.crossLine(s.width)
	if line == "" || room < 6 {
		return nil
	}
	mark := s.markLine(s.width)
	if mark == "" && room < 11 {
		return []string{line}
	}
	return []string{line, mark} // also an empty one: the charts keep their height from step to step
}

// markLine says what is marked at the crosshair; "" for nothing.
func (s *trainScreen) markLine(width int) string {
	if math.IsNaN(s.charts.cross) {
		return ""
	}
	text := s.feed.marksAt(int(s.charts.cross))
	if text == "" {
		return ""
	}
	return " " + s.t.fit(s.t.accent.Render(s.t.g.selected)+" "+s.t.clean(text), width-2) + " "
}
