package tui

import (
	tea "github.com/charmbracelet/bubbletea"
)

// help lists the key tables of the visible screen and of the shell.
type help struct {
	title  string
	groups []keyGroup
	first  int
	last   int // highest first line of the last drawing
}

// newHelp takes the tables as they are now.
func newHelp(s *shell) *help {
	sc := s.screens[s.active]
	return &help{title: sc.Title() + ": keys", groups: append(append(s.replayKeys(), sc.Keys()...), s.globalKeys()...)}
}

// Key scrolls; any other key closes.
func (h *help) Key(msg tea.KeyMsg) (tea.Cmd, bool) {
	switch normalKey(msg) {
	case "down", "j":
		h.first++
	case "up", "k":
		h.first--
	case "pgdown", " ", "ctrl+d":
		h.first += 10
	case "pgup", "ctrl+u":
		h.first -= 10
	default:
		return nil, true
	}
	h.first = max(min(h.first, h.last), 0)
	return nil, false
}

// Lines draws the box.
func (h *help) Lines(t *theme, width, height int) []string {
	w := min(78, width)
	inner := w - 4
	labels := 0
	for _, g := range h.groups {
		for _, b := range g.Bindings {
			labels = max(labels, textWidth(b.label(t.g)))
		}
	}
	labels = min(labels, inner/2)
	var lines []string
	for i, g := range h.groups {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, t.strong.Render(g.Title))
		for _, b := range g.Bindings {
			text := b.Help
			if text == "" {
				text = b.Text
			}
			if text == "" {
				continue
			}
			style := t.text
			if !b.shown() {
				style, text = t.dim, text+" (not now)"
			}
			for j, l := range wrap(text, max(inner-labels-2, 8)) {
				label := ""
				if j == 0 {
					label = t.key.Render(b.label(t.g))
				}
				lines = append(lines, t.fit(label, labels)+"  "+style.Render(l))
			}
		}
	}
	room := max(height-2, 1)
	h.last = max(len(lines)-room, 0)
	h.first = min(h.first, h.last)
	return t.framed(h.title, lines[h.first:min(h.first+room, len(lines))], w)
}

// Hints are help's own keys.
func (h *help) Hints() []keyGroup {
	return []keyGroup{{Bindings: []binding{
		{Keys: []string{"up", "down"}, Label: "↑↓", Text: "scroll"},
		{Keys: []string{"esc"}, Text: "close"},
	}}}
}
