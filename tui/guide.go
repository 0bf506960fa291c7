package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"hone/runs"
)

// The guide is a line above the footer for somebody whose run store is empty: it
// says what is to be seen here and which key goes on. It takes no key and no room
// of a screen, and is not there for somebody who has trained before.

// newcomerMsg says that the run store is empty.
type newcomerMsg struct{}

// askNewcomer looks whether there are runs.
func (s *shell) askNewcomer() tea.Cmd {
	if s.runDir != "" {
		return nil
	}
	ctx, store, back := s.ctx, s.store, s.back
	return func() tea.Msg {
		if rows, err := back.Runs(ctx, store); err == nil && len(rows) == 0 {
			return newcomerMsg{}
		}
		return nil
	}
}

// toggleGuide shows or hides the guide.
func (s *shell) toggleGuide() tea.Cmd {
	s.guided = !s.guided
	if !s.guided {
		return notice("guide off; ^g shows it again")
	}
	return nil
}

// guideLine is the guide, or "" where it is off or has nothing to say.
func (s *shell) guideLine(width int) string {
	if !s.guided || s.overlay != nil || s.screens[s.active].CapturesText() {
		return ""
	}
	seen, next := s.guideText()
	if seen == "" {
		return ""
	}
	line := s.t.accent.Render(" "+s.t.g.selected+" ") + s.t.dim.Render(seen) + "  " + s.t.strong.Render(next)
	return s.t.cut(line, width)
}

// sweepShown reports whether a sweep stands in the place of the form.
func (s *shell) sweepShown() bool {
	e, ok := s.screens[experimentScreenID].(*experimentScreen)
	return ok && e.sweep.on
}

// guideText is what there is to see now, and what comes next.
func (s *shell) guideText() (seen, next string) {
	switch {
	case s.ownLive() && s.active == trainScreenID:
		return "the loss falls, the scores of the eval split rise.", "arrows read a step, space pauses"
	case s.ownLive() && s.active == traceScreenID:
		return "what each step consumed, and its gradients.", "3 goes back to the curves"
	case s.ownLive():
		return "training goes on meanwhile.", "3 shows it"
	case s.snap != nil && s.snap.Foreign != nil:
		return "the log of another trainer.", "4 says what is wrong with it"
	case s.snap != nil && s.snap.State == runs.Failed:
		return "the run has failed; nothing was lost.", "4 says why"
	case s.snap != nil && s.snap.State == runs.Finished && s.active == compareScreenID:
		if c, ok := s.screens[compareScreenID].(*compareScreen); ok && c.cmp == nil {
			return "both models have not written out the test rows yet.", "g lets them"
		}
		return "left what the model wrote before, right what it writes now.", "t tries your own text"
	case s.snap != nil && s.snap.State == runs.Finished:
		return "trained.", "5 compares the model before and after"
	case s.snap != nil && !s.snap.live():
		return "the run was stopped, with a checkpoint.", "6 lists it; enter, then r goes on"
	case s.workErr != nil || s.planErr != nil:
		return "", ""
	case s.active == dataScreenID && s.work != nil:
		return "what is learned: a text, and the answer wanted of it.", "2 goes on"
	case s.active == experimentScreenID && s.sweepShown():
		return "the loss at each learning rate: it falls, then it explodes.", "enter takes the rate that is suggested"
	case s.active == experimentScreenID && s.planned && s.plan.Seconds != nil:
		return "every value has a default; training takes about " + roughTime(*s.plan.Seconds) + ".", "s starts"
	case s.active == experimentScreenID:
		return "every value has a default.", "s starts"
	case s.active == dataScreenID:
		return "", ""
	}
	return "nothing is trained yet.", "2, then s starts"
}
