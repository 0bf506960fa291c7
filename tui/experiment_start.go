package tui

import (
	"errors"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// askStart starts, after a warning where the data has problems.
func (e *experimentScreen) askStart() tea.Cmd {
	if e.problems != nil {
		for i, k := range e.keys {
			if k.Name == e.problems.List[0].Key {
				e.rows.choose(i)
			}
		}
		return problem(e.firstProblem())
	}
	if e.workErr != nil && !e.workBusy {
		return problem(e.workErr)
	}
	if e.work != nil && e.work.ModelProblem != nil && !e.workBusy {
		return problem(e.work.ModelProblem)
	}
	if why := e.refusal(); why != "" {
		e.ask(&dialog{
			Title: "preflight refuses this run", Text: []string{why},
			Choices: []choice{{Keys: []string{"s"}, Text: "start all the same, without preflight", Run: e.startAllTheSame}},
		})
		return nil
	}
	if e.work != nil {
		var text []string
		for _, f := range e.work.Findings {
			if severe(f.Severity) {
				text = append(text, f.ID+": "+f.Message)
			}
		}
		if len(text) > 0 {
			e.ask(&dialog{
				Title: "the data has problems", Text: append(text[:min(len(text), 3)], "1 shows them."),
				Choices: []choice{
					{Keys: []string{"1"}, Text: "look at the data", Run: func() tea.Cmd { return goTo(dataScreenID) }},
					{Keys: []string{"s"}, Text: "start all the same, without preflight", Run: e.startAllTheSame},
				},
			})
			return nil
		}
	}
	return e.startNow()
}

// startNow starts; what the panel is looking at meanwhile, the run will.
func (e *experimentScreen) startNow() tea.Cmd {
	if e.pre.busy {
		e.forgetPreflight()
	}
	return e.start(e.config, "")
}

// startAllTheSame starts without being asked once more: the run's experiment says so.
func (e *experimentScreen) startAllTheSame() tea.Cmd {
	e.forgetPreflight()
	c := e.config.Clone()
	c.Train.Preflight = false
	return e.start(c, "")
}

// firstProblem is the first of what is wrong with the values together.
func (e *experimentScreen) firstProblem() error {
	p := e.problems.List[0]
	return errors.New(strings.TrimSpace(p.Key + " " + p.Message))
}
