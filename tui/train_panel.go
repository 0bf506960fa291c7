package tui

import (
	"fmt"
	"strings"
)

// panel is what stands beside the charts: figures, evaluations, watched examples.
func (s *trainScreen) panel(width, room int) []string {
	t := s.t
	var lines []string
	if s.wide() {
		lines = append(lines,
			" "+joinFit(width-1, 3, s.pace()...),
			" "+joinFit(width-1, 3, s.rates()...))
		for _, parts := range [][]string{s.computer(), s.warnings()} {
			if len(parts) > 0 {
				lines = append(lines, " "+joinFit(width-1, 3, parts...))
			}
		}
		lines = append(lines, t.ruleLine(width))
	}
	lines = append(lines, s.evalTable(width)...)
	lines = append(lines, s.fieldLines(width, (room-len(lines))/3)...)
	if room-len(lines) >= 4 {
		lines = append(lines, t.ruleLine(width))
	}
	return append(lines, s.watchLines(width, room-len(lines))...)
}

// lossText writes a loss in five cells.
func lossText(v float64) string {
	text := figure(v)
	if finite(v) && len(text) > 5 && !strings.Contains(text, "e") {
		text = strings.TrimSuffix(text[:5], ".")
	}
	return text
}

// evalTable are the evaluations, the newest columns that fit, and a sparkline of
// all of them.
func (s *trainScreen) evalTable(width int) []string {
	t := s.t
	all := s.feed.scores
	if len(all) == 0 {
		text := " eval       none yet"
		if n := s.evalEvery(); n > 0 {
			text += fmt.Sprintf(": every %d steps", n)
		}
		return []string{t.dim.Render(text)}
	}
	const name, column, spark = 9, 6, 10
	n := min(max((width-name-2-spark)/column, 1), len(all), 12)
	shown := all[len(all)-n:]
	head := t.dim.Render(pad(" eval", name))
	for _, p := range shown {
		head += t.dim.Render(t.fitRight(fmt.Sprint(p.step), column))
	}
	lines := []string{head}
	for _, row := range []struct {
		name string
		of   func(evalPoint) float64
		text func(float64) string
	}{
		{"exact", func(p evalPoint) float64 { return p.exact }, shareText},
		{"valid", func(p evalPoint) float64 { return p.valid }, shareText},
		{"field", func(p evalPoint) float64 { return p.field }, shareText},
		{"loss", func(p evalPoint) float64 { return p.loss }, lossText},
	} {
		if row.name != "loss" && !s.feed.wrote() {
			continue
		}
		line := pad(" "+row.name, name)
		series := make([]float64, 0, spark)
		for _, p := range all[max(len(all)-spark, 0):] {
			series = append(series, row.of(p))
		}
		for i, p := range shown {
			cell := t.fitRight(row.text(row.of(p)), column)
			if i == n-1 {
				cell = t.strong.Render(cell)
			}
			line += cell
		}
		lines = append(lines, line+"  "+t.field.Render(t.spark(series, spark)))
	}
	last := all[len(all)-1]
	if best, _ := s.feed.best(); best.step != last.step {
		lines = append(lines, t.dim.Render(" best     ")+fmt.Sprintf("%s %s at step %d", strings.Replace(s.feed.bestName(), "exact match", "exact", 1), s.feed.bestFigure(best), best.step))
	}
	return lines
}

// fieldLines are the scores of the fields at the last evaluation, worst first: a
// bar each where there are lines for some, else in one line.
func (s *trainScreen) fieldLines(width, room int) []string {
	t := s.t
	if len(s.feed.scores) == 0 {
		return nil
	}
	fields := s.feed.scores[len(s.feed.scores)-1].fields
	if room < 3 {
		parts := []string{t.dim.Render(" worst field")}
		for _, f := range fields[:min(len(fields), 4)] {
			if f.share < 1 {
				parts = append(parts, t.dim.Render(t.clean(f.name))+" "+shareText(f.share))
			}
		}
		if len(parts) == 1 {
			return nil
		}
		return []string{joinFit(width, 2, parts...)}
	}
	const name, bar = 12, 20
	var lines []string
	for i, f := range fields {
		if len(lines) == room-1 && i < len(fields)-1 {
			lines = append(lines, t.dim.Render(fmt.Sprintf(" and %d more fields, none worse", len(fields)-i)))
			break
		}
		line := " " + t.fit(t.dim.Render(t.clean(f.name)), name) + t.fitRight(shareText(f.share), 5) + "  " +
			t.field.Render(pad(t.barOf(f.share, min(bar, width-name-18)), min(bar, max(width-name-18, 0))))
		switch {
		case f.change >= 0.005:
			line += "  " + t.good.Render(fmt.Sprintf("+%.2f", f.change))
		case f.change <= -0.005:
			line += "  " + t.bad.Render(fmt.Sprintf("%.2f", f.change))
		}
		lines = append(lines, line)
	}
	return lines
}
