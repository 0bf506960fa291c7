package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// binding is one row of a key table.
type binding struct {
	// Keys are the presses that run it, named as Bubble Tea names them: "enter",
	// "ctrl+p", "left"; the space bar is " ".
	Keys []string
	// Label is how footer and help write the keys; empty joins the keys.
	Label string
	// Text says in a word or three what it does, for footer and palette.
	Text string
	// Help is a whole sentence for `?`; empty repeats Text.
	Help string
	// Run does it. A row without Run only documents (typing modes).
	Run func() tea.Cmd
	// When is false while the action makes no sense; nil is always. Such rows are
	// left out of footer and palette and shown grey in help.
	When func() bool
	// Quiet rows stay out of the footer. One without Text and Help stays out of
	// the help too: the row before it speaks for both.
	Quiet bool
	// Moves is a row that only moves the selection: no action for the palette.
	Moves bool
}

// keyGroup is a titled part of a key table.
type keyGroup struct {
	Title    string
	Bindings []binding
}

// enabled reports whether the row can be run now.
func (b binding) enabled() bool {
	return b.Run != nil && (b.When == nil || b.When())
}

// shown reports whether the row applies now, runnable or only documenting.
func (b binding) shown() bool {
	return b.When == nil || b.When()
}

// label writes the keys of a row as the footer does.
func (b binding) label(g *glyphs) string {
	text := b.Label
	if text == "" {
		names := make([]string, len(b.Keys))
		for i, k := range b.Keys {
			names[i] = keyName(k)
		}
		text = strings.Join(names, "/")
	}
	return g.keys.Replace(text)
}

// keyName is the printed name of a key.
func keyName(k string) string {
	switch k {
	case " ":
		return "space"
	case "pgup":
		return "PgUp"
	case "pgdown":
		return "PgDn"
	case "left":
		return "←"
	case "right":
		return "→"
	case "up":
		return "↑"
	case "down":
		return "↓"
	}
	return k
}

// normalKey names a press for the lookup. Two presses of esc arrive as alt+esc
// from terminals that send them in one read.
func normalKey(msg tea.KeyMsg) string {
	k := msg.String()
	if k == "alt+esc" {
		return "esc"
	}
	return k
}

// lookup finds the enabled row of a key; the first wins.
func lookup(groups []keyGroup, key string) (binding, bool) {
	for _, g := range groups {
		for _, b := range g.Bindings {
			if !b.enabled() {
				continue
			}
			for _, k := range b.Keys {
				if k == key {
					return b, true
				}
			}
		}
	}
	return binding{}, false
}

// do makes a binding's Run of a function that has no command to return.
func do(f func()) func() tea.Cmd {
	return func() tea.Cmd { f(); return nil }
}

// footerLine writes as many rows of the tables as fit in width cells.
func footerLine(t *theme, groups []keyGroup, width int) string {
	var b strings.Builder
	used := 0
	for _, g := range groups {
		for _, row := range g.Bindings {
			if row.Quiet || !row.shown() || row.Text == "" {
				continue
			}
			label := row.label(t.g)
			cells := textWidth(label) + 1 + textWidth(row.Text) + 3
			if used+cells > width {
				continue
			}
			b.WriteString(" " + t.key.Render(label) + " " + t.dim.Render(row.Text) + "  ")
			used += cells
		}
	}
	return b.String()
}
