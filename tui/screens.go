package tui

import tea "github.com/charmbracelet/bubbletea"

// newScreens makes the six screens in the order of their keys.
func newScreens(a *app) [screenCount]screen {
	return [screenCount]screen{
		newData(a),
		newExperiment(a),
		newTrain(a),
		&messageScreen{app: a, title: "Trace"},
		newCompare(a),
		newRuns(a),
	}
}

// messageScreen is a screen that only says something.
type messageScreen struct {
	*app
	title         string
	lines         []string
	width, height int
}

func (m *messageScreen) Title() string             { return m.title }
func (m *messageScreen) Keys() []keyGroup          { return nil }
func (m *messageScreen) SetSize(width, height int) { m.width, m.height = width, height }
func (m *messageScreen) Update(tea.Msg) tea.Cmd    { return nil }
func (m *messageScreen) CapturesText() bool        { return false }
func (m *messageScreen) Focus() tea.Cmd            { return nil }
func (m *messageScreen) Blur()                     {}
func (m *messageScreen) View() string              { return m.t.body(m.lines, m.width, m.height) }
