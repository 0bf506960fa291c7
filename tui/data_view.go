package tui

import (
	"fmt"
	"strings"
)

// From this width on, rows and statistics stand beside the example; below it,
// the rows stand above the example or the statistics.
const dataWide = 100

// wide reports the two-column layout.
func (d *dataScreen) wide() bool { return d.width >= dataWide }

// listWidth and listHeight are the place of the rows.
func (d *dataScreen) listWidth() int {
	if d.wide() {
		return d.width * 9 / 20
	}
	return d.width
}

func (d *dataScreen) listHeight() int {
	if !d.wide() {
		return max((d.height-2)*2/5, 3)
	}
	below := len(d.statLines(d.listWidth()))
	return max(d.height-2-1-below, (d.height-2)/2)
}

// View draws the body.
func (d *dataScreen) View() string {
	t := d.t
	switch {
	case d.work == nil && d.workErr != nil:
		return t.body(d.failedLines(), d.width, d.height)
	case d.work == nil:
		return t.body([]string{"", t.dim.Render("  reading " + t.clean(valueText(d.config, "data.path")) + " " + t.g.ellipsis)}, d.width, d.height)
	}
	lines := []string{d.headLine(), t.ruleLine(d.width)}
	height := d.height - len(lines)
	if d.wide() {
		lw := d.listWidth()
		rw := d.width - lw - 1
		lh := d.listHeight()
		left := append(d.rowLines(lw, lh), t.ruleLine(lw))
		left = append(left, d.statLines(lw)...)
		return t.body(append(lines, t.beside(left, d.detail(rw, height), lw, rw, height)...), d.width, d.height)
	}
	lh := min(d.listHeight(), height)
	lines = append(lines, d.rowLines(d.width, lh)...)
	lines = append(lines, d.paneRule())
	if d.stats || d.findings {
		lines = append(lines, d.statLines(d.width)...)
	} else {
		lines = append(lines, d.detail(d.width, height-lh-1)...)
	}
	return t.body(lines, d.width, d.height)
}

// failedLines say what is wrong with the data and what to do about it.
func (d *dataScreen) failedLines() []string {
	t := d.t
	lines := []string{"", " " + t.bad.Render(t.g.no+" no dataset is open")}
	for _, l := range strings.Split(d.workErr.Error(), "\n") {
		for _, w := range wrap(t.clean(l), d.width-6) {
			lines = append(lines, "   "+w)
		}
	}
	lines = append(lines, "",
		"   "+t.key.Render("o")+"  names a dataset: a .jsonl file, or a directory of splits",
		"   "+t.key.Render("m")+"  names the model: a directory with safetensors, or a .gguf file",
		"", t.dim.Render("   or start with   ")+"hone --model DIR --data FILE",
		"", t.dim.Render("   A row of the file is {\"event_text\": \"...\", \"output\": {...}}"),
		t.dim.Render("   or {\"prompt\": \"...\", \"completion\": \"...\"}."))
	return lines
}

// headLine names the splits, the filter and the findings.
func (d *dataScreen) headLine() string {
	t := d.t
	var b strings.Builder
	for i := range d.work.Splits {
		sp := &d.work.Splits[i]
		text := fmt.Sprintf("%s %d", t.clean(sp.Name), len(sp.Rows))
		if i == d.split {
			b.WriteString(" " + t.accent.Render(t.g.selected+text) + "  ")
		} else {
			b.WriteString("  " + t.dim.Render(text) + "  ")
		}
	}
	right := d.findingsSummary()
	if d.workBusy {
		right = t.dim.Render("reading " + t.g.ellipsis)
	}
	if d.only != nil || d.filter.typing || d.filter.line.Text() != "" {
		right = "" // the filter has the room
	}
	room := d.width - textWidth(b.String()) - textWidth(right) - 3
	switch {
	case d.only != nil:
		b.WriteString(t.cut(" finding "+t.clean(d.only.id)+": "+plural(len(d.rows.visible), "row")+t.dim.Render("  esc all"), room))
	case d.filter.typing || d.filter.line.Text() != "":
		count := t.dim.Render(fmt.Sprintf("  %s", plural(len(d.rows.visible), "row")))
		b.WriteString(" " + t.cut(d.filter.view(t, max(room-textWidth(count)-1, 4))+count, room))
	case d.workErr != nil:
		b.WriteString(t.bad.Render(t.cut(" "+t.g.no+" "+t.clean(d.workErr.Error()), room)))
	default:
		b.WriteString(t.dim.Render(t.cut(" "+t.clean(baseName(d.work.Source)+", "+d.work.Format), room)))
	}
	return t.ends(b.String(), right+" ", d.width)
}

// findingsSummary counts the findings by weight.
func (d *dataScreen) findingsSummary() string {
	t := d.t
	bad, other := 0, 0
	for _, f := range d.work.Findings {
		if severe(f.Severity) {
			bad++
		} else {
			other++
		}
	}
	switch {
	case bad > 0:
		return t.bad.Render(t.g.no+" "+plural(bad, "problem")) + t.dim.Render(fmt.Sprintf(" + %s", plural(other, "finding")))
	case other > 0:
		return t.warn.Render("! " + plural(other, "finding"))
	}
	return t.good.Render(t.g.ok + " no findings")
}

