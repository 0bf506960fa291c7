package tui

import (
	"errors"
	"fmt"

	tea "github.com/charmbracelet/bubbletea"

	"hone/data"
)

// How the example is shown.
const (
	exampleTrained = iota
	exampleTokens
	exampleRaw
	exampleViews
)

var exampleNames = [exampleViews]string{"as trained", "tokens", "raw"}

// dataScreen shows the dataset: its splits, its rows, how a row becomes tokens,
// and what is wrong with it.
type dataScreen struct {
	*app
	width, height int

	split  int
	rows   list // numbers of the index
	filter filter
	search dataSearch

	findings bool // the list of findings has the keys
	finding  list
	stats    bool // narrow layout: statistics in place of the example
	whole    bool // the example has the whole body
	view     int  // how the example is shown
	scroll   int  // first line of the example
	room     int  // lines of the example at the last drawing

	cache exampleCache
	raw   rawRow
	loss  lossBook
	try   tryLine
	tried int // number of the row that the tried text is of
}

func newData(a *app) *dataScreen {
	d := &dataScreen{app: a}
	d.try = d.newTry()
	return d
}

func (d *dataScreen) Title() string             { return "Data" }
func (d *dataScreen) SetSize(width, height int) { d.width, d.height = width, height }
func (d *dataScreen) CapturesText() bool        { return d.filter.typing || d.try.typing }
func (d *dataScreen) Focus() tea.Cmd            { return nil }
func (d *dataScreen) Blur()                     { d.filter.typing, d.try.typing = false, false }

// Keys depends on what has the arrows: rows, findings or a tried text.
func (d *dataScreen) Keys() []keyGroup {
	switch {
	case d.filter.typing:
		return d.filterKeys()
	case d.try.typing:
		return d.try.keys()
	case d.try.asked != "":
		return d.try.triedKeys()
	case d.findings:
		return d.findingKeys()
	}
	has := func() bool { return d.work != nil && len(d.work.Splits) > 0 }
	row := func() bool { _, ok := d.rows.selected(); return has() && ok }
	keys := d.rows.bindings("row", d.moved)
	for i := range keys {
		keys[i].When = has
	}
	keys = append(keys,
		binding{Keys: []string{"tab"}, Text: "view", Help: "the example as it is trained, as tokens, as its file has it; shift+tab goes back", Run: func() tea.Cmd { return d.look(1) }, When: row},
		binding{Keys: []string{"shift+tab"}, Quiet: true, Moves: true, Run: func() tea.Cmd { return d.look(-1) }, When: row},
		binding{Keys: []string{"/"}, Text: "filter", Help: "list only rows that a query finds; below are its words", Run: do(d.filter.open), When: has},
		binding{Keys: []string{"s"}, Text: "facets", Help: "choose from what there is to be listed, with counts, and how it is sorted", Run: d.findFacets, When: has},
		binding{Keys: []string{"left", "h"}, Label: "←→", Text: "split", Help: "previous and next split (also h, l)", Run: func() tea.Cmd { return d.turn(-1) }, When: has},
		binding{Keys: []string{"right", "l"}, Quiet: true, Moves: true, Run: func() tea.Cmd { return d.turn(1) }, When: has},
		binding{Keys: []string{"v"}, Text: "stats", Help: "lengths and fields of the rows listed, in place of the example (both show from 100 columns on)", Run: do(func() { d.stats, d.whole = !d.stats, false }), When: func() bool { return has() && !d.wide() }},
		binding{Keys: []string{"f"}, Text: "findings", Help: "choose a finding of preflight and list its rows", Run: do(d.openFindings), When: func() bool { return has() && len(d.work.Findings) > 0 }},
	)
	example := []binding{
		{Keys: []string{"enter"}, Text: "whole", Help: "give the example the whole screen, and back", Quiet: true, Run: do(func() { d.whole, d.stats = !d.whole, false }), When: row},
		{Keys: []string{"e"}, Text: "edit and try", Help: "change the text and see what the models make of it; nothing is saved", Run: d.edit, When: row},
		{Keys: []string{"y"}, Text: "copy", Help: "copy the row, its prompt, its completion or its tokens to the terminal's clipboard", Run: do(d.askCopy), When: row},
		{Keys: []string{"L"}, Text: "losses", Help: "measure how hard the rows listed are for the model at hand, the selected one first", Run: d.measure, When: func() bool { return row() && d.loss.stop == nil }},
		{Keys: []string{"L"}, Text: "stop", Help: "stop measuring; what was measured is kept", Run: do(func() { d.loss.stop() }), When: func() bool { return d.loss.stop != nil }},
		{Keys: []string{"J", "shift+down"}, Label: "J K", Help: "scroll the example down and up", Quiet: true, Moves: true, Run: do(func() { d.scroll++ }), When: has},
		{Keys: []string{"K", "shift+up"}, Quiet: true, Moves: true, Run: do(func() { d.scroll-- }), When: has},
		{Keys: []string{"]"}, Label: "[ ]", Help: "scroll the example by a page", Quiet: true, Moves: true, Run: do(func() { d.scroll += max(d.room-1, 1) }), When: has},
		{Keys: []string{"["}, Quiet: true, Moves: true, Run: do(func() { d.scroll -= max(d.room-1, 1) }), When: has},
	}
	return []keyGroup{
		{Title: "rows", Bindings: keys},
		{Title: "example", Bindings: example},
		{Title: "experiment", Bindings: []binding{
			{Keys: []string{"o"}, Text: "open data", Help: "name another dataset", Run: do(d.askData)},
			{Keys: []string{"m"}, Text: "model", Help: "choose the model, whose tokenizer shows the tokens", Run: func() tea.Cmd { return d.pickModel() }},
		}},
		queryHelp(),
	}
}

