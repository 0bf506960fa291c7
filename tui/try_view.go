package tui

import (
	"fmt"
	"strings"
)

// promptLine is the line that tries a text.
func (l *tryLine) promptLine(width int) string {
	t := l.t
	mode := l.label(1)
	if l.both && !l.alone {
		mode = l.label(0) + " and " + mode
	}
	if !l.typing {
		text := "try a text: t"
		if l.asked != "" {
			text = "try " + t.g.selected + " " + t.clean(l.asked) + "   (t changes it, esc goes back)"
		}
		return t.dim.Render(t.cut(" "+text, width))
	}
	right := t.dim.Render(t.cut(t.clean(mode), max(width/3, 1)) + " ")
	head := " " + t.accent.Render("try "+t.g.selected) + " "
	return head + l.line.View(t, max(width-textWidth(head)-textWidth(right)-1, 1), true) + " " + right
}

// triedLines are what the models make of the tried text, side by side as they
// write, then its fields and the token under the cursor.
func (l *tryLine) triedLines(width int) []string {
	t := l.t
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
	lines = append(lines, "")
	if l.odds {
		lines = append(lines, l.oddsLines(width)...)
		lines = append(lines, "")
	}
	if !l.both || l.alone {
		lines = append(lines, l.writtenLines(1, width)...)
	} else {
		lw := (width - 1) / 2
		rw := width - 1 - lw
		left, right := l.writtenLines(0, lw), l.writtenLines(1, rw)
		lines = append(lines, t.beside(left, right, lw, rw, max(len(left), len(right)))...)
	}
	if l.out[1] != nil && l.out[1].Valid {
		lines = append(lines, "")
		lines = append(lines, l.triedTable(width)...)
	}
	return lines
}

// writtenLines are what one model has written.
func (l *tryLine) writtenLines(side, width int) []string {
	t := l.t
	end := ""
	switch out := l.out[side]; {
	case out != nil:
		end = "stopped by " + out.StoppedBy + ", " + plural(out.Tokens, "token")
		if !out.Valid && out.Reason != "" {
			end += "; " + out.Reason
		}
	case l.busy:
		end = plural(len(l.tokens[side]), "token") + " " + t.g.ellipsis
	}
	name := t.dim.Render(t.clean(l.label(side)))
	if l.odds && side == l.side {
		name = t.accent.Render(t.g.selected + t.clean(l.label(side)))
	}
	lines := []string{" " + name}
	for i, w := range wrap(t.clean(end), max(width-textWidth(name)-4, 8)) {
		if i == 0 {
			lines[0] += "  " + t.dim.Render(w)
		} else {
			lines = append(lines, spaces(textWidth(name)+3)+t.dim.Render(w))
		}
	}
	var b strings.Builder
	for i, token := range l.tokens[side] {
		text := token.Text
		if token.End {
			text = ""
		}
		if l.odds && side == l.side && i == l.at {
			q := []rune(t.g.quote)
			if token.End {
				text = token.Text
			}
			text = string(q[0]) + text + string(q[1])
		}
		b.WriteString(text)
	}
	text := b.String()
	if l.busy && l.out[side] == nil {
		text += t.g.cursor
	}
	for _, part := range strings.Split(text, "\n") {
		for _, w := range wrap(t.clean(part), max(width-3, 8)) {
			lines = append(lines, "  "+w)
		}
	}
	return lines
}

// oddsLines take the token under the cursor apart: what could have stood there.
func (l *tryLine) oddsLines(width int) []string {
	t := l.t
	tokens := l.tokens[l.side]
	if len(tokens) == 0 {
		return []string{t.dim.Render("  no token yet")}
	}
	at := min(max(l.at, 0), len(tokens)-1)
	token := tokens[at]
	lines := []string{" " + t.dim.Render(fmt.Sprintf("token %d of %d of %s", at+1, len(tokens), t.clean(l.label(l.side)))) + "  " +
		t.strong.Render(t.cut(quotedToken(t, token.Text), max(width/3, 4))) + "  " + t.dim.Render("p ") + oddsText(token.P)}
	bar := max(min(width-34, 30), 0)
	for i, other := range token.Top {
		if i == 5 {
			break
		}
		mark := "  "
		if other.Text == token.Text {
			mark = t.accent.Render(t.g.selected) + " "
		}
		lines = append(lines, "   "+mark+t.fit(quotedToken(t, other.Text), 18)+" "+t.fitRight(oddsText(other.P), 7)+" "+t.accent.Render(t.barOf(other.P, bar)))
	}
	return lines
}

// quotedToken is a token's text with its spaces visible.
func quotedToken(t *theme, text string) string { return t.clean(`"` + text + `"`) }

// oddsText is a probability.
func oddsText(p float64) string {
	switch {
	case !finite(p):
		return fmt.Sprint(p)
	case p < 0.0005:
		return "<0.001"
	}
	return fmt.Sprintf("%.3f", p)
}

// triedTable aligns the fields of both objects, words that differ marked.
func (l *tryLine) triedTable(width int) []string {
	t := l.t
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
	if l.out[0] == nil || !l.out[0].Valid {
		var lines []string
		for _, k := range keys {
			lines = append(lines, " "+t.dim.Render(t.fit(t.clean(k), name))+"  "+t.clean(l.out[1].Values[k]))
		}
		return lines
	}
	value := max((width-name-6)/2, 4)
	lines := []string{t.dim.Render(" " + t.fit("", name) + "  " + t.fit(t.clean(l.label(0)), value) + "  " + t.fit(t.clean(l.label(1)), value))}
	for _, k := range keys {
		cells := [2]string{}
		for side, out := range l.out {
			v, ok := out.Values[k]
			if !ok {
				v = t.g.off + " missing"
			}
			cells[side] = t.clean(v)
		}
		mark := " "
		if cells[0] != cells[1] {
			mark = t.accent.Render("*")
		}
		lines = append(lines, " "+t.dim.Render(t.fit(t.clean(k), name))+"  "+t.fit(cells[0], value)+mark+" "+t.fit(cells[1], value))
	}
	return append(lines, "", t.dim.Render(" * where they differ"))
}
