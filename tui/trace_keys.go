package tui

import (
	"math"

	tea "github.com/charmbracelet/bubbletea"
)

// Keys depends on the pane that has the arrows.
func (s *traceScreen) Keys() []keyGroup {
	if s.filter.typing {
		return s.filter.keys()
	}
	if s.snap == nil {
		return []keyGroup{{Title: "run", Bindings: []binding{
			{Keys: []string{"enter"}, Text: "choose a run", Help: "open the list of runs", Run: func() tea.Cmd { return goTo(runsScreenID) }},
			{Keys: []string{"i"}, Text: "plant a failure", Help: "start a run of the experiment on 2 with a failure planted on purpose, to see what finds it", Quiet: true, Run: do(s.askInject)},
		}}}
	}
	rows := s.paneKeys()
	own := func() bool { return s.snap.Foreign == nil }
	stepped := func() bool { return own() && len(s.snap.History.Steps)+len(s.found) > 0 }
	rows = append(rows,
		binding{Keys: []string{"tab"}, Text: "pane", Help: "next pane: findings, batch, replay, tensors, matrix (shift+tab: back)", Run: do(func() { s.turn(1) })},
		binding{Keys: []string{"shift+tab"}, Help: "previous pane", Quiet: true, Run: do(func() { s.turn(panes - 1) })},
	)
	act := []binding{
		{Keys: []string{"x"}, Text: "stop the replay", Help: "stop the replay that is under way", Run: s.stopReplay, When: func() bool { return s.job != nil }},
		{Keys: []string{"r", "b"}, Label: "r", Text: "replay", Help: "execute the shown step again with every operation traced, in the background; one that is not finite is bisected to row, operation, element and token (also b)", Run: s.askReplay, When: func() bool { return s.job == nil && s.replayable() }},
		{Keys: []string{"R"}, Text: "replay changed", Help: "execute it twice: as it was, and without some rows or with other settings", Quiet: true, Run: do(s.askVariant), When: func() bool { return s.job == nil && s.replayable() }},
		{Keys: []string{"w"}, Text: "rewind", Help: "take the run back before the shown step, with or without the rows to blame, and train on from there; asks first", Run: s.askRewind, When: own},
		{Keys: []string{"d"}, Text: "doctor", Help: "have the doctor look at the run's records, data and weights; its findings join the list", Run: s.diagnose, When: func() bool { return !s.examining }},
		{Keys: []string{"i"}, Text: "plant a failure", Help: "start a run of the experiment on 2 with a failure planted on purpose, to see what finds it", Quiet: true, Run: do(s.askInject)},
	}
	steps := []binding{
		{Keys: []string{"]"}, Label: "[/]", Text: "step", Help: "the step before and after the shown one", Run: s.stepBy(1), When: stepped},
		{Keys: []string{"["}, Help: "previous step", Quiet: true, Run: s.stepBy(-1), When: stepped},
		{Keys: []string{"#"}, Text: "go to step", Help: "show another step", Quiet: true, Run: do(s.askStep), When: stepped},
		{Keys: []string{"N"}, Text: "newest step", Help: "show the newest step, and each that comes", Quiet: true, Run: func() tea.Cmd { return s.goStep(newestStep) }, When: stepped},
		{Keys: []string{"c"}, Text: "charts", Help: "go to Train with the crosshair on the shown step", Quiet: true, Run: s.showOnCharts},
	}
	return []keyGroup{{Title: "trace", Bindings: rows}, {Title: "act", Bindings: act}, {Title: "steps", Bindings: steps}}
}

// paneKeys are those of the pane that has the arrows.
func (s *traceScreen) paneKeys() []binding {
	none := func() tea.Cmd { return nil }
	has := func() bool { return s.grads() != nil }
	switch s.pane {
	case batchPane:
		return append(s.rows.bindings("row", func() tea.Cmd { s.scroll = 0; return nil }),
			binding{Keys: []string{"J", "shift+down"}, Label: "J K", Help: "scroll the tokens down and up", Quiet: true, Moves: true, Run: do(func() { s.scroll++ })},
			binding{Keys: []string{"K", "shift+up"}, Quiet: true, Moves: true, Run: do(func() { s.scroll = max(s.scroll-1, 0) })},
			binding{Keys: []string{"enter"}, Text: "row on Data", Help: "show the row on Data, where that is the run's dataset", Run: s.showOnData, When: func() bool { return s.dataShown() }},
		)
	case replayPane:
		return s.ops.bindings("operation", none)
	case tensorsPane:
		return append(s.tensors.bindings("tensor", none), s.tensorKeys(has)...)
	case matrixPane:
		return append(s.matrixKeys(has), s.tensorKeys(has)...)
	}
	return append(s.findings.bindings("finding", func() tea.Cmd { s.chosen = byFinding; return s.readStep() }),
		binding{Keys: []string{"enter"}, Text: "charts", Help: "go to Train with the crosshair on the finding's step", Run: s.showOnCharts, When: func() bool { _, ok := s.findings.selected(); return ok }},
		binding{Keys: []string{"o"}, Text: "order", Help: "order findings by rank, the likeliest cause first, or by step", Quiet: true, Run: do(func() { s.bySteps = !s.bySteps; s.collect() })},
	)
}

// tensorKeys choose which tensors are listed.
func (s *traceScreen) tensorKeys(has func() bool) []binding {
	return []binding{
		{Keys: []string{"/"}, Text: "filter", Help: "list only tensors whose name holds all the words typed", Run: do(func() { s.turnTo(tensorsPane); s.filter.open() }), When: has},
		{Keys: []string{"o"}, Text: "order", Help: "order tensors by the size of their gradient or by name", Run: do(func() { s.byNorm = !s.byNorm; s.list() }), When: has},
	}
}

// matrixKeys move the selected cell.
func (s *traceScreen) matrixKeys(has func() bool) []binding {
	move := func(layers, modules int) func() tea.Cmd {
		return do(func() {
			s.layer = max(min(s.layer+layers, s.grads().layers-1), 0)
			s.module = max(min(s.module+modules, len(s.grads().modules)-1), 0)
		})
	}
	return []binding{
		{Keys: []string{"left", "h"}, Label: "arrows", Text: "cell", Help: "move the selected cell (also h, l, k, j)", Run: move(-1, 0), When: has},
		{Keys: []string{"right", "l"}, Help: "next layer", Quiet: true, Run: move(1, 0), When: has},
		{Keys: []string{"up", "k"}, Help: "module above", Quiet: true, Run: move(0, -1), When: has},
		{Keys: []string{"down", "j"}, Help: "module below", Quiet: true, Run: move(0, 1), When: has},
		{Keys: []string{"home", "g"}, Help: "first layer", Quiet: true, Run: move(-math.MaxInt32, 0), When: has},
		{Keys: []string{"end", "G"}, Help: "last layer", Quiet: true, Run: move(math.MaxInt32, 0), When: has},
		{Keys: []string{"v"}, Text: "steps", Help: "layers over the last steps, or over modules", Run: do(func() { s.bySpan = !s.bySpan }), When: has},
		{Keys: []string{"enter"}, Text: "its tensors", Help: "list the tensors of the cell", Run: do(s.openCell), When: has},
	}
}
