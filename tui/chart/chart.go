package chart

import (
	"math"
	"slices"
	"strings"
)

// Options of a chart; the Set methods change them later.
type Options struct {
	Title    string
	XLabel   string // what x counts, at the right end of its axis
	ASCII    bool   // write nothing outside of ASCII
	Palette  Palette
	Log      bool // logarithmic y; drawn linear while nothing is above zero
	LogX     bool // logarithmic x; samples have an x above zero
	Robust   bool // y spans the bulk of the samples; where some lie far beyond, arrows stand at the edge and the title says how far they go
	FromZero bool // a linear y axis includes zero
}

// Event is a vertical mark at an x: a checkpoint, a changed learning rate, an alert.
type Event struct {
	X     float64
	Label string // beside its line, where there is room
	Ink   Ink
	Short bool // only a glyph on the x axis, no line
	Mark  rune // the glyph of a Short event; 0 is the event line's
}

// Chart is a line chart. It is not safe for concurrent use.
type Chart struct {
	o      Options
	series []*series
	events []Event
	w, h   int

	windowed           bool // x spans windowLo to windowHi instead of all samples
	windowLo, windowHi float64
	cross              bool
	crossX             float64
	smoothing          int // which average is drawn, from 1; 0 = series as they are

	reserved int // least width of the y labels
	wanted   int // what the y labels of the last frame would have had by themselves

	dirty   bool
	lines   []string
	view    string
	grid    grid // memory of the last frame
	strided []float64
}

// New makes an empty chart of size 0 x 0.
func New(o Options) *Chart {
	o.Title, o.XLabel = plain(o.Title, o.ASCII), plain(o.XLabel, o.ASCII)
	return &Chart{o: o, smoothing: 1, dirty: true}
}

// Add gives the chart one more series and returns its index. Put the most important first: it lies on top of the
// others and comes first in legend and readout.
func (c *Chart) Add(s Series) int {
	s.Label = plain(s.Label, c.o.ASCII)
	n := &series{Series: s, raw: track{markZero: s.MarkZero, limit: s.Limit}}
	for _, past := range s.Smooth {
		if past > 0 && past < 1 {
			n.smooth = append(n.smooth, smoothed{past: past})
		}
	}
	c.series = append(c.series, n)
	c.dirty = true
	return len(c.series) - 1
}

// Append adds a sample to a series. It reports false, and keeps nothing, when x is not finite or less than the series' last x, or not above zero on a
// logarithmic x axis. Any y is taken.
func (c *Chart) Append(series int, x, y float64) bool {
	s := c.series[series]
	if c.o.LogX && !(x > 0) || !s.append(x, y) {
		return false
	}
	c.dirty = true
	return true
}

// Truncate keeps the first n samples of a series: history that a resume or a rewind has undone.
func (c *Chart) Truncate(series, n int) {
	if s := c.series[series]; n < len(s.x) {
		s.truncate(max(n, 0))
		c.dirty = true
	}
}

// Len is how many samples a series holds.
func (c *Chart) Len(series int) int { return len(c.series[series].x) }

// Reset drops all samples and events and keeps series and options.
func (c *Chart) Reset() {
	for i := range c.series {
		c.Truncate(i, 0)
	}
	c.SetEvents(nil)
}

// SetEvents replaces the vertical marks.
func (c *Chart) SetEvents(events []Event) {
	if slices.Equal(events, c.events) {
		return
	}
	c.events = slices.Clone(events)
	for i := range c.events {
		c.events[i].Label = plain(c.events[i].Label, c.o.ASCII)
	}
	c.dirty = true
}

// set changes one setting and marks the frame stale when that made a difference.
func set[T comparable](c *Chart, field *T, v T) {
	if *field != v {
		*field = v
		c.dirty = true
	}
}

// SetSize sets the size of the frame in cells; less than one is one.
func (c *Chart) SetSize(w, h int) {
	set(c, &c.w, max(w, 1))
	set(c, &c.h, max(h, 1))
}

// SetTitle changes the title.
func (c *Chart) SetTitle(title string) { set(c, &c.o.Title, plain(title, c.o.ASCII)) }

// LabelWidth is how many cells the labels of the y axis want at the present size.
func (c *Chart) LabelWidth() int {
	c.refresh()
	return c.wanted
}

// SetLabelWidth keeps at least so many cells for the labels of the y axis, so that charts above each other line up.
func (c *Chart) SetLabelWidth(cells int) { set(c, &c.reserved, max(cells, 0)) }

// SetLog chooses a logarithmic y axis. It refuses, reporting false, while no visible series has a value above zero.
func (c *Chart) SetLog(on bool) bool {
	if on && !c.positive() {
		return false
	}
	set(c, &c.o.Log, on)
	return true
}

