package tui

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
	"hone/runs"
)

// runsScreen lists the run store.
type runsScreen struct {
	*app
	width, height int
	focused       bool

	gen    int
	ready  bool
	all    []runRow
	states map[string]int // how many of them are in each
	err    error
	rows   list
	filter filter
	query  experiments.Query // of the filter, or the last one that could be read
	asked  error             // why the filter cannot be read
	pair   *runsPair
	marks  []string // ids of the marked runs; settings are compared with the first
	diff   diffCache
	curve  runCurves
	over   runsOverlay
}

// diffCache keeps how the selected run's settings differ from the marked one's.
type diffCache struct {
	gen     int
	a, b    string
	changes []experiments.Change
}

// openPathMsg is a path to look at, made absolute.
type openPathMsg struct {
	path string
	err  error
}

// runsAgain is how often the list is read anew while a run is live.
const runsAgain = 2 * time.Second

func newRuns(a *app) *runsScreen {
	return &runsScreen{app: a, over: runsOverlay{smooth: 1, cross: math.NaN()}}
}

func (r *runsScreen) Title() string             { return "Runs" }
func (r *runsScreen) SetSize(width, height int) { r.width, r.height = width, height }
func (r *runsScreen) CapturesText() bool        { return r.filter.typing }

// Focus reads the list.
func (r *runsScreen) Focus() tea.Cmd {
	r.focused = true
	return r.read()
}

// Blur stops reading it again.
func (r *runsScreen) Blur() { r.focused, r.filter.typing = false, false }

// Keys of the list.
func (r *runsScreen) Keys() []keyGroup {
	if r.filter.typing {
		return r.filter.keys()
	}
	if r.pair != nil {
		return r.pairKeys()
	}
	if r.overlaid() {
		return r.overlayKeys()
	}
	two := func() bool { _, _, ok := r.pairOf(); return ok }
	some := func() bool { _, ok := r.selected(); return ok }
	keys := []binding{
		{Keys: []string{"enter"}, Text: "open", Help: "look at the run in Train", Run: func() tea.Cmd { return r.open(trainScreenID) }, When: some},
		{Keys: []string{"c"}, Text: "compare", Help: "look at its outputs, base against tuned", Run: func() tea.Cmd { return r.open(compareScreenID) }, When: some},
		{Keys: []string{"r"}, Text: "resume", Help: "go on training from its last checkpoint", Run: r.resume, When: r.resumable},
		{Keys: []string{"f"}, Text: "fork", Help: "take its settings over to Experiment, to start another", Run: r.fork, When: some},
		{Keys: []string{"X"}, Text: "export", Help: "write what it keeps, a checkpoint or what it began with in a format of other tools; it is read back and compared", Run: r.exportModel, When: func() bool { return some() && r.exportable() }},
		{Keys: []string{" "}, Text: "mark", Help: "mark it, up to four: the others are shown with their loss curves, and settings as differences from the first", Run: r.setMark, When: some},
		{Keys: []string{"o"}, Text: "overlay", Help: "the loss of the selected and the marked runs on the whole screen", Run: do(func() { r.over.on = true; r.dressOverlay() }), When: func() bool { return r.curve.chart != nil }},
		{Keys: []string{"="}, Text: "side by side", Help: "two marked runs, or the marked and the selected one: scores and settings with their differences", Run: r.openPair, When: two},
		{Keys: []string{"d"}, Text: "delete", Help: "delete its directory; asks first", Run: do(r.askRemove), When: some},
		{Keys: []string{"/"}, Text: "filter", Help: "list only runs for which a query holds: " + experiments.QueryHelp, Run: do(r.filter.open)},
		{Keys: []string{"t"}, Text: "tags", Help: "words to find the run by; kept in its directory", Run: do(r.askTags), When: some},
		{Keys: []string{"n"}, Text: "note", Help: "write a note on it", Run: do(r.askNote), When: some},
		{Keys: []string{"R"}, Text: "rename", Help: "give it another display name; its directory stays", Run: do(r.askRename), When: some},
		{Keys: []string{"O"}, Text: "open a log or a run elsewhere", Help: "name a path: a run directory, or the log of another trainer (trainer_state.json, an event file, a directory with such), which is shown on Train and Trace, read only", Quiet: true, Run: do(r.askOpen)},
		{Keys: []string{"ctrl+r"}, Label: "^r", Text: "read again", Quiet: true, Run: r.read},
	}
	rows := r.rows.bindings("run", r.curves)
	rows[0].Quiet = true
	return []keyGroup{{Title: "runs", Bindings: append(keys, rows...)}}
}

