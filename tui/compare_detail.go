package tui

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"hone/experiments"
)

// pane is what stands beside or below the list: the example, the tried text, the
// scores or the mistakes; with what does not fit scrolled away.
func (c *compareScreen) pane(width, height int) []string {
	t := c.t
	if height <= 0 {
		return nil
	}
	var lines []string
	switch {
	case c.try.asked != "" || c.view == viewExample:
		if lines = c.detailLines(width, true); len(lines) > height {
			lines = c.detailLines(width, false)
		}
	case c.view == viewScores:
		lines = c.scoreLines(width)
	default:
		lines = append(append(c.mistakeLines(width, 1), ""), c.mistakeLines(width, 0)...)
	}
	c.scroll = max(min(c.scroll, len(lines)-height), 0)
	more := len(lines) - c.scroll - height
	lines = t.block(lines[c.scroll:], width, height)
	if more > 0 {
		lines[height-1] = t.ends("", t.dim.Render(fmt.Sprintf("%d more lines, J scrolls ", more+1)), width)
	}
	return lines
}

// detailLines draw the selected example, or the tried text; spacious lets texts
// have more than one line.
func (c *compareScreen) detailLines(width int, spacious bool) []string {
	t := c.t
	if c.try.asked != "" {
		return c.try.triedLines(width)
	}
	i, ok := c.rows.selected()
	if !ok {
		return nil
	}
	p := &c.cmp.Pairs[i]
	var lines []string
	event := wrap(t.clean(p.Event), max(width-2, 8))
	for n, l := range event {
		if n == 3 || n == 1 && !spacious {
			lines[n-1] = t.cut(lines[n-1]+t.g.ellipsis, width-1)
			break
		}
		lines = append(lines, " "+t.strong.Render(l))
	}
	if p.Note != "" {
		note := wrap(t.clean(p.Note), max(width-9, 8))
		for n, l := range note {
			if n == 1 && !spacious {
				lines[len(lines)-1] += t.g.ellipsis
				break
			}
			head := "      "
			if n == 0 {
				head = t.accent.Render("* note")
			}
			lines = append(lines, " "+head+" "+l)
		}
	}
	if c.raw || len(c.cmp.Schema) == 0 {
		return append(lines, c.rawLines(p, width)...)
	}
	if spacious {
		lines = append(lines, "")
	}
	lines = append(lines, c.tableHead(width))
	marked := false
	for f := range c.cmp.Schema {
		lines = append(lines, c.tableLines(width, p, f, spacious)...)
		for _, o := range []*outputView{&p.Base, &p.Tuned} {
			marked = marked || partly(at(o.Words, f))
		}
	}
	if spacious {
		lines = append(lines, "")
		if marked {
			q := []rune(t.g.quote)
			lines = append(lines, t.dim.Render(fmt.Sprintf(" %cword%c is not in the target   %c%sword%c is missing from it", q[0], q[1], q[0], t.g.off, q[1])))
		}
	}
	lines = append(lines, c.endLine(c.cmp.Labels[0], &p.Base), c.endLine(c.cmp.Labels[1], &p.Tuned))
	if !spacious || p.Tuned.Valid {
		return lines
	}
	lines = append(lines, "", " "+t.dim.Render(t.clean(c.cmp.Labels[1])+" as written"))
	for i, l := range wrap(t.clean(p.Tuned.Text), max(width-4, 8)) {
		if i == 6 {
			return append(lines, "   "+t.dim.Render(t.g.ellipsis+" r shows it whole"))
		}
		lines = append(lines, "   "+l)
	}
	return lines
}

// columns are the widths of the field table.
func (c *compareScreen) columns(width int) (name, value int) {
	for _, f := range c.cmp.Schema {
		name = max(name, min(textWidth(c.t.clean(f)), 14))
	}
	name = max(name, 5)
	return name, max((width-name-9)/3, 4)
}

// tableHead names the columns.
func (c *compareScreen) tableHead(width int) string {
	t := c.t
	name, value := c.columns(width)
	return t.dim.Render(" " + t.fit("", name) + "  " + t.fit("target", value) + " " + t.fit(t.clean(c.cmp.Labels[0]), value) + "   " + t.fit(t.clean(c.cmp.Labels[1]), value))
}

// partly reports whether a value and its target have words in common, so that it
// pays to mark the others.
func partly(words []experiments.Word) bool {
	same := false
	for _, w := range words {
		same = same || w.Kind == experiments.Same
	}
	return same && len(words) > 1
}

// markWords writes a wrong value with the words that differ between quotes; what
// only replaces something is not also said to be missing.
func (t *theme) markWords(words []experiments.Word) string {
	if !partly(words) {
		text := ""
		for _, w := range words {
			if w.Kind != experiments.Missing {
				text += w.Text
			}
		}
		return t.clean(text)
	}
	q := []rune(t.g.quote)
	mark := func(before, text string) string {
		core := strings.TrimSpace(text)
		if core == "" {
			core = t.g.masked // only spaces differ
			return string(q[0]) + before + core + string(q[1])
		}
		head, tail, _ := strings.Cut(text, core)
		return head + string(q[0]) + before + core + string(q[1]) + tail
	}
	var b strings.Builder
	for i, w := range words {
		switch {
		case w.Kind == experiments.Same:
			b.WriteString(t.clean(w.Text))
		case w.Kind == experiments.Extra:
			b.WriteString(mark("", t.clean(w.Text)))
		case i+1 < len(words) && words[i+1].Kind == experiments.Extra:
		default:
			b.WriteString(mark(t.g.off, t.clean(w.Text)))
		}
	}
	return b.String()
}

