package tui

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"hone/experiments"
)

// From this width on, the examples stand beside the fields; below it, above them.
const compareWide = 100

// wide reports the two-column layout.
func (c *compareScreen) wide() bool { return c.width >= compareWide }

func (c *compareScreen) listWidth() int { return c.width * 2 / 5 }

func (c *compareScreen) listHeight() int { return max((c.height-12)/2, 3) }

// View draws the body.
func (c *compareScreen) View() string {
	t := c.t
	if c.cmp == nil {
		lines := c.absentLines()
		bottom := c.tryLines(c.width, c.height)
		lines = t.block(lines, c.width, max(c.height-len(bottom), 0))
		return t.body(append(lines, bottom...), c.width, c.height)
	}
	lines := []string{c.scoreLine(), c.showLine(), t.ruleLine(c.width)}
	bottom := []string{c.promptLine(c.width)}
	if c.height >= 24 {
		bottom = []string{t.ruleLine(c.width), c.promptLine(c.width)}
	}
	height := max(c.height-len(lines)-len(bottom), 0)
	if c.wide() {
		lw := c.listWidth()
		rw := c.width - lw - 1
		below := c.fieldScoreLines(lw)
		lh := max(height-len(below)-1, height/2)
		left := append(c.rowLines(lw, lh), t.ruleLine(lw))
		left = append(left, below...)
		lines = append(lines, t.beside(left, c.detail(rw, height), lw, rw, height)...)
	} else {
		lh := min(c.listHeight(), height)
		lines = append(lines, c.rowLines(c.width, lh)...)
		lines = append(lines, t.ruleLine(c.width))
		rest := max(height-lh-1, 0)
		if c.scores {
			lines = append(lines, t.block(c.fieldScoreLines(c.width), c.width, rest)...)
		} else {
			lines = append(lines, t.block(c.detail(c.width, rest), c.width, rest)...)
		}
	}
	lines = t.block(lines, c.width, max(c.height-len(bottom), 0))
	return t.body(append(lines, bottom...), c.width, c.height)
}

// absentLines say why there is nothing to compare and what to do.
func (c *compareScreen) absentLines() []string {
	t := c.t
	name := t.strong.Render(t.clean(baseName(c.dir)))
	if c.making != nil {
		p := c.progress
		lines := []string{"", " generating the " + c.split + " outputs of " + name + ", base and tuned", ""}
		if p.total <= 0 {
			return append(lines, t.dim.Render("   loading the model "+t.g.ellipsis))
		}
		share := float64(p.done) / float64(p.total)
		width := max(min(c.width-40, 50), 8)
		left := ""
		if spent := c.now().Sub(c.began); p.done > 0 && spent > 2*time.Second {
			left = clock(time.Duration(float64(spent)*(1-share)/share)) + " left"
		}
		return append(lines,
			"   "+t.accent.Render(t.fit(t.barOf(share, width), width))+t.dim.Render(t.g.bar)+fmt.Sprintf(" %d of %d  %s", p.done, p.total, left),
			"", t.dim.Render("   g stops; the base outputs are kept if they are complete"))
	}
	switch {
	case c.runDir == "":
		return []string{
			"", " no run is open", "",
			"   " + t.key.Render("6") + "  choose one in Runs",
			"   " + t.key.Render("2") + "  or set up an experiment and train one",
		}
	case c.reading, c.dir == "":
		return []string{"", t.dim.Render("  reading " + t.clean(baseName(c.runDir)) + " " + t.g.ellipsis)}
	case errors.Is(c.err, errNotCompared):
		return []string{
			"", " " + name + " is not compared on its " + c.split + " split yet", "",
			"   " + t.key.Render("g") + "  generates every output of base and tuned, and scores them",
			"   " + t.key.Render("t") + "  tries one text on both",
			"   " + t.key.Render("p") + "  the other split",
			"", t.dim.Render("   without a screen: ") + t.clean("hone compare --run-dir "+experiments.ShellWord(c.dir)+" --split "+c.split),
		}
	}
	lines := []string{"", " " + t.bad.Render(t.g.no+" "+t.clean(baseName(c.dir))+" cannot be compared")}
	if c.err != nil {
		for _, part := range strings.Split(c.err.Error(), "\n") {
			for _, l := range wrap(t.clean(part), max(c.width-6, 8)) {
				lines = append(lines, "   "+l)
			}
		}
	}
	return append(lines, "", "   "+t.key.Render("g")+"  tries to generate what is missing")
}