// Update takes the list.
func (r *runsScreen) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.KeyMsg:
		if r.filter.key(msg) {
			r.list()
			return r.curves()
		}
	case themedMsg:
		r.curve.of = curvesOf{} // the chart has the colours it was made with
		return r.curves()
	case curvesMsg:
		if msg.gen == r.curve.gen {
			r.curve.shown, r.curve.chart, r.curve.names = msg.of, msg.chart, msg.names
			r.dressOverlay()
		}
	case runsMsg:
		if msg.gen != r.gen {
			return nil
		}
		r.ready, r.err = true, msg.err
		if msg.err == nil {
			id := ""
			if run, ok := r.selected(); ok {
				id = run.ID
			}
			r.all, r.states = msg.runs, map[string]int{}
			for i := range r.all {
				r.states[r.all[i].State]++
			}
			r.list()
			for i := range r.all {
				if r.all[i].ID == id {
					r.rows.choose(i)
				}
			}
		}
		if !r.focused || !r.anyLive() {
			return r.curves()
		}
		return tea.Batch(r.curves(), r.after(runsAgain, runsTickMsg{r.gen}))
	case runsTickMsg:
		if msg.gen == r.gen && r.focused {
			return r.read()
		}
	case openPathMsg:
		if msg.err != nil {
			return problem(msg.err)
		}
		return tea.Batch(r.lookAt(msg.path), goTo(trainScreenID))
	case pairMsg:
		r.pair = &runsPair{a: msg.a, b: msg.b, pair: msg.pair}
	case labelledMsg:
		if msg.err != nil {
			return problem(msg.err)
		}
		return tea.Batch(r.read(), notice(msg.what))
	case removedMsg:
		if msg.err != nil {
			return problem(msg.err)
		}
		return tea.Batch(r.read(), notice("deleted "+msg.id))
	case startedMsg, ownDoneMsg:
		if r.focused {
			return r.read()
		}
	}
	return nil
}

// read lists the store in a command.
func (r *runsScreen) read() tea.Cmd {
	r.gen++
	gen, ctx, store, back := r.gen, r.ctx, r.store, r.back
	return func() tea.Msg {
		list, err := back.Runs(ctx, store)
		return runsMsg{gen, list, err}
	}
}

// list works out which runs pass the filter. While a query cannot be read, as one
// being typed, the last one that could stays in force.
func (r *runsScreen) list() {
	q, err := experiments.ParseQuery(r.filter.text())
	if r.asked = err; err == nil {
		r.query = q
	}
	var rows []int
	for i := range r.all {
		if r.query.Match(r.all[i].facts()) {
			rows = append(rows, i)
		}
	}
	r.rows.show(rows)
}

// anyLive reports whether a run is going.
func (r *runsScreen) anyLive() bool { return r.states[runs.Running]+r.states[runs.Paused] > 0 }

// selected is the run under the selection.
func (r *runsScreen) selected() (*runRow, bool) {
	i, ok := r.rows.selected()
	if !ok || i >= len(r.all) {
		return nil, false
	}
	return &r.all[i], true
}

// open looks at the selected run.
func (r *runsScreen) open(where screenID) tea.Cmd {
	run, _ := r.selected()
	return tea.Batch(r.lookAt(run.Dir), goTo(where))
}

// askOpen asks for a path to look at.
func (r *runsScreen) askOpen() {
	r.ask(&question{
		Title: "open", Text: []string{"A run directory; or the log of another trainer: trainer_state.json, an event file, or a directory with such."},
		Line: newLineEdit(""),
		Check: func(in string) error {
			if in == "" {
				return errors.New("a path is needed")
			}
			return nil
		},
		Done: func(in string) tea.Cmd {
			return func() tea.Msg {
				path, err := filepath.Abs(in) // as an own run names it
				return openPathMsg{path, err}
			}
		},
	})
}

