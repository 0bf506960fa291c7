package tui

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
)

// trainScreen shows a run while it trains, and how it went afterwards: its loss,
// gradient norm and learning rate, its evaluations, watched examples and a log of
// what happened. A run of this process is also steered from here; one that
// another process trains is followed.
type trainScreen struct {
	*app
	width, height int

	feed     *trainFeed
	run      *trainConfigMsg // the experiment of the run that is shown; nil until read
	building string          // directory whose history is being read into a feed; "" = none
	ownState string          // of the own run, as of the last message

	// How the charts look; kept over runs.
	linear bool
	robust bool
	raw    bool // without averages
	parts  bool // the terms of the loss
	detail bool // small layout: evaluations and watched examples in place of the charts
	cross  float64
	drawn  trainLook // what frame was drawn from
	frame  string

	startedDir  string     // of the run that was started here last
	startedWork *workspace // the experiment as it was opened then
	askedConfig string     // directory whose experiment was asked for last

	fromLR float64 // learning rate before the last change made here; 0 = none
}

// manySteps is how much news is read into the charts in a command rather than at
// once.
const manySteps = 2000

// trainConfigMsg is the experiment that a run directory holds.
type trainConfigMsg struct {
	dir    string
	config experiments.Config
	err    error
}

// trainBuiltMsg is a feed that was made in a command.
type trainBuiltMsg struct{ feed *trainFeed }

func newTrain(a *app) *trainScreen { return &trainScreen{app: a, cross: math.NaN()} }

func (s *trainScreen) Title() string             { return "Train" }
func (s *trainScreen) SetSize(width, height int) { s.width, s.height = width, height }
func (s *trainScreen) CapturesText() bool        { return false }
func (s *trainScreen) Focus() tea.Cmd            { return nil }
func (s *trainScreen) Blur()                     {}

// Escape takes the crosshair away.
func (s *trainScreen) Escape() (tea.Cmd, bool) {
	if math.IsNaN(s.cross) {
		return nil, false
	}
	s.setCross(math.NaN())
	return nil, true
}

// Update brings the feed up to the snapshot that arrived.
func (s *trainScreen) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case trainBuiltMsg:
		if msg.feed.dir != s.building {
			return nil
		}
		s.building = ""
		s.adopt(msg.feed)
	case trainConfigMsg:
		if msg.dir != s.runDir || msg.err != nil {
			return nil
		}
		s.run = &msg
		if s.feed != nil && s.feed.clip != msg.config.Train.Clip {
			s.feed = nil // the share of clipped steps is counted as steps are taken
		}
	case startedMsg:
		if msg.err == nil {
			s.startedDir, s.startedWork = msg.run.Dir(), s.work
		}
	case crosshairMsg:
		s.setCross(msg.step)
		return nil
	case snapshotMsg, ownDoneMsg:
	default:
		return nil
	}
	s.ownState = ""
	if s.ownShown() {
		s.ownState = s.own.State()
	}
	return s.catchUp()
}

// catchUp takes what the current snapshot has beyond the feed.
func (s *trainScreen) catchUp() tea.Cmd {
	if s.snap == nil || s.snap.History == nil {
		if s.feed != nil && s.feed.dir != s.runDir {
			s.feed = nil
		}
		return nil
	}
	if s.feed != nil && s.feed.dir == s.snap.Dir && len(s.snap.History.Steps)-s.feed.steps <= manySteps && s.feed.take(s.snap) {
		s.relabel()
		return nil
	}
	var ask tea.Cmd
	if s.askedConfig != s.snap.Dir {
		s.askedConfig, s.run = s.snap.Dir, nil
		s.cross, s.fromLR = math.NaN(), 0
		dir, back := s.snap.Dir, s.back
		ask = func() tea.Msg {
			c, err := back.RunConfig(dir)
			return trainConfigMsg{dir, c, err}
		}
	}
	if s.building == s.snap.Dir {
		return ask
	}
	if s.feed != nil && s.feed.dir != s.snap.Dir {
		s.feed = nil
	}
	clip := 0.0
	if s.run != nil {
		clip = s.run.config.Train.Clip
	}
	zone := s.now().Location()
	if len(s.snap.History.Steps) <= manySteps {
		s.adopt(builtFeed(s.snap, clip, s.t, zone))
		return ask
	}
	s.building = s.snap.Dir
	snap, t := s.snap, s.t
	return tea.Batch(ask, func() tea.Msg { return trainBuiltMsg{builtFeed(snap, clip, t, zone)} })
}

