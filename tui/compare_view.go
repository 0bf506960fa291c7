package tui

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"hone/experiments"
)

// From this width on, the examples stand beside the fields; below it, above them.
const compareWide = 100

// wide reports the two-column layout.
func (c *compareScreen) wide() bool { return c.width >= compareWide }

func (c *compareScreen) listWidth() int { return c.width * 2 / 5 }

func (c *compareScreen) listHeight() int { return max((c.height-12)/2, 3) }

// View draws the body.
func (c *compareScreen) View() string {
	t := c.t
	if c.cmp == nil {
		lines := c.absentLines()
		bottom := c.tryLines(c.width, c.height)
		lines = t.block(lines, c.width, max(c.height-len(bottom), 0))
		return t.body(append(lines, bottom...), c.width, c.height)
	}
	lines := []string{c.scoreLine(), c.showLine(), t.ruleLine(c.width)}
	bottom := []string{c.try.promptLine(c.width)}
	if c.height >= 24 {
		bottom = []string{t.ruleLine(c.width), c.try.promptLine(c.width)}
	}
	height := max(c.height-len(lines)-len(bottom), 0)
	switch {
	case c.wide():
		lines = append(lines, c.wideLines(height)...)
	case c.view != viewExample || c.try.asked != "":
		lines = append(lines, t.block(c.pane(c.width, height), c.width, height)...)
	default:
		lh := min(c.listHeight(), height)
		lines = append(lines, c.rowLines(c.width, lh)...)
		lines = append(lines, t.ruleLine(c.width))
		rest := max(height-lh-1, 0)
		lines = append(lines, t.block(c.pane(c.width, rest), c.width, rest)...)
	}
	lines = t.block(lines, c.width, max(c.height-len(bottom), 0))
	return t.body(append(lines, bottom...), c.width, c.height)
}

// wideLines put the list and the mistakes on the left, the example, and the scores
// where there is room, on the right.
func (c *compareScreen) wideLines(height int) []string {
	t := c.t
	lw := c.listWidth()
	rw := c.width - lw - 1
	below := c.mistakeLines(lw, 1)
	if c.view == viewMistakes {
		below = c.scoreLines(lw)
	}
	lh := height
	if left := height - len(below) - 1; left >= 6 {
		lh = left
	} else {
		below = nil
	}
	left := c.rowLines(lw, lh)
	if below != nil {
		left = append(append(left, t.ruleLine(lw)), below...)
	}
	if c.view == viewExample && c.try.asked == "" {
		scores := c.scoreLines(rw)
		if need := len(c.detailLines(rw, true)) + len(scores) + 2; need <= height {
			right := t.block(c.pane(rw, height-len(scores)-1), rw, height-len(scores)-1)
			right = append(append(right, t.ruleLine(rw)), scores...)
			return t.beside(left, right, lw, rw, height)
		}
	}
	return t.beside(left, c.pane(rw, height), lw, rw, height)
}

// absentLines say why there is nothing to compare and what to do.
func (c *compareScreen) absentLines() []string {
	t := c.t
	name := t.strong.Render(t.clean(baseName(c.dir)))
	if c.making != nil {
		p := c.progress
		lines := []string{"", " generating the " + c.split + " outputs of " + t.clean(c.sidesText()), ""}
		if p.total <= 0 {
			return append(lines, t.dim.Render("   loading the model "+t.g.ellipsis))
		}
		share := float64(p.done) / float64(p.total)
		width := max(min(c.width-40, 50), 8)
		left := ""
		if spent := c.now().Sub(c.began); p.done > 0 && spent > 2*time.Second {
			left = clock(time.Duration(float64(spent)*(1-share)/share)) + " left"
		}
		return append(lines,
			"   "+t.accent.Render(t.fit(t.barOf(share, width), width))+t.dim.Render(t.g.bar)+fmt.Sprintf(" %d of %d  %s", p.done, p.total, left),
			"", t.dim.Render("   g stops; outputs of a model that are complete are kept"))
	}
	switch {
	case c.runDir == "":
		return []string{
			"", " no run is open", "",
			"   " + t.key.Render("6") + "  choose one in Runs",
			"   " + t.key.Render("2") + "  or set up an experiment and train one",
		}
	case c.foreign():
		return []string{"", " a log has no outputs: there is nothing to compare", "", "   " + t.key.Render("6") + "  choose a run in Runs"}
	case c.reading, c.dir == "":
		return []string{"", t.dim.Render("  reading " + t.clean(baseName(c.runDir)) + " " + t.g.ellipsis)}
	case errors.Is(c.err, errNotCompared):
		return []string{
			"", " " + name + " is not compared on its " + c.split + " split yet: " + t.clean(c.sidesText()), "",
			"   " + t.key.Render("g") + "  generates every output that is missing, and scores them",
			"   " + t.key.Render("t") + "  tries one text on both",
			"   " + t.key.Render("a") + "  compares with a checkpoint or another run",
			"   " + t.key.Render("p") + "  the other split",
			"", t.dim.Render("   without a screen: ") + t.clean(c.command()),
		}
	}
	lines := []string{"", " " + t.bad.Render(t.g.no+" "+t.clean(baseName(c.dir))+" cannot be compared")}
	if c.err != nil {
		for _, part := range strings.Split(c.err.Error(), "\n") {
			for _, l := range wrap(t.clean(part), max(c.width-6, 8)) {
				lines = append(lines, "   "+l)
			}
		}
	}
	return append(lines, "", "   "+t.key.Render("g")+"  tries to generate what is missing")
}

