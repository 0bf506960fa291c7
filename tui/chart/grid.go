package chart

import (
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
)

// Ink is the meaning of a cell; the Palette decides how it looks.
type Ink uint8

// The inks of a chart. InkS1 to InkS6 are for series, in the order in which they should be told apart.
const (
	InkNone Ink = iota
	InkAxis
	InkLabel
	InkTitle
	InkGhost
	InkCross
	InkBad
	InkWarn
	InkGood
	InkS1
	InkS2
	InkS3
	InkS4
	InkS5
	InkS6
	NumInks // how many there are
)

// Paint is what is written before and after a run of cells of one ink.
type Paint struct{ Open, Close string }

// Palette gives every ink its paint. Paints should set a foreground or an attribute of glyphs, not a background: blank cells may take either
// neighbour's paint.
type Palette [NumInks]Paint

// PaintOf takes the escape sequences of a style, as lipgloss writes them for the terminal at hand; both are empty where it writes none.
func PaintOf(s lipgloss.Style) Paint {
	open, end, found := strings.Cut(s.Render("x"), "x")
	if !found {
		return Paint{}
	}
	return Paint{Open: open, Close: end}
}

// cell is one character of a frame.
type cell struct {
	r   rune
	ink Ink
}

// grid is a frame under construction: rows x cols cells, row by row.
type grid struct {
	w, h  int
	cells []cell
}

// reset makes the grid w x h blanks, reusing its memory.
func (g *grid) reset(w, h int) {
	g.w, g.h = w, h
	if cap(g.cells) < w*h {
		g.cells = make([]cell, w*h)
	}
	g.cells = g.cells[:w*h]
	for i := range g.cells {
		g.cells[i] = cell{r: ' '}
	}
}

func (g *grid) inside(x, y int) bool { return x >= 0 && x < g.w && y >= 0 && y < g.h }

// put sets one cell; outside of the grid it does nothing.
func (g *grid) put(x, y int, r rune, ink Ink) {
	if g.inside(x, y) {
		g.cells[y*g.w+x] = cell{r, ink}
	}
}

// under sets one cell if nothing stands there yet.
func (g *grid) under(x, y int, r rune, ink Ink) {
	if g.inside(x, y) && g.cells[y*g.w+x].r == ' ' {
		g.cells[y*g.w+x] = cell{r, ink}
	}
}

func (g *grid) blank(x, y int) bool { return g.inside(x, y) && g.cells[y*g.w+x].r == ' ' }

// text writes s from (x, y) in at most width cells and returns how many it used. s has been through plain, so every rune is one cell wide.
func (g *grid) text(x, y, width int, s string, ink Ink) int {
	n := 0
	for _, r := range s {
		if n >= width {
			break
		}
		g.put(x+n, y, r, ink)
		n++
	}
	return n
}

// line appends row y to b, one escape sequence for each run of equal ink. Blanks join the run they follow.
func (g *grid) line(b *strings.Builder, y int, p *Palette) {
	current := InkNone
	for _, c := range g.cells[y*g.w : (y+1)*g.w] {
		if c.ink != current && c.r != ' ' {
			b.WriteString(p[current].Close)
			b.WriteString(p[c.ink].Open)
			current = c.ink
		}
		b.WriteRune(c.r)
	}
	b.WriteString(p[current].Close)
}

// plain makes a text safe for cells: control characters and runes that are not one cell wide become question marks, and with ascii everything
// outside of ASCII does.
func plain(s string, ascii bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= ' ' && r < 0x7f:
			return r
		case ascii, ansi.StringWidth(string(r)) != 1:
			return '?'
		}
		return r
	}, s)
}

// cells counts the cells of a text that has been through plain.
func cells(s string) int {
	n := 0
	for range s {
		n++
	}
	return n
}
