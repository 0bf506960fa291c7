package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
)

// preflight is what is known of the edited experiment before its first step.
type preflight struct {
	gen     int // of the question; answers to older ones are dropped
	stop    context.CancelFunc
	of      experiments.Config
	busy    bool
	verdict *experiments.Preflight // nil = not looked yet, or something was changed
	err     error
}

// lookAhead has the stages before the first step looked at. It reads the weights and
// computes, so a run of this process comes first.
func (e *experimentScreen) lookAhead() tea.Cmd {
	if e.sweeping {
		return problem(errors.New("a sweep of the learning rate is under way: preflight would take its time and memory"))
	}
	if e.ownLive() {
		return problem(errors.New("this process trains " + baseName(e.own.Dir()) + ": preflight would take its time and memory"))
	}
	if e.problems != nil {
		return problem(e.firstProblem())
	}
	e.forgetPreflight()
	ctx, stop := context.WithCancel(e.ctx)
	e.pre.busy, e.pre.stop, e.pre.of = true, stop, e.config
	gen, c, back := e.pre.gen, e.config, e.back
	return func() tea.Msg {
		defer stop()
		p, err := back.Preflight(ctx, c)
		return preflightMsg{gen, p, err}
	}
}

// forgetPreflight takes back what was found, and ends what is under way.
func (e *experimentScreen) forgetPreflight() {
	if e.pre.stop != nil {
		e.pre.stop()
	}
	e.pre = preflight{gen: e.pre.gen + 1}
}

// looked takes an answer over.
func (e *experimentScreen) looked(msg preflightMsg) {
	if msg.gen != e.pre.gen {
		return
	}
	e.pre.busy, e.pre.err = false, msg.err
	if msg.err == nil {
		e.pre.verdict = &msg.preflight
	}
}

// refusal is what a run would be refused for, as far as it is known; "" if nothing.
func (e *experimentScreen) refusal() string {
	if e.pre.verdict == nil || !e.config.Train.Preflight {
		return ""
	}
	s, failed := e.pre.verdict.Failure()
	if !failed {
		return ""
	}
	return fmt.Sprintf("%s: %s", s.Findings[0].ID, s.Findings[0].Evidence[0])
}

// shortStages name the stages in a panel.
var shortStages = []string{"triage", "data", "mask", "weights", "single", "batch", "loop", "terms"}

// preflightMarks are the stages with a mark each.
func (e *experimentScreen) preflightMarks() []string {
	t := e.t
	var marks []string
	for i, s := range e.pre.verdict.Stages {
		mark := t.dim.Render(t.g.off)
		switch s.State {
		case experiments.PreflightPassed:
			mark = t.good.Render(t.g.ok)
		case experiments.PreflightWarning:
			mark = t.warn.Render("!")
		case experiments.PreflightFailed:
			mark = t.bad.Render(t.g.no)
		}
		name := s.Name
		if i < len(shortStages) {
			name = shortStages[i]
		}
		marks = append(marks, mark+" "+t.clean(name))
	}
	return marks
}

// preflightSays is the verdict in words.
func (e *experimentScreen) preflightSays() string {
	v := e.pre.verdict
	took := fmt.Sprintf("%.1f s", v.Seconds)
	if !finite(v.Seconds) || v.Seconds < 0 || v.Seconds > 1e6 {
		took = "unknown time"
	}
	for _, state := range []string{experiments.PreflightFailed, experiments.PreflightWarning} {
		for _, s := range v.Stages {
			if s.State == state && len(s.Findings) > 0 {
				return fmt.Sprintf("%s: %s; %s", s.Findings[0].ID, s.Findings[0].Evidence[0], s.Findings[0].Advice)
			}
		}
	}
	for _, s := range v.Stages {
		if s.State == experiments.PreflightSkipped {
			return s.Text
		}
	}
	return "passed in " + took + "; one loss by three ways, every term has a gradient"
}

// preflightLines are the panel of the stages before the first step: its marks, and
// at most so many lines of words.
func (e *experimentScreen) preflightLines(width, words int) []string {
	t := e.t
	switch {
	case e.pre.busy:
		return []string{label(t, "preflight") + t.dim.Render("looking at the first step "+t.g.ellipsis)}
	case e.pre.err != nil:
		return e.troubleLines("preflight", e.pre.err, width)
	case e.pre.verdict == nil:
		return []string{label(t, "preflight") + t.dim.Render("c looks before the first step")}
	}
	var lines []string
	line := ""
	room := max(width-12, 8)
	for _, m := range e.preflightMarks() {
		if line != "" && textWidth(line)+1+textWidth(m) > room {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += m
	}
	lines = append(lines, line)
	style := t.dim
	switch e.pre.verdict.Verdict {
	case experiments.PreflightFailed:
		style = t.bad
	case experiments.PreflightWarning:
		style = t.warn
	}
	said := wrap(t.clean(e.preflightSays()), room)
	if len(said) > words {
		said = append(said[:max(words-1, 0)], strings.Join(said[max(words-1, 0):], " "))
	}
	for _, l := range said[:min(words, len(said))] {
		lines = append(lines, style.Render(t.cut(l, room)))
	}
	for i, l := range lines {
		name := ""
		if i == 0 {
			name = "preflight"
		}
		lines[i] = label(t, name) + l
	}
	return lines
}
