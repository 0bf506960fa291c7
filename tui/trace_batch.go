package tui

import (
	"fmt"
	"math"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
)

// stepRow is a row of the shown step.
type stepRow = experiments.StepRow

// tokenCache keeps the drawn tokens of one row at one width.
type tokenCache struct {
	view   *stepView
	replay *replayedView
	row    int
	width  int
	lines  []string
}

// dataRowMsg shows a row of the train split on Data.
type dataRowMsg struct{ row int }

// batchLines are the rows of the step as they were consumed, and the tokens of the
// selected one: masked or supervised, with their loss.
func (s *traceScreen) batchLines(width, room int) []string {
	t := s.t
	if lines := s.noStep("batches"); lines != nil {
		return t.block(lines, width, room)
	}
	rows := s.view.record.Rows
	if len(rows) == 0 {
		return t.block([]string{"", t.dim.Render("  no batch of this step was recorded")}, width, room)
	}
	list := min(len(rows), max(room*2/5, 2))
	from, to := s.rows.window(list)
	lines := []string{t.dim.Render(t.fit("      row  tokens  targets  nats/target  where", width))}
	for i := from; i < to; i++ {
		lines = append(lines, s.rowLine(rows[i], i == s.rows.at, width))
	}
	lines = append(lines, t.ruleLine(width))
	if i, ok := s.rows.selected(); ok && i < len(rows) {
		tokens := s.rowTokens(rows[i], width)
		below := room - len(lines)
		most := max(len(tokens)-below, 0)
		from := min(s.scroll, most)
		lines = append(lines, tokens[from:]...)
	}
	return t.block(lines, width, room)
}

// rowLine is a row of the batch.
func (s *traceScreen) rowLine(r stepRow, at bool, width int) string {
	t := s.t
	cursor, style := " ", t.text
	if at {
		cursor = t.dim.Render(t.g.selected)
		if s.pane == batchPane {
			cursor = t.accent.Render(t.g.selected)
		}
		style = t.strong
	}
	mark := t.dim.Render(t.g.masked)
	mean := meanLoss(r)
	loss := figure(mean)
	switch suspect := slices.Contains(s.suspects(), r.Row); {
	case suspect:
		mark = t.bad.Render(t.g.no)
	case r.Odd != "":
		mark = t.warn.Render("!")
	}
	if math.IsNaN(r.NLL) && r.Targets == 0 {
		loss = "0/0"
	}
	text := r.Source
	if r.Odd != "" {
		text = strings.TrimSpace(text + "  " + r.Odd)
	}
	return t.fit(cursor+mark+" "+style.Render(fmt.Sprintf("%6d %7d %8d %12s  ", r.Row, r.Tokens, r.Targets, loss))+style.Render(t.clean(text)), width)
}

// rowTokens are the tokens of a row, those of a replay where there is one.
func (s *traceScreen) rowTokens(r stepRow, width int) []string {
	replay := s.shownReplay()
	if c := &s.tokens; c.view == s.view && c.replay == replay && c.row == r.Row && c.width == width {
		return c.lines
	}
	s.tokens = tokenCache{s.view, replay, r.Row, width, s.drawTokens(r, replay, width)}
	return s.tokens.lines
}

func (s *traceScreen) drawTokens(r stepRow, replay *replayedView, width int) []string {
	t := s.t
	tokens, from := r.Text, r.From
	if replay != nil {
		if again, ok := replay.rows[r.Row]; ok && again.PerToken != nil {
			tokens, from = again.PerToken, experiments.FromReplay
		}
	}
	if len(tokens) == 0 {
		return t.indented(r.Why, 2, width)
	}
	known := slices.ContainsFunc(tokens, func(x experiments.StepToken) bool { return x.NLL != nil })
	what := map[string]string{
		experiments.FromRecord: "as consumed", experiments.FromDataset: "the dataset's, by hash", experiments.FromReplay: "as replayed",
	}[from]
	head := t.strong.Render(fmt.Sprintf("row %d", r.Row)) + t.dim.Render("  "+what+"   ") + t.g.masked + t.dim.Render(" masked   ")
	if known {
		head += t.field.Render(strings.Join(t.g.sparks[:], "")) + t.dim.Render(fmt.Sprintf(" loss, 0 to %g nats", lossTop))
	} else {
		head += t.g.value + t.dim.Render(" supervised; r shows loss")
	}
	lines := []string{" " + t.cut(head, width-2)}
	if worst := t.worstTokens(tokens); worst != "" {
		lines = append(lines, " "+t.cut(t.dim.Render("most surprising  ")+t.clean(worst), width-2))
	}
	for _, l := range tokenLossLines(t, tokens, width-2) {
		lines = append(lines, " "+l)
	}
	return lines
}

