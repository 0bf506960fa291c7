package chart

import (
	"strconv"
	"strings"
)

// drawMarkers puts a glyph under every column that holds samples which are not on a line.
func (f *frame) drawMarkers() {
	if f.l.marks < 0 {
		return
	}
	worst := make([]Kind, f.l.plot.w)
	for i := range worst {
		worst[i] = numKinds
	}
	for _, s := range f.series {
		if s.Hidden {
			continue
		}
		lo, hi := s.window(f.x.lo, f.x.hi)
		f.eachColumn(s, lo, hi, func(x, i, j int) {
			sum := s.raw.over(i, j)
			for k := range numKinds {
				if sum.kinds[k] > 0 && f.shown(s, k) {
					worst[x-f.l.plot.x] = min(worst[x-f.l.plot.x], k)
				}
			}
		})
	}
	for i, k := range worst {
		if k < numKinds {
			f.g.put(f.l.plot.x+i, f.l.marks, f.gl.kinds[k], k.ink())
		}
	}
}

// drawEvents draws the vertical marks behind the lines, with labels where nothing is in their way.
func (f *frame) drawEvents() {
	pl := f.l.plot
	for _, e := range f.events {
		u := f.x.unit(e.X)
		if !(u >= 0 && u <= 1) {
			continue
		}
		x := f.column(u)
		if e.Short {
			mark := e.Mark
			if mark == 0 || (f.o.ASCII && (mark < ' ' || mark > '~')) {
				mark = f.gl.event
			}
			if f.l.axis >= 0 {
				f.g.put(x, f.l.axis, mark, e.Ink)
			}
			continue
		}
		for y := pl.y; y < pl.y+pl.h; y++ {
			f.g.under(x, y, f.gl.event, e.Ink)
		}
		f.eventLabel(x, e)
	}
}

// eventLabel writes the label right of its line, or left of it at the edge, on the first row where all its cells are blank.
func (f *frame) eventLabel(x int, e Event) {
	pl := f.l.plot
	n := cells(e.Label)
	if n == 0 {
		return
	}
	start := x + 1
	if start+n > pl.x+pl.w {
		start = x - n
	}
	if start < pl.x {
		return
	}
	for y := pl.y; y < pl.y+min(pl.h, 3); y++ {
		free := true
		for i := range n {
			free = free && f.g.blank(start+i, y)
		}
		if free {
			f.g.text(start, y, n, e.Label, e.Ink)
			return
		}
	}
}

// drawCrosshair draws a line through the blanks of the column of the crosshair.
func (f *frame) drawCrosshair() {
	if !f.cross {
		return
	}
	u := f.x.unit(f.crossX)
	if !(u >= 0 && u <= 1) {
		return
	}
	x := f.column(u)
	for y := f.l.plot.y; y < f.l.plot.y+f.l.plot.h; y++ {
		if f.g.blank(x, y) || f.isEvent(x, y) {
			f.g.put(x, y, f.gl.cross, InkCross)
		}
	}
	if f.l.axis >= 0 {
		f.g.put(x, f.l.axis, f.gl.tickX, InkCross)
	}
}

func (f *frame) isEvent(x, y int) bool { return f.g.cells[y*f.g.w+x].r == f.gl.event }

// part is a piece of the title row.
type part struct {
	text string
	ink  Ink
}

// drawTitle writes title, legend and, at the right, the readout of the crosshair or the count of markers. What does not fit is left out whole, the
// legend first, then the readout from its end.
func (f *frame) drawTitle() {
	if f.l.title < 0 {
		return
	}
	right := append(f.markerLegend(), f.beyond()...)
	if f.cross && !f.empty {
		right = f.readout()
	}
	left := 0
	if f.o.Title != "" {
		title := f.o.Title
		if n := cells(title); n > f.w {
			title = string([]rune(title)[:f.w-1]) + string(f.gl.ellipsis)
		}
		left = f.g.text(0, f.l.title, f.w, title, InkTitle) + 2
	}
	width, fits := 0, 0 // of the parts that fit, two blanks after each
	for _, p := range right {
		if n := cells(p.text); left+width+n <= f.w {
			width += n + 2
			fits++
			continue
		}
		break
	}
	end := f.w - max(width-2, 0)
	for at, i := end, 0; i < fits; i++ {
		at += f.g.text(at, f.l.title, f.w, right[i].text, right[i].ink) + 2
	}
	end -= 2
	if len(f.series) < 2 && (len(f.series) == 0 || f.average(f.series[0]) == nil) {
		return
	}
	for i, s := range f.series {
		if s.Hidden || s.Label == "" {
			continue
		}
		text := f.Sample(i) + " " + s.Label
		if n := cells(text); left+n <= end {
			f.g.text(left, f.l.title, n, text, s.Ink)
			left += n + 2
		}
	}
}

// Sample shows in one or two cells how a series is drawn.
func (c *Chart) Sample(series int) string {
	i, s := series, c.series[series]
	switch {
	case s.Shape == Points && c.o.ASCII:
		if s.Mark > ' ' && s.Mark <= '~' {
			return string(s.Mark)
		}
		return "o"
	case s.Shape == Points && s.Mark != 0:
		return string(s.Mark)
	case s.Shape == Points:
		return "○"
	case s.Shape == Dots && c.o.ASCII:
		return string(ghostRune)
	case s.Shape == Dots:
		return "⠂"
	case c.o.ASCII:
		return string(lineRunes[i%len(lineRunes)])
	case s.Shape == Dotted:
		return "⠂⠂"
	case s.Shape == Dashed:
		return "⠒⠂"
	case s.Shape == DashDot:
		return "⠒⠄"
	case s.Shape == Sparse:
		return "⠂ "
	}
	return "⠒⠒"
}

func (f *frame) markerLegend() []part {
	var out []part
	for k := range numKinds {
		if n := f.counts[k]; n > 0 {
			out = append(out, part{string(f.gl.kinds[k]) + " " + strconv.Itoa(int(n)) + " " + k.String(), k.ink()})
		}
	}
	return out
}

// readout names the values nearest to the crosshair, with the average beside a smoothed value.
func (f *frame) readout() []part {
	name := f.o.XLabel
	if name == "" {
		name = "x"
	}
	x := f.crossX
	for _, s := range f.series {
		if i := s.nearest(x); i >= 0 && !s.Hidden {
			x = s.x[i]
			break
		}
	}
	out := []part{{name + " " + strings.TrimSuffix(Significant(x, 9), ".0"), InkCross}}
	for _, s := range f.series {
		i := s.nearest(x)
		if s.Hidden || i < 0 {
			continue
		}
		text := Significant(s.raw.y[i], 3)
		if s.Label != "" {
			text = s.Label + " " + text
		}
		if average := f.average(s); average != nil && s.raw.onLine(s.raw.y[i], false) {
			text += " ~" + Significant(average.y[i], 3)
		}
		if s.x[i] != x {
			text += " @" + Significant(s.x[i], 9)
		}
		out = append(out, part{text, s.Ink})
	}
	return out
}
