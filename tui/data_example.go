package tui

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// exampleCache keeps the drawn lines of one row in one view at one width.
type exampleCache struct {
	of    exampleKey
	lines []string
}

// exampleKey is what the drawing of an example depends on.
type exampleKey struct {
	work      *workspace
	row, view int
	width     int
	wide      bool
	loss      *rowLoss
	raw       *workspace // the row's line was read from
	rawRow    int
	made      bool
}

// pane is what stands beside or below the rows: the example, or a tried text.
func (d *dataScreen) pane(width, height int) []string {
	t := d.t
	if height <= 0 {
		return nil
	}
	if d.try.typing || d.try.asked != "" {
		line := d.try.promptLine(width)
		var lines []string
		if d.try.asked != "" {
			lines = d.tryLines(width)
		} else {
			lines = d.exampleLines(d.tried, width)
		}
		return append(d.page(lines, width, height-1), t.fit(line, width))
	}
	n, ok := d.rows.selected()
	if !ok {
		return nil
	}
	return d.page(d.exampleLines(n, width), width, height)
}

// page is the part of lines that was scrolled to.
func (d *dataScreen) page(lines []string, width, height int) []string {
	t := d.t
	d.room = height
	d.scroll = max(min(d.scroll, len(lines)-height), 0)
	more := len(lines) - d.scroll - height
	if height <= 0 {
		return nil
	}
	lines = t.block(lines[d.scroll:], width, height)
	if more > 0 {
		lines[height-1] = t.ends("", t.dim.Render(fmt.Sprintf("%d more lines, J scrolls ", more+1)), width)
	}
	return lines
}

// exampleLines draw a row in the view that was chosen.
func (d *dataScreen) exampleLines(n, width int) []string {
	loss := d.loss.row(n)
	key := exampleKey{work: d.work, row: n, view: d.view, width: width, wide: d.wide() || d.whole, loss: loss, made: true}
	if d.view == exampleRaw {
		key.raw, key.rawRow = d.raw.work, d.raw.row
	}
	if d.cache.of == key {
		return d.cache.lines
	}
	t := d.t
	_, _, r := d.row(n)
	var lines []string
	if key.wide {
		lines = append(lines, d.viewLine(r, width))
	}
	if r.Marks != nil {
		if len(r.Marks.Findings) > 0 {
			lines = append(lines, label(t, "findings")+t.warn.Render(t.clean(strings.Join(r.Marks.Findings, " "))))
		}
		if r.Marks.Dropped != "" {
			lines = append(lines, label(t, "dropped")+t.warn.Render(t.clean(r.Marks.Dropped)))
		}
	}
	switch d.view {
	case exampleRaw:
		lines = append(lines, d.rawLines(n, width)...)
	case exampleTokens:
		lines = append(lines, d.tokenLines(n, width, loss)...)
	default:
		lines = append(lines, d.trainedLines(n, width, loss)...)
	}
	d.cache = exampleCache{key, lines}
	return lines
}

// viewLine names the row and the views.
func (d *dataScreen) viewLine(r *rowView, width int) string {
	t := d.t
	var views []string
	for i, name := range exampleNames {
		if i == d.view {
			views = append(views, t.accent.Render(t.g.selected+name))
		} else {
			views = append(views, t.dim.Render(name))
		}
	}
	return t.ends(label(t, "row")+t.clean(r.source()), strings.Join(views, "  ")+" ", width)
}

// shownText bounds how much of a text is drawn; copying has it whole.
const shownText = 8192 // bytes

// head is the start of a text, as much as is drawn.
func head(text string) string { return cutBytes(text, shownText) }

