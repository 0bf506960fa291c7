package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// list is a choice among many rows: which are visible, which is selected, and
// where the window on them begins. What a row looks like is its owner's matter.
type list struct {
	visible []int // indices of rows, in the order shown
	at      int   // selected, an index of visible
	first   int   // first of visible in the window
	room    int   // rows of the window at the last drawing
}

// selected is the index of the selected row; ok is false when there is none.
func (l *list) selected() (row int, ok bool) {
	if l.at < 0 || l.at >= len(l.visible) {
		return 0, false
	}
	return l.visible[l.at], true
}

// show replaces the visible rows and keeps the selected one where it still is.
func (l *list) show(rows []int) {
	old, had := l.selected()
	l.visible, l.at, l.first = rows, 0, 0
	if !had {
		return
	}
	for i, r := range rows {
		if r == old {
			l.at = i
			return
		}
	}
}

// choose selects a row by its index.
func (l *list) choose(row int) {
	for i, r := range l.visible {
		if r == row {
			l.at = i
		}
	}
}

// move selects by rows, negative upwards, stopping at the ends.
func (l *list) move(by int) {
	l.at = max(min(l.at+by, len(l.visible)-1), 0)
}

// window is the part of visible that is shown in room rows.
func (l *list) window(room int) (from, to int) {
	room = max(room, 0) // what is left over in a frame of a line or two
	l.room = room
	l.first = scrollTo(l.at, l.first, room, len(l.visible))
	return l.first, min(l.first+room, len(l.visible))
}

// bindings are the keys of a list.
func (l *list) bindings(what string, moved func() tea.Cmd) []binding {
	by := func(n func() int) func() tea.Cmd {
		return func() tea.Cmd { l.move(n()); return moved() }
	}
	page := func() int { return max(l.room-1, 1) }
	return []binding{
		{Keys: []string{"up", "k"}, Label: "↑↓", Text: what, Help: "previous and next " + what + " (also k, j)", Moves: true, Run: by(func() int { return -1 })},
		{Keys: []string{"down", "j"}, Quiet: true, Moves: true, Run: by(func() int { return 1 })},
		{Keys: []string{"pgup", "ctrl+u"}, Label: "PgUp PgDn", Help: "a page up and down (also ^u, ^d)", Quiet: true, Moves: true, Run: by(func() int { return -page() })},
		{Keys: []string{"pgdown", "ctrl+d"}, Quiet: true, Moves: true, Run: by(page)},
		{Keys: []string{"home", "g"}, Label: "home end", Help: "first and last " + what + " (also g, G)", Quiet: true, Moves: true, Run: by(func() int { return -len(l.visible) })},
		{Keys: []string{"end", "G"}, Quiet: true, Moves: true, Run: by(func() int { return len(l.visible) })},
	}
}

// place says where the selection is: "17 of 554".
func (l *list) place() string {
	if len(l.visible) == 0 {
		return "none"
	}
	return thousands(l.at+1) + " of " + thousands(len(l.visible))
}

// filter is the `/` line of a list: typing changes what is shown at once, enter
// keeps it, esc goes back to what was before.
type filter struct {
	line   lineEdit
	typing bool
	before string
}

// open starts typing.
func (f *filter) open() {
	f.typing, f.before = true, f.line.Text()
	f.line.Set(f.before)
}

// text is the filter in force, in lower case.
func (f *filter) text() string { return strings.ToLower(strings.TrimSpace(f.line.Text())) }

// clear takes the filter away and reports whether there was one.
func (f *filter) clear() bool {
	had := f.line.Text() != ""
	f.line.Set("")
	f.typing = false
	return had
}

// key edits the line; changed asks for filtering anew.
func (f *filter) key(msg tea.KeyMsg) (changed bool) {
	old := f.line.Text()
	switch normalKey(msg) {
	case "enter":
		f.typing = false
	case "esc":
		f.typing = false
		f.line.Set(f.before)
	default:
		f.line.Key(msg)
	}
	return f.line.Text() != old
}

// keys are the table while typing.
func (f *filter) keys() []keyGroup {
	return []keyGroup{{Title: "filter", Bindings: []binding{
		{Keys: []string{"enter"}, Text: "keep"},
		{Keys: []string{"esc"}, Text: "cancel"},
		{Keys: []string{"ctrl+u"}, Label: "^u", Text: "empty"},
	}}}
}

// view draws "/ text", or "" when there is no filter.
func (f *filter) view(t *theme, width int) string {
	if !f.typing && f.line.Text() == "" {
		return ""
	}
	return t.key.Render("/") + " " + strings.TrimRight(f.line.View(t, max(width-2, 1), f.typing), " ")
}

// matches reports whether every word of query stands in low.
func matches(low, query string) bool {
	for _, w := range strings.Fields(query) {
		if !strings.Contains(low, w) {
			return false
		}
	}
	return true
}
