package tui

import (
	"fmt"
	"math"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// From this size on, the panes of Trace stand beside each other.
const (
	traceWide = 110
	traceTall = 24
)

// wide reports the layout in which all panes show.
func (s *traceScreen) wide() bool { return s.width >= traceWide && s.height >= traceTall }

// traceLook is everything a frame depends on: while it stays equal, so does the
// frame.
type traceLook struct {
	width, height   int
	snap            *snapshot
	feed            *traceFeed
	version         int // of the feed
	grads           *gradView
	gradsErr        string
	gradsOf, runDir string
	pane            int
	filter          string
	finding, tensor int // selected
	tensors         int // that pass the filter
	byNorm          bool
	layer, module   int
}

// View draws the body, anew only when something it depends on changed: Bubble Tea
// asks for it after every message.
func (s *traceScreen) View() string {
	look := traceLook{
		width: s.width, height: s.height, snap: s.snap, feed: s.feed, grads: s.grads, gradsOf: s.gradsOf, runDir: s.runDir,
		pane: s.pane, filter: s.filter.line.Text(), finding: s.findings.at, tensor: s.tensors.at, tensors: len(s.tensors.visible),
		byNorm: s.byNorm, layer: s.layer, module: s.module,
	}
	if s.feed != nil {
		look.version = s.feed.version
	}
	if s.gradsErr != nil {
		look.gradsErr = s.gradsErr.Error()
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
		}, s.width, s.height)
	case s.feed == nil:
		return t.body([]string{"", t.dim.Render("  reading " + t.clean(baseName(s.runDir)) + " " + t.g.ellipsis)}, s.width, s.height)
	}
	lines := []string{s.headLine(), t.ruleLine(s.width)}
	room := s.height - len(lines)
	if !s.wide() {
		lines = append(lines, s.paneTabs())
		room--
		switch s.pane {
		case findingsPane:
			lines = append(lines, s.findingLines(s.width, room)...)
		case tensorsPane:
			lines = append(lines, s.tensorLines(s.width, room)...)
		default:
			lines = append(lines, s.matrixLines(s.width, room)...)
		}
		return t.body(lines, s.width, s.height)
	}
	bottom := len(s.matrixLines(s.width, room/2)) + 1
	top := room - bottom
	left := s.width/2 - 1
	right := s.width - left - 1
	lines = append(lines, t.beside(
		append([]string{s.paneTitle(findingsPane)}, s.findingLines(left, top-1)...),
		append([]string{s.paneTitle(tensorsPane)}, s.tensorLines(right, top-1)...), left, right, top)...)
	lines = append(lines, t.ends(s.paneTitle(matrixPane), s.legend()+" ", s.width))
	lines = append(lines, s.matrixLines(s.width, bottom-1)...)
	return t.body(lines, s.width, s.height)
}

// headLine says how the run stands and what the recorder saw last.
func (s *traceScreen) headLine() string {
	t := s.t
	bad, warn := 0, 0
	for _, n := range s.feed.found {
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
	case s.feed.steps == 0 && len(s.feed.found) == 0:
		verdict = t.dim.Render("no steps yet")
	case bad > 0:
		verdict = t.bad.Render(fmt.Sprintf("%s %s", t.g.no, plural(bad, "error")))
		if warn > 0 {
			verdict += t.warn.Render(", " + plural(warn, "warning"))
		}
	case warn > 0:
		verdict = t.warn.Render("! " + plural(warn, "warning"))
	}
	parts := []string{verdict}
	if v := s.grads; v != nil {
		if v.badTensors > 0 {
			text := fmt.Sprintf("%s %s not finite", t.g.no, plural(v.badTensors, "tensor"))
			if v.firstBad >= 0 {
				text += fmt.Sprintf(" since step %d", v.firstBad)
			}
			parts = append(parts, t.bad.Render(text))
		}
		parts = append(parts, t.dim.Render("gradients of step ")+fmt.Sprint(v.step))
		if !math.IsNaN(v.norm) || v.badTensors > 0 {
			parts = append(parts, t.dim.Render("norm ")+figure(v.norm))
		}
		if !math.IsNaN(v.clip) {
			parts = append(parts, t.dim.Render("clip ")+figure(v.clip))
		}
		if len(v.notes) > 0 {
			parts = append(parts, t.warn.Render("! "+t.clean(v.notes[0])))
		}
	}
	return " " + joinFit(s.width-2, 3, parts...)
}

