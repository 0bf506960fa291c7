package tui

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
)

// replayJob is a step that is executed again in the background.
type replayJob struct {
	gen, step int
	stop      context.CancelFunc
	doing     string
	done      int
	total     int
}

// replayProgressMsg is how far a replay of a step is.
type replayProgressMsg struct {
	gen         int
	what        string
	done, total int
	next        tea.Cmd
}

// replayedMsg is the end of a replay of a step.
type replayedMsg struct {
	gen, step int
	dir       string
	replay    *experiments.Replay
	view      *replayedView
	err       error
}

// replayedView is a replay as it is drawn.
type replayedView struct {
	replay *experiments.Replay
	rows   map[int]experiments.ReplayedRow
	place  []string // where the first bad value is, in words
	bad    int      // its index among the operations; -1
}

// newReplayedView works out what is drawn of a replay.
func newReplayedView(r *experiments.Replay) *replayedView {
	v := &replayedView{replay: r, rows: map[int]experiments.ReplayedRow{}, bad: -1}
	for _, row := range r.Base.PerRow {
		v.rows[row.Row] = row
	}
	for i, op := range r.Base.Ops {
		if op.Bad != nil {
			v.bad = i
			break
		}
	}
	op := r.Base.FirstBad
	if b := r.Bisection; b != nil && b.Op != nil {
		op = b.Op
	}
	if op == nil || op.Bad == nil {
		return v
	}
	b := op.Bad
	v.place = append(v.place, fmt.Sprintf("operation  %s, %s", op.Name, op.Phase))
	if b.Part != op.Name {
		v.place = append(v.place, "part       "+b.Part)
	}
	v.place = append(v.place, fmt.Sprintf("element    %d of %dx%d (row %d, column %d): %v", b.Index, op.Shape[0], op.Shape[1], b.Row, b.Col, b.Value))
	if b.Data == nil {
		return v
	}
	text := fmt.Sprintf("token      %d of %d of dataset row %d, id %d", b.At+1, b.Tokens, *b.Data, b.Token)
	if row := v.rows[*b.Data]; b.At >= 0 && b.At < len(row.PerToken) {
		text += fmt.Sprintf(" %q", tokenWord(row.PerToken[b.At].Text))
	}
	v.place = append(v.place, text)
	return v
}

// replayable reports whether the shown step can be executed again.
func (s *traceScreen) replayable() bool {
	return s.snap != nil && s.snap.Foreign == nil && s.view != nil && s.view.record.Step > 0
}

// askReplay executes the shown step again; beside a run of this process it asks.
func (s *traceScreen) askReplay() tea.Cmd {
	return s.replayWith(experiments.ReplayOptions{Step: s.shownStep()})
}

func (s *traceScreen) replayWith(o experiments.ReplayOptions) tea.Cmd {
	if s.job != nil {
		return notice(fmt.Sprintf("step %d is being replayed; x stops that", s.job.step))
	}
	if !s.ownLive() {
		return s.replayNow(o)
	}
	s.ask(&dialog{
		Title: "replay beside a live run",
		Text:  []string{"A replay loads the model a second time and takes the processor from the run that this process trains."},
		Choices: []choice{{Keys: []string{"y"}, Text: "replay anyway", Run: func() tea.Cmd {
			return s.replayNow(o)
		}}},
	})
	return nil
}

// replayNow begins a replay in the background.
func (s *traceScreen) replayNow(o experiments.ReplayOptions) tea.Cmd {
	ctx, stop := context.WithCancel(s.ctx)
	s.jobs++
	gen, dir, back := s.jobs, s.runDir, s.back
	s.job = &replayJob{gen: gen, step: o.Step, stop: stop, doing: "beginning"}
	s.turnTo(replayPane)
	f := newFeed()
	next := tea.Cmd(f.next)
	o.Progress = func(what string, done, total int) {
		f.put(func() tea.Msg { return replayProgressMsg{gen, what, done, total, next} })
	}
	work := func() tea.Msg {
		defer f.close()
		defer stop()
		r, err := back.ReplayStep(ctx, dir, o)
		msg := replayedMsg{gen: gen, step: o.Step, dir: dir, replay: r, err: err}
		if err == nil {
			msg.view = newReplayedView(r)
		}
		return msg
	}
	return tea.Batch(work, next)
}

// stopReplay gives a replay up.
func (s *traceScreen) stopReplay() tea.Cmd {
	if s.job == nil {
		return nil
	}
	s.job.stop()
	s.job.doing = "stopping"
	return nil
}

// replayed takes the end of a replay.
func (s *traceScreen) replayed(msg replayedMsg) tea.Cmd {
	if s.job == nil || msg.gen != s.job.gen {
		return nil
	}
	s.job = nil
	if msg.dir != s.runDir {
		return nil
	}
	if msg.err != nil {
		s.replayErr = msg.err
		if errors.Is(msg.err, context.Canceled) {
			s.replayErr = nil
			return notice(fmt.Sprintf("the replay of step %d was stopped", msg.step))
		}
		return problem(fmt.Errorf("replaying step %d: %w", msg.step, msg.err))
	}
	s.replayErr = nil
	s.replays[msg.step] = msg.view
	s.ops = list{}
	for i := range msg.replay.Base.Ops {
		s.ops.visible = append(s.ops.visible, i)
	}
	if msg.view.bad >= 0 {
		s.ops.at = msg.view.bad
	}
	if msg.step != s.shownStep() {
		return notice(fmt.Sprintf("step %d was replayed", msg.step))
	}
	return nil
}

// shownReplay is the replay of the shown step; nil without one.
func (s *traceScreen) shownReplay() *replayedView { return s.replays[s.shownStep()] }

// askVariant asks what to change in a second execution beside the first.
func (s *traceScreen) askVariant() {
	step := s.shownStep()
	now := ""
	for _, r := range s.suspects() {
		now += fmt.Sprintf("%d ", r)
	}
	s.ask(&question{
		Title: fmt.Sprintf("replay step %d with something changed", step),
		Text:  []string{"Rows to leave out by number, settings as train.lr=1e-5 (" + strings.Join(experiments.ReplayKeys(), ", ") + "). Both executions are shown side by side."},
		Line:  newLineEdit(strings.TrimSpace(now)),
		Check: func(in string) error { _, err := variantOf(step, in); return err },
		Done: func(in string) tea.Cmd {
			o, err := variantOf(step, in)
			if err != nil {
				return nil
			}
			return s.replayWith(o)
		},
	})
}

// variantOf reads rows and settings.
func variantOf(step int, in string) (experiments.ReplayOptions, error) {
	o := experiments.ReplayOptions{Step: step}
	for _, word := range strings.Fields(in) {
		if strings.Contains(word, "=") {
			o.Set = append(o.Set, word)
			continue
		}
		row, err := strconv.Atoi(strings.TrimSuffix(word, ","))
		if err != nil || row < 0 {
			return o, fmt.Errorf("%q is neither a row number nor a setting such as train.lr=1e-5", word)
		}
		o.Without = append(o.Without, row)
	}
	if len(o.Without) == 0 && len(o.Set) == 0 {
		return o, errors.New("name a row or a setting to change")
	}
	return o, nil
}

// suspects are the rows that seem to be to blame for the shown step: what a
// bisection found, else what its record says.
func (s *traceScreen) suspects() []int {
	if v := s.shownReplay(); v != nil && v.replay.Bisection != nil {
		return v.replay.Bisection.Rows
	}
	if s.view == nil {
		return nil
	}
	return s.view.record.Suspects
}
