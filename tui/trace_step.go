package tui

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
	"hone/runs"
)

// What step the Trace screen shows, where it is not one that was chosen.
const (
	byFinding  = 0  // that of the selected finding; without any, the newest
	newestStep = -1 // the newest, as it comes
)

// stepView is a step as it is drawn, worked out in a command.
type stepView struct {
	of       stepAsk
	record   *experiments.StepRecord
	grads    *gradView
	figures  []figureRow
	shown    []shownLoss // the loss of the last steps, and what another trainer's log would say
	followed []string    // what came after the step, in words
}

// stepAsk says what a view was made for: a view for an equal one looks the same.
type stepAsk struct {
	dir     string
	step    int // 0 = the newest
	version int // of the snapshot, where the view depends on it
	state   string
}

// stepMsg is a step that was read.
type stepMsg struct {
	of   stepAsk
	view *stepView
	err  error
}

// figureRow is a figure over the steps up to the one shown.
type figureRow struct {
	name   string
	values []float64
	last   string
	odd    bool
}

// shownLoss is the loss of a step, and what a log shows that replaces what is no
// number by zero.
type shownLoss struct{ is, shown float64 }

// wanted is the step that the screen should show.
func (s *traceScreen) wanted() stepAsk {
	ask := stepAsk{dir: s.snap.Dir, step: s.chosen, state: s.snap.State}
	switch {
	case s.chosen == newestStep:
		ask.step = 0
	case s.chosen == byFinding:
		if row, ok := s.findings.selected(); ok {
			ask.step = s.found[row].from
		}
	}
	if ask.step == 0 || !s.snap.live() {
		ask.version = s.snap.Version
	}
	return ask
}

// readStep reads the step to be shown, while somebody looks and where it is not the
// one that is shown already. One reading is under way at a time.
func (s *traceScreen) readStep() tea.Cmd {
	if !s.visible || s.reading || s.snap == nil || s.snap.Dir != s.runDir || s.snap.Foreign != nil {
		return nil
	}
	ask := s.wanted()
	if ask == s.asked {
		return nil
	}
	s.asked, s.reading = ask, true
	ctx, read, snap := s.ctx, s.read, s.snap
	return func() tea.Msg {
		r, err := read(ctx, ask.dir, ask.step)
		if err != nil {
			return stepMsg{of: ask, err: err}
		}
		return stepMsg{of: ask, view: newStepView(ask, r, snap)}
	}
}

// newStepView works out what is drawn of a step.
func newStepView(ask stepAsk, r *experiments.StepRecord, snap *snapshot) *stepView {
	v := &stepView{of: ask, record: r, grads: newGradView(r.Gradients)}
	step := r.Step
	if step == 0 {
		step = ask.step
	}
	if step == 0 {
		return v
	}
	v.measure(step, snap.History)
	v.followed = followed(step, snap)
	if _, wrong := v.firstWrong(); !wrong && snap.State == runs.Failed && snap.Info.Error != "" && step >= lastTaken(snap) {
		v.followed = append(v.followed, "it ended with: "+snap.Info.Error) // what the trace has nothing of
	}
	return v
}

// lastTaken is the last step that a snapshot has.
func lastTaken(snap *snapshot) int {
	last, _ := snap.History.LastStep()
	return last.Step
}

// figureSteps is over how many steps figures are drawn.
const figureSteps = 40

// measure makes the rows of figures from the steps up to one. A step that ended the
// run is in its trace only.
func (v *stepView) measure(step int, h *runs.History) {
	at, found := slices.BinarySearchFunc(h.Steps, step, func(s runs.Step, step int) int { return s.Step - step })
	if found {
		at++
	}
	steps := h.Steps[max(at-figureSteps, 0):at]
	var loss, norm, targets, tokens []float64
	for _, s := range steps {
		loss, norm = append(loss, float64(s.Loss)), append(norm, float64(s.GradNorm))
		targets, tokens = append(targets, float64(s.TargetTokens)), append(tokens, float64(s.Tokens))
	}
	if r := v.record; !found && r.Step == step {
		loss, norm = append(loss, r.Loss), append(norm, r.GradNorm)
		targets, tokens = append(targets, float64(r.Targets)), append(tokens, float64(r.Tokens))
	}
	row := func(name string, values []float64, write func(float64) string) {
		if len(values) == 0 {
			return
		}
		last := values[len(values)-1]
		v.figures = append(v.figures, figureRow{name, values, write(last), !finite(last) || last == 0})
	}
	count := func(x float64) string { return fmt.Sprintf("%.0f", x) }
	row("loss", loss, figure)
	row("grad norm", norm, figure)
	row("targets", targets, count)
	row("tokens", tokens, count)
	for _, x := range loss[max(len(loss)-4, 0):] {
		shown := x
		if !finite(x) {
			shown = 0
		}
		v.shown = append(v.shown, shownLoss{x, shown})
	}
}

// hidden reports whether the log of another trainer would have hidden something.
func (v *stepView) hidden() bool {
	return slices.ContainsFunc(v.shown, func(x shownLoss) bool { return !finite(x.is) })
}

// maxFollowed bounds what is told of what came after a step.
const maxFollowed = 5