// scoreLine is the outcome on one line.
func (c *compareScreen) scoreLine() string {
	t := c.t
	m := c.cmp
	interval := ""
	if m.Low != 0 || m.High != 0 {
		interval = fmt.Sprintf(", 95 %% %.2f %s %.2f", m.Low, t.g.to, m.High)
	}
	delta := m.Tuned.Exact - m.Base.Exact
	head := fmt.Sprintf(" %d %s rows   ", len(m.Pairs), t.clean(m.Split))
	change := t.change(delta)
	exact := t.dim.Render("exact ") + fmt.Sprintf("%.3f %s ", m.Base.Exact, t.g.arrow) + t.strong.Render(fmt.Sprintf("%.3f", m.Tuned.Exact)) + " " + change
	rest := "   " + t.dim.Render("valid ") + fmt.Sprintf("%.2f %s %.2f", m.Base.Valid, t.g.arrow, m.Tuned.Valid) +
		"   " + t.dim.Render("field ") + fmt.Sprintf("%.3f %s %.3f", m.Base.FieldAccuracy, t.g.arrow, m.Tuned.FieldAccuracy)
	for _, line := range []string{head + exact + t.dim.Render(interval) + rest, head + exact + rest} {
		if textWidth(line) <= c.width {
			return line
		}
	}
	return fmt.Sprintf(" %d rows  ", len(m.Pairs)) + exact + t.dim.Render("  valid ") + fmt.Sprintf("%.2f %s %.2f", m.Base.Valid, t.g.arrow, m.Tuned.Valid) +
		t.dim.Render("  field ") + fmt.Sprintf("%.2f %s %.2f", m.Base.FieldAccuracy, t.g.arrow, m.Tuned.FieldAccuracy)
}

// change is a signed difference, coloured by its direction.
func (t *theme) change(delta float64) string {
	text := fmt.Sprintf("(%+.3f)", delta)
	switch {
	case delta > 0:
		return t.good.Render(text)
	case delta < 0:
		return t.bad.Render(text)
	}
	return t.dim.Render(text)
}

// showLine is what the list shows and how it is sorted.
func (c *compareScreen) showLine() string {
	t := c.t
	var b strings.Builder
	b.WriteString(t.dim.Render(" show "))
	for i, name := range showNames {
		text := fmt.Sprintf("%s %d", name, c.cmp.Counts[i])
		if i == c.show {
			b.WriteString(" " + t.accent.Render(t.g.selected+text) + " ")
		} else {
			b.WriteString("  " + t.dim.Render(text) + " ")
		}
	}
	right := t.dim.Render("sort ") + sortNames[c.sort]
	if f := c.filter.view(t, 18); f != "" {
		right = f + "  " + right
	}
	if textWidth(b.String())+textWidth(right)+3 > c.width {
		right = c.filter.view(t, 14)
	}
	return t.ends(b.String(), right+" ", c.width)
}

// verdictMark is what tuning did to an example, as a sign.
func (t *theme) verdictMark(v verdict) string {
	switch v {
	case fixed:
		return t.good.Render(t.g.ok)
	case regressed:
		return t.bad.Render("!")
	case stillWrong:
		return t.bad.Render(t.g.no)
	}
	return t.dim.Render(t.g.ok)
}

// rowLines is the list of examples.
func (c *compareScreen) rowLines(width, height int) []string {
	t := c.t
	lines := []string{t.dim.Render(t.ends(fmt.Sprintf("    %3s  event", "#"), "wrong  ", width))}
	if len(c.rows.visible) == 0 {
		return t.block(append(lines, t.dim.Render("  no example matches; esc shows all")), width, height)
	}
	from, to := c.rows.window(max(height-1, 1))
	for i := from; i < to; i++ {
		p := &c.cmp.Pairs[c.rows.visible[i]]
		mark, text := "  ", t.clean(p.Event)
		if i == c.rows.at {
			mark, text = t.accent.Render(t.g.selected)+" ", t.strong.Render(text)
		}
		wrong := t.dim.Render(t.g.masked)
		switch {
		case !p.Tuned.Valid:
			wrong = t.bad.Render("invalid")
		case p.Tuned.Wrong > 0:
			wrong = fmt.Sprint(p.Tuned.Wrong)
		}
		left := mark + t.verdictMark(p.Verdict) + t.dim.Render(fmt.Sprintf(" %3d", p.Row)) + "  " + text
		lines = append(lines, t.ends(left, wrong+"  ", width))
	}
	return t.block(lines, width, height)
}

// fieldScoreLines are the accuracy of every field, base and tuned.
func (c *compareScreen) fieldScoreLines(width int) []string {
	t := c.t
	m := c.cmp
	name := 10
	for _, f := range m.Schema {
		name = max(name, min(textWidth(t.clean(f)), 16))
	}
	bar := max(min(width-name-36, 24), 0)
	head := t.fit("score", name) + "   base  tuned    change  wrong"
	lines := []string{" " + t.dim.Render(head)}
	row := func(label string, base, tuned float64, wrong int) {
		count := ""
		if wrong > 0 {
			count = fmt.Sprint(wrong)
		}
		lines = append(lines, fmt.Sprintf(" %s  %5.3f  %5.3f  %s  %5s  %s", t.fit(t.clean(label), name), base, tuned,
			t.fitRight(t.change(tuned-base), 8), count, t.accent.Render(t.barOf(tuned, bar))))
	}
	row("exact", m.Base.Exact, m.Tuned.Exact, 0)
	row("valid", m.Base.Valid, m.Tuned.Valid, 0)
	row("schema", m.Base.Schema, m.Tuned.Schema, 0)
	row("all fields", m.Base.FieldAccuracy, m.Tuned.FieldAccuracy, 0)
	for i, f := range m.Schema {
		row(f, at(m.Base.Fields, i), at(m.Tuned.Fields, i), at(m.WrongFields, i))
	}
	return lines
}

