package tui

import (
	"fmt"

	"hone/experiments"
)

// findingsAndChain is the first pane where one shows at a time: the list, the chain
// of the selected finding's step, and what is known of the finding.
func (s *traceScreen) findingsAndChain(width, room int) []string {
	t := s.t
	if len(s.found) == 0 {
		lines := append(s.noFindings(), t.ruleLine(width))
		return t.block(append(lines, s.chainLines(width, room-len(lines))...), width, room)
	}
	about := s.about(width)
	chain := s.chainLines(width, 9)
	list := max(min(len(s.findings.visible), room-len(chain)-len(about)-2, max(room/3, 3)), min(len(s.findings.visible), 3))
	lines := append(s.listLines(width, list), t.ruleLine(width))
	lines = append(append(lines, chain...), t.ruleLine(width))
	return t.block(append(lines, about...), width, room)
}

func (s *traceScreen) noFindings() []string {
	t := s.t
	lines := []string{t.dim.Render(" no alerts, no figure that is not a number, no loss of exactly zero")}
	if s.feed.steps > 0 {
		lines = append(lines, t.dim.Render(fmt.Sprintf(" in %s", plural(s.feed.steps, "step"))))
	}
	return lines
}

// findingLines are the findings and what is known of the selected one.
func (s *traceScreen) findingLines(width, room int) []string {
	t := s.t
	if len(s.found) == 0 {
		return t.block(s.noFindings(), width, room)
	}
	about := s.about(width)
	lines := s.listLines(width, min(len(s.findings.visible), max(room-len(about)-1, room/3, 1)))
	lines = append(lines, t.ruleLine(width))
	return t.block(append(lines, about...), width, room)
}

// listLines are the rows of the list.
func (s *traceScreen) listLines(width, room int) []string {
	from, to := s.findings.window(room)
	var lines []string
	for i := from; i < to; i++ {
		lines = append(lines, s.findingLine(s.found[s.findings.visible[i]], i == s.findings.at, width))
	}
	return lines
}

// findingLine is a finding as a row of the list.
func (s *traceScreen) findingLine(n finding, at bool, width int) string {
	t := s.t
	mark, style := t.dim.Render(t.g.masked), t.text
	switch n.kind {
	case logBad:
		mark = t.bad.Render(t.g.no)
	case logWarn:
		mark = t.warn.Render("!")
	}
	text := t.clean(n.text)
	if n.undone {
		style, text = t.dim, "undone: "+text
	}
	cursor := " "
	if at {
		cursor = t.accent.Render(t.g.selected)
		if s.pane != findingsPane {
			cursor = t.dim.Render(t.g.selected)
		}
		style = t.strong
	}
	sure := "    "
	if n.confidence > 0 {
		sure = fmt.Sprintf("%.2f", n.confidence)
	}
	where := n.steps()
	if n.by != "" {
		where = n.by
	}
	return t.fit(cursor+mark+" "+t.dim.Render(t.fitRight(where, 7))+" "+t.dim.Render(sure)+"  "+style.Render(t.fit(t.clean(n.id), 15))+" "+style.Render(text), width)
}

// about is all that is known of the selected finding.
func (s *traceScreen) about(width int) []string {
	t := s.t
	row, ok := s.findings.selected()
	if !ok {
		return nil
	}
	n := s.found[row]
	head := t.strong.Render(t.clean(n.id))
	title, _ := experiments.FailureTitle(n.id)
	if title != n.text && title != "" {
		head += "  " + t.clean(title)
	}
	switch {
	case n.by == "log":
	case n.by != "":
		head += t.dim.Render("  found by the " + n.by)
	case n.from == 0:
		head += t.dim.Render("  in the data, before the first step")
	default:
		head += t.dim.Render("  step " + n.steps())
	}
	if n.confidence > 0 {
		head += t.dim.Render("  confidence ") + fmt.Sprintf("%.2f", n.confidence)
	}
	if n.symptom {
		head += t.dim.Render("  a symptom")
	}
	lines := []string{" " + t.cut(head, width-2)}
	para := func(label, text string) {
		if text == "" {
			return
		}
		for i, l := range wrap(t.clean(text), max(width-12, 8)) {
			lead := label
			if i > 0 {
				lead = ""
			}
			lines = append(lines, " "+t.dim.Render(pad(lead, 10))+l)
		}
	}
	para("what", n.text)
	para("advice", n.advice)
	for i, e := range n.evidence {
		label := ""
		if i == 0 {
			label = "evidence"
		}
		if i == 8 {
			para("", fmt.Sprintf("and %d more", len(n.evidence)-i))
			break
		}
		para(label, e)
	}
	return lines
}
