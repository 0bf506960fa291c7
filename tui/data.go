package tui

import (
	"errors"
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// dataScreen shows the dataset: its splits, its rows, how a row becomes tokens,
// and what is wrong with it.
type dataScreen struct {
	*app
	width, height int

	split    int
	rows     list
	filter   filter
	finds    int       // generation of the last search
	only     *onlyRows // rows of a finding
	findings bool      // the list of findings has the keys
	finding  list
	stats    bool // narrow layout: statistics in place of the example
	scroll   int  // first line of the example

	cache exampleCache
}

// onlyRows limits the list to the rows that a finding names.
type onlyRows struct {
	id   string
	rows map[int]bool
}

// exampleCache keeps the drawn tokens of one row at one width.
type exampleCache struct {
	work       *workspace
	split, row int
	width      int
	lines      []string
}

func newData(a *app) *dataScreen { return &dataScreen{app: a} }

func (d *dataScreen) Title() string             { return "Data" }
func (d *dataScreen) SetSize(width, height int) { d.width, d.height = width, height }
func (d *dataScreen) CapturesText() bool        { return d.filter.typing }
func (d *dataScreen) Focus() tea.Cmd            { return nil }
func (d *dataScreen) Blur()                     { d.filter.typing = false }

// Keys depends on what has the arrows: rows or findings.
func (d *dataScreen) Keys() []keyGroup {
	if d.filter.typing {
		return d.filter.keys()
	}
	if d.findings {
		rows := append([]binding{{
			Keys: []string{"enter"}, Text: "show its rows", Help: "list only the rows that the finding names",
			Run: d.jump, When: func() bool { return len(d.finding.visible) > 0 },
		}}, d.finding.bindings("finding", func() tea.Cmd { return nil })...)
		return []keyGroup{{Title: "findings", Bindings: append(rows, binding{Keys: []string{"f"}, Text: "back to rows", Run: do(func() { d.findings = false })})}}
	}
	has := func() bool { return d.work != nil }
	keys := d.rows.bindings("row", func() tea.Cmd { d.scroll = 0; return nil })
	for i := range keys {
		keys[i].When = has
	}
	keys = append(keys,
		binding{Keys: []string{"tab", "l", "right"}, Label: "tab", Text: "split", Help: "next split (also →, l); shift+tab goes back", Run: func() tea.Cmd { return d.turn(1) }, When: has},
		binding{Keys: []string{"shift+tab", "h", "left"}, Quiet: true, Moves: true, Run: func() tea.Cmd { return d.turn(-1) }, When: has},
		binding{Keys: []string{"/"}, Text: "filter", Help: "list only matching rows: words, \"a phrase\", with:field, without:field, field:value", Run: do(d.filter.open), When: has},
		binding{Keys: []string{"v"}, Text: "stats", Help: "statistics of the split in place of the example (both show from 100 columns on)", Run: do(func() { d.stats = !d.stats }), When: func() bool { return has() && !d.wide() }},
		binding{Keys: []string{"f"}, Text: "findings", Help: "choose a finding and list its rows", Run: do(d.openFindings), When: func() bool { return has() && len(d.work.Findings) > 0 }},
		binding{Keys: []string{"J", "shift+down"}, Label: "J K", Help: "scroll the example down and up", Quiet: true, Moves: true, Run: do(func() { d.scroll++ }), When: has},
		binding{Keys: []string{"K", "shift+up"}, Quiet: true, Moves: true, Run: do(func() { d.scroll-- }), When: has},
	)
	return []keyGroup{
		{Title: "rows", Bindings: keys},
		{Title: "experiment", Bindings: []binding{
			{Keys: []string{"o"}, Text: "open data", Help: "name another dataset", Run: do(d.askData)},
			{Keys: []string{"m"}, Text: "model", Help: "name the model, whose tokenizer shows the tokens", Run: do(d.askModel)},
		}},
	}
}

// Update filters while typing and takes a newly opened workspace.
func (d *dataScreen) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.KeyMsg:
		if d.filter.key(msg) {
			return d.search()
		}
	case dataRowMsg:
		return d.showRow(msg.row)
	case foundMsg:
		if msg.gen == d.finds {
			d.rows.show(msg.rows)
			d.scroll = 0
		}
	case workspaceMsg:
		if d.work == nil || msg.work != d.work {
			return nil
		}
		d.split = min(d.split, max(len(d.work.Splits)-1, 0))
		d.only, d.findings, d.scroll = nil, false, 0
		d.finding = list{}
		for i := range d.work.Findings {
			d.finding.visible = append(d.finding.visible, i)
		}
		d.rows = list{}
		return d.search()
	}
	return nil
}

