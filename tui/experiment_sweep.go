package tui

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
	"hone/tui/chart"
)

// sweep is a sweep of the learning rate, in the place of the form; off shows the form.
type sweep struct {
	on      bool
	gen     int // of the sweep that is shown; what others bring is dropped
	of      experiments.Config
	stop    context.CancelFunc
	busy    bool
	stopped bool // by the user
	trials  []experiments.RateTrial
	found   *experiments.FoundRate // nil until it has ended
	err     error
	chart   *chart.Chart
}

// suggestion is the rate that the sweep suggests; ok is false without one.
func (s *sweep) suggestion() (rate float64, ok bool) {
	if s.found == nil {
		return 0, false
	}
	rate = float64(s.found.Suggestion)
	return rate, finite(rate) && rate > 0
}

// findRate sweeps the learning rate in the background: one step of training at each
// of many rates. It trains, so it waits until a run of this process has ended.
func (e *experimentScreen) findRate() tea.Cmd {
	switch {
	case e.ownLive():
		return problem(errors.New("this process trains " + baseName(e.own.Dir()) + ": a sweep would take its time and memory"))
	case e.starting:
		return problem(errors.New("a run is starting: a sweep would take its time and memory"))
	case e.exporting():
		return problem(errors.New("an export is under way: a sweep would take its time and memory"))
	case e.sweeping:
		return notice("the sweep before this one is still ending")
	case e.problems != nil:
		return problem(e.firstProblem())
	case e.workErr != nil && !e.workBusy:
		return problem(e.workErr)
	case e.work != nil && e.work.ModelProblem != nil && !e.workBusy:
		return problem(e.work.ModelProblem)
	}
	if e.pre.busy {
		e.forgetPreflight()
	}
	ctx, stop := context.WithCancel(e.ctx)
	e.sweep = sweep{on: true, gen: e.sweep.gen + 1, of: e.config, stop: stop, busy: true, chart: newSweepChart(e.t)}
	e.sweeping = true
	gen, c, back := e.sweep.gen, e.config, e.back
	feed := newFeed()
	work := func() tea.Msg {
		defer feed.close()
		defer stop()
		var trials []experiments.RateTrial
		found, err := back.FindRate(ctx, c, func(p experiments.RateTrial) {
			trials = append(trials, p)
			now := trials
			feed.put(func() tea.Msg { return sweepMsg{gen: gen, trials: now, next: feed.next} })
		})
		return sweepMsg{gen: gen, trials: trials, ended: true, found: found, err: err}
	}
	return tea.Batch(work, feed.next)
}

// swept takes over what a sweep brings.
func (e *experimentScreen) swept(msg sweepMsg) tea.Cmd {
	if msg.ended {
		e.sweeping = false
	}
	s := &e.sweep
	if msg.gen != s.gen || !s.on {
		return msg.next
	}
	if len(msg.trials) > len(s.trials) {
		for _, p := range msg.trials[len(s.trials):] {
			drawTrial(s.chart, p)
		}
		s.trials = msg.trials
	}
	if !msg.ended {
		return msg.next
	}
	s.busy = false
	switch {
	case errors.Is(msg.err, context.Canceled):
		s.stopped = true
		return nil
	case msg.err != nil:
		s.err = msg.err
		return problem(fmt.Errorf("sweeping the learning rate: %w", msg.err))
	}
	s.found, s.stopped = &msg.found, false
	s.chart.SetEvents(sweepMarks(s))
	if e.visible {
		return nil
	}
	if rate, ok := s.suggestion(); ok {
		return notice("the sweep suggests a learning rate of " + rateText(rate) + "; 2 shows it")
	}
	return notice("the sweep has nothing to suggest; 2 says why")
}

// leaveSweep stops a sweep that is under way, and shows the form of one that has
// ended.
func (e *experimentScreen) leaveSweep() tea.Cmd {
	s := &e.sweep
	if s.busy {
		if s.stopped {
			return nil
		}
		s.stop()
		s.stopped = true
		return notice("stopping the sweep; nothing was written")
	}
	s.on = false
	return nil
}

// forgetSweep gives up a sweep of another experiment than the one that is edited now.
func (e *experimentScreen) forgetSweep() {
	if e.sweep.stop != nil {
		e.sweep.stop()
	}
	e.sweep = sweep{gen: e.sweep.gen + 1}
}

// sweepStands reports whether the edited experiment is still what is swept: its own
// rate decides nothing.
func (e *experimentScreen) sweepStands() bool {
	for _, ch := range experiments.Diff(e.sweep.of, e.config) {
		if ch.Key != "train.lr" && ch.Key != "name" {
			return false
		}
	}
	return true
}

// takeRate puts the suggestion into the form, as one change, and shows the form.
func (e *experimentScreen) takeRate() tea.Cmd {
	rate, ok := e.sweep.suggestion()
	if !ok {
		return nil
	}
	before := valueText(e.config, "train.lr")
	cmd, err := e.set("train.lr", strconv.FormatFloat(rate, 'g', -1, 64))
	if err != nil {
		return problem(errors.New("train.lr " + err.Error()))
	}
	e.sweep.on = false
	for i, k := range e.keys {
		if k.Name == "train.lr" {
			e.rows.choose(i)
		}
	}
	if cmd == nil {
		return notice("train.lr is " + before + " already")
	}
	return tea.Batch(cmd, notice("train.lr "+before+" "+e.t.g.arrow+" "+valueText(e.config, "train.lr")+"; u takes it back"))
}

// sweepKeys are the keys of a sweep.
func (e *experimentScreen) sweepKeys() []keyGroup {
	s := &e.sweep
	_, found := s.suggestion()
	leave := "back"
	if s.busy {
		leave = "stop"
	}
	return []keyGroup{{Title: "sweep of the learning rate", Bindings: []binding{
		{Keys: []string{"enter"}, Text: "take the rate", Help: "put the suggested rate into the form; u takes it back", Run: e.takeRate, When: func() bool { return found }},
		{Keys: []string{"esc"}, Text: leave, Help: "stop the sweep; once it has ended, show the form again"},
		{Keys: []string{"f"}, Text: "again", Help: "sweep once more", Run: e.findRate, When: func() bool { return !s.busy }},
	}}}
}
