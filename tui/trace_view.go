package tui

import (
	"fmt"
	"slices"
	"strings"

	"hone/experiments"
	"hone/runs"
)

// From these sizes on, panes of Trace stand beside each other: findings and chain
// above one of the others, and from traceBroad on above the batch and another.
const (
	traceWide  = 110
	traceTall  = 24
	traceBroad = 160
)

// wide reports the layout in which findings, chain and a pane more show.
func (s *traceScreen) wide() bool { return s.width >= traceWide && s.height >= traceTall }

// traceLook is everything a frame depends on: while it stays equal, so does the
// frame.
type traceLook struct {
	width, height   int
	snap            *snapshot
	feed            *traceFeed
	version         int // of the feed
	view            *stepView
	viewErr         string
	runDir          string
	pane, detail    int
	filter          string
	finding, tensor int // selected
	tensors         int // that pass the filter
	row, scroll, op int
	byNorm, bySpan  bool
	layer, module   int
	replay          *replayedView
	replayErr       string
	job             *replayJob
}

// View draws the body, anew only when something it depends on changed: Bubble Tea
// asks for it after every message.
func (s *traceScreen) View() string {
	look := traceLook{
		width: s.width, height: s.height, snap: s.snap, feed: s.feed, view: s.view, runDir: s.runDir,
		pane: s.pane, detail: s.detail, filter: s.filter.line.Text(), finding: s.findings.at, tensor: s.tensors.at, tensors: len(s.tensors.visible),
		row: s.rows.at, scroll: s.scroll, op: s.ops.at, byNorm: s.byNorm, bySpan: s.bySpan, layer: s.layer, module: s.module,
		replay: s.shownReplay(), job: s.job,
	}
	if s.replayErr != nil {
		look.replayErr = s.replayErr.Error()
	}
	if s.feed != nil {
		look.version = s.feed.version
	}
	if s.viewErr != nil {
		look.viewErr = s.viewErr.Error()
	}
	if s.frame == "" || look != s.drawn || s.filter.typing || s.typed {
		s.frame, s.drawn, s.typed = s.draw(), look, s.filter.typing
	}
	return s.frame
}

func (s *traceScreen) draw() string {
	t := s.t
	switch {
	case s.runDir == "":
		return t.body([]string{
			"", "  " + t.strong.Render("No run is open."), "",
			"  " + t.fit(t.key.Render("enter"), 9) + "choose one",
			"  " + t.fit(t.key.Render("i"), 9) + "start one with a failure planted on purpose, to see what finds it",
		}, s.width, s.height)
	case s.feed == nil || s.snap == nil:
		return t.body([]string{"", t.dim.Render("  reading " + t.clean(baseName(s.runDir)) + " " + t.g.ellipsis)}, s.width, s.height)
	case s.snap.Err != nil && len(s.snap.History.Steps) == 0:
		return t.body(append([]string{"", " " + t.bad.Render(t.g.no+" cannot be read")}, t.indented(s.snap.Err.Error(), 3, s.width)...), s.width, s.height)
	}
	lines := []string{s.headLine()}
	if figures := s.figureLine(); figures != "" && s.height >= 14 {
		lines = append(lines, figures)
	}
	if !s.wide() {
		lines = append(lines, s.paneTabs(0))
		lines = append(lines, s.paneLines(s.pane, s.width, s.height-len(lines))...)
		return t.body(lines, s.width, s.height)
	}
	lines = append(lines, t.ruleLine(s.width))
	room := s.height - len(lines)
	left := s.width/2 - 1
	right := s.width - left - 1
	above := s.aboutRoom(left, right, room)
	lines = append(lines, t.beside(
		append([]string{s.paneTitle(findingsPane)}, s.findingLines(left, above-1)...),
		append([]string{t.strong.Render(" " + s.chainTitle())}, s.chainLines(right, above-1)...), left, right, above)...)
	below := room - above - 1
	if s.width < traceBroad {
		lines = append(lines, t.over1(t.ruleLine(s.width), s.paneTabs(1)))
		lines = append(lines, s.paneLines(s.detail, s.width, below)...)
		return t.body(lines, s.width, s.height)
	}
	other := s.detail
	if other == batchPane {
		other = matrixPane
		if s.job != nil || s.shownReplay() != nil {
			other = replayPane
		}
	}
	lines = append(lines, t.ruleLine(s.width))
	lines = append(lines, t.beside(
		append([]string{s.paneTitle(batchPane)}, s.paneLines(batchPane, left, below-1)...),
		append([]string{s.paneTabs(replayPane)}, s.paneLines(other, right, below-1)...), left, right, below)...)
	return t.body(lines, s.width, s.height)
}