// builtFeed is a feed of a whole snapshot.
func builtFeed(snap *snapshot, clip float64, t *theme, zone *time.Location) *trainFeed {
	f := newTrainFeed(snap.Dir, clip, t, zone)
	f.take(snap) // an empty feed takes any history
	return f
}

// adopt shows a feed with the settings of the screen.
func (s *trainScreen) adopt(f *trainFeed) {
	s.feed = f
	s.dress()
}

// dress gives the charts of the feed the screen's settings.
func (s *trainScreen) dress() {
	if s.feed == nil {
		return
	}
	f := s.feed
	for _, c := range []trainChart{f.loss, f.norm, f.lr} {
		c.SetRobust(s.robust)
		c.SetSmoothing(!s.raw)
		c.SetCrosshair(s.cross)
	}
	for i, series := range f.loss.terms {
		f.loss.SetHidden(series, !s.parts || (i > 0 && !f.terms))
	}
	s.relabel()
}

// relabel keeps a logarithmic axis wherever there is something positive.
func (s *trainScreen) relabel() {
	s.feed.loss.SetLog(!s.linear)
	s.feed.norm.SetLog(!s.linear)
}

// Keys depends on whose run is shown and on its state.
func (s *trainScreen) Keys() []keyGroup {
	has := func() bool { return s.feed != nil }
	own := s.ownShown
	paused := func() bool { return s.ownState == "paused" }
	groups := []keyGroup{}
	if s.snap == nil && !own() {
		groups = append(groups, keyGroup{Title: "run", Bindings: []binding{
			{Keys: []string{"enter"}, Text: "choose a run", Help: "open the list of runs", Run: func() tea.Cmd { return goTo(runsScreenID) }},
			{Keys: []string{"n"}, Text: "new experiment", Help: "go to the experiment form, where a run is started", Run: func() tea.Cmd { return goTo(experimentScreenID) }},
		}})
	} else {
		groups = append(groups, keyGroup{Title: "run", Bindings: s.controls(own, paused)})
	}
	view := []binding{
		{Keys: []string{"left"}, Label: "←/→", Text: "crosshair", Help: "previous sample (shift: ten)", Run: do(func() { s.moveCross(-1) }), When: has},
		{Keys: []string{"right"}, Help: "next sample (shift: ten)", Run: do(func() { s.moveCross(1) }), When: has, Quiet: true},
		{Keys: []string{"shift+left"}, Help: "ten samples back", Run: do(func() { s.moveCross(-10) }), When: has, Quiet: true},
		{Keys: []string{"shift+right"}, Help: "ten samples on", Run: do(func() { s.moveCross(10) }), When: has, Quiet: true},
		{Keys: []string{"home"}, Help: "first sample", Run: do(func() { s.moveCross(-math.MaxInt32) }), When: has, Quiet: true},
		{Keys: []string{"end"}, Help: "last sample", Run: do(func() { s.moveCross(math.MaxInt32) }), When: has, Quiet: true},
		{Keys: []string{"]"}, Help: "next step whose loss or norm is not a number, or exactly zero", Run: func() tea.Cmd { return s.jumpMarked(true) }, When: has, Quiet: true},
		{Keys: []string{"["}, Help: "the one before", Run: func() tea.Cmd { return s.jumpMarked(false) }, When: has, Quiet: true},
		{Keys: []string{"y"}, Text: "log", Help: "logarithmic or linear axis for loss and gradient norm", Run: s.toggleLog, When: has},
		{Keys: []string{"z"}, Text: "zoom", Help: "leave the most extreme 2 % out of the range; arrows show where", Run: s.toggleRobust, When: has},
		{Keys: []string{"t"}, Text: "terms", Help: "show the terms of the loss", Run: s.toggleTerms, When: has},
		{Keys: []string{"x"}, Text: "smooth", Help: "show a moving average over the loss", Run: s.toggleSmooth, When: has},
		{Keys: []string{"v"}, Text: "examples", Help: "evaluations and watched examples in place of the charts (both show from 110 columns on)", Run: do(func() { s.detail = !s.detail }), When: func() bool { return has() && !s.wide() }},
	}
	return append(groups, keyGroup{Title: "charts", Bindings: view})
}

