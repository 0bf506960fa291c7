package tui

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"
)

// firstRune decodes the start of s.
func firstRune(s string) (rune, int) { return utf8.DecodeRuneInString(s) }

// palette finds any action by its name and runs it.
type palette struct {
	line  lineEdit
	all   []paletteRow
	found []paletteRow
	at    int
}

// paletteRow is an action of a screen or of the shell.
type paletteRow struct {
	where string
	text  string
	help  string
	key   string
	run   func() tea.Cmd
}

// newPalette collects what can be run now: the visible screen's actions first,
// then those of the others, which become visible when they run.
func newPalette(s *shell) *palette {
	p := &palette{line: newLineEdit("")}
	add := func(where string, groups []keyGroup, before func() tea.Cmd) {
		for _, g := range groups {
			for _, b := range g.Bindings {
				if !b.enabled() || b.Moves || b.Text == "" && b.Help == "" {
					continue
				}
				run, text := b.Run, b.Text
				if text == "" {
					text = b.Help
				}
				if before != nil {
					run = func() tea.Cmd { first := before(); return tea.Batch(first, b.Run()) }
				}
				p.all = append(p.all, paletteRow{where, text, b.Help, b.label(s.t.g), run})
			}
		}
	}
	add(s.screens[s.active].Title(), s.screens[s.active].Keys(), nil)
	add("", append(s.replayKeys(), s.globalKeys()...), nil)
	for i, sc := range s.screens {
		if id := screenID(i); id != s.active {
			add(sc.Title(), sc.Keys(), func() tea.Cmd { return s.show(id) })
		}
	}
	p.filter()
	return p
}

// filter ranks the actions by the typed letters.
func (p *palette) filter() {
	query := strings.ToLower(strings.TrimSpace(p.line.Text()))
	p.at = 0
	p.found = p.found[:0]
	var score []int
	for _, r := range p.all {
		s, ok := fuzzy(query, strings.ToLower(r.text+" "+r.where))
		if !ok && matches(strings.ToLower(r.help), query) {
			s, ok = 0, true
		}
		if ok {
			p.found = append(p.found, r)
			score = append(score, s)
		}
	}
	sort.Stable(byScore{p.found, score})
}

type byScore struct {
	rows  []paletteRow
	score []int
}

func (b byScore) Len() int           { return len(b.rows) }
func (b byScore) Less(i, j int) bool { return b.score[i] > b.score[j] }
func (b byScore) Swap(i, j int) {
	b.rows[i], b.rows[j] = b.rows[j], b.rows[i]
	b.score[i], b.score[j] = b.score[j], b.score[i]
}

// fuzzy reports whether the letters of query stand in text in order, and how
// well: letters in a row and at the start of words count more.
func fuzzy(query, text string) (score int, ok bool) {
	at, run := 0, 0
	for _, q := range query {
		if q == ' ' {
			run = 0
			continue
		}
		found := -1
		// A word's start is preferred to the next letter as such.
		if run == 0 {
			found = wordStart(text, at, q)
		}
		if i := strings.IndexRune(text[at:], q); found < 0 || (run > 0 && i == 0) {
			if i < 0 {
				return 0, false
			}
			found = at + i
		}
		if found == at && at > 0 {
			run++
		} else {
			run = 1
		}
		score += run * 2
		if found == 0 || text[found-1] == ' ' {
			score += 5
		}
		if found == 0 {
			score += 5
		}
		at = found + utf8.RuneLen(q)
	}
	return score, true
}

// wordStart finds a word of text that starts with q at or after from, or -1.
func wordStart(text string, from int, q rune) int {
	for i, r := range text {
		if i >= from && r == q && (i == 0 || text[i-1] == ' ') {
			return i
		}
	}
	return -1
}

// Key types, moves and runs.
func (p *palette) Key(msg tea.KeyMsg) (tea.Cmd, bool) {
	switch normalKey(msg) {
	case "esc", "ctrl+p":
		return nil, true
	case "up", "ctrl+k":
		p.at = max(p.at-1, 0)
	case "down", "ctrl+j", "ctrl+n":
		p.at = min(p.at+1, max(len(p.found)-1, 0))
	case "enter":
		if p.at < len(p.found) {
			return p.found[p.at].run(), true
		}
	default:
		p.line.Key(msg)
		p.filter()
	}
	return nil, false
}

// Lines draws the box.
func (p *palette) Lines(t *theme, width, height int) []string {
	w := min(72, width)
	inner := w - 4
	lines := []string{p.line.View(t, inner, true), t.ruleLine(inner)}
	room := max(min(height-2, 16)-len(lines), 1)
	from := scrollTo(p.at, 0, room, len(p.found))
	for i := from; i < min(from+room, len(p.found)); i++ {
		r := p.found[i]
		mark := "  "
		style := t.text
		if i == p.at {
			mark = t.accent.Render(t.g.selected) + " "
			style = t.accent
		}
		left := mark + t.fit(t.dim.Render(r.where), 11) + style.Render(r.text)
		lines = append(lines, t.ends(left, t.key.Render(r.key), inner))
	}
	if len(p.found) == 0 {
		lines = append(lines, t.dim.Render("no action has these letters"))
	}
	return t.framed(fmt.Sprintf("actions (%d of %d)", len(p.found), len(p.all)), lines, w)
}

// Hints are the palette's own keys.
func (p *palette) Hints() []keyGroup {
	return []keyGroup{{Bindings: []binding{
		{Keys: []string{"enter"}, Text: "run"},
		{Keys: []string{"up", "down"}, Label: "↑↓", Text: "choose"},
		{Keys: []string{"esc"}, Text: "close"},
	}}}
}

// scrollTo is the first row to show of total in a window of room rows so that
// row at is visible, starting from the present first row. A window without room
// counts as one of a row: where there is none, nothing scrolls.
func scrollTo(at, first, room, total int) int {
	room = max(room, 1)
	if at < first {
		first = at
	}
	if at >= first+room {
		first = at - room + 1
	}
	return max(min(first, total-room), 0)
}