// over1 lays a text over the beginning of a line, a cell in.
func (t *theme) over1(line, text string) string {
	width := textWidth(line)
	return t.ends(t.dim.Render(t.g.rule)+text+" ", t.ruleLine(max(width-textWidth(text)-3, 0)), width)
}

// aboutRoom is how many lines findings and chain get: what they need, about two
// fifths at most.
func (s *traceScreen) aboutRoom(left, right, room int) int {
	need := max(len(s.chainLines(right, room))+1, min(len(s.findings.visible), 6)+2+len(s.about(left)))
	return max(min(need, room/2), min(10, room/2))
}

// paneLines draws one pane.
func (s *traceScreen) paneLines(pane, width, room int) []string {
	switch pane {
	case findingsPane:
		return s.findingsAndChain(width, room)
	case batchPane:
		return s.batchLines(width, room)
	case replayPane:
		return s.replayLines(width, room)
	case tensorsPane:
		return s.tensorLines(width, room)
	}
	return s.t.block(s.matrixLines(width, room), width, room)
}

// headLine says how the run stands and which step is shown.
func (s *traceScreen) headLine() string {
	t := s.t
	bad, warn := 0, 0
	for _, n := range s.found {
		switch {
		case n.undone:
		case n.kind == logBad:
			bad++
		case n.kind == logWarn:
			warn++
		}
	}
	verdict := t.good.Render(t.g.ok + " nothing wrong so far")
	switch {
	case s.feed.steps == 0 && len(s.found) == 0:
		verdict = t.dim.Render("no steps yet")
	case bad > 0:
		verdict = t.bad.Render(fmt.Sprintf("%s %s", t.g.no, plural(bad, "error")))
		if warn > 0 {
			verdict += t.warn.Render(", " + plural(warn, "warning"))
		}
	case s.snap.State == runs.Failed:
		verdict = t.bad.Render(t.g.no + " the run failed") // a recording of an earlier version has no alert of it
	case warn > 0:
		verdict = t.warn.Render("! " + plural(warn, "warning"))
	}
	parts := []string{verdict}
	if f := s.snap.Foreign; f != nil {
		return " " + joinFit(s.width-2, 3, append(parts, t.dim.Render("a log of ")+t.clean(f.Tool)+t.dim.Render(", read only"))...)
	}
	step := s.shownStep()
	if step > 0 {
		text := t.dim.Render("step ") + t.strong.Render(fmt.Sprint(step))
		if s.snap.Info.Steps > 0 {
			text += t.dim.Render(fmt.Sprintf(" of %d", s.snap.Info.Steps))
		}
		if s.chosen == newestStep {
			text += t.dim.Render(", the newest")
		}
		parts = append(parts, text)
	}
	if v := s.view; v != nil && v.record.Step == step && step > 0 {
		switch first, wrong := v.firstWrong(); {
		case !v.record.Applied && s.snap.State == runs.Failed:
			text := "halted before its update"
			if s.width < 100 {
				text = "halted"
			}
			parts = append(parts, t.bad.Render(text)+t.dim.Render(", nothing was lost"))
		case !v.record.Applied:
			parts = append(parts, t.warn.Render("not applied"))
		case wrong:
			parts = append(parts, t.warn.Render("applied; "+first.Name+" is odd"))
		default:
			parts = append(parts, t.good.Render(t.g.ok)+" applied")
		}
		if rows := s.suspects(); len(rows) > 0 {
			parts = append(parts, t.warn.Render("! "+rowsText(rows)))
		}
		if len(v.record.Notes) > 0 {
			parts = append(parts, t.warn.Render("! "+t.clean(v.record.Notes[0])))
		}
	}
	return " " + joinFit(s.width-2, 3, parts...)
}

