package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
)

// over draws box in the middle of a body of width x height.
func (t *theme) over(body, box []string, width, height int) []string {
	boxWidth := 0
	for _, l := range box {
		boxWidth = max(boxWidth, textWidth(l))
	}
	boxWidth = min(boxWidth, width)
	box = t.block(box, boxWidth, min(len(box), height))
	left := (width - boxWidth) / 2
	top := (height - len(box)) / 2
	for i, l := range box {
		under := body[top+i]
		before := pad(ansi.Truncate(under, left, ""), left)
		after := ansi.TruncateLeft(under, left+boxWidth, "")
		after = spaces(width-left-boxWidth-textWidth(after)) + after
		body[top+i] = before + l + after
	}
	return body
}

// framed puts a border with a title around lines, all of one width.
func (t *theme) framed(title string, lines []string, width int) []string {
	inner := max(width-4, 1)
	g := t.g
	head := t.cut(" "+t.clean(title)+" ", width-3)
	out := []string{t.dim.Render(g.topLeft+g.rule) + t.strong.Render(head) +
		t.dim.Render(strings.Repeat(g.rule, max(width-3-textWidth(head), 0))+g.topRight)}
	side := t.dim.Render(g.bar)
	for _, l := range lines {
		out = append(out, side+" "+t.fit(l, inner)+" "+side)
	}
	return append(out, t.dim.Render(g.bottomLeft+strings.Repeat(g.rule, max(width-2, 0))+g.bottomRght))
}

// choice is one way out of a dialog.
type choice struct {
	Keys []string
	Text string
	Run  func() tea.Cmd
}

// dialog asks a question that one key answers. esc is always a way out that does
// nothing.
type dialog struct {
	Title   string
	Text    []string
	Choices []choice
}

// Key runs the choice of a key.
func (d *dialog) Key(msg tea.KeyMsg) (tea.Cmd, bool) {
	name := normalKey(msg)
	if name == "esc" {
		return nil, true
	}
	for _, c := range d.Choices {
		for _, k := range c.Keys {
			if k != name {
				continue
			}
			if c.Run == nil {
				return nil, true
			}
			return c.Run(), true
		}
	}
	return nil, false
}

// Lines draws the box.
func (d *dialog) Lines(t *theme, width, height int) []string {
	w := min(64, width)
	var lines []string
	for _, p := range d.Text {
		lines = append(lines, wrap(t.clean(p), w-4)...)
	}
	lines = append(lines, "")
	for _, c := range append(d.Choices, choice{Keys: []string{"esc"}, Text: "cancel"}) {
		for i, l := range wrap(t.clean(c.Text), max(w-11, 8)) {
			name := ""
			if i == 0 {
				name = t.key.Render(keyName(c.Keys[0]))
			}
			lines = append(lines, t.fit(name, 7)+l)
		}
	}
	if len(lines) > height-2 {
		// The choices matter most.
		lines = lines[len(lines)-max(height-2, 0):]
	}
	return t.framed(d.Title, lines, w)
}

// Hints repeat the choices in the footer.
func (d *dialog) Hints() []keyGroup {
	var g keyGroup
	for _, c := range d.Choices {
		text, _, _ := strings.Cut(c.Text, ":")
		g.Bindings = append(g.Bindings, binding{Keys: c.Keys[:1], Text: text})
	}
	g.Bindings = append(g.Bindings, binding{Keys: []string{"esc"}, Text: "cancel"})
	return []keyGroup{g}
}

// question asks for a line of text.
type question struct {
	Title string
	Text  []string
	Line  lineEdit
	// Check refuses a text; the error is shown and the dialog stays.
	Check func(string) error
	// Done takes the text.
	Done func(string) tea.Cmd
	err  error
}

// Key edits the line.
func (q *question) Key(msg tea.KeyMsg) (tea.Cmd, bool) {
	switch normalKey(msg) {
	case "esc":
		return nil, true
	case "enter":
		text := strings.TrimSpace(q.Line.Text())
		if q.Check != nil {
			if q.err = q.Check(text); q.err != nil {
				return nil, false
			}
		}
		return q.Done(text), true
	}
	q.Line.Key(msg)
	q.err = nil
	return nil, false
}

// Lines draws the box.
func (q *question) Lines(t *theme, width, height int) []string {
	w := min(64, width)
	var lines []string
	for _, p := range q.Text {
		lines = append(lines, wrap(t.clean(p), w-4)...)
	}
	lines = append(lines, q.Line.View(t, w-4, true))
	if q.err != nil {
		for _, l := range wrap(t.clean(q.err.Error()), w-6) {
			lines = append(lines, t.bad.Render(t.g.no+" "+l))
		}
	}
	if len(lines) > height-2 {
		lines = lines[len(lines)-max(height-2, 0):]
	}
	return t.framed(q.Title, lines, w)
}

// Hints are the two ways out.
func (q *question) Hints() []keyGroup {
	return []keyGroup{{Bindings: []binding{{Keys: []string{"enter"}, Text: "accept"}, {Keys: []string{"esc"}, Text: "cancel"}}}}
}

// ask opens a dialog or question after the current key press.
func (a *app) ask(o overlay) { a.pending = o }
