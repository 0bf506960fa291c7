package tui

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	tea "github.com/charmbracelet/bubbletea"
)

// Somebody who looks at another window is told by the terminal that the run of
// this process has ended. Only a terminal that reported that it lost focus is
// spoken to: of others nobody knows whether they are looked at.

// notifyEnd is a command that tells of the end of the own run; nil where nobody
// needs to be told.
func (s *shell) notifyEnd(msg ownDoneMsg) tea.Cmd {
	if !s.unfocused || s.notify == nil || s.own == nil || s.own.Dir() != msg.dir {
		return nil
	}
	text := "hone: " + baseName(msg.dir) + " " + s.own.State()
	if msg.err != nil {
		text = fmt.Sprintf("hone: %s failed: %s", baseName(msg.dir), firstLine(msg.err))
	}
	notify := s.notify
	return func() tea.Msg {
		notify(text)
		return nil
	}
}

// maxNotification bounds a notification, in runes.
const maxNotification = 200

// notifier tells the terminal w by OSC 9 and the bell: those that know the one
// show the text, the others ring. Neither moves the cursor, so the frame stays.
func notifier(w io.Writer) func(text string) {
	return func(text string) {
		clean := strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || !unicode.IsPrint(r) {
				return -1
			}
			return r
		}, text)
		if runes := []rune(clean); len(runes) > maxNotification {
			clean = string(runes[:maxNotification])
		}
		// In one write: the frame is written by another goroutine.
		_, _ = io.WriteString(w, "\x1b]9;"+clean+"\x1b\\\a") // a terminal that is gone hears nothing
	}
}
