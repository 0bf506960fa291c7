package tui

import (
	"runtime/debug"

	tea "github.com/charmbracelet/bubbletea"
)

// guard makes a panic inside a command a panicMsg: Bubble Tea would end the
// program. The commands of a batch are guarded one by one. (tea.Sequence hides
// its commands, so this package does not use it.)
func guard(cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() (msg tea.Msg) {
		defer func() {
			if v := recover(); v != nil {
				msg = panicMsg{value: v, stack: string(debug.Stack())}
			}
		}()
		msg = cmd()
		if batch, ok := msg.(tea.BatchMsg); ok {
			guarded := make(tea.BatchMsg, len(batch))
			for i, c := range batch {
				guarded[i] = guard(c)
			}
			return guarded
		}
		return msg
	}
}
