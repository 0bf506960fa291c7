package tui

import (
	"errors"
	"fmt"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
)

// runsPair is two runs side by side; nil while the list is shown.
type runsPair struct {
	a, b   runRow
	pair   experiments.RunPair
	scroll int
	room   int // lines of the settings at the last drawing
}

// pairOf are the runs to put side by side: the two that were marked first, or the
// marked one and the selected one.
func (r *runsScreen) pairOf() (a, b *runRow, ok bool) {
	var two []*runRow
	for _, i := range r.marked("") {
		two = append(two, &r.all[i])
	}
	if run, ok := r.selected(); ok && len(two) == 1 && two[0].ID != run.ID {
		two = append(two, run)
	}
	if len(two) < 2 {
		return nil, nil, false
	}
	return two[0], two[1], true
}

// openPair puts two runs side by side. The differences are worked out in a command.
func (r *runsScreen) openPair() tea.Cmd {
	a, b, ok := r.pairOf()
	if !ok {
		return problem(errors.New("mark two runs with space, or one and select another"))
	}
	one, two := *a, *b
	return func() tea.Msg { return pairMsg{one, two, experiments.PairRuns(one.facts(), two.facts())} }
}

// pairMsg is how two runs differ.
type pairMsg struct {
	a, b runRow
	pair experiments.RunPair
}

// facts are what queries and comparisons ask of a run.
func (r *runRow) facts() experiments.RunFacts {
	return experiments.RunFacts{
		ID: r.ID, Name: r.Name, State: r.State, Tags: r.Tags, Note: r.Note, Step: float64(r.Step), Steps: float64(r.Steps),
		Loss: r.Loss, Exact: r.Exact, Valid: r.Valid, Fields: r.FieldAccuracy, Seconds: r.Seconds, Config: r.Config,
	}
}

// pairKeys are the keys of two runs side by side.
func (r *runsScreen) pairKeys() []keyGroup {
	by := func(n int) func() tea.Cmd { return do(func() { r.pair.scroll += n }) }
	return []keyGroup{{Title: "two runs", Bindings: []binding{
		{Keys: []string{"=", "enter"}, Label: "=", Text: "list", Help: "back to the list of runs", Run: do(func() { r.pair = nil })},
		{Keys: []string{"x"}, Text: "swap", Help: "the other run first", Run: func() tea.Cmd {
			one, two := r.pair.b, r.pair.a
			return func() tea.Msg { return pairMsg{one, two, experiments.PairRuns(one.facts(), two.facts())} }
		}},
		{Keys: []string{"up", "k"}, Label: "↑↓", Text: "scroll", Help: "scroll the settings (also k, j)", Moves: true, Run: by(-1)},
		{Keys: []string{"down", "j"}, Quiet: true, Moves: true, Run: by(1)},
		{Keys: []string{"pgup", "ctrl+u"}, Label: "PgUp PgDn", Help: "a page up and down (also ^u, ^d)", Quiet: true, Moves: true, Run: do(func() { r.pair.scroll -= max(r.pair.room-1, 1) })},
		{Keys: []string{"pgdown", "ctrl+d"}, Quiet: true, Moves: true, Run: do(func() { r.pair.scroll += max(r.pair.room-1, 1) })},
	}}}
}

// pairLines are two runs side by side: what came of them above, the settings that
// differ below.
func (r *runsScreen) pairLines() []string {
	t, p := r.t, r.pair
	name := min(22, max(r.width/4, 8))
	cell := max((r.width-name-16)/2, 6)
	row := func(what, a, b, diff string) string {
		return " " + t.fit(what, name) + t.fit(a, cell) + " " + t.fit(b, cell) + " " + diff
	}
	lines := []string{
		row(t.strong.Render("two runs"), t.strong.Render(t.clean(p.a.title())), t.strong.Render(t.clean(p.b.title())), t.dim.Render("difference")),
		t.ruleLine(r.width),
		row("state", t.stateMark(p.a.State)+" "+t.clean(p.a.State), t.stateMark(p.b.State)+" "+t.clean(p.b.State), ""),
		row("loss curve", t.accent.Render(t.spark(p.a.Curve, min(cell-1, 32))), t.accent.Render(t.spark(p.b.Curve, min(cell-1, 32))), ""),
	}
	for _, s := range p.pair.Scores {
		diff, style, mark := "", t.dim, " "
		if finite(s.Diff) {
			diff = fmt.Sprintf("%+.4g", s.Diff)
		}
		switch {
		case s.Better > 0:
			style, mark = t.good, t.g.ok
		case s.Better < 0:
			style, mark = t.bad, t.g.no
		}
		lines = append(lines, row(s.Name, pairFigure(s.A), pairFigure(s.B), style.Render(mark+" "+diff)))
	}
	for _, labels := range []struct{ what, a, b string }{
		{"tags", joinWords(p.a.hashTags()...), joinWords(p.b.hashTags()...)}, {"note", p.a.Note, p.b.Note},
	} {
		if labels.a+labels.b != "" {
			lines = append(lines, row(labels.what, t.clean(labels.a), t.clean(labels.b), ""))
		}
	}
	head := "settings: none differs"
	if n := len(p.pair.Settings); n > 0 {
		head = plural(n, "different setting")
	}
	if p.pair.Problem != "" {
		head = p.pair.Problem
	}
	lines = append(lines, t.ruleLine(r.width), " "+t.strong.Render(t.clean(head)))
	p.room = max(r.height-len(lines), 1)
	p.scroll = max(min(p.scroll, len(p.pair.Settings)-p.room), 0)
	for _, ch := range p.pair.Settings[p.scroll:min(p.scroll+p.room, len(p.pair.Settings))] {
		lines = append(lines, row(t.clean(ch.Key), t.clean(ch.A), t.clean(ch.B), ""))
	}
	return lines
}

// pairFigure writes a figure of a run, or a dash where there is none.
func pairFigure(v float64) string {
	if v != v {
		return "-"
	}
	return fmt.Sprintf("%.4g", v)
}
