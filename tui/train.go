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
	"hone/tui/chart"
)

// trainScreen shows a run while it trains, and how it went afterwards: its loss,
// gradient norm and learning rate, its evaluations, watched examples and a log of
// what happened. A run of this process is also steered from here; one that
// another process trains is followed.
type trainScreen struct {
	*app
	width, height int
	visible       bool

	feed     *trainFeed
	run      *trainConfigMsg // the experiment of the run that is shown; nil until read
	building string          // directory whose history is being read into a feed; "" = none
	ownState string          // of the own run, as of the last message

	charts chartLook // kept over runs
	heat   trainHeat // gradients by layer and module in the place of the charts
	detail bool      // small layout: evaluations and watched examples in place of the charts
	drawn  trainLook // what frame was drawn from
	frame  string

	startedDir  string     // of the run that was started here last
	startedWork *workspace // the experiment as it was opened then
	askedConfig string     // directory whose experiment was asked for last

	orders  []order // changes of settings that were made here, the newest last
	ordered ordered
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

func newTrain(a *app) *trainScreen {
	return &trainScreen{app: a, charts: chartLook{smooth: 1, cross: math.NaN()}, heat: trainHeat{gradReader: newGradReader(a.back)}}
}

func (s *trainScreen) Title() string             { return "Train" }
func (s *trainScreen) SetSize(width, height int) { s.width, s.height = width, height }
func (s *trainScreen) CapturesText() bool        { return false }
func (s *trainScreen) Focus() tea.Cmd            { s.visible = true; return s.readHeat() }
func (s *trainScreen) Blur()                     { s.visible = false }

// Escape leaves the gradients for the charts, and takes the crosshair away.
func (s *trainScreen) Escape() (tea.Cmd, bool) {
	if s.heat.on {
		return s.toggleHeat(), true
	}
	if math.IsNaN(s.charts.cross) {
		return nil, false
	}
	s.setCross(math.NaN())
	return nil, true
}

// Update brings the feed up to the snapshot that arrived.
func (s *trainScreen) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case trainBuiltMsg:
		if msg.feed.dir != s.building || msg.feed.feedSettings != s.settings() {
			return nil
		}
		s.building = ""
		s.adopt(msg.feed)
	case trainConfigMsg:
		if msg.dir != s.runDir || msg.err != nil {
			return nil
		}
		s.run = &msg
		if s.feed != nil && s.feed.feedSettings != s.settings() {
			s.feed = nil // steps are clipped, weighted and placed as they are taken
		}
	case startedMsg:
		if msg.err == nil {
			s.startedDir, s.startedWork = msg.run.Dir(), s.work
		}
	case crosshairMsg:
		s.heat.on = false // it is looked for on the charts
		s.setCross(msg.step)
		return nil
	case gradsMsg:
		s.heat.keep(msg, s.runDir)
		return s.readHeat() // what came while this was read
	case printedMsg:
		if s.feed != nil {
			for _, l := range msg.lines {
				s.feed.write(logLine{at: s.now().Format("15:04:05"), text: "printed: " + l})
			}
			s.frame = ""
		}
		return nil
	case themedMsg:
		s.feed, s.building, s.frame = nil, "", "" // charts have the colours they were made with
	case snapshotMsg, ownDoneMsg:
	default:
		return nil
	}
	s.ownState = ""
	if s.ownShown() {
		s.ownState = s.own.State()
	}
	return tea.Batch(s.catchUp(), s.readHeat())
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
		s.dress()
		return nil
	}
	var ask tea.Cmd
	if s.askedConfig != s.snap.Dir {
		s.askedConfig, s.run = s.snap.Dir, nil
		s.charts.cross, s.charts.window = math.NaN(), chart.Window{}
		s.orders, s.ordered = nil, ordered{}
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
	with := s.settings()
	zone := s.now().Location()
	if len(s.snap.History.Steps) <= manySteps {
		s.adopt(builtFeed(s.snap, with, s.t, zone))
		return ask
	}
	s.building = s.snap.Dir
	snap, t := s.snap, s.t
	return tea.Batch(ask, func() tea.Msg { return trainBuiltMsg{builtFeed(snap, with, t, zone)} })
}

// builtFeed is a feed of a whole snapshot.
func builtFeed(snap *snapshot, with feedSettings, t *theme, zone *time.Location) *trainFeed {
	f := newTrainFeed(snap.Dir, with, unitOf(secondsOf(snap.History.Steps)), t, zone)
	f.take(snap) // an empty feed takes any history
	return f
}

