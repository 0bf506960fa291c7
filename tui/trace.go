package tui

import (
	"math"
	"slices"

	tea "github.com/charmbracelet/bubbletea"
)

// The panes of the Trace screen.
const (
	findingsPane = iota
	tensorsPane
	matrixPane
	panes
)

// traceScreen shows why a run went wrong, or that nothing did: alerts and steps
// with odd figures, and the size of every tensor's gradient as the recorder saw it
// last.
type traceScreen struct {
	*app
	width, height int
	visible       bool

	feed     *traceFeed
	building string // directory whose history is being read into a feed; "" = none
	findings list

	gradReader

	pane    int
	filter  filter
	tensors list
	byNorm  bool
	layer   int // selected in the matrix
	module  int

	drawn traceLook // what frame was drawn from
	frame string
	typed bool // and that a filter was being typed then
}

// traceBuiltMsg is a feed that was made in a command.
type traceBuiltMsg struct{ feed *traceFeed }

func newTrace(a *app) *traceScreen {
	return &traceScreen{app: a, byNorm: true, gradReader: newGradReader(a.back)}
}

func (s *traceScreen) Title() string             { return "Trace" }
func (s *traceScreen) SetSize(width, height int) { s.width, s.height = width, height }
func (s *traceScreen) CapturesText() bool        { return s.filter.typing }

// Focus reads the trace, which is done only while someone looks.
func (s *traceScreen) Focus() tea.Cmd {
	s.visible = true
	return s.readGrads()
}

// Blur ends typing.
func (s *traceScreen) Blur() { s.visible, s.filter.typing = false, false }

// Escape takes the filter away.
func (s *traceScreen) Escape() (tea.Cmd, bool) {
	if s.filter.clear() {
		s.list()
		return nil, true
	}
	return nil, false
}

// Update follows the history, and the trace while the screen is visible.
func (s *traceScreen) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.KeyMsg:
		if s.filter.key(msg) {
			s.list()
		}
	case themedMsg:
		s.frame = ""
	case snapshotMsg:
		return tea.Batch(s.catchUp(), s.readGrads())
	case traceBuiltMsg:
		if msg.feed.dir != s.building {
			return nil
		}
		s.building = ""
		s.adopt(msg.feed)
		return s.catchUp()
	case gradsMsg:
		if s.keep(msg, s.runDir) {
			s.list()
		}
		return s.readGrads() // what came while this was read
	}
	return nil
}

// catchUp takes what the current snapshot has beyond the feed.
func (s *traceScreen) catchUp() tea.Cmd {
	snap := s.snap
	if snap == nil {
		return nil
	}
	if s.feed != nil && s.feed.dir == snap.Dir && len(snap.History.Steps)-s.feed.steps <= manySteps {
		n := len(s.feed.found)
		if s.feed.take(snap) {
			if len(s.feed.found) != n {
				s.findings.show(s.feed.order())
			}
			return nil
		}
	}
	if s.building == snap.Dir {
		return nil
	}
	if s.feed != nil && s.feed.dir != snap.Dir {
		s.feed, s.grads, s.findings, s.tensors = nil, nil, list{}, list{}
		s.layer, s.module = 0, 0
	}
	if len(snap.History.Steps) <= manySteps {
		s.adopt(newTraceFeed(snap))
		return nil
	}
	s.building = snap.Dir
	return func() tea.Msg { return traceBuiltMsg{newTraceFeed(snap)} }
}

// newTraceFeed is a feed of a whole snapshot.
func newTraceFeed(snap *snapshot) *traceFeed {
	f := &traceFeed{cursor: newCursor(snap.Dir)}
	f.take(snap) // an empty feed takes any history
	return f
}

func (s *traceScreen) adopt(f *traceFeed) {
	s.feed = f
	s.findings.show(f.order())
}

// readGrads reads the end of the trace while somebody looks.
func (s *traceScreen) readGrads() tea.Cmd {
	if !s.visible {
		return nil
	}
	return s.next(s.snap)
}

// list works out which tensors pass the filter, in which order.
func (s *traceScreen) list() {
	if s.grads == nil {
		s.tensors.show(nil)
		return
	}
	query := s.filter.text()
	rows := make([]int, 0, len(s.grads.tensors))
	for i := range s.grads.tensors {
		if matches(s.grads.tensors[i].low, query) {
			rows = append(rows, i)
		}
	}
	if s.byNorm {
		slices.SortStableFunc(rows, func(a, b int) int { return byNorm(s.grads.tensors[a], s.grads.tensors[b]) })
	}
	top := s.tensors.at == 0
	s.tensors.show(rows)
	if top && s.byNorm {
		s.tensors.at = 0 // whoever looks at the largest goes on looking at the largest
	}
	s.layer = max(min(s.layer, s.grads.layers-1), 0)
	s.module = max(min(s.module, len(s.grads.modules)-1), 0)
}

