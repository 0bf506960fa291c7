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

// text draws a cell of the matrix as one glyph: a shade by the logarithm of its
// norm, and glyphs of their own for nothing, exactly zero and not finite.
func (g *cellGlyphs) text(v *gradView, c gradCell) string {
	switch {
	case !c.known:
		return " "
	case c.bad > 0 || !finite(c.norm):
		return g.bad
	case c.norm == 0:
		return g.zero
	}
	level := 0
	if v.high > v.low {
		at := math.Log(c.norm/v.low) / math.Log(v.high/v.low)
		if finite(at) {
			level = int(min(max(at, 0), 0.9999) * float64(len(g.shades)))
		}
	}
	return g.shades[level]
}

// legend says what the shades stand for; "" where there are none.
func (v *gradView) legend(t *theme) string {
	if v == nil || v.high == 0 {
		return ""
	}
	return t.dim.Render(figure(v.low)+" ") + t.field.Render(strings.Join(t.shades(), "")) + t.dim.Render(" "+figure(v.high)+"   "+t.g.no+" not finite   0 exactly zero")
}

// legend says what the shades stand for.
func (s *traceScreen) legend() string { return s.grads().legend(s.t) }

// matrixLines are the matrix, or why there is none.
func (s *traceScreen) matrixLines(width, room int) []string {
	if lines := s.noGrads(); lines != nil {
		return lines
	}
	v := s.grads()
	if s.bySpan && v.layers > 0 {
		return s.spanLines(width, room)
	}
	m := gradMatrix{gradView: v, layer: s.layer, module: s.module, focused: s.pane == matrixPane, legendBelow: true}
	return m.lines(s.t, width, room)
}

// gradMatrix is the norms of a step as shaded cells, a row a module and a column a
// layer, with the figures of the selected cell below.
type gradMatrix struct {
	*gradView
	layer, module int // selected
	focused       bool
	legendBelow   bool
}

// lines draws it in about room lines.
func (m *gradMatrix) lines(t *theme, width, room int) []string {
	v := m.gradView
	if v.layers == 0 {
		return []string{"", t.dim.Render("  no tensor belongs to a layer")}
	}
	layer, module := min(m.layer, v.layers-1), min(m.module, len(v.modules)-1)
	glyphs := newCellGlyphs(t)
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
		first = max(min(layer-columns/2, v.layers-columns), 0)
	}
	last := min(first+columns, v.layers)
	rows := room - 2 // a line of layers above, one of figures below
	if m.legendBelow {
		rows--
	}
	rows = max(rows, 1)
	firstModule := scrollTo(module, 0, rows, len(v.modules))
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
		head = t.fit(ansi.Truncate(head, name+1+layer-first, ""), name+1+layer-first) + m.mark(t, "v") + ansi.TruncateLeft(head, name+2+layer-first, "")
	}
	lines = append(lines, head)
	for i := firstModule; i < min(firstModule+rows, len(v.modules)); i++ {
		label := t.dim.Render(t.fit(t.clean(shortModule(v.modules[i])), name-1))
		if i == module {
			label = t.fit(t.clean(shortModule(v.modules[i])), name-1)
			if m.focused {
				label = t.strong.Render(label)
			}
		}
		line := " " + label + " "
		if i == module {
			line = m.mark(t, t.g.selected) + label + " "
		}
		for l := first; l < last; l++ {
			glyph := glyphs.text(v, v.cells[i][l])
			switch selected := i == module && l == layer; {
			case selected && cell > 1:
				line = strings.TrimSuffix(line, " ") + m.mark(t, "[") + glyph + m.mark(t, "]") + spaces(cell-2)
			case selected:
				line += t.cursor.Render(glyphOf(v.cells[i][l], glyph, t)) + spaces(cell-1)
			default:
				line += glyph + spaces(cell-1)
			}
		}
		lines = append(lines, line)
	}
	lines = append(lines, " "+joinFit(width-2, 3, v.about(t, layer, module)...))
	if m.legendBelow {
		lines = append(lines, " "+v.legend(t))
	}
	return lines
}

// about are the figures of a cell.
func (v *gradView) about(t *theme, layer, module int) []string {
	c := v.cells[module][layer]
	about := []string{t.strong.Render(fmt.Sprintf("layer %d %s", layer, t.clean(v.modules[module])))}
	if !c.known {
		return append(about, t.dim.Render("not trained"))
	}
	about = append(about, t.dim.Render("norm ")+figure(c.norm))
	if !math.IsNaN(c.a) || !math.IsNaN(c.b) || c.bad > 0 {
		about = append(about, t.dim.Render("lora_A ")+figure(c.a), t.dim.Render("lora_B ")+figure(c.b))
	}
	if c.bad > 0 {
		about = append(about, t.bad.Render(fmt.Sprintf("%s %s not finite", t.g.no, plural(c.bad, "value"))))
	}
	return about
}

// mark is an arrow or bracket of the selected cell.
func (m *gradMatrix) mark(t *theme, b string) string {
	if m.focused {
		return t.accent.Render(b)
	}
	return t.dim.Render(b)
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
