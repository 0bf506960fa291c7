package tui

import (
	"fmt"
	"slices"
	"strings"

	"hone/runs"
)

// View draws the body.
func (r *runsScreen) View() string {
	t := r.t
	switch {
	case !r.ready:
		return t.body([]string{"", t.dim.Render("  reading " + t.clean(r.store) + " " + t.g.ellipsis)}, r.width, r.height)
	case r.err != nil && len(r.all) == 0:
		lines := []string{"", " " + t.bad.Render(t.g.no+" the runs cannot be listed")}
		for _, l := range wrap(t.clean(r.err.Error()), max(r.width-6, 8)) {
			lines = append(lines, "   "+l)
		}
		return t.body(lines, r.width, r.height)
	case len(r.all) == 0:
		return t.body([]string{
			"", " no runs yet in " + t.clean(r.store), "",
			"   " + t.key.Render("2") + "  set up an experiment and press s",
			t.dim.Render("   or without a screen: ") + "hone train",
		}, r.width, r.height)
	}
	if r.pair != nil {
		return t.body(r.pairLines(), r.width, r.height)
	}
	if r.overlaid() {
		return t.body(r.overlayLines(), r.width, r.height)
	}
	below := r.detailLines()
	room := r.height - 2 - len(below) - 1
	lh := max(room, min(6, r.height/2))
	need := max(len(r.rows.visible)+1, 4)
	curve := r.curveLines(room - min(need, room/2) - 1)
	if curve != nil {
		lh = room - len(curve) - 1
	}
	lines := []string{r.headLine(), t.ruleLine(r.width)}
	lines = append(lines, r.rowLines(lh)...)
	lines = append(lines, t.ruleLine(r.width))
	if curve != nil {
		lines = append(append(lines, curve...), t.ruleLine(r.width))
	}
	return t.body(append(lines, below...), r.width, r.height)
}

// headLine counts the runs.
func (r *runsScreen) headLine() string {
	t := r.t
	left := " " + t.strong.Render(plural(len(r.all), "run")) + t.dim.Render(" in "+t.clean(r.store))
	if n := r.states[runs.Running] + r.states[runs.Paused]; n > 0 {
		left += "   " + t.good.Render(t.g.dot) + fmt.Sprintf(" %d live", n)
	}
	if n := r.states[runs.Failed]; n > 0 {
		left += "   " + t.bad.Render(t.g.no) + fmt.Sprintf(" %d failed", n)
	}
	if n := r.states[runs.Stale]; n > 0 {
		left += "   " + t.warn.Render("?") + fmt.Sprintf(" %d stale", n)
	}
	right := ""
	if f := r.filter.view(t, max(r.width/2, 24)); f != "" {
		right = f + t.dim.Render("  "+plural(len(r.rows.visible), "run"))
	}
	if r.asked != nil {
		left = " " + t.bad.Render(t.g.no+" "+t.clean(r.asked.Error()))
	}
	if r.err != nil {
		right = t.bad.Render(t.g.no + " " + t.clean(firstLine(r.err)))
	}
	return t.ends(left, right+" ", r.width)
}

// runColumns are the widths of the list: the name takes what the rest leaves.
type runColumns struct{ name, curve, state, steps, loss, exact, field, took, started int }

func (r *runsScreen) columns() runColumns {
	c := runColumns{state: 10, steps: 8, loss: 6, exact: 5, took: 7}
	if r.width >= 72 {
		c.curve = 10
	}
	if r.width >= 92 {
		c.field, c.state = 6, 12
	}
	if r.width >= 112 {
		c.started = 16
	}
	if r.width >= 140 {
		c.curve = 24
	}
	used := 3
	for _, w := range []int{c.curve, c.state, c.steps, c.loss, c.exact, c.field, c.took, c.started} {
		if w > 0 {
			used += w + 1
		}
	}
	c.name = max(r.width-used-1, 8)
	return c
}

