package tui

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
)

// app is the state that the screens share. Only Update changes it; commands get
// copies of what they need.
type app struct {
	ctx     context.Context
	back    backend
	t       *theme
	now     func() time.Time
	after   func(time.Duration, tea.Msg) tea.Cmd // brings a message later
	version string
	store   string // directory of runs
	// recording is what the run that is played is called in place of its directory; "" = nothing.
	recording string

	config     experiments.Config // being edited
	configPath string             // the file it came from or was saved to; "" = none
	savedAs    experiments.Config // what that file (or the start) holds

	work     *workspace // nil until opened
	workErr  error
	workBusy bool
	workOf   experiments.Config // what work was opened from
	workGen  int
	workStop context.CancelFunc
	settle   int // generation of the last change of config

	plan     planView // of config, or of config a moment ago
	planned  bool     // plan holds one
	planErr  error
	planBusy bool
	planGen  int
	starting bool // a start is under way
	sweeping bool // a sweep of the learning rate trains in memory
	// pickModel offers the models at hand on any screen; the Experiment screen's.
	pickModel func() tea.Cmd

	runDir  string    // the run that Train, Trace and Compare look at; "" = none
	snap    *snapshot // of runDir; nil until it was read; never changed in place
	follow  follower  // reads runDir; used by one command at a time
	polls   int       // generation of follow
	polling bool      // a poll of follow is under way
	idle    int       // polls in a row that found nothing new
	pending overlay   // asked for by a screen during a key press
	replay  *replay   // the recorded run that is played; nil = none
	own     ownRun    // run of this process; stays set after its end
	ownEnd  bool      // own has ended

	export *exportJob // the model that is exported, or was last; nil = none

	themeName string                   // one of Themes
	themed    func(name string) *theme // makes a theme; nil = there is only the one

	prints    *prints                 // what was printed meanwhile; nil = not captured
	notify    func(text string)       // tells the terminal; nil = nobody
	clip      func(text string) error // writes the terminal's clipboard; nil = there is none
	unfocused bool                    // the terminal reported that it lost focus
}

// foreign is true while the log of another trainer is looked at.
func (a *app) foreign() bool { return a.snap != nil && a.snap.Foreign != nil }

// ownLive is true while a run of this process is going, paused included.
func (a *app) ownLive() bool { return a.own != nil && !a.ownEnd }

// ownShown is true when the run being looked at is the one this process trains,
// so that it can be paused, stepped and stopped.
func (a *app) ownShown() bool { return a.ownLive() && a.own.Dir() == a.runDir }

// goTo makes a screen visible.
func goTo(s screenID) tea.Cmd { return func() tea.Msg { return gotoMsg{s} } }

// notice shows a line at the bottom.
func notice(text string) tea.Cmd { return func() tea.Msg { return noticeMsg{text: text} } }

// problem shows an error at the bottom.
func problem(err error) tea.Cmd {
	return func() tea.Msg { return noticeMsg{text: err.Error(), bad: true} }
}
