package tui

import (
	"fmt"
	"math"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// shades are the levels of a cell, lightest first.
func (t *theme) shades() []string {
	if t.g.ascii {
		return []string{".", ":", "+", "#"}
	}
	return []string{"░", "▒", "▓", "█"}
}

// cellGlyphs are the drawn cells of the matrix: rendering a style for each of some
// hundred cells is what a frame would spend its time on.
type cellGlyphs struct {
	shades    []string
	bad, zero string
}

// newCellGlyphs draws each kind of cell once.
func newCellGlyphs(t *theme) *cellGlyphs {
	c := &cellGlyphs{bad: t.bad.Render(t.g.no), zero: t.dim.Render("0")}
	for _, s := range t.shades() {
		c.shades = append(c.shades, t.field.Render(s))
	}
	return c
}

// cellText draws a cell of the matrix as one glyph: a shade by the logarithm of its
// norm, and glyphs of their own for nothing, exactly zero and not finite.
func (s *traceScreen) cellText(c gradCell) string {
	if s.glyphs == nil {
		s.glyphs = newCellGlyphs(s.t)
	}
	switch {
	case !c.known:
		return " "
	case c.bad > 0 || !finite(c.norm):
		return s.glyphs.bad
	case c.norm == 0:
		return s.glyphs.zero
	}
	level := 0
	if g := s.grads(); g.high > g.low {
		at := math.Log(c.norm/g.low) / math.Log(g.high/g.low)
		if finite(at) {
			level = int(min(max(at, 0), 0.9999) * float64(len(s.glyphs.shades)))
		}
	}
	return s.glyphs.shades[level]
}

// legend says what the shades stand for.
func (s *traceScreen) legend() string {
	g := s.grads()
	if g == nil || g.high == 0 {
		return ""
	}
	t := s.t
	return t.dim.Render(figure(g.low)+" ") + t.field.Render(strings.Join(t.shades(), "")) + t.dim.Render(" "+figure(g.high)+"   "+t.g.no+" not finite   0 exactly zero")
}

// matrixLines are the norms as shaded cells, a row a module and a column a layer,
// with the figures of the selected cell below.
func (s *traceScreen) matrixLines(width, room int) []string {
	t := s.t
	if lines := s.noGrads(); lines != nil {
		return lines
	}
	v := s.grads()
	if v.layers == 0 {
		return []string{"", t.dim.Render("  no tensor belongs to a layer")}
	}
	if s.bySpan {
		return s.spanLines(width, room)
	}
	const name = 12
	cell := 1
	if name+2+3*v.layers <= width {
		cell = 3
	} else if name+2+2*v.layers <= width {
		cell = 2
	}
	columns := max((width-name-2)/cell, 1)
	first := 0
	if columns < v.layers {
		first = max(min(s.layer-columns/2, v.layers-columns), 0)
	}
	last := min(first+columns, v.layers)
	rows := room - 3 // a line of layers above, figures and legend below
	rows = max(rows, 1)
	firstModule := scrollTo(s.module, 0, rows, len(v.modules))
	var lines []string
	head := pad("", name+1)
	for l := first; l < last; {
		// A number every five layers, as far as the next does not run into it.
		text := fmt.Sprint(l)
		span := cell
		if l%5 == 0 {
			for span < len(text)+1 {
				span += cell
			}
			head += t.dim.Render(pad(text, span))
		} else {
			head += spaces(span)
		}
		l += span / cell
	}
	if cell == 1 {
		// No room for brackets: an arrow above the selected layer.
		head = t.fit(ansi.Truncate(head, name+1+s.layer-first, ""), name+1+s.layer-first) + s.paneMark("v") + ansi.TruncateLeft(head, name+2+s.layer-first, "")
	}
	lines = append(lines, head)
	for m := firstModule; m < min(firstModule+rows, len(v.modules)); m++ {
		label := t.dim.Render(t.fit(t.clean(shortModule(v.modules[m])), name-1))
		if m == s.module {
			label = t.fit(t.clean(shortModule(v.modules[m])), name-1)
			if s.pane == matrixPane {
				label = t.strong.Render(label)
			}
		}
		line := " " + label + " "
		if m == s.module {
			line = s.paneMark(t.g.selected) + label + " "
		}
		for l := first; l < last; l++ {
			glyph := s.cellText(v.cells[m][l])
			switch selected := m == s.module && l == s.layer; {
			case selected && cell > 1:
				line = strings.TrimSuffix(line, " ") + s.paneMark("[") + glyph + s.paneMark("]") + spaces(cell-2)
			case selected:
				line += t.cursor.Render(glyphOf(v.cells[m][l], glyph, t)) + spaces(cell-1)
			default:
				line += glyph + spaces(cell-1)
			}
		}
		lines = append(lines, line)
	}
	c := v.cells[s.module][s.layer]
	about := []string{t.strong.Render(fmt.Sprintf("layer %d %s", s.layer, t.clean(v.modules[s.module])))}
	if c.known {
		about = append(about, t.dim.Render("norm ")+figure(c.norm))
		if !math.IsNaN(c.a) || !math.IsNaN(c.b) || c.bad > 0 {
			about = append(about, t.dim.Render("lora_A ")+figure(c.a), t.dim.Render("lora_B ")+figure(c.b))
		}
		if c.bad > 0 {
			about = append(about, t.bad.Render(fmt.Sprintf("%s %s not finite", t.g.no, plural(c.bad, "value"))))
		}
	} else {
		about = append(about, t.dim.Render("not trained"))
	}
	return append(lines, " "+joinFit(width-2, 3, about...), " "+s.legend())
}

// paneMark is a bracket of the selected cell.
func (s *traceScreen) paneMark(b string) string {
	if s.pane == matrixPane {
		return s.t.accent.Render(b)
	}
	return s.t.dim.Render(b)
}

// glyphOf is a cell's glyph without its own style, for the cursor; a cell that is
// not there shows as a dot, so that the cursor is seen without colour too.
func glyphOf(c gradCell, styled string, t *theme) string {
	if !c.known {
		return t.g.masked
	}
	return ansi.Strip(styled)
}

// shortModule is the last part of a module's name.
func shortModule(module string) string { return module[strings.LastIndexByte(module, '.')+1:] }

// cellQuery is the filter that finds the tensors of a cell.
func cellQuery(layer int, module string) string {
	return fmt.Sprintf("layers.%d.%s", layer, module)
}