// followed says what came after a step: what rules found later, what was done, and
// how the run went on.
func followed(step int, snap *snapshot) []string {
	var out []string
	said := func(format string, args ...any) {
		if len(out) < maxFollowed {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	for _, e := range snap.History.Events {
		switch r := e.Record.(type) {
		case runs.Alert:
			_, symptom := experiments.FailureTitle(r.ID)
			if r.Step <= step || r.Severity == "note" || symptom {
				continue
			}
			text := fmt.Sprintf("step %d  %s: %s", r.Step, r.ID, alertText(r))
			if e.Undone {
				text = "undone: " + text
			}
			said("%s", text)
		case runs.Intervention:
			if r.Step < step {
				continue
			}
			if r.Action == runs.ActionSkipRow || r.Action == runs.ActionSkipStep || r.Action == runs.ActionRewind {
				said("%s", doneText(r))
			}
		}
	}
	after := 0
	if last, ok := snap.History.LastStep(); ok && last.Step > step {
		at, _ := slices.BinarySearchFunc(snap.History.Steps, step+1, func(s runs.Step, step int) int { return s.Step - step })
		after = len(snap.History.Steps) - at
	}
	switch {
	case after > 0:
		said("%s after it, the run %s", plural(after, "step"), stateWords(snap.State))
	case snap.State == runs.Failed:
		said("the run ended here; nothing is lost")
	}
	return out
}

// doneText says what was done about a step.
func doneText(r runs.Intervention) string {
	if r.Action == runs.ActionRewind {
		r.Reason = "" // it says no more than where it was asked for, or repeats the alert
	}
	_, text := interventionText(r)
	if r.Action == runs.ActionRewind && len(r.Rows) > 0 {
		text += ", without " + rowsText(r.Rows)
	}
	return text
}

// alertText is an alert without the step that stands beside it.
func alertText(r runs.Alert) string {
	return strings.TrimPrefix(r.Message, fmt.Sprintf("step %d: ", r.Step))
}

// stateWords is a state as the end of "the run ...".
func stateWords(state string) string {
	switch state {
	case runs.Running, runs.Paused:
		return "is " + state
	case runs.Stale:
		return "shows no sign of life"
	case runs.Stopped:
		return "was stopped"
	}
	return state
}

// goStep shows another step.
func (s *traceScreen) goStep(step int) tea.Cmd {
	s.chosen = step
	for i, row := range s.findings.visible {
		if n := s.found[row]; n.from <= step && step <= n.to {
			s.findings.at = i
			break
		}
	}
	return s.readStep()
}

// stepBy goes some steps back or on.
func (s *traceScreen) stepBy(by int) func() tea.Cmd {
	return func() tea.Cmd {
		at := s.shownStep()
		return s.goStep(max(min(at+by, s.lastStep()), 1))
	}
}

// shownStep is the step that is shown; 0 = none yet.
func (s *traceScreen) shownStep() int {
	if s.view != nil && s.view.record.Step > 0 {
		return s.view.record.Step
	}
	if s.snap == nil {
		return 0
	}
	return s.wanted().step
}

// lastStep is the last step that was tried.
func (s *traceScreen) lastStep() int {
	last := 1
	if s.snap == nil {
		return last
	}
	if h, ok := s.snap.History.LastStep(); ok {
		last = h.Step
	}
	for _, n := range s.found {
		last = max(last, n.from)
	}
	return last
}

// askStep asks for a step to go to.
func (s *traceScreen) askStep() {
	last := s.lastStep()
	read := func(in string) (int, error) {
		var n int
		if _, err := fmt.Sscan(in, &n); err != nil || n < 1 || n > last || fmt.Sprint(n) != in {
			return 0, fmt.Errorf("want a step from 1 to %d", last)
		}
		return n, nil
	}
	s.ask(&question{
		Title: "go to step", Text: []string{fmt.Sprintf("The run has tried steps 1 to %d.", last)}, Line: newLineEdit(""),
		Check: func(in string) error { _, err := read(in); return err },
		Done: func(in string) tea.Cmd {
			n, err := read(in)
			if err != nil {
				return nil
			}
			return s.goStep(n)
		},
	})
}

// traceAtMsg shows a step on Trace, with its batch.
type traceAtMsg struct{ step int }

// stepReader reads a step of a run.
type stepReader func(ctx context.Context, dir string, step int) (*experiments.StepRecord, error)

// meanLoss is the mean loss of a row's targets.
func meanLoss(r experiments.StepRow) float64 {
	if r.Targets == 0 {
		return math.NaN()
	}
	return r.NLL / float64(r.Targets)
}

// firstWrong is the first stage of a step that went wrong.
func (v *stepView) firstWrong() (experiments.Stage, bool) {
	i := slices.IndexFunc(v.record.Stages, func(s experiments.Stage) bool { return s.First })
	if i < 0 {
		return experiments.Stage{}, false
	}
	return v.record.Stages[i], true
}

// rowNames names rows in a sentence.
func rowNames(rows []int) string {
	names := make([]string, 0, len(rows))
	for _, r := range rows {
		names = append(names, fmt.Sprint(r))
	}
	return strings.Join(names, ", ")
}