// figureLine draws the figures of the steps up to the shown one.
func (s *traceScreen) figureLine() string {
	if s.view == nil || len(s.view.figures) == 0 {
		return ""
	}
	t := s.t
	spark := max(min((s.width-50)/4, 32), 8)
	var parts []string
	for _, f := range s.view.figures {
		last := f.last
		if f.odd {
			last = t.bad.Render(t.g.no + " " + last)
		}
		parts = append(parts, t.dim.Render(f.name+" ")+t.field.Render(t.spark(f.values, spark))+" "+last)
	}
	return " " + joinFit(s.width-2, 3, parts...)
}

// paneTabs names the panes from one on.
func (s *traceScreen) paneTabs(from int) string {
	var names []string
	for p := from; p < panes; p++ {
		names = append(names, s.paneTitle(p))
	}
	return strings.Join(names, " ")
}

// paneTitle is a pane's name with how much is in it; brackets and colour mark the
// one with the arrows.
func (s *traceScreen) paneTitle(p int) string {
	t := s.t
	name := ""
	switch p {
	case findingsPane:
		name = fmt.Sprintf("findings %d", len(s.found))
		if s.bySteps {
			name += " by step"
		}
	case batchPane:
		name = "batch"
		if s.view != nil && len(s.view.record.Rows) > 0 {
			name = "batch " + plural(len(s.view.record.Rows), "row")
		}
	case replayPane:
		name = "replay"
	case tensorsPane:
		name = "tensors"
		if s.grads() != nil {
			name = fmt.Sprintf("tensors %d", len(s.tensors.visible))
		}
		if s.byNorm {
			name += " by norm"
		}
	case matrixPane:
		name = "matrix"
	}
	out := t.dim.Render(" " + name + " ")
	if p == s.pane {
		out = t.accent.Render("[" + name + "]")
	}
	if p == tensorsPane {
		if f := s.filter.view(t, 24); f != "" {
			out += " " + f
		}
	}
	return out
}

// noStep says why there is no step to show; nil when there is one.
func (s *traceScreen) noStep(what string) []string {
	t := s.t
	switch {
	case s.snap.Foreign != nil:
		return append([]string{""}, t.indented("A log has no "+what+": it knows what was printed every so many steps, no more. Train a few steps with hone on the same data to see them.", 2, s.width)...)
	case s.viewErr != nil:
		return append([]string{""}, t.indented(t.g.no+" "+s.viewErr.Error(), 2, s.width)...)
	case s.view == nil:
		return []string{"", t.dim.Render("  reading the trace " + t.g.ellipsis)}
	case s.view.record.Step == 0 && s.view.of.step > 0:
		return []string{"", t.dim.Render(fmt.Sprintf("  the trace has no step %d", s.view.of.step))}
	case s.view.record.Step == 0:
		return []string{"", t.dim.Render("  no step was recorded yet")}
	}
	return nil
}

// indented wraps text from outside, some cells in.
func (t *theme) indented(text string, by, width int) []string {
	var lines []string
	for _, l := range wrap(t.clean(text), max(width-by-2, 8)) {
		lines = append(lines, spaces(by)+l)
	}
	return lines
}