// Log says whether a logarithmic axis was chosen; it is drawn linear while nothing is above zero.
func (c *Chart) Log() bool { return c.o.Log }

// SetRobust chooses the range of the bulk of the samples, in which a few outliers do not flatten the rest.
func (c *Chart) SetRobust(on bool) { set(c, &c.o.Robust, on) }

// Robust says whether that range was chosen.
func (c *Chart) Robust() bool { return c.o.Robust }

// SetFromZero chooses whether a linear y axis includes zero.
func (c *Chart) SetFromZero(on bool) { set(c, &c.o.FromZero, on) }

// SetSmoothing chooses which of its averages every series is drawn with, counted from 1; 0 draws the samples alone. A series with fewer averages
// takes its last one.
func (c *Chart) SetSmoothing(level int) { set(c, &c.smoothing, max(level, 0)) }

// SetHidden hides or shows a series.
func (c *Chart) SetHidden(series int, hidden bool) { set(c, &c.series[series].Hidden, hidden) }

// SetWindow limits x to [lo, hi]; lo >= hi, or what is not finite, shows all samples again, so does lo <= 0 on a logarithmic x axis.
func (c *Chart) SetWindow(lo, hi float64) {
	on := lo < hi && !math.IsInf(lo, 0) && !math.IsInf(hi, 0) && (!c.o.LogX || lo > 0)
	if !on {
		lo, hi = 0, 0
	}
	set(c, &c.windowed, on)
	set(c, &c.windowLo, lo)
	set(c, &c.windowHi, hi)
}

// SetCrosshair puts the crosshair on an x; what is not finite takes it away. The values nearest to x stand in the title row.
func (c *Chart) SetCrosshair(x float64) {
	on := !math.IsNaN(x) && !math.IsInf(x, 0)
	if !on {
		x = 0
	}
	set(c, &c.cross, on)
	set(c, &c.crossX, x)
}

// Neighbor is the x of the sample of a series that lies `by` samples from the one nearest to x (negative: before it), stopping at the ends.
// It reports false when the series is empty.
func (c *Chart) Neighbor(series int, x float64, by int) (float64, bool) {
	s := c.series[series]
	i := s.nearest(x)
	if i < 0 {
		return 0, false
	}
	return s.x[min(max(i+by, 0), len(s.x)-1)], true
}

// Bounds are the first and last x of a series; false when it is empty.
func (c *Chart) Bounds(series int) (first, last float64, ok bool) {
	x := c.series[series].x
	if len(x) == 0 {
		return 0, 0, false
	}
	return x[0], x[len(x)-1], true
}

// At is the sample of a series nearest to x: its x, its value and the average that is shown, NaN where there is none. It reports false when the
// series is empty.
func (c *Chart) At(series int, x float64) (at, value, average float64, ok bool) {
	s := c.series[series]
	i := s.nearest(x)
	if i < 0 {
		return 0, 0, 0, false
	}
	average = math.NaN()
	if t := c.average(s); t != nil {
		average = t.y[i]
	}
	return s.x[i], s.raw.y[i], average, true
}

// average is the track of the average that a series is drawn with; nil without one.
func (c *Chart) average(s *series) *track {
	if c.smoothing == 0 || len(s.smooth) == 0 {
		return nil
	}
	return &s.smooth[min(c.smoothing, len(s.smooth))-1].track
}

// View is the chart as text: exactly the height in lines joined by newlines, every line exactly the width in cells. It is drawn again only after
// the data, the size or an option changed.
func (c *Chart) View() string {
	c.refresh()
	return c.view
}

// Lines is View line by line. Every line stands for itself: it closes the escape sequences it opens. The slice must not be changed.
func (c *Chart) Lines() []string {
	c.refresh()
	return c.lines
}

func (c *Chart) refresh() {
	if !c.dirty {
		return
	}
	c.SetSize(c.w, c.h)
	c.draw()
	c.lines = c.lines[:0]
	var b strings.Builder
	b.Grow(len(c.grid.cells) * 3)
	starts := make([]int, 0, c.h)
	for y := range c.h {
		if y > 0 {
			b.WriteByte('\n')
		}
		starts = append(starts, b.Len())
		c.grid.line(&b, y, &c.o.Palette)
	}
	c.view = b.String()
	for y, start := range starts {
		end := len(c.view)
		if y+1 < len(starts) {
			end = starts[y+1] - 1
		}
		c.lines = append(c.lines, c.view[start:end])
	}
	c.dirty = false
}

// positive says whether a visible series has a value that a logarithmic axis can show.
func (c *Chart) positive() bool {
	for _, s := range c.series {
		if sum := s.raw.over(0, len(s.x)); !s.Hidden && sum.drawable(true) {
			return true
		}
	}
	return false
}
