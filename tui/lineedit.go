package tui

import (
	"unicode"

	tea "github.com/charmbracelet/bubbletea"
)

// lineEdit is one line of text being typed. (bubbles' textinput reads the
// clipboard inside Update and shows its cursor by colour alone.)
type lineEdit struct {
	text []rune
	at   int // the cursor stands before this rune
}

// lineLimit is the longest line that can be typed or pasted, in runes.
const lineLimit = 4096

// newLineEdit starts with text, the cursor behind it.
func newLineEdit(text string) lineEdit {
	var l lineEdit
	l.Set(text)
	return l
}

// Text is what stands in the line.
func (l *lineEdit) Text() string { return string(l.text) }

// Set replaces the text and puts the cursor behind it.
func (l *lineEdit) Set(text string) {
	l.text, l.at = nil, 0
	l.insert([]rune(text))
}

// insert puts runes at the cursor; a line stays one line.
func (l *lineEdit) insert(runes []rune) {
	kept := make([]rune, 0, len(runes))
	for _, r := range runes {
		if unicode.IsControl(r) {
			r = ' '
		}
		kept = append(kept, r)
	}
	kept = kept[:min(len(kept), max(lineLimit-len(l.text), 0))]
	text := make([]rune, 0, len(l.text)+len(kept))
	text = append(append(append(text, l.text[:l.at]...), kept...), l.text[l.at:]...)
	l.text, l.at = text, l.at+len(kept)
}

// remove deletes the runes from lo to hi.
func (l *lineEdit) remove(lo, hi int) {
	l.text = append(append([]rune{}, l.text[:lo]...), l.text[hi:]...)
	l.at = lo
}

// Key edits as a shell's line does; it reports whether the key meant something.
func (l *lineEdit) Key(msg tea.KeyMsg) bool {
	if (msg.Type == tea.KeyRunes || msg.Type == tea.KeySpace) && !msg.Alt {
		l.insert(msg.Runes)
		return true
	}
	switch msg.String() {
	case "left", "ctrl+b":
		l.at = max(l.at-1, 0)
	case "right", "ctrl+f":
		l.at = min(l.at+1, len(l.text))
	case "home", "ctrl+a":
		l.at = 0
	case "end", "ctrl+e":
		l.at = len(l.text)
	case "alt+left", "ctrl+left", "alt+b":
		l.at = l.word(-1)
	case "alt+right", "ctrl+right", "alt+f":
		l.at = l.word(1)
	case "backspace":
		if l.at > 0 {
			l.remove(l.at-1, l.at)
		}
	case "delete":
		if l.at < len(l.text) {
			l.remove(l.at, l.at+1)
		}
	case "ctrl+w", "alt+backspace":
		l.remove(l.word(-1), l.at)
	case "ctrl+u":
		l.remove(0, l.at)
	case "ctrl+k":
		l.text = l.text[:l.at]
	default:
		return false
	}
	return true
}

// word is the cursor's place one word to the left or right.
func (l *lineEdit) word(step int) int {
	at := l.at
	next := func() (rune, bool) {
		i := at
		if step < 0 {
			i--
		}
		if i < 0 || i >= len(l.text) {
			return 0, false
		}
		return l.text[i], true
	}
	for _, space := range []bool{true, false} {
		for {
			r, ok := next()
			if !ok || unicode.IsSpace(r) != space {
				break
			}
			at += step
		}
	}
	return at
}

// View draws the part around the cursor in width cells.
func (l *lineEdit) View(t *theme, width int, focused bool) string {
	if width <= 0 {
		return ""
	}
	if !focused {
		return t.fit(t.clean(l.Text()), width)
	}
	before, after := t.clean(string(l.text[:l.at])), t.clean(string(l.text[l.at:]))
	for textWidth(before) > width-1 {
		_, size := firstRune(before)
		before = before[size:]
	}
	return t.fit(before+t.accent.Render(t.g.cursor)+after, width)
}