// controls are the keys that steer a run, or that say why they cannot.
func (s *trainScreen) controls(own, paused func() bool) []binding {
	if !own() {
		var rows []binding
		if s.snap != nil && s.snap.live() {
			whose := "another process"
			if s.snap.Info.PID > 0 {
				whose = fmt.Sprintf("process %d", s.snap.Info.PID)
			}
			rows = append(rows, binding{Label: "following", Text: whose, Help: whose + " trains this run: the keys that steer it work there"})
		}
		for _, k := range []struct{ key, text string }{{" ", "pause"}, {".", "step"}, {"e", "evaluate"}, {"c", "checkpoint"}, {"l", "learning rate"}, {"u", "undo"}, {"w", "watch"}, {"s", "stop"}} {
			rows = append(rows, binding{Keys: []string{k.key}, Help: k.text + ": only for a run that this process trains", Quiet: true, Run: s.notOwn})
		}
		return rows
	}
	return []binding{
		{Keys: []string{" "}, Text: map[bool]string{false: "pause", true: "resume"}[paused()], Help: "pause after this step, or go on", Run: s.pause},
		{Keys: []string{"."}, Text: "step", Help: "one step, then pause", Run: s.stepOnce},
		{Keys: []string{"e"}, Text: "evaluate", Help: "evaluate after this step", Run: s.act("evaluating after this step", func() { s.own.Evaluate() })},
		{Keys: []string{"c"}, Text: "checkpoint", Help: "save a checkpoint after this step", Run: s.act("saving a checkpoint after this step", func() { s.own.Checkpoint() })},
		{Keys: []string{"l"}, Text: "learning rate", Help: "change the learning rate from the next step on", Run: do(s.askLR)},
		{Keys: []string{"u"}, Text: "undo", Help: "set the learning rate back to what it was before the last change", Run: s.undoLR, When: func() bool { return s.fromLR > 0 }},
		{Keys: []string{"w"}, Text: "watch", Help: "choose rows of the eval split whose outputs are made anew at every evaluation", Run: do(s.askWatch), When: func() bool { return s.feed != nil }},
		{Keys: []string{"s"}, Text: "stop", Help: "stop after this step with a checkpoint; asks first", Run: do(s.askStop)},
	}
}

// notOwn says why a key does nothing.
func (s *trainScreen) notOwn() tea.Cmd {
	switch {
	case s.snap == nil:
		return nil
	case !s.snap.live():
		return notice("this run has " + pastTense(s.snap.State) + "; resume it from 6 Runs")
	case s.snap.Info.PID > 0:
		return notice(fmt.Sprintf("following: process %d trains this run, so it is steered there", s.snap.Info.PID))
	}
	return notice("following: another process trains this run, so it is steered there")
}

// pastTense is a final state as part of "this run has ...".
func pastTense(state string) string {
	if state == "stopped" {
		return "been stopped"
	}
	return state
}

// act is a key's function that asks something of the own run.
func (s *trainScreen) act(said string, f func()) func() tea.Cmd {
	return func() tea.Cmd {
		f()
		return tea.Batch(notice(said), s.pollSoon())
	}
}

func (s *trainScreen) pause() tea.Cmd {
	if s.ownState == "paused" {
		s.ownState = "running"
		return s.act("going on", s.own.Resume)()
	}
	return s.act("pausing after this step", s.own.Pause)()
}

func (s *trainScreen) stepOnce() tea.Cmd { return s.act("one step", s.own.Step)() }

// askStop asks before the run is ended.
func (s *trainScreen) askStop() {
	s.ask(&dialog{
		Title: "stop this run?",
		Text:  []string{"It ends after the step under way and keeps a checkpoint, from which it can be resumed later."},
		Choices: []choice{{Keys: []string{"s", "enter"}, Text: "stop after this step and save", Run: func() tea.Cmd {
			if !s.ownShown() {
				return nil
			}
			return s.act("stopping after this step", s.own.Stop)()
		}}},
	})
}

// askLR asks for another learning rate.
func (s *trainScreen) askLR() {
	now := s.currentLR()
	text := []string{"From the next step on. A number like 2e-4, a factor like x0.5 or /2; the schedule goes on from there."}
	if now > 0 {
		text = append(text, "It is "+rateText(now)+" now.")
	}
	s.ask(&question{
		Title: "learning rate",
		Text:  text,
		Line:  newLineEdit(""),
		Check: func(in string) error { _, err := parseRate(in, now); return err },
		Done: func(in string) tea.Cmd {
			lr, err := parseRate(in, now)
			if err != nil || !s.ownShown() {
				return nil
			}
			return s.setLR(lr)
		},
	})
}

// setLR changes the learning rate and remembers what it was.
func (s *trainScreen) setLR(lr float64) tea.Cmd {
	s.fromLR = s.currentLR()
	s.own.SetLR(lr)
	said := "learning rate " + rateText(lr) + " from the next step on"
	if s.fromLR > 0 {
		said += "; u sets it back to " + rateText(s.fromLR)
	}
	return tea.Batch(notice(said), s.pollSoon())
}

