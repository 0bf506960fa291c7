package tui

import (
	"github.com/charmbracelet/bubbles/key"
	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"
)

// lineEdit is one line of text being typed: bubbles' text input, drawn with a
// cursor that does not depend on colour. The zero value is an empty line.
type lineEdit struct {
	input textinput.Model
	ready bool
}

// lineLimit is the longest line that can be typed or pasted, in runes.
const lineLimit = 4096

// lineKeys are the keys of a shell's line. Pasting from the clipboard is left to
// the terminal: the text input would read it inside Update. Other keys that it
// knows belong to the screens.
var lineKeys = func() textinput.KeyMap {
	k := textinput.DefaultKeyMap
	k.DeleteCharacterBackward = key.NewBinding(key.WithKeys("backspace"))
	k.DeleteCharacterForward = key.NewBinding(key.WithKeys("delete"))
	for _, unused := range []*key.Binding{&k.Paste, &k.AcceptSuggestion, &k.NextSuggestion, &k.PrevSuggestion} {
		*unused = key.NewBinding(key.WithDisabled())
	}
	return k
}()

// newLineEdit starts with text, the cursor behind it.
func newLineEdit(text string) lineEdit {
	var l lineEdit
	l.Set(text)
	return l
}

func (l *lineEdit) prepare() {
	if l.ready {
		return
	}
	l.ready = true
	l.input = textinput.New()
	l.input.CharLimit = lineLimit
	l.input.KeyMap = lineKeys
	l.input.Focus() // its command only makes the cursor blink
}

// Text is what stands in the line.
func (l *lineEdit) Text() string { return l.input.Value() }

// Set replaces the text and puts the cursor behind it.
func (l *lineEdit) Set(text string) {
	l.prepare()
	l.input.SetValue(text)
	l.input.CursorEnd()
}

// Key edits as a shell's line does; it reports whether the key meant something.
func (l *lineEdit) Key(msg tea.KeyMsg) bool {
	k := lineKeys
	typed := (msg.Type == tea.KeyRunes || msg.Type == tea.KeySpace) && !msg.Alt
	if !typed && !key.Matches(msg, k.CharacterForward, k.CharacterBackward, k.WordForward, k.WordBackward, k.DeleteWordBackward, k.DeleteWordForward,
		k.DeleteAfterCursor, k.DeleteBeforeCursor, k.DeleteCharacterBackward, k.DeleteCharacterForward, k.LineStart, k.LineEnd) {
		return false
	}
	l.prepare()
	l.input, _ = l.input.Update(msg)
	return true
}

// View draws the part around the cursor in width cells.
func (l *lineEdit) View(t *theme, width int, focused bool) string {
	if width <= 0 {
		return ""
	}
	if !focused {
		return t.fit(t.clean(l.Text()), width)
	}
	text := []rune(l.Text())
	at := min(l.input.Position(), len(text))
	before, after := t.clean(string(text[:at])), t.clean(string(text[at:]))
	for textWidth(before) > width-1 {
		_, size := firstRune(before)
		before = before[size:]
	}
	return t.fit(before+t.accent.Render(t.g.cursor)+after, width)
}