// settings are what the steps of the run are drawn with.
func (s *trainScreen) settings() feedSettings {
	with := feedSettings{axis: s.charts.axis}.of(s.snap)
	if s.run != nil {
		c := s.run.config
		with.clip, with.by = c.Train.Clip, c.Train.BestBy
		with.weights = [4]float64{c.Loss.CE, c.Loss.JSON, c.Loss.Field, c.Loss.Confidence}
	}
	return with
}

// adopt shows a feed with the settings of the screen.
func (s *trainScreen) adopt(f *trainFeed) {
	s.feed = f
	s.dress()
}

// Keys depends on whose run is shown and on its state.
func (s *trainScreen) Keys() []keyGroup {
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
	if s.heat.on {
		return append(groups, keyGroup{Title: "gradients", Bindings: s.heatKeys()})
	}
	return append(groups, keyGroup{Title: "charts", Bindings: s.chartKeys()})
}

// controls are the keys that steer a run, or that say why they cannot.
func (s *trainScreen) controls(own, paused func() bool) []binding {
	if !own() {
		var rows []binding
		steering := []struct{ key, text string }{{" ", "pause"}, {".", "step"}, {"e", "evaluate"}, {"c", "checkpoint"}, {"l", "learning rate"}, {"b", "batch size"}, {"o", "loss weights"}, {"u", "undo"}, {"w", "watch"}, {"s", "stop"}}
		if s.replayShown() {
			steering = steering[2:] // the replay has keys of its own to pause and step
		}
		if s.snap != nil && s.snap.live() && !s.replayShown() {
			whose := "another process"
			if s.snap.Info.PID > 0 {
				whose = fmt.Sprintf("process %d", s.snap.Info.PID)
			}
			rows = append(rows, binding{Label: "following", Text: whose, Help: whose + " trains this run: the keys that steer it work there"})
		}
		rows = append(rows, binding{
			Keys: []string{"X"}, Text: "export", Help: "write what the run keeps, a checkpoint or what it began with in a format of other tools; it is read back and compared",
			Run: func() tea.Cmd { return s.askExport(s.runDir) }, When: s.exportable,
		})
		for _, k := range steering {
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
		{Keys: []string{"u"}, Text: "undo", Help: "take the last change of learning rate, batch size or loss weights back", Run: s.undoOrder, When: s.undoable},
		{Keys: []string{"w"}, Text: "watch", Help: "choose rows of the eval split whose outputs are made anew at every evaluation", Run: do(s.askWatch), When: func() bool { return s.feed != nil }},
		{Keys: []string{"s"}, Text: "stop", Help: "stop with a checkpoint: after this step, after an evaluation, or now; asks first", Run: do(s.askStop)},
		{Keys: []string{"b"}, Text: "batch size", Help: "change the batch size from the next step on: the rest of the epoch is cut anew", Run: do(s.askBatch)},
		{Keys: []string{"o"}, Text: "loss weights", Help: "change the weights of the terms of the loss from the next step on", Run: do(s.askLoss), When: func() bool { _, ok := s.currentLoss(); return ok }},
	}
}

// exportable reports whether the run that is shown has ended, so that it keeps what it
// will keep.
func (s *trainScreen) exportable() bool {
	return s.snap != nil && s.snap.Err == nil && s.snap.Foreign == nil && !s.snap.live() && !s.replayShown()
}

// notOwn says why a key does nothing.
func (s *trainScreen) notOwn() tea.Cmd {
	switch {
	case s.snap == nil:
		return nil
	case s.replayShown():
		return notice("this is a replay of what was recorded: nothing is trained; f on 6 Runs takes its settings over")
	case s.snap.Foreign != nil:
		return notice("this is the log of another trainer: it can be looked at, no more")
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
		Text:  []string{"It keeps a checkpoint, from which it can be resumed later."},
		Choices: []choice{
			{Keys: []string{"s", "enter"}, Text: "stop after this step and save", Run: s.ending("stopping after this step", func() { s.own.Stop() })},
			{Keys: []string{"e"}, Text: "evaluate first: after this step, then save and stop", Run: s.ending("evaluating after this step, then stopping", func() { s.own.Evaluate(); s.own.Stop() })},
			{Keys: []string{"n"}, Text: "now: drop the step under way, save the one before", Run: s.ending("stopping without the step under way", func() { s.own.Abandon() })},
		},
	})
}

// ending is a way to end the own run, if it is still going when it is chosen.
func (s *trainScreen) ending(said string, f func()) func() tea.Cmd {
	return func() tea.Cmd {
		if !s.ownShown() {
			return nil
		}
		return s.act(said, f)()
	}
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

// evalEvery is how many steps lie between evaluations; 0 = not known or never.
func (s *trainScreen) evalEvery() int {
	if s.run == nil {
		return 0
	}
	return s.run.config.Train.EvalEvery
}
