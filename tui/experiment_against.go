package tui

import (
	"errors"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
)

// against is the experiment that the form is compared with.
type against struct {
	short  string // before the other value, as "quick"
	long   string // in the head line
	recipe bool   // it says nothing of paths and the name
	config experiments.Config
}

// theDefaults is what the form is compared with at first.
var theDefaults = against{"default", "the defaults", true, defaults}

// inFile is what the file held when it was read or written last.
func (e *experimentScreen) inFile() against {
	return against{"file", e.configPath, false, e.savedAs}
}

// setAgainst compares the form with something else.
func (e *experimentScreen) setAgainst(a against) tea.Cmd {
	e.other = a
	e.show()
	return notice("compared with " + a.long + ": " + plural(len(e.changed()), "different setting"))
}

// changed are the settings that differ; name and paths count only where the other
// has some of its own.
func (e *experimentScreen) changed() []experiments.Change {
	var out []experiments.Change
	for _, ch := range experiments.Diff(e.other.config, e.config) {
		if e.counts(ch.Key) {
			out = append(out, ch)
		}
	}
	return out
}

func (e *experimentScreen) counts(key string) bool {
	k, _ := experiments.FindKey(key)
	return !e.other.recipe || k.Kind != experiments.KindPath && key != "name"
}

// askAgainst offers what the form can be compared with.
func (e *experimentScreen) askAgainst() {
	rows := []pickRow{{text: "the defaults", note: "of an empty experiment file", run: func() tea.Cmd { return e.setAgainst(theDefaults) }}}
	for _, p := range experiments.Presets() {
		rows = append(rows, pickRow{text: "preset " + p.Name, note: p.Doc, run: func() tea.Cmd {
			return e.setAgainst(against{p.Name, "preset " + p.Name, true, p.Config})
		}})
	}
	if e.configPath != "" {
		rows = append(rows, pickRow{text: "the file it came from", note: e.configPath, run: func() tea.Cmd { return e.setAgainst(e.inFile()) }})
	}
	rows = append(rows, pickRow{text: "an earlier run", note: "choose one of the store", run: e.listRuns})
	e.ask(newPicker("compare the form with", "nothing has these words", rows))
}

// listRuns reads the store, to choose a run of it.
func (e *experimentScreen) listRuns() tea.Cmd {
	ctx, back, store := e.ctx, e.back, e.store
	return func() tea.Msg {
		runs, err := back.Runs(ctx, store)
		return againstRunsMsg{runs, err}
	}
}

// askRun offers the runs whose experiment can be read.
func (e *experimentScreen) askRun(msg againstRunsMsg) tea.Cmd {
	if msg.err != nil {
		return problem(msg.err)
	}
	var rows []pickRow
	for i := range msg.runs {
		run := &msg.runs[i]
		if run.Config == nil {
			continue
		}
		note := run.State
		if finite(run.Exact) {
			note += "  exact " + runFigure(run.Exact, 2)
		}
		rows = append(rows, pickRow{text: strings.Join(append([]string{run.title()}, run.hashTags()...), " "), note: note, run: func() tea.Cmd {
			return e.setAgainst(against{"run", run.title(), false, *run.Config})
		}})
	}
	if len(rows) == 0 {
		return problem(errors.New("there is no run with an experiment in " + e.store))
	}
	e.ask(newPicker("compare the form with a run", "no run has these words", rows))
	return nil
}

// onlyChanged lists only settings that differ, or all again.
func (e *experimentScreen) onlyChanged() {
	e.only = !e.only
	e.show()
}

// differing reports whether the selected setting differs from the other's.
func (e *experimentScreen) differing() bool {
	k, ok := e.selected()
	return ok && e.differs(k) != ""
}

// take sets the selected setting to the other's value.
func (e *experimentScreen) take() tea.Cmd {
	k, _ := e.selected()
	c := e.config.Clone()
	text, err := e.other.config.Get(k.Name)
	if err == nil {
		err = c.SetValue(k.Name, text)
	}
	if err != nil {
		return problem(err)
	}
	return e.apply(c)
}