// at is the i-th of values, or zero where there is none.
func at[T any](values []T, i int) (v T) {
	if i < len(values) {
		return values[i]
	}
	return v
}

// detail is the selected example, or the tried text.
func (c *compareScreen) detail(width, height int) []string {
	t := c.t
	lines := c.detailLines(width, true)
	if len(lines) > height {
		lines = c.detailLines(width, false)
	}
	if height <= 0 {
		return nil
	}
	c.scroll = max(min(c.scroll, len(lines)-height), 0)
	more := len(lines) - c.scroll - height
	lines = t.block(lines[c.scroll:], width, height)
	if more > 0 {
		lines[height-1] = t.ends("", t.dim.Render(fmt.Sprintf("%d more lines, J scrolls ", more+1)), width)
	}
	return lines
}

// detailLines draw it; spacious lets texts have more than one line.
func (c *compareScreen) detailLines(width int, spacious bool) []string {
	t := c.t
	if c.try.asked != "" {
		return c.triedLines(width)
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
	if c.raw || len(c.cmp.Schema) == 0 {
		return append(lines, c.rawLines(p, width)...)
	}
	lines = append(lines, c.tableHead(width))
	absent := [2]string{"missing", "missing"} // what a value that is not there is called
	for i, o := range []*outputView{&p.Base, &p.Tuned} {
		if !o.Valid {
			absent[i] = "no object"
		}
	}
	for f, name := range c.cmp.Schema {
		row := c.tableLine(width, name, at(p.Fields, f), at(p.Base.Fields, f), at(p.Tuned.Fields, f), at(p.Base.Right, f), at(p.Tuned.Right, f), spacious, absent)
		lines = append(lines, row...)
	}
	if spacious {
		lines = append(lines, "")
	}
	lines = append(lines, c.endLine("base", &p.Base), c.endLine("tuned", &p.Tuned))
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
	return t.dim.Render(" " + t.fit("", name) + "  " + t.fit("target", value) + " " + t.fit("base", value) + "   " + t.fit("tuned", value))
}

// tableLine is one field: target, base and tuned, with a sign for each output. A
// value that was not to be shown whole goes on in a second line.
func (c *compareScreen) tableLine(width int, field, target, base, tuned string, baseRight, tunedRight, spacious bool, absent [2]string) []string {
	t := c.t
	name, value := c.columns(width)
	cell := func(v string, style lipgloss.Style, absent string) [2]string {
		if v == "" {
			return [2]string{t.dim.Render(t.g.off + " " + absent), ""}
		}
		parts := wrap(t.clean(v), value)
		second := ""
		if len(parts) > 1 {
			second = strings.Join(parts[1:], " ")
		}
		if v == "null" {
			style = t.dim
		}
		first := parts[0]
		if !spacious {
			first, second = t.cut(t.clean(v), value), ""
		}
		if second != "" {
			second = style.Render(t.cut(second, value))
		}
		return [2]string{style.Render(first), second}
	}
	baseStyle, tunedStyle := t.text, t.text
	if !baseRight {
		baseStyle = t.dim
	}
	if !tunedRight {
		tunedStyle = t.bad
	}
	a, b, d := cell(target, t.text, "missing"), cell(base, baseStyle, absent[0]), cell(tuned, tunedStyle, absent[1])
	mark := t.dim.Render(t.g.no)
	if baseRight {
		mark = t.good.Render(t.g.ok)
	}
	lines := []string{" " + t.dim.Render(t.fit(t.clean(field), name)) + "  " + t.fit(a[0], value) + " " + t.fit(b[0], value) + " " + mark + " " + t.fit(d[0], value) + " " + t.mark(tunedRight)}
	if a[1]+b[1]+d[1] != "" {
		lines = append(lines, spaces(name+3)+t.fit(a[1], value)+" "+t.fit(b[1], value)+"   "+t.fit(d[1], value))
	}
	return lines
}

// endLine says how an output ended and whether it is an object.
func (c *compareScreen) endLine(side string, o *outputView) string {
	t := c.t
	words := []string{t.dim.Render(t.fit(side, 6)) + t.mark(o.Exact) + " "}
	switch {
	case o.Exact:
		words[0] += "exact"
	case o.Valid:
		words[0] += plural(o.Wrong, "wrong field")
	default:
		words[0] += t.bad.Render("invalid: " + t.clean(o.Reason))
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
	add("target", p.Target)
	add("base", p.Base.Text)
	lines = append(lines, c.endLine("", &p.Base))
	add("tuned", p.Tuned.Text)
	return append(lines, c.endLine("", &p.Tuned))
}
