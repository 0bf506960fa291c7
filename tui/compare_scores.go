package tui

import (
	"fmt"

	"hone/experiments"
)

// at is the i-th of values, or zero where there is none.
func at[T any](values []T, i int) (v T) {
	if i < len(values) {
		return values[i]
	}
	return v
}

// scoreLines are all scores with the paired difference and its interval.
func (c *compareScreen) scoreLines(width int) []string {
	t := c.t
	m := c.cmp
	name := 14
	for _, s := range m.Changes {
		name = max(name, min(textWidth(t.clean(experiments.ScoreName(s.Score))), 18))
	}
	name = min(name, max(width-47, 8))
	label := func(i int) string { return t.fitRight(t.clean(m.Labels[i]), 7) }
	lines := []string{" " + t.dim.Render(t.fit("score", name)+" "+label(0)+label(1)+"   change   95 % interval")}
	for _, s := range m.Changes {
		change := fmt.Sprintf("%+.3f", s.Change)
		better := s.Change > 0
		if experiments.Less(s.Score) {
			better = s.Change < 0
		}
		switch {
		case !s.Sure():
			change = t.dim.Render(change)
		case better:
			change = t.good.Render(change)
		default:
			change = t.bad.Render(change)
		}
		sign := " "
		if s.Sure() {
			sign = "*"
		}
		lines = append(lines, " "+t.fit(t.clean(experiments.ScoreName(s.Score)), name)+" "+t.fitRight(fmt.Sprintf("%.3f", s.Base), 7)+t.fitRight(fmt.Sprintf("%.3f", s.Tuned), 7)+
			" "+t.fitRight(change, 8)+sign+"  "+t.dim.Render(fmt.Sprintf("%+.3f %s %+.3f", s.Low, t.g.to, s.High)))
	}
	foot := fmt.Sprintf("n = %d rows, %d resamples; * the interval leaves out 0", len(m.Pairs), m.Resamples)
	if m.Unpaired > 0 {
		foot = fmt.Sprintf("n = %d rows of both (%d of one side only), %d resamples; * without 0", len(m.Pairs), m.Unpaired, m.Resamples)
	}
	for _, l := range wrap(foot, max(width-2, 8)) {
		lines = append(lines, " "+t.dim.Render(l))
	}
	return lines
}

// mistakeLines say of every field how one side is wrong.
func (c *compareScreen) mistakeLines(width, side int) []string {
	t := c.t
	m := c.cmp
	if len(m.Schema) == 0 {
		return []string{t.dim.Render(" no fields: texts are compared as a whole")}
	}
	name, most := 6, 1
	for f, field := range m.Schema {
		name = max(name, min(textWidth(t.clean(field)), 14))
		most = max(most, at(m.Mistakes[side], f).Wrong)
	}
	bar := min(max((width-name)/6, 0), 16)
	lines := []string{" " + t.dim.Render("wrong by field, "+t.clean(m.Labels[side]))}
	for f, field := range m.Schema {
		k := at(m.Mistakes[side], f)
		head := " " + t.fit(t.clean(field), name) + " " + t.fit(t.accent.Render(t.barOf(float64(k.Wrong)/float64(most), bar)), bar) + t.fitRight(fmt.Sprint(k.Wrong), 4) + "  "
		text := t.clean(k.Text)
		room := max(width-textWidth(head)-1, 1)
		if c.view == viewMistakes || side == 0 {
			for i, l := range wrap(text, room) {
				if i > 0 {
					head = spaces(textWidth(head))
				}
				lines = append(lines, head+t.dim.Render(l))
			}
			continue
		}
		lines = append(lines, head+t.dim.Render(t.cut(text, room)))
	}
	return lines
}
