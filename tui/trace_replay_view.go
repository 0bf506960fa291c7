package tui

import (
	"fmt"
	"slices"
	"strings"

	"hone/experiments"
)

// replayLines are the replay of the shown step: how far it is, what it says, and
// its operations.
func (s *traceScreen) replayLines(width, room int) []string {
	t := s.t
	var lines []string
	if j := s.job; j != nil {
		text := fmt.Sprintf("replaying step %d: %s %s", j.step, j.doing, t.g.ellipsis)
		if j.total > 0 {
			text += fmt.Sprintf(" %d of %d", j.done, j.total)
		}
		lines = append(lines, " "+t.cut(t.accent.Render(t.clean(text))+t.dim.Render("   x stops it"), width-2))
	}
	v := s.shownReplay()
	switch {
	case v != nil:
		lines = append(lines, s.replayedLines(v, width)...)
		lines = append(lines, s.opLines(v, width, room-len(lines))...)
	case s.job != nil:
	case s.replayErr != nil:
		lines = append(lines, t.indented(t.g.no+" "+s.replayErr.Error(), 1, width)...)
	default:
		if no := s.noStep("steps that could be replayed"); no != nil {
			return t.block(no, width, room)
		}
		lines = append(lines, "")
		lines = append(lines, t.indented("r executes this step again from the newest checkpoint before it, with every operation looked at: whether it comes out with the same bits, which operation is the first with a value that is not finite, and which row, element and token. Nothing is written.", 2, width)...)
	}
	return t.block(lines, width, room)
}

// replayedLines say how a replay came out.
func (s *traceScreen) replayedLines(v *replayedView, width int) []string {
	t, r := s.t, v.replay
	from := "the beginning"
	if r.From > 0 {
		from = fmt.Sprintf("checkpoint %d", r.From)
	}
	verdict := t.good.Render(t.g.ok + " the same bits")
	if !r.Reproduced {
		verdict = t.bad.Render(t.g.no + " other bits than recorded")
	}
	lines := []string{" " + joinFit(width-2, 3, verdict, t.dim.Render(fmt.Sprintf("step %d from %s", r.Step, from)),
		t.dim.Render("loss ")+figure(float64(r.Base.Loss)), t.dim.Render("norm ")+figure(float64(r.Base.GradNorm)), plural(len(r.Base.Ops), "operation"))}
	for _, d := range r.Differences[:min(len(r.Differences), 2)] {
		lines = append(lines, " "+t.bad.Render(t.cut(t.g.no+" "+t.clean(d.String()), width-2)))
	}
	for _, n := range r.Notes[:min(len(r.Notes), 2)] {
		lines = append(lines, t.indented("! "+n, 1, width)...)
	}
	if b := r.Bisection; b != nil {
		blame := "no row is to blame: the weights or the settings are"
		if len(b.Rows) > 0 {
			blame = rowsText(b.Rows)
		}
		lines = append(lines, " "+t.cut(t.dim.Render("bisected   ")+t.strong.Render(blame)+t.dim.Render("   "+probeText(t, b.Probes)), width-2))
	}
	for _, p := range v.place {
		lines = append(lines, " "+t.cut(t.clean(p), width-2))
	}
	if v.place == nil && r.Reproduced {
		lines = append(lines, " "+t.good.Render(t.g.ok)+" every operation is finite")
	}
	if x := r.Variant; x != nil {
		lines = append(lines, s.variantLines(&r.Base, x, width)...)
	}
	return lines
}

// probeText is the halving of a batch on one line.
func probeText(t *theme, probes []experiments.Probe) string {
	var parts []string
	for _, p := range probes {
		mark := t.g.no
		if p.Finite {
			mark = t.g.ok
		}
		names := rowNames(p.Rows[:min(len(p.Rows), 4)])
		if len(p.Rows) > 4 {
			names += t.g.ellipsis
		}
		parts = append(parts, "["+names+"] "+mark)
	}
	return strings.Join(parts, "  ")
}

// variantLines put two executions side by side.
func (s *traceScreen) variantLines(base, x *experiments.ReplayedStep, width int) []string {
	t := s.t
	changed := slices.Clone(x.Set)
	if len(x.Without) > 0 {
		changed = append([]string{"without " + rowsText(x.Without)}, changed...)
	}
	row := func(name string, a, b any) string {
		return " " + t.cut(t.dim.Render(pad(name, 11))+t.fitRight(fmt.Sprint(a), 14)+t.fitRight(fmt.Sprint(b), 14), width-2)
	}
	yes := map[bool]string{true: "yes", false: "no"}
	return []string{
		" " + t.cut(t.dim.Render(pad("", 11))+t.fitRight("as recorded", 14)+"  "+t.strong.Render(t.clean(strings.Join(changed, ", "))), width-2),
		row("loss", figure(float64(base.Loss)), figure(float64(x.Loss))), row("norm", figure(float64(base.GradNorm)), figure(float64(x.GradNorm))),
		row("update", figure(float64(base.Update)), figure(float64(x.Update))), row("applied", yes[base.Applied], yes[x.Applied]),
	}
}

// opLines are the operations of a replay, those around the selected one.
func (s *traceScreen) opLines(v *replayedView, width, room int) []string {
	ops := v.replay.Base.Ops
	if room < 3 || len(ops) == 0 || len(s.ops.visible) != len(ops) {
		return nil
	}
	t := s.t
	name := max(min(width-60, 44), 14)
	lines := []string{t.ruleLine(width), t.dim.Render(t.fit(fmt.Sprintf("    seq %s %-8s %10s %9s %9s %5s %5s", pad("operation", name), "phase", "shape", "absmax", "rms", "NaN", "Inf"), width))}
	from, to := s.ops.window(room - len(lines))
	for i := from; i < to; i++ {
		o := ops[i]
		cursor, style, mark := " ", t.text, " "
		if i == s.ops.at {
			cursor, style = t.dim.Render(t.g.selected), t.strong
			if s.pane == replayPane {
				cursor = t.accent.Render(t.g.selected)
			}
		}
		if o.Bad != nil {
			mark = t.bad.Render(t.g.no)
		}
		lines = append(lines, t.fit(cursor+mark+style.Render(fmt.Sprintf(" %4d %s %-8s %10s %9s %9s %5d %5d", o.Seq, pad(t.cutLeft(t.clean(o.Name), name), name), o.Phase,
			fmt.Sprintf("%dx%d", o.Shape[0], o.Shape[1]), figure(float64(o.AbsMax)), figure(float64(o.RMS)), o.NaN, o.PosInf+o.NegInf)), width))
	}
	return lines
}
