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
	below := len(d.statLines(d.listWidth(), d.statRoom()))
	return max(d.height-2-1-below, (d.height-2)/2)
}

// statRoom is how many lines statistics may have below the rows.
func (d *dataScreen) statRoom() int { return max((d.height-3)/2, 0) }

// View draws the body.
func (d *dataScreen) View() string {
	t := d.t
	switch {
	case d.work == nil && d.workErr != nil:
		return t.body(d.failedLines(), d.width, d.height)
	case d.work == nil:
		return t.body([]string{"", t.dim.Render("  reading " + t.clean(valueText(d.config, "data.path")) + " " + t.g.ellipsis)}, d.width, d.height)
	}
	lines := []string{d.headLine(), d.secondLine()}
	height := max(d.height-len(lines), 0)
	switch {
	case d.whole:
		lines = append(lines, d.pane(d.width, height)...)
	case d.wide():
		lw := d.listWidth()
		rw := d.width - lw - 1
		lh := d.listHeight()
		left := append(d.rowLines(lw, lh), t.ruleLine(lw))
		left = append(left, d.statLines(lw, d.statRoom())...)
		lines = append(lines, t.beside(left, d.pane(rw, height), lw, rw, height)...)
	default:
		lh := min(d.listHeight(), height)
		rest := max(height-lh-1, 0)
		lines = append(lines, d.rowLines(d.width, lh)...)
		lines = append(lines, d.paneRule())
		if d.stats || d.findings {
			lines = append(lines, d.statLines(d.width, rest)...)
		} else {
			lines = append(lines, d.pane(d.width, rest)...)
		}
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
		"   "+t.key.Render("m")+"  chooses the model: the built-in one, one of the cache, or one on disk",
		"", t.dim.Render("   or start with   ")+"hone --model DIR --data FILE",
		"", t.dim.Render("   A row of the file is {\"event_text\": \"...\", \"output\": {...}}"),
		t.dim.Render("   or {\"prompt\": \"...\", \"completion\": \"...\"}."))
	return lines
}

// headLine names the splits, the filter and the findings.
func (d *dataScreen) headLine() string {
	t := d.t
	shown := map[int]bool{}
	for _, s := range d.search.shown.Splits {
		shown[s] = true
	}
	var b strings.Builder
	for i := range d.work.Splits {
		sp := &d.work.Splits[i]
		text := fmt.Sprintf("%s %s", t.clean(sp.Name), thousands(len(sp.Rows)))
		if i == d.split && len(shown) == 0 || shown[i] {
			b.WriteString(" " + t.accent.Render(t.g.selected+text) + "  ")
		} else {
			b.WriteString("  " + t.dim.Render(text) + "  ")
		}
	}
	filtered := d.filter.typing || d.filter.line.Text() != ""
	right := d.findingsSummary()
	if d.workBusy {
		right = t.dim.Render("reading " + t.g.ellipsis)
	}
	if filtered {
		right = "" // the filter has the room
	}
	room := d.width - textWidth(b.String()) - textWidth(right) - 3
	switch {
	case filtered:
		count := rowsCount(len(d.rows.visible))
		if d.search.busy {
			count = "searching " + t.g.ellipsis
		}
		count = t.dim.Render("  " + count)
		b.WriteString(" " + t.cut(d.filter.view(t, max(room-textWidth(count)-1, 4))+count, room))
	case d.workErr != nil:
		b.WriteString(t.bad.Render(t.cut(" "+t.g.no+" "+t.clean(d.workErr.Error()), room)))
	default:
		b.WriteString(t.dim.Render(t.cut(" "+t.clean(baseName(d.work.Source)+", "+d.work.Format), room)))
	}
	return t.ends(b.String(), right+" ", d.width)
}

// secondLine says what is wrong with the filter, how it goes on, how far a
// measuring is; else it is a rule.
func (d *dataScreen) secondLine() string {
	t := d.t
	switch s := &d.search; {
	case s.problem != nil:
		return t.bad.Render(t.cut(" "+t.g.no+" "+t.clean(s.problem.Error()), d.width))
	case d.filter.typing && len(s.options) > 0:
		return t.cut(t.dim.Render(" tab ")+t.clean(strings.Join(s.options, "  ")), d.width)
	case d.filter.typing:
		return t.dim.Render(t.cut(" words  ~letters  has:field  no:field  field:text  is:unseen|bad  split:all  tokens>120  sort:longest|hardest  -not", d.width))
	case d.loss.stop != nil:
		return d.measuringLine(d.width)
	}
	return t.ruleLine(d.width)
}

// rowLines is the list.
func (d *dataScreen) rowLines(width, height int) []string {
	t := d.t
	if len(d.rows.visible) == 0 {
		what := "this split has no rows"
		switch query := d.filter.text(); {
		case d.search.busy:
			what = "looking " + t.g.ellipsis
		case strings.Contains(query, "~"):
			what = "no row matches; esc shows all"
		case query != "":
			what = "no row matches; esc shows all, ~ before a word looks for its letters in order"
		}
		return t.block([]string{t.dim.Render("  " + what)}, width, height)
	}
	from, to := d.rows.window(height)
	several := len(d.search.shown.Splits) > 1
	digits := 3
	for i := range d.work.Splits {
		digits = max(digits, len(fmt.Sprint(len(d.work.Splits[i].Rows)-1)))
	}
	lines := make([]string, 0, height)
	for i := from; i < to; i++ {
		n := d.rows.visible[i]
		split, row, r := d.row(n)
		num := fmt.Sprintf("%*d", digits, row)
		if several {
			num = t.fit(t.clean(d.work.Splits[split].Name), 5) + " " + num
		}
		mark, text := "  ", d.label(r)
		if i == d.rows.at {
			mark = t.accent.Render(t.g.selected) + " "
			if d.findings {
				mark = t.dim.Render(t.g.selected) + " "
			}
			text = t.strong.Render(text)
		}
		line := mark + t.dim.Render(num) + "  " + text
		if loss := d.loss.row(n); loss != nil {
			line = t.ends(line, t.heat(loss.Nats)+" "+t.fitRight(natsText(loss.Nats), 5), width)
		}
		lines = append(lines, line)
	}
	return t.block(lines, width, height)
}

// listedText bounds what of a row's text a line of the list looks at.
const listedText = 1024 // bytes

// label is what a list line says of a row.
func (d *dataScreen) label(r *rowView) string {
	text := d.t.clean(cutBytes(r.Text, listedText))
	if r.Marks == nil {
		return text
	}
	mark := strings.Join(r.Marks.Findings, " ")
	if r.Marks.Dropped != "" {
		mark = strings.TrimSpace(mark + " dropped")
	}
	return d.t.warn.Render(d.t.clean(mark)) + " " + text
}

// paneRule separates the rows from what is below them, and names it.
func (d *dataScreen) paneRule() string {
	t := d.t
	name := "row"
	switch {
	case d.findings:
		name = "findings"
	case d.stats:
		name = "the rows listed"
	default:
		if n, ok := d.rows.selected(); ok {
			_, row, r := d.row(n)
			name = fmt.Sprintf("row %d  %s  %s", row, t.clean(r.source()), exampleNames[d.view])
		}
	}
	name = t.cut(name, max(d.width-30, 4))
	place := d.rows.place()
	rule := max(d.width-textWidth(name)-textWidth(place)-6, 0)
	return t.dim.Render(t.g.rule+" ") + t.strong.Render(name) + " " + t.dim.Render(strings.Repeat(t.g.rule, rule)+" "+place+" "+t.g.rule)
}
