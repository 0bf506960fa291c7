package chart

import (
	"math"
	"slices"
	"sort"

	"github.com/NimbleMarkets/ntcharts/canvas"
	"github.com/NimbleMarkets/ntcharts/canvas/graph"
	"github.com/NimbleMarkets/ntcharts/canvas/runes"
)

// A braille cell is two dots wide and four high.
const (
	dotsWide = 2
	dotsHigh = 4
)

// pen draws one series as dots of a plot of w x h dots. Only finite coordinates come here, and every stroke is clipped to the plot first.
type pen struct {
	w, h    int
	shape   Shape
	set     func(x, y int)
	shadow  bool // only the dots of the samples: what stands behind an average
	started bool
	lx, ly  float64 // the last sample
}

// drawSeries draws the lines, the first series last so that it lies on top, then the marks over them.
func (f *frame) drawSeries() {
	for i, s := range slices.Backward(f.series) {
		if s.Hidden || s.Shape == Points {
			continue
		}
		if s.Fill {
			f.drawArea(s, i)
			continue
		}
		if average := f.average(s); average != nil {
			f.drawLine(s, &s.raw, i, InkGhost, true)
			f.drawLine(s, average, i, s.Ink, false)
		} else {
			f.drawLine(s, &s.raw, i, s.Ink, s.Shape == Dots)
		}
	}
	for _, s := range slices.Backward(f.series) {
		if !s.Hidden && s.Shape == Points {
			f.drawPoints(s)
		}
	}
	for _, s := range f.series {
		if !s.Hidden && f.o.Robust {
			lo, hi := s.window(f.x.lo, f.x.hi)
			f.arrows(s, lo, hi)
		}
	}
}

// drawLine draws the line of one track.
func (f *frame) drawLine(s *series, t *track, index int, ink Ink, shadow bool) {
	pl := f.l.plot
	if f.o.ASCII {
		r := lineRunes[index%len(lineRunes)]
		if shadow {
			r = ghostRune
		}
		p := pen{w: pl.w, h: pl.h, shape: s.Shape, shadow: shadow, set: func(x, y int) { f.g.put(pl.x+x, pl.y+y, r, ink) }}
		f.trace(&p, s, t)
		return
	}
	dots := graph.NewBrailleGrid(pl.w, pl.h, 0, float64(pl.w*dotsWide-1), 0, float64(pl.h*dotsHigh-1))
	p := pen{
		w: pl.w * dotsWide, h: pl.h * dotsHigh, shape: s.Shape, shadow: shadow,
		set: func(x, y int) { dots.Set(canvas.Point{X: x, Y: y}) },
	}
	f.trace(&p, s, t)
	for y, row := range dots.BraillePatterns() {
		for x, r := range row {
			if r != runes.BrailleBlockOffset {
				f.g.put(pl.x+x, pl.y+y, r, ink)
			}
		}
	}
}

// trace moves the pen along the samples in the window: one by one while they are few, else by the extremes of every column.
func (f *frame) trace(p *pen, s *series, t *track) {
	lo, hi := s.window(f.x.lo, f.x.hi)
	if lo == hi {
		return
	}
	if hi-lo <= 4*p.w {
		f.traceSamples(p, s, t, lo, hi)
	} else {
		f.traceColumns(p, s, t, lo, hi)
	}
}

func (f *frame) traceSamples(p *pen, s *series, t *track, lo, hi int) {
	// A neighbour on either side, so that the line runs on to the edge of the window.
	for i := max(lo-1, 0); i < min(hi+1, len(s.x)); i++ {
		if !t.onLine(t.y[i], f.log) {
			p.started = false
			continue
		}
		p.to(f.x.unit(s.x[i])*float64(p.w-1), (1-f.y.unit(t.y[i]))*float64(p.h-1))
	}
}

func (f *frame) traceColumns(p *pen, s *series, t *track, lo, hi int) {
	for col := 0; col < p.w; col++ {
		next := f.until(s, lo, hi, col, p.w)
		if next == lo {
			continue
		}
		sum := t.over(lo, next)
		lo = next
		if !sum.drawable(f.log) {
			p.started = false
			continue
		}
		top := (1 - f.y.unit(sum.max)) * float64(p.h-1)
		bottom := (1 - f.y.unit(sum.low(f.log))) * float64(p.h-1)
		// Enter the column at the end nearer to where the pen is.
		if p.started && math.Abs(p.ly-bottom) < math.Abs(p.ly-top) {
			top, bottom = bottom, top
		}
		p.to(float64(col), top)
		p.to(float64(col), bottom)
		// Leave it in the middle: the next column's line then shows the trend, not a saw tooth.
		p.ly = (top + bottom) / 2
	}
}

// until is the index after the last sample, of [lo, hi), that falls on column col of cols or before it.
func (f *frame) until(s *series, lo, hi, col, cols int) int {
	if col >= cols-1 {
		return hi
	}
	edge := f.x.value((float64(col) + 0.5) / float64(cols-1))
	// Double the step first: columns of a run hold about the same number of samples, and few of all.
	step := 1
	for lo+step < hi && s.x[lo+step] < edge {
		lo += step
		step *= 2
	}
	return lo + sort.SearchFloat64s(s.x[lo:min(lo+step, hi)], edge)
}

