package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"hone/data"
	"hone/experiments"
)

// newTry is the line in which an example is edited. With a run at hand its models
// write; without one the experiment's own does.
func (d *dataScreen) newTry() tryLine {
	return tryLine{
		app: d.app, on: dataScreenID, both: true,
		scroll: func(by int) { d.scroll += by },
		label: func(side int) string {
			switch {
			case d.try.alone:
				return "base"
			case side == 0:
				return "base"
			}
			return "tuned"
		},
		open: func() func(context.Context) (prompter, error) {
			work, dir, back := d.work, d.runDir, d.back
			if d.try.alone {
				return work.OpenBase
			}
			return func(ctx context.Context) (prompter, error) {
				return back.OpenPrompt(ctx, [2]experiments.Side{experiments.BaseOf(dir), experiments.TunedOf(dir)})
			}
		},
	}
}

// edit starts to change the selected row's text. The row stays as it is.
func (d *dataScreen) edit() tea.Cmd {
	n, ok := d.rows.selected()
	if !ok {
		return nil
	}
	_, _, r := d.row(n)
	text := tryText(r)
	coded := strings.ContainsAny(text, "\\\n\r\t")
	if coded {
		text = escaped(text)
	}
	switch long := utf8.RuneCountInString(text); {
	case d.runDir == "" && d.work.OpenBase == nil:
		return problem(errors.New("a text is tried on a model; m names one"))
	case long > lineLimit:
		return problem(fmt.Errorf("the text has %s characters; up to %s can be edited here", thousands(long), thousands(lineLimit)))
	case strings.ContainsFunc(text, unicode.IsControl):
		return problem(errors.New("the text holds control characters, which no line can be edited with"))
	}
	var left tea.Cmd
	if of := d.runDir; of != d.try.of || d.try.model == nil {
		left = d.try.forget()
		d.try.of = of
	}
	l := &d.try
	l.stop()
	l.asked, l.typing, l.alone, l.raw, l.coded = "", true, d.runDir == "", !r.Event, coded
	l.exact = true
	l.line.Set(text)
	d.tried, d.findings, d.stats, d.scroll = n, false, false, 0
	return left
}

// tryLines are the edited text and what the models make of it, under the target
// that the row has.
func (d *dataScreen) tryLines(width int) []string {
	t := d.t
	_, _, r := d.row(d.tried)
	var lines []string
	for i, l := range wrap(t.clean(head(r.Target)), max(width-12, 8)) {
		name := ""
		if i == 0 {
			name = "target"
		}
		lines = append(lines, label(t, name)+t.dim.Render(l))
	}
	if d.try.asked != "" && d.try.asked != d.shownText(r) {
		lines = append(lines, label(t, "")+t.dim.Render("of the row; the text below is another"))
	}
	return append(lines, d.try.triedLines(width)...)
}

// tryText is what of a row a model goes on from: its text, or of one that has no
// answer the beginning.
func tryText(r *rowView) string {
	if r.Whole {
		return data.Beginning(r.Text)
	}
	return r.Text
}

// shownText is a row's text as the line has it.
func (d *dataScreen) shownText(r *rowView) string {
	text := tryText(r)
	if d.try.coded {
		text = escaped(text)
	}
	return text
}
