package tui

import (
	"fmt"
	"strings"

	"hone/data"
)

// statLines are pictures of the rows listed, and the findings, in at most room
// lines: fields and lengths first.
func (d *dataScreen) statLines(width, room int) []string {
	if d.findings {
		return d.findingLines(width)
	}
	below := d.restLines(width)
	fields := d.fieldLines(width)
	head := d.listedLines(width)
	tall := min(max(room-len(below)-len(fields)-len(head)-2, 1), 5)
	lines := append(head, fields...)
	lines = append(lines, d.lengthLines(width, tall)...)
	lines = append(lines, below...)
	return lines[:min(len(lines), max(room, 0))]
}

// label is the grey name at the left of a line of figures.
func label(t *theme, name string) string { return " " + t.dim.Render(t.fit(name, 9)) + " " }

// listedLines say of how many rows the pictures are, where the filter leaves some
// out.
func (d *dataScreen) listedLines(width int) []string {
	all := 0
	for _, s := range d.search.shown.Splits {
		all += len(d.work.Splits[s].Rows)
	}
	n := d.search.shown.Summary.Rows
	if n == all {
		return nil
	}
	share := ""
	if all > 0 {
		share = fmt.Sprintf(", %.3g %%", 100*float64(n)/float64(all))
	}
	return []string{label(d.t, "listed") + d.t.cut(thousands(n)+" of "+rowsCount(all)+share, max(width-11, 1))}
}

// fieldLines are bars of how many of the rows listed fill a field.
func (d *dataScreen) fieldLines(width int) []string {
	t := d.t
	fields, s := d.work.Schema, d.search.shown.Summary
	if len(fields) == 0 {
		return []string{label(t, "fields") + t.dim.Render("none: completions are plain text")}
	}
	names := 0
	for _, f := range fields {
		names = max(names, min(textWidth(t.clean(f)), 14))
	}
	cell := names + 1 + 8 + 1 + 5
	columns := max((width-11)/(cell+2), 1)
	rows := min((len(fields)+columns-1)/columns, 8)
	lines := make([]string, rows)
	for r := range rows {
		name := ""
		if r == 0 {
			name = "fields"
		}
		lines[r] = label(t, name)
		for c := range columns {
			i := c*rows + r
			if i >= len(fields) {
				break
			}
			share, text := 0.0, "    –  "
			if s.Rows > 0 && i < len(s.Filled) {
				share = float64(s.Filled[i]) / float64(s.Rows)
				text = fmt.Sprintf(" %3.0f %%", share*100)
			}
			lines[r] += t.fit(t.clean(fields[i]), names) + " " + t.accent.Render(t.fit(t.barOf(share, 8), 8)) + t.fit(text, 6) + "  "
		}
	}
	if rows*columns < len(fields) {
		lines = append(lines, label(t, "")+t.dim.Render(fmt.Sprintf("and %d more", len(fields)-rows*columns)))
	}
	return lines
}

// lengthLines is the histogram of the lengths of the rows listed, tall lines high,
// with its axis.
func (d *dataScreen) lengthLines(width, tall int) []string {
	t := d.t
	s := d.search.shown.Summary
	if s.Rows == 0 || len(s.Bins) == 0 {
		return nil
	}
	room := max(min(width-12, 72), 4)
	counts := merged(s.Bins, room)
	var lines []string
	for i, l := range t.columns(counts, tall) {
		name := ""
		if i == 0 {
			name = "length"
		}
		lines = append(lines, label(t, name)+t.accent.Render(l))
	}
	axis := fmt.Sprintf("%d", s.Min)
	if most := s.Bins[len(s.Bins)-1].High; most > s.Min {
		axis = fmt.Sprintf("%d %s %d", s.Min, t.g.to, most)
	}
	text := axis + " " + d.work.Index.Unit() + t.dim.Render(fmt.Sprintf("  median %d  95 %% up to %d", s.Median, s.P95))
	lines = append(lines, label(t, "")+t.cut(text, max(width-11, 1)))
	if s.Beyond > 0 {
		text := fmt.Sprintf("%s longer, up to %d", thousands(s.Beyond), s.Max)
		if s.Dropped > 0 {
			text += t.warn.Render(fmt.Sprintf("; %s over max_length and dropped", thousands(s.Dropped)))
		}
		lines = append(lines, label(t, "")+t.cut(text, max(width-11, 1)))
	}
	return lines
}

// rowsCount is a number of rows.
func rowsCount(n int) string {
	if n == 1 {
		return "1 row"
	}
	return thousands(n) + " rows"
}

// columns draws counts as bars of tall lines, from the top down. A count that is
// not zero is always seen.
func (t *theme) columns(counts []int, tall int) []string {
	most := 0
	for _, n := range counts {
		most = max(most, n)
	}
	lines := make([]string, max(tall, 0))
	steps := len(t.g.sparks)
	for i := range lines {
		var b strings.Builder
		from := (tall - 1 - i) * steps // eighths below this line
		for _, n := range counts {
			height := 0
			if most > 0 {
				height = int(float64(n)/float64(most)*float64(tall*steps) + 0.5)
			}
			if n > 0 {
				height = max(height, 1)
			}
			switch part := min(height-from, steps); {
			case part > 0:
				b.WriteString(t.g.sparks[part-1])
			default:
				b.WriteByte(' ')
			}
		}
		lines[i] = b.String()
	}
	return lines
}

// merged adds neighbouring bins of a histogram up until at most n are left.
func merged(bins []data.Bin, n int) []int {
	by := max((len(bins)+n-1)/max(n, 1), 1)
	out := make([]int, (len(bins)+by-1)/by)
	for i, b := range bins {
		out[i/by] += b.Count
	}
	return out
}

// restLines are tokens, what could not be read, and the findings.
func (d *dataScreen) restLines(width int) []string {
	t := d.t
	var lines []string
	if d.split < len(d.work.Splits) {
		if sp := &d.work.Splits[d.split]; sp.Encoded {
			lines = append(lines, label(t, "split")+t.cut(fmt.Sprintf("%s tokens, %s targets", thousands(sp.Tokens), thousands(sp.Targets)), max(width-11, 1)))
		}
	}
	if d.work.ModelProblem != nil {
		for i, l := range wrap(t.clean(d.work.ModelProblem.Error()), max(width-12, 8)) {
			name := ""
			if i == 0 {
				name = "model"
			}
			lines = append(lines, label(t, name)+t.warn.Render(l))
			if i == 2 {
				break
			}
		}
	}
	if n := len(d.work.Bad); n > 0 {
		lines = append(lines, label(t, "skipped")+t.warn.Render(plural(n, "bad row"))+t.dim.Render("  "+t.clean(d.work.Bad[0])))
	}
	for i := range d.work.Findings {
		if i == 3 {
			lines = append(lines, label(t, "")+t.dim.Render(fmt.Sprintf("and %d more", len(d.work.Findings)-i)))
			break
		}
		name := ""
		if i == 0 {
			name = "findings"
		}
		lines = append(lines, label(t, name)+d.findingLine(i))
	}
	return lines
}

// thousands writes a count with spaces between groups of three digits.
func thousands[T int | int64](n T) string {
	s := fmt.Sprint(n)
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 && s[i-1] != '-' {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}
