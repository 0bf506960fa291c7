package tui

import (
	"context"
	"errors"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
)

// settleTime is how long the experiment must rest before its cost is worked out.
const settleTime = 200 * time.Millisecond

// receive takes a message over into the shared state, before the screens see it.
func (a *app) receive(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case workspaceMsg:
		if msg.gen == a.workGen {
			a.workBusy = false
			a.work, a.workErr = msg.work, msg.err
		}
	case planMsg:
		if msg.gen == a.planGen {
			a.planBusy = false
			a.plan, a.planErr = msg.plan, msg.err
			a.planned = msg.err == nil
		}
	case settleMsg:
		if msg.gen == a.settle {
			return tea.Batch(a.makePlan(), a.reopen())
		}
	case tickMsg:
		return a.ticked(msg)
	case snapshotMsg:
		next, _ := a.took(msg)
		return next
	case startedMsg:
		return a.started(msg)
	case ownDoneMsg:
		if a.own != nil && a.own.Dir() == msg.dir {
			a.ownEnd = true
			if msg.err != nil && !errors.Is(msg.err, context.Canceled) {
				return tea.Batch(a.pollSoon(), problem(msg.err))
			}
			return a.pollSoon()
		}
	case openedRunMsg:
		return a.openedRun(msg)
	case runModelsMsg:
		msg.choice.found(msg)
	case exportStepMsg:
		msg.job.doing = msg.doing
		return msg.next
	case exportEndMsg:
		return a.exportEnded(msg)
	case savedMsg:
		if msg.err != nil {
			return problem(msg.err)
		}
		a.configPath, a.savedAs = msg.path, msg.config
		return notice("saved " + msg.path)
	}
	return nil
}

// edited is called after every change of a.config: what depends on it is worked
// out when no more changes come for a moment.
func (a *app) edited() tea.Cmd {
	a.settle++
	a.planBusy = true
	gen := a.settle
	return tea.Batch(
		func() tea.Msg { return configMsg{} },
		a.after(settleTime, settleMsg{gen}),
	)
}

// setConfig makes another experiment the edited one.
func (a *app) setConfig(c experiments.Config) tea.Cmd {
	a.config = c
	return a.edited()
}

// makePlan works out what the edited experiment would cost.
func (a *app) makePlan() tea.Cmd {
	a.planGen++
	a.planBusy = true
	gen, c, back := a.planGen, a.config, a.back
	return func() tea.Msg {
		plan, err := back.Plan(c)
		return planMsg{gen, plan, err}
	}
}

// reopen opens the workspace anew when the edit has to do with the data.
func (a *app) reopen() tea.Cmd {
	for _, change := range experiments.Diff(a.workOf, a.config) {
		if touchesData(change.Key) {
			return a.openWorkspace()
		}
	}
	return nil
}

// touchesData reports whether a key decides what the workspace holds.
func touchesData(key string) bool {
	return key == "seed" || key == "model.path" || len(key) > 5 && key[:5] == "data."
}

// openWorkspace reads the edited experiment's dataset and tokenizer. An older
// reading still under way is cancelled.
func (a *app) openWorkspace() tea.Cmd {
	if a.workStop != nil {
		a.workStop()
	}
	ctx, stop := context.WithCancel(a.ctx)
	a.workStop = stop
	a.workGen++
	a.workBusy = true
	a.workOf = a.config
	gen, c, back := a.workGen, a.config, a.back
	return func() tea.Msg {
		work, err := back.Open(ctx, c)
		return workspaceMsg{gen, work, err}
	}
}

// start trains the edited experiment in this process: in a new directory, or in
// dir, which resumes it.
func (a *app) start(c experiments.Config, dir string) tea.Cmd {
	return a.startAs(c, experiments.StartOptions{Store: a.store, RunDir: dir})
}

// startAs is start with more to be done before the first step.
func (a *app) startAs(c experiments.Config, o experiments.StartOptions) tea.Cmd {
	if a.ownLive() {
		return problem(errors.New("this process trains " + baseName(a.own.Dir()) + " already: stop it first, or start another hone"))
	}
	if a.sweeping {
		return problem(errors.New("a sweep of the learning rate is under way: esc on 2 stops it"))
	}
	if a.starting {
		return nil
	}
	a.starting = true
	ctx, back := a.ctx, a.back
	return func() tea.Msg {
		run, err := back.Start(ctx, c, o)
		return startedMsg{run, err}
	}
}

// started follows the new run and shows it.
func (a *app) started(msg startedMsg) tea.Cmd {
	a.starting = false
	if msg.err != nil {
		return problem(msg.err)
	}
	a.own, a.ownEnd = msg.run, false
	run := msg.run
	return tea.Batch(
		a.lookAt(run.Dir()),
		goTo(trainScreenID),
		func() tea.Msg {
			<-run.Done()
			return ownDoneMsg{run.Dir(), run.Err()}
		},
	)
}

// openRun reads the experiment of a run directory, to resume or to fork it.
func (a *app) openRun(dir, then string) tea.Cmd {
	back := a.back
	return func() tea.Msg {
		c, err := back.RunConfig(dir)
		return openedRunMsg{dir, c, then, err}
	}
}

// openedRun goes on with what the reading was for.
func (a *app) openedRun(msg openedRunMsg) tea.Cmd {
	if msg.err != nil {
		return problem(msg.err)
	}
	if msg.then == "resume" {
		return a.start(msg.config, msg.dir)
	}
	a.configPath = ""
	a.savedAs = msg.config
	return tea.Batch(a.setConfig(msg.config), goTo(experimentScreenID), notice("the experiment of "+baseName(msg.dir)+"; change it and press s"))
}
