package tui

import (
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// chooser asks for one of many things; typing narrows the list.
type chooser struct {
	title string
	line  lineEdit
	all   []choosable
	found []int
	at    int
}

// choosable is one of them.
type choosable struct {
	name, of string
	now      bool // the present one
	run      func() tea.Cmd
}

func newChooser(title string, rows []choosable) *chooser {
	c := &chooser{title: title, all: rows, line: newLineEdit("")}
	c.filter()
	for i, r := range c.found {
		if c.all[r].now {
			c.at = i
		}
	}
	return c
}

func (c *chooser) filter() {
	query := strings.ToLower(strings.TrimSpace(c.line.Text()))
	c.at, c.found = 0, nil
	for i, r := range c.all {
		if matches(strings.ToLower(r.name+" "+r.of), query) {
			c.found = append(c.found, i)
		}
	}
}

// Key types, moves and chooses.
func (c *chooser) Key(msg tea.KeyMsg) (tea.Cmd, bool) {
	switch normalKey(msg) {
	case "esc":
		return nil, true
	case "up", "ctrl+k":
		c.at = max(c.at-1, 0)
	case "down", "ctrl+j", "ctrl+n":
		c.at = min(c.at+1, max(len(c.found)-1, 0))
	case "enter":
		if c.at < len(c.found) {
			return c.all[c.found[c.at]].run(), true
		}
	default:
		if c.line.Key(msg) {
			c.filter()
		}
	}
	return nil, false
}

// Lines draws the box.
func (c *chooser) Lines(t *theme, width, height int) []string {
	w := min(72, width)
	inner := w - 4
	lines := []string{c.line.View(t, inner, true), t.ruleLine(inner)}
	room := max(min(height-2, 16)-len(lines), 1)
	from := scrollTo(c.at, 0, room, len(c.found))
	for i := from; i < min(from+room, len(c.found)); i++ {
		r := c.all[c.found[i]]
		mark, style, now := "  ", t.text, ""
		if i == c.at {
			mark, style = t.accent.Render(t.g.selected)+" ", t.accent
		}
		if r.now {
			now = t.dim.Render("now")
		}
		lines = append(lines, t.ends(mark+t.fit(style.Render(t.clean(r.name)), 12)+" "+t.dim.Render(t.clean(r.of)), now, inner))
	}
	if len(c.found) == 0 {
		lines = append(lines, t.dim.Render("none has these letters"))
	}
	return t.framed(fmt.Sprintf("%s (%d of %d)", c.title, len(c.found), len(c.all)), lines, w)
}

// Hints are the chooser's own keys.
func (c *chooser) Hints() []keyGroup {
	return []keyGroup{{Bindings: []binding{
		{Keys: []string{"enter"}, Text: "choose"},
		{Keys: []string{"up", "down"}, Label: "↑↓", Text: "move"},
		{Keys: []string{"esc"}, Text: "cancel"},
	}}}
}
