package tui

import (
	"context"
	"errors"
	"sort"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
)

// What the list of Compare shows.
const (
	showAll = iota
	showFixed
	showStillWrong
	showRegressed
	showInvalid
	showNoted
	showCount
)

var showNames = [showCount]string{"all", "fixed", "still wrong", "regressed", "invalid", "noted"}

// How it is sorted.
const (
	sortRow = iota
	sortWrong
	sortLoss
	sortCount
)

var sortNames = [sortCount]string{"row", "most wrong", "loss"}

// What stands beside the list.
const (
	viewExample = iota
	viewScores
	viewMistakes
	viewCount
)

// compareScreen puts the outputs of two models side by side, field by field: base
// and tuned, unless others were chosen.
type compareScreen struct {
	*app
	width, height int
	focused       bool

	dir, split string // what is shown or being read
	sides      [2]experiments.Side
	gen        int
	reading    bool
	cmp        *comparison
	err        error // why there is none; errNotCompared included

	making   context.CancelFunc // generating; nil = not
	progress progressMsg
	began    time.Time

	rows   list
	filter filter
	show   int
	sort   int
	view   int
	raw    bool
	scroll int

	try tryLine
}

func newCompare(a *app) *compareScreen {
	c := &compareScreen{app: a, split: "test"}
	c.try = tryLine{
		app: a, on: compareScreenID, label: c.label, both: true,
		scroll: func(by int) { c.scroll = max(c.scroll+by, 0) },
		open: func() func(context.Context) (prompter, error) {
			sides, back := c.sides, c.back
			return func(ctx context.Context) (prompter, error) { return back.OpenPrompt(ctx, sides) }
		},
	}
	return c
}

func (c *compareScreen) Title() string             { return "Compare" }
func (c *compareScreen) SetSize(width, height int) { c.width, c.height = width, height }
func (c *compareScreen) CapturesText() bool        { return c.filter.typing || c.try.typing }

// Focus reads the comparison of the run being looked at.
func (c *compareScreen) Focus() tea.Cmd {
	c.focused = true
	return c.ensure()
}

// Blur leaves typing modes.
func (c *compareScreen) Blur() { c.focused, c.filter.typing, c.try.typing = false, false, false }

// Keys of the list, the generation and the prompt line.
func (c *compareScreen) Keys() []keyGroup {
	switch {
	case c.filter.typing:
		return c.filter.keys()
	case c.try.typing:
		return c.try.keys()
	case c.try.asked != "":
		return c.try.triedKeys()
	}
	has := func() bool { return c.cmp != nil }
	run := func() bool { return c.runDir != "" && !c.foreign() }
	keys := c.rows.bindings("example", func() tea.Cmd { c.scroll = 0; return nil })
	for i := range keys {
		keys[i].When = has
	}
	keys = append(keys,
		binding{Keys: []string{"tab", "right", "l"}, Label: "tab", Text: "show", Help: "all, fixed, still wrong, regressed, invalid, noted; shift+tab goes back", Run: do(func() { c.choose(1) }), When: has},
		binding{Keys: []string{"shift+tab", "left", "h"}, Quiet: true, Moves: true, Run: do(func() { c.choose(-1) }), When: has},
		binding{Keys: []string{"s"}, Text: "sort", Help: "by row, by fields that are wrong, by the loss of the target under the right model", Run: do(func() { c.sort = (c.sort + 1) % sortCount; c.list() }), When: has},
		binding{Keys: []string{"/"}, Text: "filter", Help: "list only examples that hold all the words typed; wrong:date lists those wrong there, wrong:date=iso those wrong in that way, note: those with a note", Run: do(c.filter.open), When: has},
		binding{Keys: []string{"v"}, Text: "scores", Help: "the example, the scores with intervals, the mistakes of every field in words", Run: do(func() { c.view, c.scroll = (c.view+1)%viewCount, 0 }), When: has},
		binding{Keys: []string{"n"}, Text: "note", Help: "write a note on the example; it stays with the row in the run directory", Run: do(c.askNote), When: func() bool { _, ok := c.rows.selected(); return has() && ok }},
		binding{Keys: []string{"x"}, Text: "export", Help: "write the comparison as Markdown, CSV or one HTML page", Run: do(c.askExport), When: has},
		binding{Keys: []string{"r"}, Text: "raw", Help: "the outputs as the models wrote them, or field by field", Quiet: true, Run: do(func() { c.raw = !c.raw; c.view, c.scroll = viewExample, 0 }), When: has},
		binding{Keys: []string{"J", "shift+down"}, Label: "J K", Help: "scroll the example down and up", Quiet: true, Moves: true, Run: do(func() { c.scroll++ }), When: has},
		binding{Keys: []string{"K", "shift+up"}, Quiet: true, Moves: true, Run: do(func() { c.scroll = max(c.scroll-1, 0) }), When: has},
	)
	return []keyGroup{
		{Title: "model", Bindings: []binding{
			{Keys: []string{"g"}, Text: "generate", Help: "generate the outputs that are missing, score them and measure their losses", Run: c.generate, When: func() bool {
				return run() && (c.cmp == nil || !c.cmp.HasLoss) && c.making == nil && !c.reading
			}},
			{Keys: []string{"g"}, Text: "stop", Help: "stop generating; outputs of a model that are complete are kept", Run: do(func() { c.making() }), When: func() bool { return c.making != nil }},
			{Keys: []string{"t"}, Text: "try a text", Help: "type any text and see both models write, token by token", Run: do(func() { c.try.typing = true }), When: run},
			{Keys: []string{"a"}, Text: "against", Help: "choose what is compared with: the base model, a checkpoint, another run", Quiet: true, Run: func() tea.Cmd { return c.findSides(0) }, When: func() bool { return run() && c.making == nil }},
			{Keys: []string{"A"}, Text: "model", Help: "choose the model that is looked at: a checkpoint, what the run keeps, another run", Quiet: true, Run: func() tea.Cmd { return c.findSides(1) }, When: func() bool { return run() && c.making == nil }},
			{Keys: []string{"p"}, Text: "split", Help: "compare on the test or the eval split", Quiet: true, Run: c.otherSplit, When: func() bool { return run() && c.making == nil }},
		}},
		{Title: "examples", Bindings: keys},
	}
}

