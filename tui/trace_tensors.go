package tui

import (
	"fmt"

	"github.com/charmbracelet/x/ansi"
)

// noGrads says why there are no gradients to show; nil when there are some.
func (s *traceScreen) noGrads() []string {
	if s.grads() != nil {
		return nil
	}
	if lines := s.noStep("gradients"); lines != nil {
		return lines
	}
	return []string{"", s.t.dim.Render("  no gradients of this step were recorded")}
}

// tensorLines are the tensors with a bar each.
func (s *traceScreen) tensorLines(width, room int) []string {
	t, g := s.t, s.grads()
	if lines := s.noGrads(); lines != nil {
		return t.block(lines, width, room)
	}
	if len(s.tensors.visible) == 0 {
		return t.block([]string{"", t.dim.Render("  no tensor's name holds all of these words")}, width, room)
	}
	head := s.gradLine(width)
	from, to := s.tensors.window(max(room-1, 1))
	const number = 9
	name := max(min(g.nameWidth, width-number-5-12), 4)
	bar := max(min(width-name-number-5, 24), 4)
	name = max(min(g.nameWidth+4, width-bar-number-5), 4)
	lines := []string{head}
	for i := from; i < to; i++ {
		x := g.tensors[s.tensors.visible[i]]
		cursor, style := " ", t.text
		if i == s.tensors.at {
			cursor = t.dim.Render(t.g.selected)
			if s.pane == tensorsPane {
				cursor = t.accent.Render(t.g.selected)
			}
			style = t.strong
		}
		value := t.fitRight(figure(x.norm), number)
		drawn := t.field.Render(pad(t.barOf(share(x.norm, g.largest), bar), bar))
		if x.bad > 0 {
			value = t.bad.Render(t.fitRight(figure(x.norm), number))
			drawn = t.bad.Render(t.fit(fmt.Sprintf("%s %s", t.g.no, plural(x.bad, "value")), bar))
		}
		lines = append(lines, t.fit(cursor+" "+style.Render(pad(t.cutLeft(t.clean(x.name), name), name))+value+"  "+drawn, width))
	}
	return t.block(lines, width, room)
}

// gradLine says which gradients are shown.
func (s *traceScreen) gradLine(width int) string {
	t, v := s.t, s.grads()
	parts := []string{t.dim.Render(fmt.Sprintf("gradients of step %d  norm ", v.step)) + figure(v.norm)}
	if finite(v.clip) && v.clip < 1 {
		parts = append(parts, t.dim.Render("scaled by ")+figure(v.clip))
	}
	if v.badTensors > 0 {
		text := fmt.Sprintf("%s %s not finite", t.g.no, plural(v.badTensors, "tensor"))
		if v.firstBad >= 0 {
			text += fmt.Sprintf(" since step %d", v.firstBad)
		}
		parts = append(parts, t.bad.Render(text))
	}
	if len(v.notes) > 0 {
		parts = append(parts, t.warn.Render("! "+t.clean(v.notes[0])))
	}
	return " " + joinFit(width-2, 3, parts...)
}

// cutLeft shortens plain text to at most width cells, losing its beginning: the
// end of a tensor's name says most.
func (t *theme) cutLeft(s string, width int) string {
	if n := textWidth(s); n > width {
		return t.g.ellipsis + ansi.TruncateLeft(s, n-width+1, "")
	}
	return s
}

// share of a whole, as a bar's length; 0 where it makes no sense.
func share(part, whole float64) float64 {
	if !finite(part) || !(whole > 0) {
		return 0
	}
	return part / whole
}