// sidesText names both models while there is no comparison.
func (c *compareScreen) sidesText() string {
	of := func(s experiments.Side) string {
		if s.RunDir == c.dir {
			return s.Name()
		}
		return s.Name() + " of " + baseName(s.RunDir)
	}
	return of(c.sides[0]) + " and " + of(c.sides[1])
}

// command does the same without a screen.
func (c *compareScreen) command() string {
	of := func(s experiments.Side) string {
		if s == experiments.TunedOf(s.RunDir) {
			return experiments.ShellWord(s.RunDir)
		}
		return experiments.ShellWord(s.RunDir + "@" + s.Model)
	}
	words := "hone compare --run-dir " + of(c.sides[1])
	if c.sides[0] != experiments.BaseOf(c.sides[1].RunDir) {
		words += " --against " + of(c.sides[0])
	}
	return words + " --split " + c.split
}

// changeOf is a score with its interval.
func (m *comparison) changeOf(score string) (experiments.ScoreChange, bool) {
	for _, s := range m.Changes {
		if s.Score == score {
			return s, true
		}
	}
	return experiments.ScoreChange{}, false
}

// scoreLine is the outcome on one line.
func (c *compareScreen) scoreLine() string {
	t := c.t
	m := c.cmp
	interval := ""
	if s, ok := m.changeOf("perplexity"); ok {
		return c.textLine(s)
	}
	if s, ok := m.changeOf("exact_match"); ok {
		interval = fmt.Sprintf(", 95 %% %+.2f %s %+.2f", s.Low, t.g.to, s.High)
	}
	delta := m.Tuned.Exact - m.Base.Exact
	who := ""
	if m.Labels != [2]string{"base", "tuned"} {
		who = t.accent.Render(t.cut(t.clean(m.Labels[0]), 24)+" "+t.g.arrow+" "+t.cut(t.clean(m.Labels[1]), 24)) + "   "
	}
	head := fmt.Sprintf(" %d %s rows   ", len(m.Pairs), t.clean(m.Split))
	change := t.change(delta)
	exact := t.dim.Render("exact ") + fmt.Sprintf("%.3f %s ", m.Base.Exact, t.g.arrow) + t.strong.Render(fmt.Sprintf("%.3f", m.Tuned.Exact)) + " " + change
	rest := "   " + t.dim.Render("valid ") + fmt.Sprintf("%.2f %s %.2f", m.Base.Valid, t.g.arrow, m.Tuned.Valid) +
		"   " + t.dim.Render("field ") + fmt.Sprintf("%.3f %s %.3f", m.Base.FieldAccuracy, t.g.arrow, m.Tuned.FieldAccuracy)
	loss := ""
	if s, ok := m.changeOf("target_loss"); ok {
		loss = "   " + t.dim.Render("loss ") + fmt.Sprintf("%.2f %s %.2f", s.Base, t.g.arrow, s.Tuned)
	}
	brief := t.dim.Render("  valid ") + fmt.Sprintf("%.2f %s %.2f", m.Base.Valid, t.g.arrow, m.Tuned.Valid) +
		t.dim.Render("  field ") + fmt.Sprintf("%.2f %s %.2f", m.Base.FieldAccuracy, t.g.arrow, m.Tuned.FieldAccuracy)
	for _, line := range []string{head + who + exact + t.dim.Render(interval) + rest + loss, head + who + exact + t.dim.Render(interval) + rest, head + who + exact + rest, " " + who + exact + brief, " " + who + exact} {
		if textWidth(line) <= c.width {
			return line
		}
	}
	return " " + exact
}