// resumable reports whether the selected run can go on.
func (r *runsScreen) resumable() bool {
	run, ok := r.selected()
	return ok && run.State != "finished" && run.State != "running" && run.State != "paused" && run.State != runs.Unreadable
}

// resume goes on with the selected run in this process.
func (r *runsScreen) resume() tea.Cmd {
	run, _ := r.selected()
	return r.openRun(run.Dir, "resume")
}

// fork takes the selected run's settings over.
func (r *runsScreen) fork() tea.Cmd {
	run, _ := r.selected()
	return r.openRun(run.Dir, "fork")
}

// exportable reports whether the selected run has an experiment, without which nothing
// says what its model is.
func (r *runsScreen) exportable() bool {
	run, ok := r.selected()
	return ok && run.Config != nil
}

// exportModel asks for a format for the selected run.
func (r *runsScreen) exportModel() tea.Cmd {
	run, _ := r.selected()
	return r.askExport(run.Dir)
}

// setMark marks the selected run, or takes the mark away.
func (r *runsScreen) setMark() tea.Cmd {
	run, _ := r.selected()
	if i := slices.Index(r.marks, run.ID); i >= 0 {
		r.marks = slices.Delete(slices.Clone(r.marks), i, i+1)
	} else if len(r.marks) == mostMarked {
		return notice(fmt.Sprintf("%d runs are marked already; space on one of them takes its mark away", mostMarked))
	} else {
		r.marks = append(slices.Clone(r.marks), run.ID)
	}
	return r.curves()
}

// marked are the indices of the marked runs but one, in the order of marking.
func (r *runsScreen) marked(but string) []int {
	var out []int
	for _, id := range r.marks {
		if i := slices.IndexFunc(r.all, func(run runRow) bool { return run.ID == id }); i >= 0 && id != but {
			out = append(out, i)
		}
	}
	return out
}

// askRemove asks before a run is deleted.
func (r *runsScreen) askRemove() {
	run, _ := r.selected()
	if r.ownLive() && r.own.Dir() == run.Dir {
		r.ask(&dialog{Title: "the run is live", Text: []string{run.ID + " is being trained by this process; stop it first."}})
		return
	}
	if r.replay != nil && samePath(run.Dir, r.replay.dir) {
		r.ask(&dialog{Title: "the run is being replayed", Text: []string{run.ID + " is what this replay plays; it is left as it is."}})
		return
	}
	id, dir := run.ID, run.Dir
	r.ask(&dialog{
		Title: "delete a run",
		Text:  []string{id, "Its checkpoints, adapter, records and outputs are deleted for good."},
		Choices: []choice{{Keys: []string{"y"}, Text: "delete it", Run: func() tea.Cmd {
			if dir == r.runDir {
				r.lookAt("")
			}
			store, back := r.store, r.back
			return func() tea.Msg { return removedMsg{id, back.Remove(store, id)} }
		}}},
	})
}

// Escape takes filter and mark away.
func (r *runsScreen) Escape() (tea.Cmd, bool) {
	switch {
	case r.pair != nil:
		r.pair = nil
		return nil, true
	case r.overlaid():
		r.over.on = false
		return nil, true
	case r.filter.clear():
		r.list()
	case len(r.marks) > 0:
		r.marks = nil
	default:
		return nil, false
	}
	return r.curves(), true
}

// Wheel moves the selection.
func (r *runsScreen) Wheel(_, _, lines int) tea.Cmd {
	if r.pair != nil {
		r.pair.scroll += lines
		return nil
	}
	r.rows.move(lines)
	return r.curves()
}

// differences are the settings in which the selected run differs from the
// marked one, or from the defaults.
func (r *runsScreen) differences() (from string, changes []experiments.Change, err error) {
	run, ok := r.selected()
	if !ok {
		return "", nil, nil
	}
	if run.Config == nil {
		return "", nil, errors.New("its experiment file cannot be read")
	}
	base, from := defaults, "the defaults"
	for _, i := range r.marked(run.ID) {
		if r.all[i].Config != nil {
			base, from = *r.all[i].Config, r.all[i].ID
			break
		}
	}
	if d := &r.diff; d.gen != r.gen || d.a != from || d.b != run.ID {
		*d = diffCache{r.gen, from, run.ID, experiments.Diff(base, *run.Config)}
	}
	return from, r.diff.changes, nil
}
