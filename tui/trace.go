package tui

import (
	"slices"

	tea "github.com/charmbracelet/bubbletea"
)

// The panes of the Trace screen, in the order of tab.
const (
	findingsPane = iota
	batchPane
	replayPane
	tensorsPane
	matrixPane
	panes
)

// traceScreen shows why a run went wrong, or that nothing did: what was found, the
// chain from the rows of a step to its update, the batch as it was consumed, and
// the gradients. From here a step is executed again, and the run goes back.
type traceScreen struct {
	*app
	width, height int
	visible       bool

	feed     *traceFeed
	building string // directory whose history is being read into a feed; "" = none
	doctor   *diagnosis
	found    []finding // of the doctor and of the feed
	findings list
	bySteps  bool

	chosen  int // step; byFinding, newestStep
	view    *stepView
	viewErr error
	asked   stepAsk // of the last reading
	reading bool    // one is under way
	read    stepReader

	pane      int
	detail    int  // the pane that shows beside the findings
	rows      list // of the batch
	scroll    int  // lines of its tokens
	tokens    tokenCache
	job       *replayJob
	jobs      int // begun so far
	replays   map[int]*replayedView
	replayErr error
	ops       list
	examining bool

	filter  filter
	tensors list
	byNorm  bool
	layer   int // selected in the matrix
	module  int
	bySpan  bool // the matrix has steps in place of modules
	glyphs  *cellGlyphs

	drawn traceLook // what frame was drawn from
	frame string
	typed bool // and that a filter was being typed then
}

// traceBuiltMsg is a feed that was made in a command.
type traceBuiltMsg struct{ feed *traceFeed }

func newTrace(a *app) *traceScreen {
	return &traceScreen{app: a, byNorm: true, detail: batchPane, read: a.back.ReadStep, replays: map[int]*replayedView{}}
}

func (s *traceScreen) Title() string             { return "Trace" }
func (s *traceScreen) SetSize(width, height int) { s.width, s.height = width, height }
func (s *traceScreen) CapturesText() bool        { return s.filter.typing }

// Focus reads the trace, which is done only while someone looks.
func (s *traceScreen) Focus() tea.Cmd {
	s.visible = true
	return s.readStep()
}

// Blur ends typing.
func (s *traceScreen) Blur() { s.visible, s.filter.typing = false, false }

// Escape takes the filter away, then the chosen step.
func (s *traceScreen) Escape() (tea.Cmd, bool) {
	switch {
	case s.filter.clear():
		s.list()
	case s.pane != findingsPane:
		s.turnTo(findingsPane)
	case s.chosen != byFinding:
		s.chosen = byFinding
		return s.readStep(), true
	default:
		return nil, false
	}
	return nil, true
}

// Update follows the history, and the trace while the screen is visible.
func (s *traceScreen) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.KeyMsg:
		if s.filter.key(msg) {
			s.list()
		}
	case themedMsg:
		s.frame, s.glyphs, s.tokens = "", nil, tokenCache{}
	case startedMsg:
		if msg.err == nil && msg.run.Dir() == s.runDir { // it goes back, or on
			s.replays, s.chosen, s.doctor = map[int]*replayedView{}, byFinding, nil
			s.collect()
		}
	case snapshotMsg:
		return tea.Batch(s.catchUp(), s.readStep())
	case traceBuiltMsg:
		if msg.feed.dir != s.building {
			return nil
		}
		s.building = ""
		s.adopt(msg.feed)
		return tea.Batch(s.catchUp(), s.readStep())
	case stepMsg:
		s.reading = false
		if msg.of.dir == s.runDir {
			s.took(msg)
		}
		return s.readStep() // what came while this was read
	case traceAtMsg:
		s.turnTo(batchPane)
		return s.goStep(msg.step)
	case replayProgressMsg:
		if j := s.job; j != nil && j.gen == msg.gen {
			j.doing, j.done, j.total = msg.what, msg.done, msg.total
			s.frame = ""
		}
		return msg.next
	case replayedMsg:
		s.frame = ""
		return s.replayed(msg)
	case diagnosedMsg:
		return s.diagnosed(msg)
	case goBackMsg:
		return s.goesBack(msg)
	}
	return nil
}

