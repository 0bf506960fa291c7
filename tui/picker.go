package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// pickRow is one thing to choose.
type pickRow struct {
	text, note string
	run        func() tea.Cmd
}

// picker chooses one of many rows; typing leaves those that hold every word.
type picker struct {
	title string
	line  lineEdit
	all   []pickRow
	rows  list
	none  string // said where nothing is left
}

func newPicker(title, none string, rows []pickRow) *picker {
	p := &picker{title: title, all: rows, line: newLineEdit(""), none: none}
	p.filter()
	return p
}

func (p *picker) filter() {
	query := strings.ToLower(p.line.Text())
	var rows []int
	for i := range p.all {
		if matches(strings.ToLower(p.all[i].text+" "+p.all[i].note), query) {
			rows = append(rows, i)
		}
	}
	p.rows.show(rows)
}

// Key types, moves and chooses.
func (p *picker) Key(msg tea.KeyMsg) (tea.Cmd, bool) {
	switch normalKey(msg) {
	case "esc":
		return nil, true
	case "up", "ctrl+k":
		p.rows.move(-1)
	case "down", "ctrl+j", "ctrl+n":
		p.rows.move(1)
	case "pgup":
		p.rows.move(-max(p.rows.room-1, 1))
	case "pgdown":
		p.rows.move(max(p.rows.room-1, 1))
	case "enter":
		if i, ok := p.rows.selected(); ok {
			return p.all[i].run(), true
		}
	default:
		p.line.Key(msg)
		p.filter()
	}
	return nil, false
}

// Lines draws the box.
func (p *picker) Lines(t *theme, width, height int) []string {
	w := min(76, width)
	inner := w - 4
	lines := []string{p.line.View(t, inner, true), t.ruleLine(inner)}
	from, to := p.rows.window(max(min(height-2, 18)-len(lines), 1))
	for i := from; i < to; i++ {
		r := &p.all[p.rows.visible[i]]
		mark, style := "  ", t.text
		if i == p.rows.at {
			mark, style = t.accent.Render(t.g.selected)+" ", t.accent
		}
		lines = append(lines, t.ends(mark+style.Render(t.clean(r.text)), t.dim.Render(t.cut(t.clean(r.note), inner/2)), inner))
	}
	if len(p.rows.visible) == 0 {
		lines = append(lines, t.dim.Render(p.none))
	}
	return t.framed(p.title+" ("+p.rows.place()+")", lines, w)
}

// Hints are the picker's own keys.
func (p *picker) Hints() []keyGroup {
	return []keyGroup{{Bindings: []binding{
		{Keys: []string{"enter"}, Text: "choose"},
		{Keys: []string{"up", "down"}, Label: "↑↓", Text: "move"},
		{Keys: []string{"esc"}, Text: "cancel"},
	}}}
}