// lossTop is the loss of a token, in nats, from which on its mark is the highest.
const lossTop = 4.0

// worstTokens names the tokens that surprised the model most, those whose loss is
// no number first.
func (t *theme) worstTokens(tokens []experiments.StepToken) string {
	const most = 5
	var worst []experiments.StepToken
	for _, x := range tokens {
		if x.NLL != nil {
			worst = append(worst, x)
		}
	}
	rank := func(x experiments.StepToken) float64 {
		if v := float64(*x.NLL); finite(v) {
			return v
		}
		return math.Inf(1)
	}
	slices.SortStableFunc(worst, func(a, b experiments.StepToken) int {
		switch x, y := rank(a), rank(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	var names []string
	for _, x := range worst[:min(len(worst), most)] {
		quote := []rune(t.g.quote)
		names = append(names, string(quote[0])+tokenWord(x.Text)+string(quote[1])+" "+figure(float64(*x.NLL)))
	}
	return strings.Join(names, "   ")
}

// lossMark is what stands under a token: a dot where it is masked, a heavy line
// where it is supervised, or its loss as a height, and the mark of a wrong result
// where that is no number.
func (t *theme) lossMark(x experiments.StepToken) string {
	switch {
	case !x.Target:
		return t.g.masked
	case x.NLL == nil:
		return t.g.value
	case !finite(float64(*x.NLL)):
		return t.g.no
	}
	level := int(float64(*x.NLL) / lossTop * float64(len(t.g.sparks)))
	return t.g.sparks[max(min(level, len(t.g.sparks)-1), 0)]
}

// tokenLossLines draws tokens, wrapped to width: a line of text with bars between
// tokens, and under it a line of marks.
func tokenLossLines(t *theme, tokens []experiments.StepToken, width int) []string {
	if width < 4 {
		return nil
	}
	var l lossLines
	for _, x := range tokens {
		style := t.classStyle(tokenView{Target: x.Target, Field: x.Field}.part().kind)
		mark := t.lossMark(x)
		marked := style
		if mark == t.g.no {
			marked = t.bad
		}
		wrapped(t, tokenWord(x.Text), width, true, &l, func(cut string, sep int, _, _ bool) {
			if sep > 0 {
				l.top.WriteString(t.dim.Render(t.g.bar))
				l.under.WriteByte(' ')
			}
			cells := textWidth(cut)
			l.top.WriteString(style.Render(cut))
			l.under.WriteString(marked.Render(strings.Repeat(mark, cells)))
			l.used += sep + cells
		})
	}
	l.flush()
	return l.lines
}

// lossLines are lines of tokens, each with a line of marks under it, as they grow.
type lossLines struct {
	lines      []string
	top, under strings.Builder
	used       int
}

func (l *lossLines) filled() int { return l.used }

// flush ends a line.
func (l *lossLines) flush() {
	if l.used > 0 {
		l.lines = append(l.lines, l.top.String(), l.under.String())
	}
	l.top.Reset()
	l.under.Reset()
	l.used = 0
}

// dataShown reports whether the selected row is that of the dataset on Data.
func (s *traceScreen) dataShown() bool {
	r, ok := s.selectedRow()
	if !ok || s.work == nil || len(s.work.Splits) == 0 || r.Row < 0 || r.Row >= len(s.work.Splits[0].Rows) {
		return false
	}
	return r.Source != "" && s.work.Splits[0].Rows[r.Row].source() == r.Source
}

// selectedRow is the row of the batch under the selection.
func (s *traceScreen) selectedRow() (stepRow, bool) {
	i, ok := s.rows.selected()
	if !ok || s.view == nil || i >= len(s.view.record.Rows) {
		return stepRow{}, false
	}
	return s.view.record.Rows[i], true
}

// showOnData shows the selected row on Data.
func (s *traceScreen) showOnData() tea.Cmd {
	r, ok := s.selectedRow()
	if !ok {
		return nil
	}
	return tea.Batch(func() tea.Msg { return dataRowMsg{r.Row} }, goTo(dataScreenID))
}