// textLine is the outcome of texts, which have no score but their loss.
func (c *compareScreen) textLine(s experiments.ScoreChange) string {
	t, m := c.t, c.cmp
	line := fmt.Sprintf(" %d %s rows   ", len(m.Pairs), t.clean(m.Split)) + t.dim.Render("perplexity ") + fmt.Sprintf("%.3f %s ", s.Base, t.g.arrow) + t.strong.Render(fmt.Sprintf("%.3f", s.Tuned))
	if loss, ok := m.changeOf("target_loss"); ok {
		line += "   " + t.dim.Render("loss ") + fmt.Sprintf("%.3f %s %.3f", loss.Base, t.g.arrow, loss.Tuned)
	}
	interval := t.dim.Render(fmt.Sprintf("   95 %% of the change in perplexity %+.3f %s %+.3f", s.Low, t.g.to, s.High))
	if textWidth(line)+textWidth(interval) <= c.width {
		line += interval
	}
	return line
}

// change is a signed difference, coloured by its direction.
func (t *theme) change(delta float64) string {
	text := fmt.Sprintf("(%+.3f)", delta)
	switch {
	case delta > 0:
		return t.good.Render(text)
	case delta < 0:
		return t.bad.Render(text)
	}
	return t.dim.Render(text)
}

// showLine is what the list shows and how it is sorted.
func (c *compareScreen) showLine() string {
	t := c.t
	kinds := func(gap string) string {
		var b strings.Builder
		b.WriteString(t.dim.Render(" show "))
		for i, name := range showNames {
			text := fmt.Sprintf("%s %d", name, c.cmp.Counts[i])
			if i == c.show {
				b.WriteString(gap + t.accent.Render(t.g.selected+text))
			} else {
				b.WriteString(gap + " " + t.dim.Render(text))
			}
		}
		return b.String()
	}
	left := kinds("  ")
	right := t.dim.Render("sort ") + sortNames[c.sort]
	if f := c.filter.view(t, 22); f != "" {
		right = f + "  " + right
	}
	if textWidth(left)+textWidth(right)+3 > c.width {
		left = kinds(" ")
	}
	if textWidth(left)+textWidth(right)+3 > c.width {
		right = c.filter.view(t, 14)
		if c.sort != sortRow && right == "" {
			right = t.dim.Render(sortNames[c.sort])
		}
	}
	return t.ends(left, right+" ", c.width)
}

// verdictMark is what tuning did to an example, as a sign.
func (t *theme) verdictMark(v verdict) string {
	switch v {
	case fixed:
		return t.good.Render(t.g.ok)
	case regressed:
		return t.bad.Render("!")
	case stillWrong:
		return t.bad.Render(t.g.no)
	case unscored:
		return t.dim.Render(t.g.masked)
	}
	return t.dim.Render(t.g.ok)
}

// rowLines is the list of examples.
func (c *compareScreen) rowLines(width, height int) []string {
	t := c.t
	loss := c.cmp.HasLoss && width >= 44
	right := "wrong  "
	if loss {
		right = "  loss  " + right
	}
	lines := []string{t.dim.Render(t.ends(fmt.Sprintf("    %3s  event", "#"), right, width))}
	if len(c.rows.visible) == 0 {
		return t.block(append(lines, t.dim.Render("  no example matches; esc shows all")), width, height)
	}
	from, to := c.rows.window(max(height-1, 1))
	for i := from; i < to; i++ {
		p := &c.cmp.Pairs[c.rows.visible[i]]
		mark, text := "  ", t.clean(p.Event)
		if i == c.rows.at {
			mark, text = t.accent.Render(t.g.selected)+" ", t.strong.Render(text)
		}
		wrong := t.dim.Render(t.g.masked)
		switch {
		case !p.Tuned.Valid:
			wrong = t.bad.Render("invalid")
		case p.Tuned.Wrong > 0:
			wrong = fmt.Sprint(p.Tuned.Wrong)
		}
		end := wrong
		if loss {
			end = t.dim.Render(t.fitRight(targetLossText(&p.Tuned), 6)) + "  " + t.fitRight(wrong, 7)
		}
		if p.Note != "" {
			text = t.accent.Render("*") + text
		}
		left := mark + t.verdictMark(p.Verdict) + t.dim.Render(fmt.Sprintf(" %3d", p.Row)) + "  " + text
		lines = append(lines, t.ends(left, end+"  ", width))
	}
	return t.block(lines, width, height)
}

// label names one of the models.
func (c *compareScreen) label(side int) string {
	if c.cmp != nil {
		return c.cmp.Labels[side]
	}
	return c.sides[side].Name()
}

// tryLines are the prompt line and its outcome while there is no comparison.
func (c *compareScreen) tryLines(width, height int) []string {
	if c.runDir == "" {
		return nil
	}
	t := c.t
	lines := []string{t.ruleLine(width)}
	if c.try.asked != "" {
		tried := c.try.triedLines(width)
		lines = append(lines, tried[:min(len(tried), max(height-10, 1))]...)
		lines = append(lines, t.ruleLine(width))
	}
	return append(lines, c.try.promptLine(width))
}