// tableLines are one field: target, and both outputs with a sign for each. What
// does not fit in a line goes on below it where there is room.
func (c *compareScreen) tableLines(width int, p *pairView, f int, spacious bool) []string {
	t := c.t
	name, value := c.columns(width)
	cell := func(text, absent string, style lipgloss.Style) []string {
		switch {
		case text == "":
			return []string{t.dim.Render(t.cut(t.g.off+" "+absent, value))}
		case text == "null" && absent != "right":
			style = t.dim
		}
		if !spacious {
			return []string{style.Render(t.cut(text, value))}
		}
		parts := wrap(text, value)
		if len(parts) > 3 {
			parts = append(parts[:2:2], t.cut(strings.Join(parts[2:], " "), value))
		}
		for i := range parts {
			parts[i] = style.Render(parts[i])
		}
		return parts
	}
	output := func(o *outputView, style lipgloss.Style) []string {
		text := t.clean(at(o.Fields, f))
		if words := at(o.Words, f); words != nil {
			text = t.markWords(words)
		}
		absent := "missing"
		if !o.Valid {
			absent = "no object"
		}
		if at(o.Right, f) {
			style = t.text
		}
		return cell(text, absent, style)
	}
	cells := [3][]string{cell(t.clean(at(p.Fields, f)), "missing", t.text), output(&p.Base, t.dim), output(&p.Tuned, t.bad)}
	mark := t.dim.Render(t.g.no)
	if at(p.Base.Right, f) {
		mark = t.good.Render(t.g.ok)
	}
	var lines []string
	for i := range max(len(cells[0]), len(cells[1]), len(cells[2])) {
		head, left, right := "", " ", " "
		if i == 0 {
			head, left, right = t.clean(c.cmp.Schema[f]), mark, t.mark(at(p.Tuned.Right, f))
		}
		lines = append(lines, " "+t.dim.Render(t.fit(head, name))+"  "+t.fit(at(cells[0], i), value)+" "+t.fit(at(cells[1], i), value)+" "+left+" "+t.fit(at(cells[2], i), value)+" "+right)
	}
	if kind := at(p.Tuned.Mistakes, f); spacious && kind != "" && p.Tuned.Valid && kind != "other" && kind != "missing" {
		lines = append(lines, t.ends("", t.dim.Render(experiments.MistakeWords(kind)+"   "), width))
	}
	return lines
}

// targetLossText is an output's loss of its target, in nats a token.
func targetLossText(o *outputView) string {
	switch {
	case !o.HasLoss:
		return ""
	case !finite(o.Loss):
		return fmt.Sprint(o.Loss)
	}
	return fmt.Sprintf("%.3f", o.Loss)
}

// endLine says how an output ended, whether it is an object, and how likely the
// target was.
func (c *compareScreen) endLine(side string, o *outputView) string {
	t := c.t
	name := t.dim.Render(t.fit(t.clean(side), min(max(textWidth(t.clean(side)), 5), 16))) + " "
	words := []string{name + t.mark(o.Exact) + " "}
	switch {
	case o.Unscored:
		words[0] = name
	case o.Exact:
		words[0] += "exact"
	case o.Valid:
		words[0] += plural(o.Wrong, "wrong field")
	default:
		words[0] += t.bad.Render("invalid: " + t.clean(o.Reason))
	}
	if o.HasLoss {
		words = append(words, t.dim.Render("loss ")+targetLossText(o)+t.dim.Render(" nats, worst token ")+t.clean(fmt.Sprintf("%q", o.Worst))+" "+fmt.Sprintf("%.3g", o.WorstLoss))
	}
	if o.Duplicate {
		words = append(words, t.warn.Render("duplicate keys"))
	}
	if o.StoppedBy != "" {
		words = append(words, t.dim.Render("stopped by "+t.clean(o.StoppedBy)))
	}
	if o.Tokens > 0 {
		words = append(words, t.dim.Render(plural(o.Tokens, "token")))
	}
	return " " + strings.Join(words, "   ")
}

// rawLines are the texts as they are.
func (c *compareScreen) rawLines(p *pairView, width int) []string {
	t := c.t
	var lines []string
	add := func(name, text string) {
		lines = append(lines, "", " "+t.dim.Render(name))
		if text == "" {
			lines = append(lines, t.dim.Render("   (nothing)"))
		}
		for _, part := range strings.Split(text, "\n") {
			for _, l := range wrap(t.clean(part), max(width-4, 8)) {
				lines = append(lines, "   "+l)
			}
		}
	}
	if p.Verdict == unscored {
		add("text", p.Target)
		return append(lines, "", c.endLine(c.cmp.Labels[0], &p.Base), c.endLine(c.cmp.Labels[1], &p.Tuned))
	}
	add("target", p.Target)
	add(t.clean(c.cmp.Labels[0]), p.Base.Text)
	lines = append(lines, c.endLine("", &p.Base))
	add(t.clean(c.cmp.Labels[1]), p.Tuned.Text)
	return append(lines, c.endLine("", &p.Tuned))
}