// Update filters while typing and takes what commands bring.
func (d *dataScreen) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.KeyMsg:
		if d.try.typing {
			return d.try.key(msg)
		}
		if d.filterKey(msg) {
			return d.find()
		}
		if !d.filter.typing {
			return d.kept()
		}
	case dataRowMsg:
		return d.showRow(msg.row)
	case foundMsg:
		return d.found(msg)
	case facetsMsg:
		return d.chooseFacet(msg)
	case rawMsg:
		if msg.work == d.work {
			d.raw = rawRow(msg)
		}
	case lossMsg:
		return d.tookLosses(msg)
	case copiedMsg:
		return copied(msg)
	case themedMsg:
		d.cache = exampleCache{}
	case promptMsg, tokenMsg, triedMsg:
		return d.try.took(msg)
	case startedMsg:
		if msg.err == nil { // training needs the memory
			d.stopMeasuring()
			return d.try.forget()
		}
	case workspaceMsg:
		return d.opened(msg)
	}
	return nil
}

// opened shows another workspace.
func (d *dataScreen) opened(msg workspaceMsg) tea.Cmd {
	if d.work == nil || msg.work != d.work {
		return nil
	}
	d.split = min(d.split, max(len(d.work.Splits)-1, 0))
	d.findings, d.scroll = false, 0
	d.finding = list{}
	for i := range d.work.Findings {
		d.finding.visible = append(d.finding.visible, i)
	}
	d.rows, d.raw, d.cache = list{}, rawRow{}, exampleCache{}
	d.search.shown = data.Found{}
	d.stopMeasuring()
	d.loss = lossBook{gen: d.loss.gen}
	return tea.Batch(d.try.forget(), d.find())
}

// row is a row by its number.
func (d *dataScreen) row(number int) (split, row int, r *rowView) {
	split, row = d.work.Index.Place(number)
	return split, row, &d.work.Splits[split].Rows[row]
}

// moved is called when another row is selected.
func (d *dataScreen) moved() tea.Cmd {
	d.scroll = 0
	return d.readRaw()
}

// look shows the example in another way.
func (d *dataScreen) look(by int) tea.Cmd {
	d.view = ((d.view+by)%exampleViews + exampleViews) % exampleViews
	d.scroll, d.stats = 0, false
	return d.readRaw()
}

// turn shows another split, whatever split the query named.
func (d *dataScreen) turn(by int) tea.Cmd {
	n := len(d.work.Splits)
	if n == 0 {
		return nil
	}
	d.split = ((d.split+by)%n + n) % n
	if q := d.search.query.Split(); q != "" {
		d.filter.line.Set(data.Toggle(d.filter.line.Text(), "split:"+q))
	}
	d.rows.visible = nil
	return d.find()
}

// showRow selects a row of the first split, train, whose rows are numbered from 0.
func (d *dataScreen) showRow(row int) tea.Cmd {
	d.split, d.findings, d.stats, d.whole, d.scroll = 0, false, false, false, 0
	d.filter.clear()
	d.rows = list{visible: []int{row}} // what is selected stays so when all are listed
	return d.find()
}

// Escape steps out of the tried text, the whole example, the findings, the
// statistics, the filter.
func (d *dataScreen) Escape() (tea.Cmd, bool) {
	switch {
	case d.try.asked != "":
		d.try.stop()
		d.try.asked = ""
	case d.whole:
		d.whole = false
	case d.findings:
		d.findings = false
	case d.filter.clear():
		return d.find(), true
	case d.stats:
		d.stats = false
	default:
		return nil, false
	}
	return nil, true
}

// Wheel scrolls what is under the pointer.
func (d *dataScreen) Wheel(x, y, lines int) tea.Cmd {
	if !d.whole && x < d.listWidth() && y <= d.listHeight() {
		d.rows.move(lines)
		return d.moved()
	}
	d.scroll += lines
	return nil
}

// askData asks for the dataset.
func (d *dataScreen) askData() {
	const key = "data.path"
	d.ask(&question{
		Title: "open a dataset", Text: []string{"A .jsonl file, a directory with train, eval and test.jsonl, or builtin."}, Line: newLineEdit(valueText(d.config, key)),
		Check: func(s string) error {
			if s == "" {
				return errors.New("a path is needed")
			}
			c := d.config
			return setText(&c, key, s)
		},
		Done: func(s string) tea.Cmd {
			c := d.config
			if err := setText(&c, key, s); err != nil {
				return problem(err)
			}
			return d.setConfig(c)
		},
	})
}

// rawRow is a row as its file has it, read when it is looked at.
type rawRow struct {
	work *workspace
	row  int
	text string
	err  error
}

// readRaw reads the selected row's line where it is shown.
func (d *dataScreen) readRaw() tea.Cmd {
	n, ok := d.rows.selected()
	if !ok || d.view != exampleRaw || d.raw.work == d.work && d.raw.row == n {
		return nil
	}
	work := d.work
	split, row := work.Index.Place(n)
	return func() tea.Msg {
		text, err := work.Raw(split, row)
		return rawMsg{work, n, text, err}
	}
}

// plural writes a count with its noun.
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