// chainTitle is above the chain.
func (s *traceScreen) chainTitle() string {
	if s.snap.Foreign != nil {
		return "what the log says"
	}
	if n := s.shownStep(); n > 0 {
		return fmt.Sprintf("chain of step %d", n)
	}
	return "chain"
}

// chainLines are the stages of the shown step, the first that went wrong marked,
// and what came after it.
func (s *traceScreen) chainLines(width, room int) []string {
	t := s.t
	if s.snap.Foreign != nil {
		return s.logLines(width, room)
	}
	if lines := s.noStep("steps"); lines != nil {
		return lines
	}
	const label = 13
	inner := max(width-label-1, 8)
	var lines []string
	spare := room - len(s.view.record.Stages)
	for _, g := range s.view.record.Stages {
		mark, style, text := t.dim.Render(t.g.off), t.dim, g.Text
		most := 1
		switch g.Verdict {
		case experiments.WentWell:
			mark, style = t.good.Render(t.g.ok), t.text
		case experiments.WentWrong:
			mark, style, most = t.bad.Render(t.g.no), t.strong, 3
		}
		if g.ID != "" {
			text = g.ID + ": " + text
		}
		wrapped := wrap(t.clean(text), inner)
		if g.First {
			first := t.bad.Render("first cause")
			wrapped = wrap(t.clean(text), max(inner-13, 8))
			wrapped[0] = t.ends(style.Render(wrapped[0]), first, inner)
		}
		most = max(min(most, 1+spare), 1)
		if len(wrapped) > most {
			wrapped[most-1] = t.cut(strings.Join(wrapped[most-1:], " "), inner)
			wrapped = wrapped[:most]
		}
		spare -= len(wrapped) - 1
		for i, l := range wrapped {
			if i == 0 {
				lines = append(lines, " "+mark+" "+style.Render(pad(g.Name, label-3))+style.Render(l))
			} else {
				lines = append(lines, spaces(label)+style.Render(l))
			}
		}
	}
	return slices.Concat(lines, s.afterLines(width, room-len(lines)))
}

// afterLines say what came after the step, and what another trainer would have
// shown of it.
func (s *traceScreen) afterLines(width, room int) []string {
	t, v := s.t, s.view
	var lines []string
	for i, text := range v.followed {
		lead := ""
		if i == 0 {
			lead = "then"
		}
		lines = append(lines, "   "+t.dim.Render(pad(lead, 10))+t.cut(t.clean(text), max(width-14, 4)))
	}
	if v.hidden() && len(lines)+2 <= room {
		var is, shown []string
		for _, x := range v.shown {
			is, shown = append(is, figure(x.is)), append(shown, figure(x.shown))
		}
		lines = append(lines,
			"   "+t.dim.Render(pad("loss", 10))+strings.Join(is, "  "),
			"   "+t.dim.Render(pad("elsewhere", 10))+strings.Join(shown, "  ")+t.dim.Render(" "+t.g.off+" a NaN filter's"))
	}
	return lines[:max(min(len(lines), room), 0)]
}

// logLines are what a foreign log says and cannot say.
func (s *traceScreen) logLines(width, room int) []string {
	t, f := s.t, s.snap.Foreign
	var lines []string
	add := func(mark, text string) {
		for i, l := range wrap(t.clean(text), max(width-5, 8)) {
			if i > 0 {
				mark = " "
			}
			lines = append(lines, " "+mark+" "+l)
		}
	}
	for _, x := range f.Facts {
		add(t.dim.Render(t.g.masked), x)
	}
	lines = append(lines, " "+t.strong.Render("it cannot tell"))
	for _, x := range f.Limits {
		add(t.warn.Render("?"), x)
	}
	for i, x := range f.Others {
		if i == 4 {
			add(" ", fmt.Sprintf("and %d more", len(f.Others)-i))
			break
		}
		add(t.dim.Render("+"), "beside it: "+x)
	}
	return lines[:min(len(lines), max(room, 0))]
}
