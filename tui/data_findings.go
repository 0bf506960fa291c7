package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"hone/data"
)

// findingKeys are the table while the findings have the arrows.
func (d *dataScreen) findingKeys() []keyGroup {
	rows := append([]binding{{
		Keys: []string{"enter"}, Text: "show its rows", Help: "list only the rows that the finding names",
		Run: d.jump, When: func() bool { return len(d.finding.visible) > 0 },
	}}, d.finding.bindings("finding", func() tea.Cmd { return nil })...)
	return []keyGroup{{Title: "findings", Bindings: append(rows, binding{Keys: []string{"f"}, Text: "back to rows", Run: do(func() { d.findings = false })})}}
}

// openFindings gives the arrows to the findings.
func (d *dataScreen) openFindings() { d.findings, d.stats, d.whole = true, true, false }

// jump lists the rows of the selected finding: it writes the filter that does.
func (d *dataScreen) jump() tea.Cmd {
	i, ok := d.finding.selected()
	if !ok {
		return nil
	}
	f := d.work.Findings[i]
	d.findings, d.stats = false, false
	d.filter.clear()
	if s := slices.Index(data.Splits(), f.Split); s >= 0 && s < len(d.work.Splits) {
		d.split = s
	}
	d.rows.visible = nil
	if len(f.Rows) == 0 {
		return tea.Batch(d.find(), notice(f.ID+" is about the whole and names no rows"))
	}
	d.filter.line.Set("is:" + strings.ToLower(f.ID))
	return d.find()
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
	from, to := d.finding.window(6)
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
