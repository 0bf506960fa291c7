package tui

import tea "github.com/charmbracelet/bubbletea"

// screenID numbers the screens in the order of their keys, 1 to 6.
type screenID int

const (
	dataScreenID screenID = iota
	experimentScreenID
	trainScreenID
	traceScreenID
	compareScreenID
	runsScreenID
	screenCount
)

// screen is one of the six. It is a plain struct, not a tea.Model: the shell
// calls its methods from its own Update and View.
type screen interface {
	// Title is the word in the tab line.
	Title() string

	// Keys is the table of what keys do now, most important first: the footer
	// shows what fits, `?` shows all, ctrl+p runs any, and the shell dispatches
	// by it. It is read again after every message, so it may depend on state.
	Keys() []keyGroup

	// SetSize is called before the first View and at every change. Both are at
	// least 1.
	SetSize(width, height int)

	// Update receives every message that is not a key press, whether the screen
	// is visible or not, and key presses only while CapturesText is true. The
	// state in *app is already up to date when a message arrives.
	Update(msg tea.Msg) tea.Cmd

	// View is the body: height lines of exactly width cells, without a final
	// new line.
	View() string

	// CapturesText is true while the screen is in a typing mode (a filter, a
	// form field): all keys but ctrl+c go to Update.
	CapturesText() bool

	// Focus is called when the screen becomes the visible one, Blur when it no
	// longer is.
	Focus() tea.Cmd
	Blur()
}

// wheelScroller is a screen that scrolls with the mouse wheel. Lines are
// negative upwards; x and y are cells within the body.
type wheelScroller interface {
	Wheel(x, y, lines int) tea.Cmd
}

// escaper is a screen with something to step out of: Escape leaves the
// innermost thing (a filter, an opened detail) and reports whether there was one.
type escaper interface {
	Escape() (cmd tea.Cmd, stepped bool)
}
