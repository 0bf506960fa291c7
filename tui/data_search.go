package tui

import (
	"context"
	"errors"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"hone/data"
)

// dataSearch is what was asked of the dataset and what it answered.
type dataSearch struct {
	gen     int // of the last search
	stop    context.CancelFunc
	busy    bool
	query   data.Query // of the filter, or the last one that could be read
	problem error      // why the filter cannot be read
	options []string   // what its last word can be completed to
	shown   data.Found // what the list shows
	hard    bool       // losses of what is found are to be measured
}

// filterKey is a press in the filter's line; it reports whether the text changed.
func (d *dataScreen) filterKey(msg tea.KeyMsg) bool {
	if !d.filter.typing {
		return false
	}
	if normalKey(msg) == "tab" && d.work != nil {
		old := d.filter.line.Text()
		d.filter.line.Set(d.work.Index.Complete(old))
		return d.filter.line.Text() != old
	}
	return d.filter.key(msg)
}

// filterKeys are the table while typing.
func (d *dataScreen) filterKeys() []keyGroup {
	groups := d.filter.keys()
	groups[0].Bindings = append(groups[0].Bindings, binding{Keys: []string{"tab"}, Text: "complete, or letters in order (~)"})
	return groups
}

// queryHelp is the language of the filter, for the help.
func queryHelp() keyGroup {
	g := keyGroup{Title: "words of the filter"}
	for _, q := range data.QueryTerms() {
		g.Bindings = append(g.Bindings, binding{Keys: []string{q.Write}, Label: q.Write, Help: q.Means, Quiet: true})
	}
	return g
}

// find looks for what the filter says, in a command: a dataset may be large. An
// older search still under way is cancelled. While the filter cannot be read, as
// one that is being typed, the list stays as it is.
func (d *dataScreen) find() tea.Cmd {
	s := &d.search
	s.gen++
	if s.stop != nil {
		s.stop()
		s.stop, s.busy = nil, false
	}
	if d.work == nil || len(d.work.Splits) == 0 {
		d.rows.show(nil)
		return nil
	}
	text := d.filter.line.Text()
	s.options = d.work.Index.Options(text)
	q, err := d.work.Index.Parse(text)
	if s.problem = err; err != nil {
		return nil
	}
	s.query, s.busy = q, true
	ctx, stop := context.WithCancel(d.ctx)
	s.stop = stop
	gen, index, split, known := s.gen, d.work.Index, d.work.Splits[d.split].Name, d.loss.known
	return func() tea.Msg {
		defer stop()
		found, err := index.Search(ctx, split, q, known.of())
		return foundMsg{gen, found, err}
	}
}

// found lists what a search found.
func (d *dataScreen) found(msg foundMsg) tea.Cmd {
	s := &d.search
	if msg.gen != s.gen {
		return nil
	}
	s.busy, s.stop = false, nil
	if msg.err != nil {
		if errors.Is(msg.err, context.Canceled) {
			return nil
		}
		return problem(msg.err)
	}
	s.shown = msg.found
	before, _ := d.rows.selected()
	if d.filter.typing || s.query.Sorts() {
		d.rows.visible = nil // the best is looked at, not what was before
	}
	d.rows.show(msg.found.Rows)
	if now, _ := d.rows.selected(); now != before {
		d.scroll = 0
	}
	if len(msg.found.Splits) == 1 {
		d.split = msg.found.Splits[0]
	}
	if s.hard && d.loss.stop == nil {
		s.hard = false
		return tea.Batch(d.readRaw(), d.measure())
	}
	return d.readRaw()
}

// kept is called when the filter is no longer typed: one that asks for losses has
// them measured, once what it finds is known.
func (d *dataScreen) kept() tea.Cmd {
	s := &d.search
	s.hard = s.problem == nil && s.query.NeedsLoss()
	if !s.hard || s.busy || d.loss.stop != nil {
		return nil
	}
	s.hard = false
	return d.measure()
}

// findFacets counts what there is to be listed.
func (d *dataScreen) findFacets() tea.Cmd {
	gen, ctx, index, split, known := d.search.gen, d.ctx, d.work.Index, d.work.Splits[d.split].Name, d.loss.known
	return func() tea.Msg {
		facets, err := index.Facets(ctx, split, known.of())
		return facetsMsg{gen, facets, err}
	}
}

// chooseFacet offers them.
func (d *dataScreen) chooseFacet(msg facetsMsg) tea.Cmd {
	switch {
	case msg.gen != d.search.gen:
		return nil
	case msg.err != nil:
		return problem(msg.err)
	}
	in := strings.Fields(strings.ToLower(d.filter.line.Text()))
	var rows []pickRow
	for _, f := range msg.facets {
		note := plural(f.Rows, "row")
		if f.Order {
			note = "order"
		}
		mark := ""
		if slices.Contains(in, f.Query) {
			mark = d.t.g.ok + " "
		}
		rows = append(rows, pickRow{
			text: mark + d.t.fit(f.Query, 18) + "  " + f.Means, note: note,
			run: func() tea.Cmd {
				d.filter.line.Set(data.Toggle(d.filter.line.Text(), f.Query))
				found := d.find()
				return tea.Batch(found, d.kept())
			},
		})
	}
	d.ask(newPicker("list rows of "+d.work.Splits[d.split].Name, "nothing there is has these letters", rows))
	return nil
}