// paneTabs names the panes where one shows at a time.
func (s *traceScreen) paneTabs() string {
	var names []string
	for p := range panes {
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
		name = fmt.Sprintf("findings %d", len(s.feed.found))
	case tensorsPane:
		name = "tensors"
		if s.grads != nil {
			name = fmt.Sprintf("tensors %d", len(s.tensors.visible))
		}
		if s.byNorm {
			name += " by norm"
		} else {
			name += " by name"
		}
	case matrixPane:
		name = "layers x modules"
	}
	out := t.dim.Render(" " + name + " ")
	if p == s.pane {
		out = t.accent.Render("[" + name + "]")
	}
	if p == tensorsPane {
		if f := s.filter.view(t, 30); f != "" {
			out += " " + f
		}
	}
	return out
}

// findingLines are the findings and what is known of the selected one.
func (s *traceScreen) findingLines(width, room int) []string {
	t := s.t
	if len(s.feed.found) == 0 {
		lines := []string{"", t.dim.Render("  no alerts, no figure that is not a number, no loss of exactly zero")}
		if s.feed.steps > 0 {
			lines = append(lines, t.dim.Render(fmt.Sprintf("  in %s", plural(s.feed.steps, "step"))))
		}
		return t.block(lines, width, room)
	}
	var about []string
	if row, ok := s.findings.selected(); ok {
		about = s.aboutFinding(s.feed.found[row], width)
	}
	listRoom := min(len(s.findings.visible), max(room-len(about)-1, room/3, 1))
	from, to := s.findings.window(listRoom)
	var lines []string
	for i := from; i < to; i++ {
		lines = append(lines, s.findingLine(s.feed.found[s.findings.visible[i]], i == s.findings.at, width))
	}
	lines = append(lines, t.ruleLine(width))
	return t.block(append(lines, about...), width, room)
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
		style, text = t.dim, text+" (undone)"
	}
	cursor := " "
	if at {
		cursor = t.accent.Render(t.g.selected)
		if s.pane != findingsPane {
			cursor = t.dim.Render(t.g.selected)
		}
		style = t.strong
	}
	return t.fit(cursor+mark+" "+t.dim.Render(t.fitRight(n.steps(), 8))+"  "+style.Render(t.fit(t.clean(n.id), 15))+" "+style.Render(text), width)
}

// aboutFinding is all that is known of a finding.
func (s *traceScreen) aboutFinding(n finding, width int) []string {
	t := s.t
	head := t.strong.Render(t.clean(n.id)) + t.dim.Render("  step "+n.steps())
	if n.confidence > 0 {
		head += t.dim.Render("  confidence " + shareText(n.confidence))
	}
	lines := []string{" " + head}
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
		if i == 8 {
			para("", fmt.Sprintf("and %d more", len(n.evidence)-i))
			break
		}
		label := ""
		if i == 0 {
			label = "evidence"
		}
		if label == "" {
			label = " "
		}
		para(label, e)
	}
	return lines
}

// noGrads says why there are no gradients to show; nil when there are some.
func (s *traceScreen) noGrads() []string {
	t := s.t
	switch {
	case s.grads != nil:
		return nil
	case s.gradsErr != nil:
		return []string{"", t.bad.Render("  " + t.g.no + " " + t.clean(s.gradsErr.Error()))}
	case s.gradsOf != s.runDir:
		return []string{"", t.dim.Render("  reading the trace " + t.g.ellipsis)}
	}
	return []string{"", t.dim.Render("  no gradients were recorded yet")}
}

// tensorLines are the tensors with a bar each.
func (s *traceScreen) tensorLines(width, room int) []string {
	t := s.t
	if lines := s.noGrads(); lines != nil {
		return t.block(lines, width, room)
	}
	if len(s.tensors.visible) == 0 {
		return t.block([]string{"", t.dim.Render("  no tensor's name holds all of these words")}, width, room)
	}
	from, to := s.tensors.window(room)
	const number = 9
	name := max(min(s.grads.nameWidth, width-number-5-12), 4)
	bar := max(min(width-name-number-5, 24), 4)
	name = max(min(s.grads.nameWidth+4, width-bar-number-5), 4)
	var lines []string
	for i := from; i < to; i++ {
		x := s.grads.tensors[s.tensors.visible[i]]
		cursor, style := " ", t.text
		if i == s.tensors.at {
			cursor = t.dim.Render(t.g.selected)
			if s.pane == tensorsPane {
				cursor = t.accent.Render(t.g.selected)
			}
			style = t.strong
		}
		value := t.fitRight(figure(x.norm), number)
		drawn := t.field.Render(pad(t.barOf(share(x.norm, s.grads.largest), bar), bar))
		if x.bad > 0 {
			value = t.bad.Render(t.fitRight(figure(x.norm), number))
			drawn = t.bad.Render(t.fit(fmt.Sprintf("%s %s", t.g.no, plural(x.bad, "value")), bar))
		}
		lines = append(lines, t.fit(cursor+" "+style.Render(pad(t.cutLeft(t.clean(x.name), name), name))+value+"  "+drawn, width))
	}
	return t.block(lines, width, room)
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
