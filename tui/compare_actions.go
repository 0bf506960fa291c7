package tui

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
	"hone/runs"
)

// findSides lists what can be compared, to choose the left (0) or right (1) side.
func (c *compareScreen) findSides(which int) tea.Cmd {
	gen, ctx, back, store, dir := c.gen, c.ctx, c.back, c.store, c.dir
	return func() tea.Msg {
		sides, err := back.Sides(ctx, store, dir)
		return sidesMsg{gen: gen, which: which, sides: sides, err: err}
	}
}

// chooseSide asks for one of the models.
func (c *compareScreen) chooseSide(msg sidesMsg) tea.Cmd {
	switch {
	case msg.gen != c.gen || !c.focused:
		return nil
	case msg.err != nil:
		return problem(msg.err)
	}
	var rows []choosable
	for _, s := range msg.sides {
		if s == c.sides[1-msg.which] {
			continue
		}
		rows = append(rows, choosable{
			name: s.Name(), of: baseName(s.RunDir), now: s == c.sides[msg.which],
			run: func() tea.Cmd { return c.compareWith(msg.which, s) },
		})
	}
	if len(rows) == 0 {
		return notice("there is no other model to compare with")
	}
	title := "compare with"
	if msg.which == 1 {
		title = "look at"
	}
	c.ask(newChooser(title, rows))
	return nil
}

// compareWith puts another model on a side.
func (c *compareScreen) compareWith(which int, s experiments.Side) tea.Cmd {
	left := c.leave()
	c.sides[which] = s
	return tea.Batch(left, c.read())
}

// askNote edits the note on the selected example.
func (c *compareScreen) askNote() {
	i, ok := c.rows.selected()
	if !ok {
		return
	}
	p := c.cmp.Pairs[i]
	dir, back := c.sides[1].RunDir, c.back
	c.ask(&question{
		Title: fmt.Sprintf("note on row %d", p.Row),
		Text:  []string{p.Event, "An empty note takes it away."},
		Line:  newLineEdit(p.Note),
		Check: func(text string) error {
			if utf8.RuneCountInString(text) > runs.MaxNote {
				return fmt.Errorf("a note has at most %d characters", runs.MaxNote)
			}
			return nil
		},
		Done: func(text string) tea.Cmd {
			return func() tea.Msg {
				return notedMsg{dir: dir, id: p.ID, text: text, err: back.SetNote(dir, p.ID, p.Event, text)}
			}
		},
	})
}

// noted shows a note that was written.
func (c *compareScreen) noted(msg notedMsg) tea.Cmd {
	if msg.err != nil {
		return problem(msg.err)
	}
	if c.cmp == nil || msg.dir != c.sides[1].RunDir {
		return nil
	}
	for i := range c.cmp.Pairs {
		if p := &c.cmp.Pairs[i]; p.ID == msg.id {
			p.Note = msg.text
			p.Low = lowText(p, c.cmp.Schema)
		}
	}
	c.cmp.countShown()
	scroll := c.scroll
	c.list()
	c.scroll = scroll
	return notice("the note is kept in " + msg.dir)
}

// askExport asks for the format, then for the file.
func (c *compareScreen) askExport() {
	format := func(key, text, ending string) choice {
		return choice{Keys: []string{key}, Text: text, Run: func() tea.Cmd { c.askExportPath(ending); return nil }}
	}
	c.ask(&dialog{
		Title: "export the comparison",
		Text:  []string{"All rows are written, with scores, mistakes and notes."},
		Choices: []choice{
			format("h", "HTML: one page that opens anywhere, light and dark", ".html"),
			format("m", "Markdown: scores, mistakes and the rows that are not right", ".md"),
			format("c", "CSV: a line a row and field, for a spreadsheet", ".csv"),
		},
	})
}

func (c *compareScreen) askExportPath(ending string) {
	c.ask(&question{
		Title: "export the comparison",
		Text:  []string{"Write to"},
		Line:  newLineEdit("compare-" + baseName(c.sides[1].RunDir) + "-" + c.split + ending),
		Check: func(path string) error {
			if strings.ToLower(filepath.Ext(path)) != ending {
				return fmt.Errorf("the file's name ends in %s", ending)
			}
			return nil
		},
		Done: func(path string) tea.Cmd { return c.export(path, false) },
	})
}

// export writes the file.
func (c *compareScreen) export(path string, overwrite bool) tea.Cmd {
	cmp, back := c.cmp, c.back
	if cmp == nil {
		return nil
	}
	return func() tea.Msg { return exportedMsg{path, back.Export(cmp, path, overwrite)} }
}

func (c *compareScreen) exported(msg exportedMsg) tea.Cmd {
	switch {
	case errors.Is(msg.err, fs.ErrExist):
		c.ask(&dialog{
			Title: "the file exists", Text: []string{msg.path},
			Choices: []choice{{Keys: []string{"o"}, Text: "overwrite it", Run: func() tea.Cmd { return c.export(msg.path, true) }}},
		})
		return nil
	case msg.err != nil:
		return problem(msg.err)
	}
	return notice("wrote " + msg.path)
}
