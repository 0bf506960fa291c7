package tui

import (
	"strings"
)

// promptLine is the line that tries a text.
func (c *compareScreen) promptLine(width int) string {
	t := c.t
	l := &c.try
	mode := "tuned"
	if l.both {
		mode = "base and tuned"
	}
	if !l.typing {
		text := "try a text: t"
		if l.asked != "" {
			text = "try " + t.g.selected + " " + t.clean(l.asked) + "   (t changes it, esc goes back to the examples)"
		}
		return t.dim.Render(t.cut(" "+text, width))
	}
	right := t.dim.Render(mode + " ")
	head := " " + t.accent.Render("try "+t.g.selected) + " "
	return head + l.line.View(t, max(width-textWidth(head)-textWidth(right)-1, 1), true) + " " + right
}

// tryLines are the prompt line and its outcome while there is no comparison.
func (c *compareScreen) tryLines(width, height int) []string {
	if c.runDir == "" {
		return nil
	}
	t := c.t
	lines := []string{t.ruleLine(width)}
	if c.try.asked != "" {
		tried := c.triedLines(width)
		lines = append(lines, tried[:min(len(tried), max(height-10, 1))]...)
		lines = append(lines, t.ruleLine(width))
	}
	return append(lines, c.promptLine(width))
}

// triedLines are what base and tuned made of the tried text.
func (c *compareScreen) triedLines(width int) []string {
	t := c.t
	l := &c.try
	lines := []string{" " + t.strong.Render(t.cut(t.clean(l.asked), max(width-2, 1)))}
	if l.err != nil {
		for _, w := range wrap(t.clean(l.err.Error()), max(width-4, 8)) {
			lines = append(lines, " "+t.bad.Render(t.g.no+" "+w))
		}
		return lines
	}
	if l.model == nil {
		return append(lines, t.dim.Render("  loading the model "+t.g.ellipsis))
	}
	if l.out[0] != nil && l.out[1] != nil && l.out[0].Valid && l.out[1].Valid || !l.both && l.out[1] != nil && l.out[1].Valid {
		return append(lines, c.triedTable(width)...)
	}
	for side, name := range []string{"base", "tuned"} {
		if side == 0 && !l.both {
			continue
		}
		text, end := "", ""
		switch out := l.out[side]; {
		case out != nil:
			text = out.Text
			end = "stopped by " + out.StoppedBy + ", " + plural(out.Tokens, "token")
			if !out.Valid && out.Reason != "" {
				end += "; " + out.Reason
			}
		case l.busy && l.side == (side == 1):
			text = l.stream + t.g.cursor
		case l.busy:
			text = t.g.ellipsis
		}
		lines = append(lines, "", " "+t.dim.Render(name+"  "+t.clean(end)))
		for _, part := range strings.Split(text, "\n") {
			for _, w := range wrap(t.clean(part), max(width-4, 8)) {
				lines = append(lines, "   "+w)
			}
		}
	}
	return lines
}

// triedTable aligns the fields of both objects.
func (c *compareScreen) triedTable(width int) []string {
	t := c.t
	l := &c.try
	var keys []string
	seen := map[string]bool{}
	for _, out := range l.out {
		if out == nil {
			continue
		}
		for _, k := range out.Keys {
			if !seen[k] {
				seen[k] = true
				keys = append(keys, k)
			}
		}
	}
	name := 5
	for _, k := range keys {
		name = max(name, min(textWidth(t.clean(k)), 14))
	}
	value := max((width-name-6)/2, 4)
	lines := []string{t.dim.Render(" " + t.fit("", name) + "  " + t.fit("base", value) + "  " + t.fit("tuned", value))}
	for _, k := range keys {
		cells := [2]string{}
		for side, out := range l.out {
			if out == nil {
				continue
			}
			v, ok := out.Values[k]
			if !ok {
				v = t.g.off + " missing"
			}
			cells[side] = t.clean(v)
		}
		mark := " "
		if l.out[0] != nil && cells[0] != cells[1] {
			mark = t.accent.Render("*")
		}
		lines = append(lines, " "+t.dim.Render(t.fit(t.clean(k), name))+"  "+t.fit(cells[0], value)+mark+" "+t.fit(cells[1], value))
	}
	return append(lines, "", t.dim.Render(" * where they differ"))
}