// Update takes comparisons, progress and tried texts.
func (c *compareScreen) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.KeyMsg:
		if c.try.typing {
			cmd := c.try.key(msg)
			if !c.try.typing {
				c.view = viewExample
			}
			return cmd
		}
		if c.filter.key(msg) {
			c.list()
		}
	case snapshotMsg:
		if c.focused && c.dir != c.runDir {
			return c.ensure()
		}
	case ownDoneMsg:
		if msg.dir == c.dir && c.cmp == nil && c.making == nil {
			c.dir = ""
			if c.focused {
				return c.ensure()
			}
		}
	case startedMsg:
		if msg.err == nil { // training needs the memory
			c.dir = ""
			return c.leave()
		}
	case comparisonMsg:
		return c.took(msg)
	case progressMsg:
		if msg.gen == c.gen && c.making != nil {
			c.progress = msg
			return msg.next
		}
	case promptMsg, tokenMsg, triedMsg:
		return c.try.took(msg)
	case sidesMsg:
		return c.chooseSide(msg)
	case notedMsg:
		return c.noted(msg)
	case exportedMsg:
		return c.exported(msg)
	}
	return nil
}

// ensure reads the comparison of the run being looked at, once.
func (c *compareScreen) ensure() tea.Cmd {
	if c.dir == c.runDir {
		return nil
	}
	left := c.leave()
	c.dir = c.runDir
	c.sides = [2]experiments.Side{experiments.BaseOf(c.dir), experiments.TunedOf(c.dir)}
	if c.dir == "" {
		return left
	}
	return tea.Batch(left, c.read())
}

// leave forgets everything of the run that was shown.
func (c *compareScreen) leave() tea.Cmd {
	if c.making != nil {
		c.making()
		c.making = nil
	}
	left := c.try.forget()
	c.gen++
	c.cmp, c.err, c.reading = nil, nil, false
	c.rows, c.scroll = list{}, 0
	return left
}

// read looks for a comparison that was made before.
func (c *compareScreen) read() tea.Cmd {
	c.gen++
	c.reading = true
	gen, sides, split, back := c.gen, c.sides, c.split, c.back
	return func() tea.Msg {
		cmp, err := back.ReadComparison(sides, split)
		return comparisonMsg{gen: gen, cmp: cmp, err: err}
	}
}

// otherSplit compares on the other of the two splits that are not trained on.
func (c *compareScreen) otherSplit() tea.Cmd {
	if c.split == "test" {
		c.split = "eval"
	} else {
		c.split = "test"
	}
	c.cmp, c.err = nil, nil
	return c.read()
}