// to draws from the last sample to (x, y) in dots, or sets (x, y) alone after a break.
func (p *pen) to(x, y float64) {
	if !p.started || p.shadow {
		p.line(x, y, x, y)
	} else {
		p.line(p.lx, p.ly, x, y)
	}
	p.started, p.lx, p.ly = true, x, y
}

// line draws a clipped stroke.
func (p *pen) line(x0, y0, x1, y1 float64) {
	x0, y0, x1, y1, ok := clip(x0, y0, x1, y1, float64(p.w-1), float64(p.h-1))
	if !ok {
		return
	}
	x, y := int(math.Round(x0)), int(math.Round(y0))
	ex, ey := int(math.Round(x1)), int(math.Round(y1))
	dx, dy := abs(ex-x), -abs(ey-y)
	sx, sy := 1, 1
	if ex < x {
		sx = -1
	}
	if ey < y {
		sy = -1
	}
	// Bresenham; at most w+h strokes, both ends being inside of the plot.
	for e := dx + dy; ; {
		if p.inked(x, y) {
			p.set(x, y)
		}
		if x == ex && y == ey {
			return
		}
		e2 := 2 * e
		if e2 >= dy {
			e += dy
			x += sx
		}
		if e2 <= dx {
			e += dx
			y += sy
		}
	}
}

// inked says whether a dot belongs to the pattern of the line: patterns hang on places, so that they do not crawl as the line grows.
func (p *pen) inked(x, y int) bool {
	switch p.shape {
	case Dotted:
		return (x+y)%2 == 0
	case Dashed:
		return (x+y)%6 < 4
	case DashDot:
		m := (x + y) % 8
		return m < 4 || m == 6
	case Sparse:
		return (x+y)%4 == 0
	}
	return true
}

// clip cuts a line to [0, w] x [0, h] (Liang and Barsky); false when nothing of it is inside.
func clip(x0, y0, x1, y1, w, h float64) (float64, float64, float64, float64, bool) {
	dx, dy := x1-x0, y1-y0
	t0, t1 := 0.0, 1.0
	for _, e := range [4][2]float64{{-dx, x0}, {dx, w - x0}, {-dy, y0}, {dy, h - y0}} {
		p, q := e[0], e[1]
		switch {
		case p == 0:
			if q < -0.5 {
				return 0, 0, 0, 0, false
			}
		case p < 0:
			t0 = max(t0, q/p)
		default:
			t1 = min(t1, q/p)
		}
	}
	if t0 > t1 {
		return 0, 0, 0, 0, false
	}
	in := func(v, hi float64) float64 { return min(max(v, 0), hi) }
	return in(x0+t0*dx, w), in(y0+t0*dy, h), in(x0+t1*dx, w), in(y0+t1*dy, h), true
}

// drawPoints puts a mark on every sample; where many share a column, on its extremes.
func (f *frame) drawPoints(s *series) {
	mark := s.Mark
	switch {
	case f.o.ASCII && (mark < ' ' || mark > '~'):
		mark = 'o'
	case mark == 0:
		mark = '○'
	}
	lo, hi := s.window(f.x.lo, f.x.hi)
	put := func(i int, v float64) {
		if u := f.y.unit(v); u >= 0 && u <= 1 {
			f.g.put(f.column(clamp01(f.x.unit(s.x[i]))), f.row(u), mark, s.Ink)
		}
	}
	if hi-lo <= 4*f.l.plot.w {
		for i := lo; i < hi; i++ {
			if s.raw.onLine(s.raw.y[i], f.log) {
				put(i, s.raw.y[i])
			}
		}
	} else {
		f.eachColumn(s, lo, hi, func(_, i, j int) {
			if sum := s.raw.over(i, j); sum.drawable(f.log) {
				put(i, sum.max)
				put(i, sum.low(f.log))
			}
		})
	}
}

// eachColumn calls visit with the column and the index range of the samples of [lo, hi) on it, for every column of the plot that has some.
func (f *frame) eachColumn(s *series, lo, hi int, visit func(x, i, j int)) {
	dots := f.l.plot.w * dotsWide
	for c := 0; c < f.l.plot.w && lo < hi; c++ {
		next := f.until(s, lo, hi, c*dotsWide+dotsWide-1, dots)
		if next > lo {
			visit(f.l.plot.x+c, lo, next)
		}
		lo = next
	}
}

// arrows marks the columns in which the range cuts samples off.
func (f *frame) arrows(s *series, lo, hi int) {
	f.eachColumn(s, lo, hi, func(x, i, j int) {
		sum := s.raw.over(i, j)
		if !sum.drawable(f.log) {
			return
		}
		if sum.max > f.y.hi {
			f.g.put(x, f.l.plot.y, f.gl.above, InkWarn)
		}
		if sum.low(f.log) < f.y.lo {
			f.g.put(x, f.l.plot.y+f.l.plot.h-1, f.gl.below, InkWarn)
		}
	})
}

func abs(v int) int {
	if v < 0 {
		return -v
	}
	return v
}