// undoLR sets the learning rate back.
func (s *trainScreen) undoLR() tea.Cmd {
	lr := s.fromLR
	s.fromLR = 0
	s.own.SetLR(lr)
	return tea.Batch(notice("learning rate back to "+rateText(lr)), s.pollSoon())
}

// currentLR is that of the last step; 0 = not known.
func (s *trainScreen) currentLR() float64 {
	if s.feed == nil || s.feed.steps == 0 || !finite(s.feed.last.lr) {
		return 0
	}
	return s.feed.last.lr
}

// maxLR is where a learning rate stops making sense.
const maxLR = 1.0

// parseRate reads a learning rate: a number, or a change of the one in force such
// as "x0.5" and "/2".
func parseRate(in string, now float64) (float64, error) {
	factor := 0
	num := strings.TrimSpace(in)
	switch {
	case num == "":
		return 0, errors.New("type a number such as 2e-4, x0.5 or /2")
	case num[0] == 'x' || num[0] == '*':
		factor, num = 1, num[1:]
	case num[0] == '/':
		factor, num = -1, num[1:]
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
	if err != nil || !finite(v) {
		return 0, fmt.Errorf("%q is not a number", num)
	}
	if v <= 0 {
		return 0, errors.New("must be more than 0")
	}
	if factor != 0 {
		if now <= 0 {
			return 0, errors.New("the rate in force is not known yet: type a number")
		}
		if factor < 0 {
			v = 1 / v
		}
		v *= now
	}
	if !(v > 0 && v <= maxLR) {
		return 0, fmt.Errorf("%s is out of range: more than 0, at most %g", rateText(v), maxLR)
	}
	return v, nil
}

// moveCross moves the crosshair by samples; the first press puts it on the last.
func (s *trainScreen) moveCross(by int) {
	if s.feed == nil {
		return
	}
	_, last, ok := s.feed.loss.Bounds(s.feed.loss.main)
	if !ok {
		return
	}
	if math.IsNaN(s.cross) {
		s.cross = last
		if by > 0 && by < math.MaxInt32 {
			s.setCross(last)
			return
		}
	}
	x, _ := s.feed.loss.Neighbor(s.feed.loss.main, s.cross, by)
	s.setCross(x)
}

// setCross puts the crosshair of all charts on a step.
func (s *trainScreen) setCross(x float64) {
	s.cross = x
	if s.feed != nil {
		s.feed.loss.SetCrosshair(x)
		s.feed.norm.SetCrosshair(x)
		s.feed.lr.SetCrosshair(x)
	}
}

// jumpMarked puts the crosshair on the next step with a loss or norm that is not a
// number, or zero.
func (s *trainScreen) jumpMarked(forward bool) tea.Cmd {
	if s.feed == nil {
		return nil
	}
	from := s.cross
	if math.IsNaN(from) {
		from = -1
		if !forward {
			from = math.MaxFloat64
		}
	}
	best, found := 0.0, false
	for _, c := range []trainChart{s.feed.loss, s.feed.norm} {
		if x, ok := c.NextMarked(c.main, from, forward); ok && (!found || (x < best) == forward) {
			best, found = x, true
		}
	}
	if !found {
		return notice("no step there with a loss or gradient norm that is not a number, or zero")
	}
	s.setCross(best)
	return nil
}

func (s *trainScreen) toggleLog() tea.Cmd {
	if s.linear && !s.feed.loss.SetLog(true) && !s.feed.norm.SetLog(true) {
		return notice("nothing is above zero yet, which a logarithmic axis needs")
	}
	s.linear = !s.linear
	s.dress()
	return notice(map[bool]string{true: "linear axis", false: "logarithmic axis"}[s.linear])
}

func (s *trainScreen) toggleRobust() tea.Cmd {
	s.robust = !s.robust
	s.dress()
	return notice(map[bool]string{true: "range of the middle 96 %; arrows show where samples lie beyond", false: "range of all samples"}[s.robust])
}

func (s *trainScreen) toggleTerms() tea.Cmd {
	s.parts = !s.parts
	s.dress()
	return nil
}

func (s *trainScreen) toggleSmooth() tea.Cmd {
	s.raw = !s.raw
	s.dress()
	return notice(map[bool]string{true: "every step's loss", false: "moving average, every step's loss behind it"}[s.raw])
}

// evalEvery is how many steps lie between evaluations; 0 = not known or never.
func (s *trainScreen) evalEvery() int {
	if s.run == nil {
		return 0
	}
	return s.run.config.Train.EvalEvery
}
