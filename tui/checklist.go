package tui

import (
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
)

// checklist chooses any of a key's options.
type checklist struct {
	key  experiments.Key
	on   []bool
	at   int
	err  error
	done func([]string) (tea.Cmd, error)
}

// beyond reports whether a list has entries that are none of its key's options: it
// is typed then.
func beyond(k experiments.Key, items []string) bool {
	return slices.ContainsFunc(items, func(s string) bool { return !slices.Contains(k.Options, s) })
}

// newChecklist starts with the entries that the value has.
func newChecklist(k experiments.Key, has []string, done func([]string) (tea.Cmd, error)) *checklist {
	c := &checklist{key: k, on: make([]bool, len(k.Options)), done: done}
	for i, o := range k.Options {
		for _, h := range has {
			c.on[i] = c.on[i] || h == o
		}
	}
	return c
}

// Key moves, switches and accepts.
func (c *checklist) Key(msg tea.KeyMsg) (tea.Cmd, bool) {
	switch normalKey(msg) {
	case "esc":
		return nil, true
	case "up", "k":
		c.at = max(c.at-1, 0)
	case "down", "j":
		c.at = min(c.at+1, len(c.on)-1)
	case " ", "x":
		c.on[c.at] = !c.on[c.at]
		c.err = nil
	case "a":
		all := true
		for _, on := range c.on {
			all = all && on
		}
		for i := range c.on {
			c.on[i] = !all
		}
	case "enter":
		var items []string
		for i, o := range c.key.Options {
			if c.on[i] {
				items = append(items, o)
			}
		}
		var cmd tea.Cmd
		if cmd, c.err = c.done(items); c.err == nil {
			return cmd, true
		}
	}
	return nil, false
}

// Lines draws the box.
func (c *checklist) Lines(t *theme, width, height int) []string {
	w := min(50, width)
	var lines []string
	for i, o := range c.key.Options {
		box, mark := t.g.unchecked, "  "
		if c.on[i] {
			box = t.good.Render(t.g.checked)
		}
		text := o
		if i == c.at {
			mark, text = t.accent.Render(t.g.selected)+" ", t.strong.Render(o)
		}
		lines = append(lines, mark+box+" "+text)
	}
	if c.err != nil {
		for _, l := range wrap(t.clean(c.err.Error()), w-6) {
			lines = append(lines, t.bad.Render(t.g.no+" "+l))
		}
	}
	room := max(height-2, 1)
	first := scrollTo(c.at, 0, room, len(lines))
	return t.framed(c.key.Name, lines[first:min(first+room, len(lines))], w)
}

// Hints are the checklist's keys.
func (c *checklist) Hints() []keyGroup {
	return []keyGroup{{Bindings: []binding{
		{Keys: []string{" "}, Text: "switch"},
		{Keys: []string{"a"}, Text: "all or none"},
		{Keys: []string{"enter"}, Text: "accept"},
		{Keys: []string{"esc"}, Text: "cancel"},
	}}}
}
