package chart

import (
	"github.com/NimbleMarkets/ntcharts/canvas"
	"github.com/NimbleMarkets/ntcharts/canvas/graph"
	"github.com/NimbleMarkets/ntcharts/canvas/runes"
)

// drawArea fills what lies below the line of a series with the pattern of its shape. A cell belongs to the area that is drawn last.
func (f *frame) drawArea(s *series, index int) {
	pl := f.l.plot
	w, h := pl.w*dotsWide, pl.h*dotsHigh
	if f.o.ASCII {
		w, h = pl.w, pl.h
	}
	tops := make([]int, w) // the highest dot of the line in every column
	for x := range tops {
		tops[x] = h
	}
	p := pen{w: w, h: h, set: func(x, y int) { tops[x] = min(tops[x], y) }}
	f.trace(&p, s, &s.raw)
	if f.o.ASCII {
		for x, top := range tops {
			for y := top; y < h; y++ {
				f.g.put(pl.x+x, pl.y+y, lineRunes[index%len(lineRunes)], s.Ink)
			}
		}
		return
	}
	p.shape = s.Shape
	dots := graph.NewBrailleGrid(pl.w, pl.h, 0, float64(w-1), 0, float64(h-1))
	for x, top := range tops {
		for y := top; y < h; y++ {
			if y == top || p.inked(x, y) {
				dots.Set(canvas.Point{X: x, Y: y})
			}
		}
	}
	for y, row := range dots.BraillePatterns() {
		for x, r := range row {
			if r != runes.BrailleBlockOffset {
				f.g.put(pl.x+x, pl.y+y, r, s.Ink)
			}
		}
	}
}