// severe is true of findings that should stop a run from being started.
func severe(severity string) bool {
	switch severity {
	case "note", "info", "warning", "warn":
		return false
	}
	return true
}

// rowLines is the list.
func (d *dataScreen) rowLines(width, height int) []string {
	t := d.t
	sp := d.current()
	if sp == nil {
		return t.block(nil, width, height)
	}
	if len(d.rows.visible) == 0 {
		what := "this split has no rows"
		if d.filter.text() != "" || d.only != nil {
			what = "no row matches; esc shows all"
		}
		return t.block([]string{t.dim.Render("  " + what)}, width, height)
	}
	from, to := d.rows.window(height)
	digits := max(len(fmt.Sprint(len(sp.Rows)-1)), 3)
	lines := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		n := d.rows.visible[i]
		row := &sp.Rows[n]
		mark, num, text := "  ", t.dim.Render(fmt.Sprintf("%*d", digits, n)), d.label(row)
		if i == d.rows.at {
			mark = t.accent.Render(t.g.selected) + " "
			if d.findings {
				mark = t.dim.Render(t.g.selected) + " "
			}
			text = t.strong.Render(text)
		}
		lines = append(lines, mark+num+"  "+text)
	}
	return t.block(lines, width, height)
}

// paneRule separates the rows from what is below them, and names it.
func (d *dataScreen) paneRule() string {
	t := d.t
	name := "row"
	switch {
	case d.findings:
		name = "findings"
	case d.stats:
		name = "statistics"
	default:
		if n, ok := d.rows.selected(); ok {
			name = fmt.Sprintf("row %d  %s", n, t.clean(d.current().Rows[n].Source))
		}
	}
	name = t.cut(name, max(d.width-30, 4))
	place := d.rows.place()
	rule := max(d.width-textWidth(name)-textWidth(place)-6, 0)
	return t.dim.Render(t.g.rule+" ") + t.strong.Render(name) + " " + t.dim.Render(strings.Repeat(t.g.rule, rule)+" "+place+" "+t.g.rule)
}

// statLines are coverage, lengths and findings.
func (d *dataScreen) statLines(width int) []string {
	t := d.t
	if d.findings {
		return d.findingLines(width)
	}
	var lines []string
	lines = append(lines, d.fieldLines(width)...)
	if sp := d.current(); sp != nil && len(sp.Lengths) > 0 {
		hist := t.accent.Render(t.spark(merged(sp.Lengths, max(width-34, 8)), max(width-34, 8)))
		lines = append(lines, label(t, "length")+hist+t.dim.Render(fmt.Sprintf("  %d %s %d %s", sp.LengthLo, t.g.to, sp.LengthHi, sp.Unit)))
		if sp.Encoded {
			text := fmt.Sprintf("%s tokens, %s targets", thousands(sp.Tokens), thousands(sp.Targets))
			if sp.Dropped > 0 {
				text += t.warn.Render(fmt.Sprintf(", %s dropped", plural(sp.Dropped, "row")))
			}
			lines = append(lines, label(t, "split")+text)
		}
	}
	if d.work.ModelProblem != nil {
		for i, l := range wrap(t.clean(d.work.ModelProblem.Error()), max(width-12, 8)) {
			name := ""
			if i == 0 {
				name = "model"
			}
			lines = append(lines, label(t, name)+t.warn.Render(l))
			if i == 2 {
				break
			}
		}
	}
	if n := len(d.work.Bad); n > 0 {
		lines = append(lines, label(t, "skipped")+t.warn.Render(plural(n, "bad row"))+t.dim.Render("  "+t.clean(d.work.Bad[0])))
	}
	for i := range d.work.Findings {
		if i == 3 {
			lines = append(lines, label(t, "")+t.dim.Render(fmt.Sprintf("and %d more", len(d.work.Findings)-i)))
			break
		}
		name := ""
		if i == 0 {
			name = "findings"
		}
		lines = append(lines, label(t, name)+d.findingLine(i))
	}
	return lines
}

// label is the grey name at the left of a line of figures.
func label(t *theme, name string) string { return " " + t.dim.Render(t.fit(name, 9)) + " " }

// findingLine is one finding on one line.
func (d *dataScreen) findingLine(i int) string {
	t := d.t
	f := d.work.Findings[i]
	mark := t.warn.Render("!")
	switch {
	case severe(f.Severity):
		mark = t.bad.Render(t.g.no)
	case f.Severity == "note" || f.Severity == "info":
		mark = t.dim.Render(t.g.masked)
	}
	return mark + " " + t.strong.Render(t.clean(f.ID)) + "  " + t.clean(f.Message)
}