// cutBytes is the start of a text within so many bytes, without half a character.
func cutBytes(text string, end int) string {
	if len(text) <= end {
		return text
	}
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// leftOut says how much of a text is not drawn, or nothing.
func (d *dataScreen) leftOut(length int) []string {
	if length <= shownText {
		return nil
	}
	return []string{d.t.dim.Render(fmt.Sprintf(" %s more bytes; y copies all", thousands(length-shownText)))}
}

// trainedLines draw a row as the model gets it, in its parts.
func (d *dataScreen) trainedLines(n, width int, loss *rowLoss) []string {
	t := d.t
	split, row, r := d.row(n)
	parts := d.work.Trained(split, row)
	lines := d.countLines(n, loss)
	lines = append(lines, label(t, "")+t.partLegend(r))
	room, length := shownText, 0
	var shown []textPart
	for _, p := range parts {
		length += len(p.Text)
		if room <= 0 {
			continue
		}
		whole := len(p.Text)
		p.Text = cutBytes(p.Text, room)
		room -= whole
		shown = append(shown, p)
	}
	for _, l := range partLines(t, shown, width-2) {
		lines = append(lines, " "+l)
	}
	return append(lines, d.leftOut(length)...)
}

// countLines count the tokens of a row and say how hard it is.
func (d *dataScreen) countLines(n int, loss *rowLoss) []string {
	t := d.t
	split, row, r := d.row(n)
	if d.work.Tokens == nil {
		return []string{label(t, "length") + fmt.Sprintf("%s characters", thousands(utf8.RuneCountInString(r.Prompt)+utf8.RuneCountInString(r.Target)))}
	}
	tokens := d.work.Tokens(split, row)
	if len(tokens) == 0 {
		return nil // dropped
	}
	targets, values := 0, 0
	worst, worstNats := -1, 0.0
	for i, token := range tokens {
		if token.Target {
			targets++
		}
		if token.Field != "" {
			values++
		}
		if nats, ok := loss.nats(tokens, i); ok && (worst < 0 || worstNats == worstNats && !(nats <= worstNats)) {
			worst, worstNats = i, nats
		}
	}
	counts := fmt.Sprintf("%d prompt + %d targets = %d", len(tokens)-targets, targets, len(tokens))
	if targets == 0 {
		counts = t.bad.Render(t.g.no + " " + counts + ": nothing to learn from")
	}
	lines := []string{label(t, "tokens") + counts + t.dim.Render(fmt.Sprintf("  %d in values", values))}
	if loss != nil {
		text := t.heat(loss.Nats) + " " + natsText(loss.Nats) + t.dim.Render(" nats a token")
		if worst >= 0 {
			text += t.dim.Render("  worst ") + quotedToken(t, tokenWord(tokens[worst].Text)) + " " + natsText(worstNats)
		}
		lines = append(lines, label(t, "loss")+text, label(t, "")+t.dim.Render("under "+t.clean(d.loss.known.Model)))
	}
	return lines
}

// tokenLines draw a row's tokens: as a text, then one a line.
func (d *dataScreen) tokenLines(n, width int, loss *rowLoss) []string {
	t := d.t
	split, row, _ := d.row(n)
	if d.work.Tokens == nil {
		why := "name a model (m) to see the tokens and their mask"
		if d.work.ModelProblem != nil {
			why = d.work.ModelProblem.Error()
		}
		var lines []string
		for i, l := range wrap(t.clean(why), max(width-12, 8)) {
			name := ""
			if i == 0 {
				name = "tokens"
			}
			lines = append(lines, label(t, name)+l)
		}
		return lines
	}
	tokens := d.work.Tokens(split, row)
	if len(tokens) == 0 {
		return []string{label(t, "tokens") + t.dim.Render("none: the row is not trained on")}
	}
	lines := append(d.countLines(n, loss), label(t, "")+t.tokenLegend())
	for _, l := range tokenLines(t, tokens, width-2, loss) {
		lines = append(lines, " "+l)
	}
	lines = append(lines, "")
	for _, l := range tokenTableLines(t, tokens, loss) {
		lines = append(lines, " "+l)
	}
	if loss == nil {
		lines = append(lines, "", t.dim.Render(" L measures how hard each token is for the model"))
	}
	return lines
}

// rawLines draw a row as its file has it.
func (d *dataScreen) rawLines(n, width int) []string {
	t := d.t
	_, _, r := d.row(n)
	switch {
	case d.raw.work != d.work || d.raw.row != n:
		return []string{label(t, "") + t.dim.Render("reading "+t.g.ellipsis)}
	case d.raw.err != nil:
		var lines []string
		for _, l := range wrap(t.clean(d.raw.err.Error()), max(width-6, 8)) {
			lines = append(lines, " "+t.bad.Render(t.g.no)+" "+l)
		}
		return lines
	}
	lines := []string{label(t, "line") + t.dim.Render(fmt.Sprintf("%s of %s, %s bytes", thousands(r.Line), t.clean(baseName(r.File)), thousands(len(d.raw.text))))}
	for _, l := range wrap(t.clean(head(d.raw.text)), max(width-2, 8)) {
		lines = append(lines, " "+l)
	}
	return append(lines, d.leftOut(len(d.raw.text))...)
}