// Keys depends on the pane that has the arrows.
func (s *traceScreen) Keys() []keyGroup {
	if s.filter.typing {
		return s.filter.keys()
	}
	if s.snap == nil {
		return []keyGroup{{Title: "run", Bindings: []binding{
			{Keys: []string{"enter"}, Text: "choose a run", Help: "open the list of runs", Run: func() tea.Cmd { return goTo(runsScreenID) }},
		}}}
	}
	none := func() tea.Cmd { return nil }
	has := func() bool { return s.grads != nil }
	var rows []binding
	switch s.pane {
	case findingsPane:
		rows = s.findings.bindings("finding", none)
		rows = append(rows, binding{Keys: []string{"enter"}, Text: "show on the charts", Help: "go to Train with the crosshair on the finding's step", Run: s.showOnCharts, When: func() bool { _, ok := s.findings.selected(); return ok }})
	case tensorsPane:
		rows = s.tensors.bindings("tensor", none)
	case matrixPane:
		rows = s.matrixKeys(has)
	}
	rows = append(rows,
		binding{Keys: []string{"tab"}, Text: "pane", Help: "next pane: findings, tensors, matrix (shift+tab: back)", Run: do(func() { s.turn(1) })},
		binding{Keys: []string{"shift+tab"}, Help: "previous pane", Quiet: true, Run: do(func() { s.turn(panes - 1) })},
		binding{Keys: []string{"/"}, Text: "filter", Help: "list only tensors whose name holds all the words typed", Run: do(func() { s.pane = tensorsPane; s.filter.open() }), When: has},
		binding{Keys: []string{"o"}, Text: "order", Help: "order tensors by the size of their gradient or by name", Run: do(func() { s.byNorm = !s.byNorm; s.list() }), When: has},
	)
	return []keyGroup{{Title: "trace", Bindings: rows}}
}

// matrixKeys move the selected cell.
func (s *traceScreen) matrixKeys(has func() bool) []binding {
	move := func(layers, modules int) func() tea.Cmd {
		return do(func() {
			s.layer = max(min(s.layer+layers, s.grads.layers-1), 0)
			s.module = max(min(s.module+modules, len(s.grads.modules)-1), 0)
		})
	}
	return []binding{
		{Keys: []string{"left", "h"}, Label: "arrows", Text: "cell", Help: "move the selected cell (also h, l, k, j)", Run: move(-1, 0), When: has},
		{Keys: []string{"right", "l"}, Help: "next layer", Quiet: true, Run: move(1, 0), When: has},
		{Keys: []string{"up", "k"}, Help: "module above", Quiet: true, Run: move(0, -1), When: has},
		{Keys: []string{"down", "j"}, Help: "module below", Quiet: true, Run: move(0, 1), When: has},
		{Keys: []string{"home", "g"}, Help: "first layer", Quiet: true, Run: move(-math.MaxInt32, 0), When: has},
		{Keys: []string{"end", "G"}, Help: "last layer", Quiet: true, Run: move(math.MaxInt32, 0), When: has},
		{Keys: []string{"enter"}, Text: "its tensors", Help: "list the tensors of the cell", Run: do(s.openCell), When: has},
	}
}

// turn gives the arrows to another pane.
func (s *traceScreen) turn(by int) { s.pane = (s.pane + by) % panes }

// openCell lists the tensors of the selected cell.
func (s *traceScreen) openCell() {
	if s.module >= len(s.grads.modules) {
		return
	}
	s.filter.line.Set(cellQuery(s.layer, s.grads.modules[s.module]))
	s.pane = tensorsPane
	s.list()
}

// showOnCharts goes to Train with the crosshair on the selected finding.
func (s *traceScreen) showOnCharts() tea.Cmd {
	row, ok := s.findings.selected()
	if !ok {
		return nil
	}
	step := float64(s.feed.found[row].from)
	return tea.Batch(func() tea.Msg { return crosshairMsg{step} }, goTo(trainScreenID))
}

// crosshairMsg puts the crosshair of Train's charts on a step.
type crosshairMsg struct{ step float64 }