// findingLines is the list of findings while it has the arrows, with the advice
// of the selected one.
func (d *dataScreen) findingLines(width int) []string {
	t := d.t
	room := 6
	from, to := d.finding.window(room)
	var lines []string
	for i := from; i < to; i++ {
		mark := "  "
		if i == d.finding.at {
			mark = t.accent.Render(t.g.selected) + " "
		}
		lines = append(lines, mark+d.findingLine(d.finding.visible[i]))
	}
	if i, ok := d.finding.selected(); ok {
		f := d.work.Findings[i]
		lines = append(lines, "")
		for _, l := range wrap(t.clean(f.Advice), max(width-4, 8)) {
			lines = append(lines, "  "+l)
		}
		for j, e := range f.Evidence {
			if j == 3 {
				break
			}
			lines = append(lines, t.dim.Render("  "+t.clean(e)))
		}
	}
	return lines
}

// fieldLines are bars of how many rows fill a field.
func (d *dataScreen) fieldLines(width int) []string {
	t := d.t
	fields := d.work.Fields
	if len(fields) == 0 {
		return []string{label(t, "fields") + t.dim.Render("none: completions are plain text")}
	}
	names := 0
	for _, f := range fields {
		names = max(names, min(textWidth(t.clean(f.Name)), 14))
	}
	cell := names + 1 + 8 + 1 + 5
	columns := max((width-11)/(cell+2), 1)
	rows := min((len(fields)+columns-1)/columns, 6)
	lines := make([]string, rows)
	for r := range rows {
		name := ""
		if r == 0 {
			name = "fields"
		}
		lines[r] = label(t, name)
		for c := range columns {
			i := c*rows + r
			if i >= len(fields) {
				break
			}
			f := fields[i]
			lines[r] += t.fit(t.clean(f.Name), names) + " " + t.accent.Render(t.fit(t.barOf(f.Share, 8), 8)) +
				fmt.Sprintf(" %3.0f %%", f.Share*100) + "  "
		}
	}
	if rows*columns < len(fields) {
		lines = append(lines, label(t, "")+t.dim.Render(fmt.Sprintf("and %d more", len(fields)-rows*columns)))
	}
	return lines
}

// detail is the selected row: prompt, target and tokens.
func (d *dataScreen) detail(width, height int) []string {
	t := d.t
	n, ok := d.rows.selected()
	if !ok || height <= 0 {
		return nil
	}
	c := &d.cache
	if c.work != d.work || c.split != d.split || c.row != n || c.width != width {
		*c = exampleCache{d.work, d.split, n, width, d.exampleLines(n, width)}
	}
	lines := c.lines
	d.scroll = max(min(d.scroll, len(lines)-height), 0)
	more := len(lines) - d.scroll - height
	lines = t.block(lines[d.scroll:], width, height)
	if more > 0 {
		lines[height-1] = t.ends("", t.dim.Render(fmt.Sprintf("%d more lines, J scrolls ", more+1)), width)
	}
	return lines
}

// exampleLines draws a row as the model gets it.
func (d *dataScreen) exampleLines(n, width int) []string {
	t := d.t
	row := &d.current().Rows[n]
	inner := max(width-12, 8)
	var lines []string
	add := func(name, text string, most int) {
		for i, l := range wrap(text, inner) {
			if i == most {
				lines[len(lines)-1] = t.cut(lines[len(lines)-1]+t.g.ellipsis, width-1)
				break
			}
			if i > 0 {
				name = ""
			}
			lines = append(lines, label(t, name)+l)
		}
	}
	if d.wide() {
		lines = append(lines, label(t, "row")+t.dim.Render(t.clean(row.Source)))
	}
	add("prompt", t.clean(row.Prompt), 4)
	add("target", t.clean(row.Target), 6)
	if row.Dropped != "" {
		lines = append(lines, label(t, "dropped")+t.warn.Render(t.clean(row.Dropped)))
	}
	if d.work.Tokens == nil {
		why := "name a model (m) to see the tokens and their mask"
		if d.work.ModelProblem != nil {
			why = d.work.ModelProblem.Error()
		}
		add("tokens", t.clean(why), 4)
		return lines
	}
	tokens := d.work.Tokens(d.split, n)
	if len(tokens) == 0 {
		return lines
	}
	targets, values := 0, 0
	for _, token := range tokens {
		if token.Target {
			targets++
		}
		if token.Field != "" {
			values++
		}
	}
	counts := fmt.Sprintf("%d prompt + %d targets = %d", len(tokens)-targets, targets, len(tokens))
	if targets == 0 {
		counts = t.bad.Render(t.g.no + " " + counts + ": nothing to learn from")
	}
	lines = append(lines,
		label(t, "tokens")+counts+t.dim.Render(fmt.Sprintf("  %d in values", values)),
		label(t, "")+t.tokenLegend())
	for _, l := range tokenLines(t, tokens, width-2) {
		lines = append(lines, " "+l)
	}
	return lines
}

// merged adds neighbouring bins of a histogram up until at most n are left.
func merged(bins []float64, n int) []float64 {
	by := (len(bins) + n - 1) / n
	if by <= 1 {
		return bins
	}
	out := make([]float64, (len(bins)+by-1)/by)
	for i, v := range bins {
		out[i/by] += v
	}
	return out
}

// thousands writes a count with spaces between groups of three digits.
func thousands[T int | int64](n T) string {
	s := fmt.Sprint(n)
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 && s[i-1] != '-' {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}