// took shows a step that was read.
func (s *traceScreen) took(msg stepMsg) {
	if s.viewErr = msg.err; msg.err != nil {
		return
	}
	old := s.view
	s.view = msg.view
	if old == nil || old.record.Step != msg.view.record.Step {
		s.rows, s.scroll = list{}, 0
	}
	rows := make([]int, len(msg.view.record.Rows))
	for i := range rows {
		rows[i] = i
	}
	s.rows.show(rows)
	if old == nil || old.record.Step != msg.view.record.Step {
		s.rows.at = max(slices.IndexFunc(msg.view.record.Rows, func(r stepRow) bool { return slices.Contains(s.suspects(), r.Row) }), 0)
	}
	s.list()
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
				s.collect()
			}
			return nil
		}
	}
	if s.building == snap.Dir {
		return nil
	}
	if s.feed != nil && s.feed.dir != snap.Dir {
		s.feed, s.view, s.viewErr, s.findings, s.tensors, s.rows, s.ops = nil, nil, nil, list{}, list{}, list{}, list{}
		s.found, s.doctor, s.replays, s.replayErr, s.chosen, s.asked = nil, nil, map[int]*replayedView{}, nil, byFinding, stepAsk{}
		s.layer, s.module = 0, 0
		if s.job != nil {
			s.job.stop()
		}
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
	f := &traceFeed{cursor: newCursor(snap.Dir), log: snap.Foreign}
	f.take(snap) // an empty feed takes any history
	return f
}

func (s *traceScreen) adopt(f *traceFeed) {
	s.feed = f
	s.collect()
}

// collect lists all findings anew.
func (s *traceScreen) collect() {
	s.frame = ""
	s.found = nil
	if s.doctor != nil {
		s.found = append(s.found, s.doctor.Findings...)
	}
	if s.feed != nil {
		s.found = append(s.found, s.feed.found...)
	}
	top := s.findings.at == 0
	s.findings.show(orderOf(s.found, s.bySteps))
	if top && s.chosen == byFinding {
		s.findings.at = 0 // whoever looks at the likeliest cause goes on looking at it
	}
}

// list works out which tensors pass the filter, in which order.
func (s *traceScreen) list() {
	g := s.grads()
	if g == nil {
		s.tensors.show(nil)
		return
	}
	query := s.filter.text()
	rows := make([]int, 0, len(g.tensors))
	for i := range g.tensors {
		if matches(g.tensors[i].low, query) {
			rows = append(rows, i)
		}
	}
	if s.byNorm {
		slices.SortStableFunc(rows, func(a, b int) int { return byNorm(g.tensors[a], g.tensors[b]) })
	}
	top := s.tensors.at == 0
	s.tensors.show(rows)
	if top && s.byNorm {
		s.tensors.at = 0 // whoever looks at the largest goes on looking at the largest
	}
	s.layer = max(min(s.layer, g.layers-1), 0)
	s.module = max(min(s.module, len(g.modules)-1), 0)
}

// grads are the gradients of the shown step; nil without any.
func (s *traceScreen) grads() *gradView {
	if s.view == nil {
		return nil
	}
	return s.view.grads
}

// turn gives the arrows to another pane.
func (s *traceScreen) turn(by int) { s.turnTo((s.pane + by) % panes) }

func (s *traceScreen) turnTo(pane int) {
	if s.pane = pane; pane != findingsPane {
		s.detail = pane
	}
}

// openCell lists the tensors of the selected cell.
func (s *traceScreen) openCell() {
	if s.module >= len(s.grads().modules) {
		return
	}
	s.filter.line.Set(cellQuery(s.layer, s.grads().modules[s.module]))
	s.turnTo(tensorsPane)
	s.list()
}

// showOnCharts goes to Train with the crosshair on the shown step.
func (s *traceScreen) showOnCharts() tea.Cmd {
	step := float64(s.shownStep())
	if row, ok := s.findings.selected(); ok && s.pane == findingsPane {
		step = float64(s.found[row].from)
	}
	return tea.Batch(func() tea.Msg { return crosshairMsg{step} }, goTo(trainScreenID))
}

// crosshairMsg puts the crosshair of Train's charts on a step.
type crosshairMsg struct{ step float64 }