// generate makes the outputs that are missing.
func (c *compareScreen) generate() tea.Cmd {
	if c.ownLive() {
		return problem(errors.New("this process is training; generate when the run has ended, or `hone compare` in another terminal"))
	}
	ctx, stop := context.WithCancel(c.ctx)
	c.making = stop
	c.gen++
	c.progress = progressMsg{gen: c.gen}
	c.began = c.now()
	c.err = nil
	gen, sides, split, back := c.gen, c.sides, c.split, c.back
	feed := newFeed()
	work := func() tea.Msg {
		defer feed.close()
		defer stop()
		cmp, err := back.Compare(ctx, sides, split, func(done, total int) {
			feed.put(func() tea.Msg { return progressMsg{gen: gen, done: done, total: total, next: feed.next} })
		})
		return comparisonMsg{gen: gen, cmp: cmp, err: err, made: true}
	}
	return tea.Batch(work, feed.next)
}

// took keeps a comparison, or why there is none.
func (c *compareScreen) took(msg comparisonMsg) tea.Cmd {
	if msg.gen != c.gen {
		return nil
	}
	c.reading = false
	if msg.made {
		c.making = nil
	}
	c.cmp, c.err = msg.cmp, msg.err
	if msg.err != nil {
		c.cmp = nil
		if errors.Is(msg.err, context.Canceled) {
			c.err = errNotCompared
			return notice("stopped; a model whose outputs were complete is not run again")
		}
		return nil
	}
	c.show, c.scroll = showAll, 0
	c.rows = list{}
	c.list()
	if msg.made {
		return notice("compared " + plural(len(msg.cmp.Pairs), "example"))
	}
	return nil
}

// choose shows the next or previous kind that has examples.
func (c *compareScreen) choose(by int) {
	for range showNames {
		c.show = ((c.show+by)%showCount + showCount) % showCount
		if c.show == showAll || c.cmp.Counts[c.show] > 0 {
			break
		}
	}
	c.list()
}

// shows reports whether an example belongs to a kind.
func shows(kind int, p *pairView) bool {
	switch kind {
	case showFixed:
		return p.Verdict == fixed
	case showStillWrong:
		return p.Verdict == stillWrong
	case showRegressed:
		return p.Verdict == regressed
	case showInvalid:
		return !p.Tuned.Valid
	case showNoted:
		return p.Note != ""
	}
	return true
}

// list works out which examples are shown, in which order.
func (c *compareScreen) list() {
	if c.cmp == nil {
		return
	}
	query := c.filter.text()
	var rows []int
	for i := range c.cmp.Pairs {
		if p := &c.cmp.Pairs[i]; shows(c.show, p) && matches(p.Low, query) {
			rows = append(rows, i)
		}
	}
	pairs := c.cmp.Pairs
	switch c.sort {
	case sortWrong:
		sort.SliceStable(rows, func(a, b int) bool { return pairs[rows[a]].Tuned.Wrong > pairs[rows[b]].Tuned.Wrong })
	case sortLoss:
		sort.SliceStable(rows, func(a, b int) bool { return worseLoss(&pairs[rows[a]].Tuned, &pairs[rows[b]].Tuned) })
	}
	c.rows.show(rows)
	c.scroll = 0
}

// Escape leaves the tried text, the scores, the raw outputs, the filter.
func (c *compareScreen) Escape() (tea.Cmd, bool) {
	switch {
	case c.try.asked != "":
		c.try.stop()
		c.try.asked = ""
	case c.view != viewExample:
		c.view, c.scroll = viewExample, 0
	case c.raw:
		c.raw = false
	case c.filter.clear():
		c.list()
	case c.show != showAll && c.cmp != nil:
		c.show = showAll
		c.list()
	default:
		return nil, false
	}
	return nil, true
}

// Wheel scrolls what is under the pointer.
func (c *compareScreen) Wheel(x, y, lines int) tea.Cmd {
	if c.wide() && x < c.listWidth() || !c.wide() && y < 3+c.listHeight() {
		c.rows.move(lines)
		c.scroll = 0
	} else {
		c.scroll = max(c.scroll+lines, 0)
	}
	return nil
}

// worseLoss orders by falling loss: what is no number comes first, what was not
// measured last.
func worseLoss(a, b *outputView) bool {
	if a.HasLoss != b.HasLoss {
		return a.HasLoss
	}
	if x, y := finite(a.Loss), finite(b.Loss); x != y {
		return y
	}
	return a.Loss > b.Loss
}

// lowText is what a filter on examples looks at.
func lowText(p *pairView, schema []string) string {
	var b strings.Builder
	b.WriteString(p.Event + " " + p.Target + " " + p.Tuned.Text)
	for f, kind := range p.Tuned.Mistakes {
		if kind != "" && f < len(schema) {
			b.WriteString(" wrong:" + schema[f] + "=" + kind)
		}
	}
	if p.Note != "" {
		b.WriteString(" note: " + p.Note)
	}
	return strings.ToLower(b.String())
}
