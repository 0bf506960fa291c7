package tui

import (
	"errors"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// pickRow is one thing to choose.
type pickRow struct {
	text, note string
	run        func() tea.Cmd
	why        string   // why it cannot be chosen; "" = it can
	about      []string // more on it, shown below while it is selected
}

// picker chooses one of many rows; typing leaves those that hold every word.
type picker struct {
	title string
	line  lineEdit
	all   []pickRow
	rows  list
	none  string // said where nothing is left

	// What follows may be left out.
	head       [2]string                    // names what rows and notes hold
	busy       string                       // said while more rows are awaited
	trouble    string                       // what is wrong with the list
	wide, tall int                          // at most so many cells; 0 = 76 and 18
	longNotes  bool                         // notes say more than the texts: these are cut first
	more       int                          // lines for what is said about a row
	typed      func(string) (pickRow, bool) // a row made of what was typed, after all others
	extra      []binding                    // further keys
	closed     func()                       // it was left without a choice
}

func newPicker(title, none string, rows []pickRow) *picker {
	p := &picker{title: title, all: rows, line: newLineEdit(""), none: none}
	p.filter()
	return p
}

// fill replaces the rows, as when those that were awaited have come.
func (p *picker) fill(rows []pickRow) {
	p.all, p.busy, p.rows = rows, "", list{}
	p.filter()
}

// row is one of all, or behind these the one made of what was typed.
func (p *picker) row(i int) pickRow {
	if i < len(p.all) {
		return p.all[i]
	}
	r, _ := p.typed(strings.TrimSpace(p.line.Text()))
	return r
}

func (p *picker) filter() {
	query := strings.ToLower(p.line.Text())
	var rows []int
	for i := range p.all {
		if matches(strings.ToLower(p.all[i].text+" "+p.all[i].note), query) {
			rows = append(rows, i)
		}
	}
	if p.typed != nil {
		if _, ok := p.typed(strings.TrimSpace(p.line.Text())); ok {
			rows = append(rows, len(p.all))
		}
	}
	p.rows.show(rows)
}

// Key types, moves and chooses.
func (p *picker) Key(msg tea.KeyMsg) (tea.Cmd, bool) {
	name := normalKey(msg)
	if b, ok := lookup([]keyGroup{{Bindings: p.extra}}, name); ok {
		return b.Run(), false
	}
	switch name {
	case "esc":
		if p.closed != nil {
			p.closed()
		}
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
		i, ok := p.rows.selected()
		if !ok {
			break
		}
		r := p.row(i)
		if r.why != "" {
			return problem(errors.New(r.why)), false
		}
		return r.run(), true
	default:
		p.line.Key(msg)
		p.filter()
	}
	return nil, false
}

// Lines draws the box.
func (p *picker) Lines(t *theme, width, height int) []string {
	wide, tall := 76, 18
	if p.wide > 0 {
		wide, tall = p.wide, p.tall
	}
	w := min(wide, width)
	inner := w - 4
	lines := []string{p.line.View(t, inner, true), t.ruleLine(inner)}
	room := max(min(height-2, tall)-len(lines), 1)
	if p.head[0] != "" && room > 4 {
		lines = append(lines, t.dim.Render(t.ends("  "+p.head[0], t.cut(p.head[1], inner/2), inner)))
		room--
	}
	if p.trouble != "" && room > 2 {
		lines = append(lines, t.warn.Render(t.cut("! "+t.clean(p.trouble), inner)))
		room--
	}
	about := 0
	if p.more > 0 && room > p.more+4 {
		about = p.more + 1
	}
	top, names := len(lines), 0
	for i := range p.all {
		names = max(names, textWidth(p.all[i].text))
	}
	from, to := p.rows.window(room - about)
	for i := from; i < to; i++ {
		r := p.row(p.rows.visible[i])
		mark, style := "  ", t.text
		if r.why != "" {
			style = t.dim
		}
		if i == p.rows.at {
			mark, style = t.accent.Render(t.g.selected)+" ", t.accent
		}
		text, note := mark+style.Render(t.clean(r.text)), t.dim.Render(t.cut(t.clean(r.note), inner/2))
		if p.longNotes {
			lines = append(lines, t.fit(text, min(names+4, inner/2))+t.dim.Render(t.clean(r.note)))
			continue
		}
		lines = append(lines, t.ends(text, note, inner))
	}
	switch {
	case p.busy != "" && to-from < room-about:
		lines = append(lines, t.dim.Render("  "+p.busy+" "+t.g.ellipsis))
	case len(p.rows.visible) == 0:
		lines = append(lines, t.dim.Render(p.none))
	}
	if about > 0 {
		// As high as with all rows: the box must not jump while one types.
		lines = t.block(lines, inner, top+min(room-about, len(p.all)+1))
		lines = append(append(lines, t.ruleLine(inner)), t.block(p.aboutLines(t, inner), inner, p.more)...)
	}
	title := p.title
	if p.busy == "" || len(p.all) > 0 {
		title += " (" + p.rows.place() + ")"
	}
	return t.framed(title, lines, w)
}

// aboutLines say more on the selected row.
func (p *picker) aboutLines(t *theme, width int) []string {
	i, ok := p.rows.selected()
	if !ok {
		return nil
	}
	r := p.row(i)
	var lines []string
	for _, text := range r.about {
		lines = append(lines, wrap(t.clean(text), width)...)
	}
	if r.why == "" {
		return lines
	}
	for j, l := range wrap(t.clean(r.why), width-2) {
		lead := "  "
		if j == 0 {
			lead = t.g.no + " "
		}
		lines = append(lines, t.bad.Render(lead+l))
	}
	return lines
}

// Hints are the picker's own keys.
func (p *picker) Hints() []keyGroup {
	return []keyGroup{{Bindings: append([]binding{
		{Keys: []string{"enter"}, Text: "choose"},
		{Keys: []string{"up", "down"}, Label: "↑↓", Text: "move"},
		{Keys: []string{"esc"}, Text: "cancel"},
	}, p.extra...)}}
}
