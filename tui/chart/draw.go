package chart

import (
	"math"
)

// frame is one drawing of a chart.
type frame struct {
	*Chart
	g      *grid
	gl     *glyphs
	l      layout
	x, y   scale
	log    bool
	empty  bool    // nothing to draw: no scale means anything
	all    summary // of what is visible
	counts [numKinds]uint32
}

func (c *Chart) draw() {
	f := frame{Chart: c, g: &c.grid, gl: &unicodeGlyphs}
	if c.o.ASCII {
		f.gl = &asciiGlyphs
	}
	f.g.reset(c.w, c.h)
	f.ranges()
	marked := false
	for _, n := range f.counts {
		marked = marked || n > 0
	}
	f.l = rows(c.h, c.o.Title != "" || len(c.series) > 1 || c.cross, marked)
	var ticks []tick
	labelWidth := 0
	if !f.empty {
		ticks = f.yTicks()
		for _, t := range ticks {
			labelWidth = max(labelWidth, cells(t.label))
		}
	}
	c.wanted = labelWidth
	f.l.columns(c.w, max(labelWidth, c.reserved))
	f.axes(ticks)
	if f.empty {
		f.drawEmpty()
	} else {
		f.drawSeries()
		f.drawMarkers()
		f.drawEvents()
		f.drawCrosshair()
	}
	f.drawTitle()
}

// ranges finds the scales and what has to go on the marker row, over the samples in the window.
func (f *frame) ranges() {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, s := range f.series {
		if n := len(s.x); n > 0 && !s.Hidden {
			lo, hi = min(lo, s.x[0]), max(hi, s.x[n-1])
		}
	}
	if f.windowed {
		lo, hi = f.windowLo, f.windowHi
	}
	if !(lo <= hi) {
		f.empty = true
		return
	}
	if f.x = xScale(lo, hi); f.o.LogX {
		f.x = newScale(lo, hi, true)
	}
	all := nothing
	for _, s := range f.series {
		if s.Hidden {
			continue
		}
		i, j := s.window(f.x.lo, f.x.hi)
		sum := s.raw.over(i, j)
		all.merge(&sum)
	}
	f.log = f.o.Log && all.drawable(true)
	for _, s := range f.series {
		if s.Hidden {
			continue
		}
		i, j := s.window(f.x.lo, f.x.hi)
		sum := s.raw.over(i, j)
		for k := range numKinds {
			if f.shown(s, k) {
				f.counts[k] += sum.kinds[k]
			}
		}
	}
	f.all = all
	low, high := 0.0, 0.0
	if all.drawable(f.log) {
		low, high = all.low(f.log), all.max
		if f.o.Robust {
			low, high = f.robust(low, high)
		}
	} else if f.log {
		low, high = 1, 1
	}
	if f.o.FromZero && !f.log {
		low, high = min(low, 0), max(high, 0)
	}
	f.y = newScale(low, high, f.log)
}

// shown says whether samples of a kind go on the marker row.
func (f *frame) shown(s *series, k Kind) bool {
	switch k {
	case Zero:
		return s.MarkZero || f.log
	case Negative:
		return f.log
	}
	return true
}

// xScale widens a single x to a range in which it stands in the middle.
func xScale(lo, hi float64) scale {
	if hi-lo < max(math.Abs(lo), math.Abs(hi))*1e-12 || hi == lo {
		pad := max(math.Abs(lo)*1e-6, 0.5)
		lo, hi = max(lo-pad, -math.MaxFloat64), min(hi+pad, math.MaxFloat64)
	}
	s := scale{lo: lo, hi: hi, shrink: 1}
	if max(math.Abs(lo), math.Abs(hi)) > 1e300 {
		s.shrink = 0x1p-4
	}
	s.a, s.b = lo*s.shrink, hi*s.shrink
	return s
}

// yTicks spreads labels over the rows of the plot, no two on one row.
func (f *frame) yTicks() []tick {
	h := f.l.plot.h
	n := min(max(h/3, 2), 8)
	if h == 1 {
		return []tick{{f.y.hi, 1, Significant(f.y.hi, 3)}}
	}
	ticks := f.y.ticks(n, false)
	out := ticks[:0]
	last := -1
	for _, t := range ticks {
		if row := f.row(t.at); row != last {
			out = append(out, t)
			last = row
		}
	}
	return out
}

// row is the row of the frame on which a height in [0, 1] falls.
func (f *frame) row(u float64) int {
	h := f.l.plot.h
	dots := h * dotsHigh
	return f.l.plot.y + int(math.Round((1-u)*float64(dots-1)))/dotsHigh
}

// column is the column of the frame on which a place in [0, 1] falls.
func (f *frame) column(u float64) int {
	dots := f.l.plot.w * dotsWide
	return f.l.plot.x + int(math.Round(u*float64(dots-1)))/dotsWide
}

func (f *frame) axes(ticks []tick) {
	l := &f.l
	if l.yAxis >= 0 {
		for y := l.plot.y; y < l.plot.y+l.plot.h; y++ {
			f.g.put(l.yAxis, y, f.gl.vertical, InkAxis)
		}
		if l.marks >= 0 {
			f.g.put(l.yAxis, l.marks, f.gl.vertical, InkAxis)
		}
		if l.yAxis > 0 {
			for _, t := range ticks {
				y := f.row(t.at)
				f.g.text(l.yAxis-1-cells(t.label), y, l.yAxis, t.label, InkLabel)
				f.g.put(l.yAxis, y, f.gl.tickY, InkAxis)
			}
		}
	}
	if l.axis < 0 {
		return
	}
	if l.yAxis >= 0 {
		f.g.put(l.yAxis, l.axis, f.gl.corner, InkAxis)
	}
	for x := l.plot.x; x < l.plot.x+l.plot.w; x++ {
		f.g.put(x, l.axis, f.gl.horizontal, InkAxis)
	}
	if !f.empty {
		f.xLabels()
	}
}

// xLabels writes as many ticks and labels as keep two blanks between them, and the name of the axis at its end.
func (f *frame) xLabels() {
	l := &f.l
	integral := true
	for _, s := range f.series {
		integral = integral && (s.Hidden || len(s.x) == 0 || s.integral)
	}
	end := l.plot.x + l.plot.w
	name := cells(f.o.XLabel)
	if l.labels >= 0 && name > 0 && l.plot.w >= name+12 {
		f.g.text(end-name, l.labels, name, f.o.XLabel, InkLabel)
		end -= name + 1
	}
	var ticks []tick
	for n := min(l.plot.w/6, 10); n > 0; n-- {
		ticks = f.x.ticks(n, integral)
		widest := 0
		for _, t := range ticks {
			widest = max(widest, cells(t.label))
		}
		if len(ticks)*(widest+2) <= l.plot.w {
			break
		}
	}
	free := 0 // the first column a label may start at
	for _, t := range ticks {
		x := f.column(t.at)
		width := cells(t.label)
		start := max(x-width/2, 0)
		if start+width > f.w && width <= f.w {
			start = f.w - width
		}
		if start < free || start+width > end {
			continue
		}
		f.g.put(x, l.axis, f.gl.tickX, InkAxis)
		if l.labels >= 0 {
			f.g.text(start, l.labels, width, t.label, InkLabel)
		}
		free = start + width + 2
	}
}

func (f *frame) drawEmpty() {
	l := &f.l
	text := "no samples yet"
	if n := cells(text); n <= l.plot.w {
		f.g.text(l.plot.x+(l.plot.w-n)/2, l.plot.y+l.plot.h/2, n, text, InkLabel)
	}
}
