package tui

import (
	"fmt"
	"math"

	"hone/runs"
)

// fillSpan makes the matrix of layers and steps.
func (v *gradView) fillSpan(steps []runs.Gradients) {
	v.span = make([][]gradCell, v.layers)
	for l := range v.span {
		v.span[l] = make([]gradCell, len(steps))
	}
	for i, g := range steps {
		v.steps = append(v.steps, g.Step)
		cell := func(name string) *gradCell {
			if layer, _, _ := tensorPlace(name); layer >= 0 && layer < v.layers {
				return &v.span[layer][i]
			}
			return nil
		}
		for name, norm := range g.Norms {
			if c := cell(name); c != nil {
				c.known = true
				if c.norm = math.Hypot(c.norm, norm); !finite(norm) {
					c.bad++
				}
			}
		}
		for _, n := range g.NonFinite {
			if c := cell(n.Tensor); c != nil {
				c.known, c.bad = true, c.bad+1
			}
		}
	}
	for _, row := range v.span {
		for _, c := range row {
			if c.known && finite(c.norm) && c.norm > 0 {
				if v.low == 0 || c.norm < v.low {
					v.low = c.norm
				}
				v.high = max(v.high, c.norm)
			}
		}
	}
}

// spanLines are the gradients of every layer over the last steps, the newest at the
// right.
func (s *traceScreen) spanLines(width, room int) []string {
	t, v := s.t, s.grads()
	cell := max(min((width-12)/max(len(v.steps), 1), 3), 1)
	columns := max(min((width-12)/cell, len(v.steps)), 1)
	first := len(v.steps) - columns
	rows := max(room-3, 1)
	top := scrollTo(s.layer, 0, rows, v.layers)
	glyphs := newCellGlyphs(t)
	arrow := t.dim.Render(t.g.selected)
	if s.pane == matrixPane {
		arrow = t.accent.Render(t.g.selected)
	}
	var lines []string
	lines = append(lines, t.dim.Render(fmt.Sprintf("  layers over steps %d to %d", v.steps[first], v.steps[len(v.steps)-1])))
	for l := top; l < min(top+rows, v.layers); l++ {
		line := " " + t.dim.Render(t.fitRight(fmt.Sprint(l), 7)) + " "
		if l == s.layer {
			line = arrow + t.strong.Render(t.fitRight(fmt.Sprint(l), 7)) + " "
		}
		for i := first; i < len(v.steps); i++ {
			line += glyphs.text(v, v.span[l][i]) + spaces(cell-1)
		}
		lines = append(lines, line)
	}
	c := v.span[s.layer][len(v.steps)-1]
	about := []string{t.strong.Render(fmt.Sprintf("layer %d", s.layer)), t.dim.Render(fmt.Sprintf("norm at step %d ", v.steps[len(v.steps)-1])) + figure(c.norm)}
	if c.bad > 0 {
		about = append(about, t.bad.Render(fmt.Sprintf("%s %s not finite", t.g.no, plural(c.bad, "tensor"))))
	}
	return append(lines, " "+joinFit(width-2, 3, about...), " "+s.legend())
}
