package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"hone/data"
	"hone/experiments"
	"hone/tui/chart"
)

// This file holds every message of the package. A message that answers a
// question carries the generation of the question; answers to older questions
// are dropped.

// gotoMsg makes a screen the visible one.
type gotoMsg struct{ to screenID }

// themedMsg says that the theme is another one: what was drawn with the one
// before is drawn anew.
type themedMsg struct{}

// noticeMsg shows one line at the bottom until the next key press.
type noticeMsg struct {
	text string
	bad  bool
}

// panicMsg is a panic that happened in a command or, fatal, in the workbench itself.
type panicMsg struct {
	value any
	stack string
	fatal bool
	saved string // where the trace is kept; "" = not yet, or nowhere
}

// workspaceMsg is the experiment's data, opened.
type workspaceMsg struct {
	gen  int
	work *workspace
	err  error
}

// foundMsg is what a search in the dataset found.
type foundMsg struct {
	gen   int
	found data.Found
	err   error
}

// facetsMsg is what there is to choose from in a split.
type facetsMsg struct {
	gen    int
	facets []data.Facet
	err    error
}

// rawMsg is a row as its file has it.
type rawMsg struct {
	work *workspace
	row  int // its number
	text string
	err  error
}

// lossMsg is how far the measuring of rows is, and what is known by then.
type lossMsg struct {
	gen         int
	known       losses
	done, total int
	ended       bool
	err         error
	next        tea.Cmd // waits for the next one
}

// copiedMsg is the outcome of handing text to the terminal's clipboard.
type copiedMsg struct {
	what string
	err  error
}

// settleMsg arrives a moment after the experiment was changed; by then more may
// have changed, which the generation tells.
type settleMsg struct{ gen int }

// configMsg says that the edited experiment is another one now, in part or whole.
type configMsg struct{}

// planMsg is what the experiment would cost.
type planMsg struct {
	gen  int
	plan planView
	err  error
}

// modelsMsg lists the models at hand.
type modelsMsg struct {
	gen   int
	found experiments.ModelsAtHand
	err   error
}

// sweepMsg is how far a sweep of the learning rate is; an ended one has a result or
// an error.
type sweepMsg struct {
	gen    int
	trials []experiments.RateTrial
	ended  bool
	found  experiments.FoundRate
	err    error
	next   tea.Cmd // waits for the next one
}

// preflightMsg is the verdict on the experiment before its first step.
type preflightMsg struct {
	gen       int
	preflight experiments.Preflight
	err       error
}

// savedMsg is the outcome of writing the experiment file.
type savedMsg struct {
	path   string
	config experiments.Config
	err    error
}

// startedMsg is the outcome of starting or resuming a run in this process.
type startedMsg struct {
	run ownRun
	err error
}

// ownDoneMsg says that this process's run has ended.
type ownDoneMsg struct {
	dir string
	err error
}

// openedRunMsg is a run directory's own experiment, read for resuming or forking.
type openedRunMsg struct {
	dir    string
	config experiments.Config
	then   string // "resume" or "fork"
	err    error
}

// tickMsg asks the followed run's next poll.
type tickMsg struct{ gen int }

// snapshotMsg is a poll's outcome. *app has taken it over before the screens see
// it; changed is false when the poll found nothing new.
type snapshotMsg struct {
	gen     int
	snap    *snapshot
	changed bool
}

// runsMsg is the list of the run store.
type runsMsg struct {
	gen  int
	runs []runRow
	err  error
}

// againstRunsMsg are the runs that the form can be compared with.
type againstRunsMsg struct {
	runs []runRow
	err  error
}

// labelledMsg is the outcome of naming, tagging or noting a run.
type labelledMsg struct {
	what string
	err  error
}

// runsTickMsg asks for the list again while a run is live.
type runsTickMsg struct{ gen int }

// curvesMsg is a chart of loss curves, filled.
type curvesMsg struct {
	gen   int
	of    curvesOf
	chart *chart.Chart
	names []string // of its series
}

// removedMsg is the outcome of deleting a run.
type removedMsg struct {
	id  string
	err error
}

// comparisonMsg is a run's comparison of base and tuned outputs, read or made.
type comparisonMsg struct {
	gen  int
	cmp  *comparison
	err  error
	made bool // generated just now
}

// progressMsg is how far a generation is.
type progressMsg struct {
	gen         int
	done, total int
	next        tea.Cmd // waits for the next one
}

// promptMsg is the model, opened for trying texts on it.
type promptMsg struct {
	on     screenID
	owner  int
	prompt prompter
	err    error
}

// tokenMsg is what tried models have written so far.
type tokenMsg struct {
	on     screenID
	gen    int
	tokens [2][]experiments.TriedToken
	next   tea.Cmd // waits for the next one
}

// triedMsg is the end of a tried prompt.
type triedMsg struct {
	on     screenID
	gen    int
	tokens [2][]experiments.TriedToken
	out    [2]*generated
	err    error
}

// sidesMsg lists the models that can be compared.
type sidesMsg struct {
	gen   int
	which int // the side that is being chosen: 0 or 1
	sides []experiments.Side
	err   error
}

// notedMsg is the outcome of writing a note.
type notedMsg struct {
	dir, id, text string
	err           error
}

// runModelsMsg lists the models of a run that can be exported.
type runModelsMsg struct {
	choice *exportChoice
	sides  []experiments.Side
	err    error
}

// exportStepMsg is what an export is doing.
type exportStepMsg struct {
	job   *exportJob
	doing string
	next  tea.Cmd // waits for the next one
}

// exportEndMsg is the outcome of an export.
type exportEndMsg struct {
	job  *exportJob
	made *experiments.Artifact
	err  error
}

// exportedMsg is the outcome of writing a comparison to a file.
type exportedMsg struct {
	path string
	err  error
}
