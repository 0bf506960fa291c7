package tui

import (
	"errors"
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
)

// diagnosis is what the doctor says of a run or a log.
type diagnosis struct {
	Verdict  string
	Checked  int // failure modes that could have been found
	Findings []finding
}

// diagnosedMsg is the end of an examination.
type diagnosedMsg struct {
	dir  string
	said diagnosis
	err  error
}

// diagnose has the doctor look at the run and its data, weights and records.
func (s *traceScreen) diagnose() tea.Cmd {
	if s.examining {
		return nil
	}
	s.examining = true
	ctx, back, dir := s.ctx, s.back, s.runDir
	return tea.Batch(notice("the doctor looks at records, data and weights"), func() tea.Msg {
		d, err := back.Diagnose(ctx, dir)
		return diagnosedMsg{dir, d, err}
	})
}

// diagnosed takes the doctor's findings over into the list.
func (s *traceScreen) diagnosed(msg diagnosedMsg) tea.Cmd {
	s.examining = false
	if msg.dir != s.runDir {
		return nil
	}
	if msg.err != nil {
		return problem(msg.err)
	}
	s.doctor = &msg.said
	s.collect()
	return notice(fmt.Sprintf("doctor: %s (%d failure modes were looked for)", msg.said.Verdict, msg.said.Checked))
}

// goBackMsg is a run's own experiment, read for going back.
type goBackMsg struct {
	dir    string
	config experiments.Config
	to     experiments.Rewind
	err    error
}

// rewindable reports whether the run can go back: one that nobody trains.
func (s *traceScreen) rewindable() bool {
	return s.snap != nil && s.snap.Foreign == nil && !s.snap.live() && !s.replayShown() && len(s.snap.History.Steps) > 0
}

// askRewind asks how to go on before the shown step.
func (s *traceScreen) askRewind() tea.Cmd {
	switch {
	case s.snap == nil || s.snap.Foreign != nil:
		return nil
	case s.replayShown():
		return problem(errReplay)
	case s.snap.live():
		return notice("the run is going: stop it first, then it can go back")
	case s.ownLive():
		return problem(errors.New("this process trains " + baseName(s.own.Dir()) + " already: stop it first"))
	case !s.rewindable():
		return notice("no step was taken that could be gone back to")
	}
	last, _ := s.snap.History.LastStep()
	to := min(max(s.shownStep()-1, 0), last.Step)
	rows := s.suspects()
	text := []string{
		fmt.Sprintf("%s goes back to the state after step %d and trains on from there, to its end. What came after stays in its history as undone.", baseName(s.runDir), to),
		"Weights, moments, random numbers and the place in the data are those of that step: from the newest checkpoint before it, the steps between executed again and compared with the record.",
	}
	var choices []choice
	if len(rows) > 0 {
		choices = append(choices, choice{
			Keys: []string{"w"}, Text: fmt.Sprintf("without %s: left out of all steps after %d", rowsText(rows), to),
			Run: func() tea.Cmd { return s.goBack(experiments.Rewind{To: to, Without: rows}) },
		})
	} else {
		text = append(text, "No row is known to be to blame; r replays the step and bisects its rows.")
	}
	choices = append(choices,
		choice{Keys: []string{"a"}, Text: "with all rows", Run: func() tea.Cmd { return s.goBack(experiments.Rewind{To: to}) }},
		choice{Keys: []string{"o"}, Text: "otherwise: name the step and the rows", Run: func() tea.Cmd { s.askRewindTo(to, last.Step, rows); return nil }},
	)
	s.ask(&dialog{Title: fmt.Sprintf("go back before step %d?", to+1), Text: text, Choices: choices})
	return nil
}

// askRewindTo asks for the step to go back to and the rows to leave out.
func (s *traceScreen) askRewindTo(to, last int, rows []int) {
	line := fmt.Sprint(to)
	for _, r := range rows {
		line += fmt.Sprintf(" %d", r)
	}
	read := func(in string) (experiments.Rewind, error) {
		fields := strings.Fields(in)
		var numbers []int
		for _, f := range fields {
			var n int
			if _, err := fmt.Sscan(f, &n); err != nil || n < 0 || fmt.Sprint(n) != f {
				return experiments.Rewind{}, fmt.Errorf("%q is not a number", f)
			}
			numbers = append(numbers, n)
		}
		if len(numbers) == 0 || numbers[0] > last {
			return experiments.Rewind{}, fmt.Errorf("the step comes first, 0 to %d", last)
		}
		return experiments.Rewind{To: numbers[0], Without: numbers[1:]}, nil
	}
	s.ask(&question{
		Title: "go back to", Text: []string{fmt.Sprintf("The last step that still counts, 0 to %d, then the train rows to leave out from there on.", last)},
		Line:  newLineEdit(line),
		Check: func(in string) error { _, err := read(in); return err },
		Done: func(in string) tea.Cmd {
			r, err := read(in)
			if err != nil {
				return nil
			}
			return s.goBack(r)
		},
	})
}

// goBack reads the run's experiment, to start it with a rewind.
func (s *traceScreen) goBack(to experiments.Rewind) tea.Cmd {
	back, dir := s.back, s.runDir
	return func() tea.Msg {
		c, err := back.RunConfig(dir)
		return goBackMsg{dir, c, to, err}
	}
}

// goesBack starts the run.
func (s *traceScreen) goesBack(msg goBackMsg) tea.Cmd {
	if msg.err != nil {
		return problem(msg.err)
	}
	return s.startAs(msg.config, experiments.StartOptions{RunDir: msg.dir, Rewind: &msg.to})
}

// askInject asks which failure to plant into a new run of the edited experiment.
func (s *traceScreen) askInject() {
	var rows []pickRow
	for _, m := range experiments.FaultModes() {
		rows = append(rows, pickRow{text: m.ID, note: m.Title, run: func() tea.Cmd { s.askInjectAt(m); return nil }})
	}
	s.ask(newPicker("plant a failure on purpose", "no failure has these letters", rows))
}

// askInjectAt asks for the step.
func (s *traceScreen) askInjectAt(m experiments.FaultMode) {
	text, line := "A new run of the experiment on 2 is started, and says of itself that a failure is planted. At which step, from 1?", "5"
	switch {
	case m.Data && !m.Steps:
		text, line = "A new run of the experiment on 2 is started, and says of itself that a failure is planted. This one is in the data: step 0.", "0"
	case m.Data:
		text += " 0 is the data before the run."
	}
	fault := func(in string) []string { return []string{m.ID + "@" + in} }
	s.ask(&question{
		Title: "plant " + m.ID, Text: []string{m.Title, text}, Line: newLineEdit(line),
		Check: func(in string) error { _, err := experiments.ParseFaults(fault(in)); return err },
		Done: func(in string) tea.Cmd {
			faults, err := experiments.ParseFaults(fault(in))
			if err != nil {
				return problem(err)
			}
			return s.startAs(s.config, experiments.StartOptions{Store: s.store, Inject: faults})
		},
	})
}
