package tui

import (
	"fmt"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// twice is how close two presses of ctrl+c have to be.
const twice = 2 * time.Second

// quit leaves, or asks while a run of this process is live: the process is what
// trains it, so it cannot go on without.
func (s *shell) quit() tea.Cmd {
	if !s.ownLive() {
		return tea.Quit
	}
	at := ""
	if s.ownShown() && s.snap != nil && s.snap.Info.Steps > 0 {
		at = fmt.Sprintf(" at step %d of %d", s.snap.Info.Step, s.snap.Info.Steps)
	}
	s.overlay = &dialog{
		Title: "a run is live",
		Text: []string{
			baseName(s.own.Dir()) + " is being trained by this process" + at + ".",
			"Stopped, it keeps a checkpoint and can be resumed later from Runs, or by `hone train --run-dir`.",
		},
		Choices: []choice{
			{Keys: []string{"s"}, Text: "stop after this step, save a checkpoint, and leave", Run: s.stopAndLeave},
			{Keys: []string{"n"}, Text: "now: drop the step under way, save the one before, and leave", Run: s.abandonAndLeave},
		},
	}
	return nil
}

// stopAndLeave stops the run and leaves when it has saved.
func (s *shell) stopAndLeave() tea.Cmd {
	s.own.Stop()
	s.leaving = true
	return notice("stopping after this step; ^c ^c leaves without waiting for the screen")
}

// abandonAndLeave is stopAndLeave without the step under way.
func (s *shell) abandonAndLeave() tea.Cmd {
	s.own.Abandon()
	s.leaving = true
	return notice("stopping without the step under way; ^c ^c leaves without waiting for the screen")
}

// interrupt is ctrl+c: twice leaves at once. Run waits for the checkpoint.
func (s *shell) interrupt() tea.Cmd {
	now := s.now()
	if !s.lastInt.IsZero() && now.Sub(s.lastInt) <= twice {
		return tea.Quit
	}
	s.lastInt = now
	if s.ownLive() {
		return notice("press ctrl+c again to stop the run with a checkpoint and leave")
	}
	return notice("press ctrl+c again to leave")
}