// rowLines is the list under its head.
func (r *runsScreen) rowLines(height int) []string {
	t := r.t
	c := r.columns()
	cells := func(mark, name, curve, state, steps, loss, exact, field, took, started string) string {
		var b strings.Builder
		b.WriteString(mark + t.fit(name, c.name))
		for _, col := range []struct {
			text  string
			width int
			right bool
		}{{curve, c.curve, false}, {state, c.state, false}, {steps, c.steps, true}, {loss, c.loss, true}, {exact, c.exact, true}, {field, c.field, true}, {took, c.took, true}, {started, c.started, false}} {
			if col.width == 0 {
				continue
			}
			b.WriteByte(' ')
			if col.right {
				b.WriteString(t.fitRight(col.text, col.width))
			} else {
				b.WriteString(t.fit(col.text, col.width))
			}
		}
		return b.String()
	}
	lines := []string{t.dim.Render(cells("   ", "run", "loss curve", "state", "step", "loss", "exact", "field", "took", "started"))}
	if len(r.rows.visible) == 0 {
		return t.block(append(lines, t.dim.Render("   no run matches; esc shows all")), r.width, height)
	}
	from, to := r.rows.window(max(height-1, 1))
	for i := from; i < to; i++ {
		run := &r.all[r.rows.visible[i]]
		mark, name := "  ", t.clean(run.title())
		if i == r.rows.at {
			mark, name = t.accent.Render(t.g.selected)+" ", t.strong.Render(name)
		}
		if slices.Contains(r.marks, run.ID) {
			mark += t.accent.Render("*")
		} else {
			mark += " "
		}
		if tags := run.hashTags(); len(tags) > 0 {
			name += " " + t.key.Render(t.clean(strings.Join(tags, " ")))
		}
		steps := fmt.Sprint(run.Step)
		if run.Steps > 0 {
			steps = fmt.Sprintf("%d/%d", run.Step, run.Steps)
		}
		lines = append(lines, cells(mark, name, t.accent.Render(t.spark(run.Curve, c.curve)), t.stateMark(run.State)+" "+t.clean(run.State),
			steps, runFigure(run.Loss, 4), runFigure(run.Exact, 2), runFigure(run.FieldAccuracy, 2), run.Took, run.Started))
	}
	return t.block(lines, r.width, height)
}

// runFigure writes a number, or a dash where there is none.
func runFigure(v float64, digits int) string {
	switch {
	case v != v:
		return "-"
	case !finite(v):
		return fmt.Sprint(v)
	}
	return fmt.Sprintf("%.*f", digits, v)
}

// detailLines are what is particular about the selected run.
func (r *runsScreen) detailLines() []string {
	t := r.t
	run, ok := r.selected()
	if !ok {
		return nil
	}
	where := run.Dir
	if r.recording != "" && r.replay != nil && samePath(where, r.replay.dir) {
		where = "a recording that comes with Hone: " + r.recording
	}
	lines := []string{" " + t.strong.Render(t.clean(run.title())) + t.dim.Render("  "+t.clean(where))}
	if tags := run.hashTags(); len(tags) > 0 {
		lines[0] += "  " + t.key.Render(t.clean(strings.Join(tags, " ")))
	}
	if run.Note != "" {
		for i, l := range wrap(t.clean(run.Note), max(r.width-5, 8)) {
			if i == 2 {
				break
			}
			lines = append(lines, "   "+l)
		}
	}
	if run.State == "stale" {
		lines = append(lines, "   "+t.warn.Render("? it says that it runs, but its heartbeat has stopped: killed, or the machine slept; r goes on with it"))
	}
	if run.Problem != "" {
		for i, l := range wrap(t.clean(run.Problem), max(r.width-5, 8)) {
			if i == 3 {
				break
			}
			mark := "  "
			if i == 0 {
				mark = t.g.no + " "
			}
			lines = append(lines, "   "+t.bad.Render(mark+l))
		}
	}
	from, changes, err := r.differences()
	if err != nil {
		return append(lines, "   "+t.dim.Render(err.Error()))
	}
	if len(changes) == 0 {
		return append(lines, t.dim.Render("   no setting differs from "+t.clean(from)))
	}
	lines = append(lines, t.dim.Render("   differs from "+t.clean(from)))
	most := max(r.height/3, 3)
	for i, ch := range changes {
		if i == most {
			lines = append(lines, t.dim.Render(fmt.Sprintf("   and %d more", len(changes)-i)))
			break
		}
		lines = append(lines, "   "+t.fit(t.clean(ch.Key), 24)+t.dim.Render(t.cut(t.clean(ch.A), 30)+" "+t.g.arrow+" ")+t.clean(ch.B))
	}
	return lines
}
