package tui

import (
	"context"
	"errors"
	"fmt"

	tea "github.com/charmbracelet/bubbletea"

	"hone/data"
	"hone/experiments"
)

// lossBook is how hard rows are for the model that was measured last.
type lossBook struct {
	gen         int
	stop        context.CancelFunc // ends a measuring; nil = none is under way
	done, total int
	known       losses
	at          map[int]int // indices of known.Rows by the row's number
}

// of looks losses up; commands call it.
func (l losses) of() data.LossOf {
	nats := make(map[int]float64, len(l.Rows))
	for _, r := range l.Rows {
		nats[r.Row] = r.Nats
	}
	return func(number int) (float64, bool) {
		v, ok := nats[number]
		return v, ok
	}
}

// take adds what came to be known. Another model's losses replace those of the one
// before.
func (b *lossBook) take(known losses) {
	if b.at == nil || known.Source != b.known.Source {
		b.known, b.at = losses{}, map[int]int{}
	}
	for i := len(b.known.Rows); i < len(known.Rows); i++ {
		b.at[known.Rows[i].Row] = i
	}
	if len(known.Rows) >= len(b.known.Rows) {
		b.known = known
	}
}

// row is how hard a row is, nil where that is not known.
func (b *lossBook) row(number int) *rowLoss {
	if i, ok := b.at[number]; ok {
		return &b.known.Rows[i]
	}
	return nil
}

// lossSide is the model that rows are measured under: what the run at hand keeps,
// or the experiment's own without a run.
func (d *dataScreen) lossSide() experiments.Side {
	if d.runDir == "" {
		return experiments.Side{}
	}
	return experiments.TunedOf(d.runDir)
}

// measure finds out how hard the listed rows are, the selected one first.
func (d *dataScreen) measure() tea.Cmd {
	switch {
	case d.ownLive():
		return problem(errors.New("this process is training; measure when the run has ended"))
	case d.work.Measure == nil && d.work.ModelProblem != nil:
		return problem(d.work.ModelProblem)
	case d.work.Measure == nil:
		return problem(errors.New("losses need a model; m names one"))
	case d.loss.stop != nil:
		return nil
	}
	b := &d.loss
	b.gen++
	ctx, stop := context.WithCancel(d.ctx)
	b.stop, b.done, b.total = stop, 0, len(d.rows.visible)
	gen, side, listed, measure := b.gen, d.lossSide(), d.rows.visible, d.work.Measure
	first, selected := d.rows.selected()
	feed := newFeed()
	work := func() tea.Msg {
		defer feed.close()
		defer stop()
		rows := make([]int, 0, len(listed)+1)
		if selected {
			rows = append(rows, first)
		}
		for _, n := range listed {
			if !selected || n != first {
				rows = append(rows, n)
			}
		}
		last := lossMsg{gen: gen}
		err := measure(ctx, side, rows, func(known losses, done, total int) {
			last = lossMsg{gen: gen, known: known, done: done, total: total, next: feed.next}
			now := last
			feed.put(func() tea.Msg { return now })
		})
		last.ended, last.err, last.next = true, err, nil
		return last
	}
	return tea.Batch(work, feed.next)
}

// stopMeasuring ends a measuring; what it brings is dropped.
func (d *dataScreen) stopMeasuring() {
	if d.loss.stop != nil {
		d.loss.stop()
		d.loss.stop = nil
		d.loss.gen++
	}
}

// tookLosses takes what came to be known. At the end rows are listed anew where
// that depends on losses.
func (d *dataScreen) tookLosses(msg lossMsg) tea.Cmd {
	b := &d.loss
	if msg.gen != b.gen {
		return nil
	}
	if msg.known.Source != "" {
		b.take(msg.known)
	}
	if !msg.ended {
		if b.stop != nil {
			b.done, b.total = msg.done, msg.total
		}
		return msg.next
	}
	b.stop = nil
	var said tea.Cmd
	switch {
	case errors.Is(msg.err, context.Canceled):
		said = notice(fmt.Sprintf("stopped: %d of %s measured", msg.done, plural(msg.total, "row")))
	case msg.err != nil:
		return problem(msg.err)
	default:
		said = notice("measured " + plural(msg.done, "row") + " under " + b.known.Model)
	}
	if d.search.query.NeedsLoss() {
		return tea.Batch(said, d.find())
	}
	return said
}

// measuringLine is how far a measuring is.
func (d *dataScreen) measuringLine(width int) string {
	t, b := d.t, &d.loss
	bar := ""
	if b.total > 0 {
		bar = t.fit(t.accent.Render(t.barOf(float64(b.done)/float64(b.total), 16)), 16)
	}
	model := b.known.Model
	if model == "" {
		model = modelName(d.lossSide())
	}
	return t.ends(fmt.Sprintf(" measuring under %s  ", t.clean(model)), t.dim.Render(t.g.bar)+bar+t.dim.Render(t.g.bar)+fmt.Sprintf(" %d of %d   ", b.done, b.total)+t.key.Render("L")+t.dim.Render(" stops "), width)
}

// heat is how hard a token is as one glyph: its height, up to four nats; what is
// no number has the mark of what is wrong.
func (t *theme) heat(nats float64) string {
	if !finite(nats) {
		return t.bad.Render(t.g.no)
	}
	glyph := t.g.sparks[min(max(int(nats/4*8), 0), 7)]
	switch {
	case nats >= 2.3: // less likely than one in ten
		return t.bad.Render(glyph)
	case nats >= 0.7: // less likely than not
		return t.warn.Render(glyph)
	}
	return t.dim.Render(glyph)
}

// natsText is a loss as a figure.
func natsText(nats float64) string {
	switch {
	case !finite(nats):
		return fmt.Sprint(nats)
	case nats >= 100:
		return fmt.Sprintf("%.0f", nats)
	case nats < 0.005:
		return "0.00"
	}
	return fmt.Sprintf("%.2f", nats)
}