// current is the split shown; nil without one.
func (d *dataScreen) current() *splitView {
	if d.work == nil || d.split >= len(d.work.Splits) {
		return nil
	}
	return &d.work.Splits[d.split]
}

// search lists the rows that pass the filter. A query is looked up in a command:
// a dataset may be large.
func (d *dataScreen) search() tea.Cmd {
	d.finds++
	sp := d.current()
	if sp == nil {
		d.rows.show(nil)
		return nil
	}
	query := d.filter.text()
	if query == "" {
		d.rows.show(d.within(sp))
		d.scroll = 0
		return nil
	}
	gen, find, only := d.finds, d.work.Find, d.only
	return func() tea.Msg {
		rows := find(sp.Name, query)
		if only != nil {
			kept := rows[:0:0]
			for _, r := range rows {
				if only.rows[r] {
					kept = append(kept, r)
				}
			}
			rows = kept
		}
		return foundMsg{gen, rows}
	}
}

// within lists the rows without a query: all, or those of the chosen finding.
func (d *dataScreen) within(sp *splitView) []int {
	rows := make([]int, 0, len(sp.Rows))
	for i := range sp.Rows {
		if d.only == nil || d.only.rows[i] {
			rows = append(rows, i)
		}
	}
	return rows
}

// turn shows another split.
func (d *dataScreen) turn(by int) tea.Cmd {
	n := len(d.work.Splits)
	if n == 0 {
		return nil
	}
	d.split = ((d.split+by)%n + n) % n
	d.only = nil
	d.rows = list{}
	return d.search()
}

// showRow selects a row of the first split, train.
func (d *dataScreen) showRow(row int) tea.Cmd {
	d.split, d.only, d.findings, d.stats = 0, nil, false, false
	d.filter.clear()
	d.rows = list{}
	cmd := d.search()
	d.rows.choose(row)
	return cmd
}

// openFindings gives the arrows to the findings.
func (d *dataScreen) openFindings() { d.findings, d.stats = true, true }

// jump lists the rows of the selected finding.
func (d *dataScreen) jump() tea.Cmd {
	i, ok := d.finding.selected()
	if !ok {
		return nil
	}
	f := d.work.Findings[i]
	for s := range d.work.Splits {
		if d.work.Splits[s].Name == f.Split {
			d.split = s
		}
	}
	d.findings, d.stats = false, false
	d.filter.clear()
	d.only = nil
	if len(f.Rows) > 0 {
		d.only = &onlyRows{id: f.ID, rows: make(map[int]bool, len(f.Rows))}
		for _, r := range f.Rows {
			d.only.rows[r] = true
		}
	}
	d.rows = list{}
	return d.search()
}

// Escape steps out of findings, a finding's rows, the filter, statistics.
func (d *dataScreen) Escape() (tea.Cmd, bool) {
	switch {
	case d.findings:
		d.findings = false
	case d.only != nil:
		d.only = nil
		return d.search(), true
	case d.filter.clear():
		return d.search(), true
	case d.stats:
		d.stats = false
	default:
		return nil, false
	}
	return nil, true
}

// Wheel scrolls what is under the pointer.
func (d *dataScreen) Wheel(x, y, lines int) tea.Cmd {
	if x < d.listWidth() && y <= d.listHeight() {
		d.rows.move(lines)
		d.scroll = 0
	} else {
		d.scroll += lines
	}
	return nil
}

// askData and askModel name the two paths that a newcomer needs.
func (d *dataScreen) askData() {
	d.askPath("data.path", "open a dataset", []string{"A .jsonl file, a directory with train, eval and test.jsonl, or builtin."})
}

func (d *dataScreen) askModel() {
	d.askPath("model.path", "name the model", []string{"A directory with config.json and safetensors, a .gguf file, or builtin."})
}

// askPath asks for a key of the experiment that holds a path.
func (a *app) askPath(key, title string, text []string) {
	now := valueText(a.config, key)
	a.ask(&question{
		Title: title, Text: text, Line: newLineEdit(now),
		Check: func(s string) error {
			if s == "" {
				return errors.New("a path is needed")
			}
			c := a.config
			return setText(&c, key, s)
		},
		Done: func(s string) tea.Cmd {
			c := a.config
			if err := setText(&c, key, s); err != nil {
				return problem(err)
			}
			return a.setConfig(c)
		},
	})
}

// label is what a list line says of a row.
func (d *dataScreen) label(r *rowView) string {
	if len(r.Marks) == 0 && r.Dropped == "" {
		return d.t.clean(r.Text)
	}
	mark := strings.Join(r.Marks, " ")
	if r.Dropped != "" {
		mark = strings.TrimSpace(mark + " dropped")
	}
	return d.t.warn.Render(mark) + " " + d.t.clean(r.Text)
}

// plural writes a count with its noun.
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
