package tui

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/lipgloss"
)

// piece is a stretch of text that is drawn as one, with what it is to the loss.
type piece struct {
	text string
	class
	nats float64 // how hard it is
	has  bool    // nats is known

	begins, ends bool // a stretch of its class
}

// class is what a stretch of text is to the loss.
type class struct {
	kind partKind
	name string // of the field
}

// flow draws pieces, wrapped to width: a line of text, with bars between pieces
// where parted is set; under it what each piece is to the loss: dots for what is
// masked, a thin line for structure, a heavy line with the field's name for a
// value; and where it is known, under that, how hard it is.
func flow(t *theme, pieces []piece, width int, parted bool) []string {
	if width < 4 {
		return nil
	}
	f := flowLines{t: t}
	for i, p := range pieces {
		p.begins = i == 0 || pieces[i-1].class != p.class
		p.ends = i == len(pieces)-1 || pieces[i+1].class != p.class
		style := t.classStyle(p.kind)
		wrapped(t, p.text, width, parted, &f, func(cut string, sep int, first, last bool) {
			if sep > 0 {
				f.top.WriteString(t.dim.Render(t.g.bar))
			}
			f.top.WriteString(style.Render(cut))
			part := p
			part.begins, part.ends = p.begins && first, p.ends && last
			f.add(part, sep, textWidth(cut))
		})
	}
	f.flush()
	return f.lines
}

// lineFiller are lines that pieces of text are put into, one after the other.
type lineFiller interface {
	filled() int // cells of the line under way
	flush()      // ends it
}

// wrapped cuts a piece of text to lines of width: put is given each cut with the
// cells before it, 1 for the bar between pieces where parted is set, and whether it
// is the piece's first and last. Text of which nothing can be shown is a dot.
func wrapped(t *theme, text string, width int, parted bool, lines lineFiller, put func(cut string, sep int, first, last bool)) {
	word := t.clean(text)
	if word == "" {
		word = t.g.masked
	}
	for first := true; first || word != ""; first = false {
		w, sep := textWidth(word), 0
		if lines.filled() > 0 && first && parted {
			sep = 1
		}
		if lines.filled() > 0 && lines.filled()+sep+w > width {
			lines.flush()
			sep = 0
		}
		cut := word
		if w > width { // one longer than a line goes on in the next
			if cut = takeCells(word, width); cut == "" {
				break
			}
		}
		word = word[len(cut):]
		put(cut, sep, first, word == "")
	}
}

// flowLines are the lines of a flow as they grow.
type flowLines struct {
	t                *theme
	lines            []string
	top, marks, heat strings.Builder
	used             int
	hot              bool // a piece of this line has a loss
	// A run is a stretch of pieces of one class; its mark is drawn when it ends, so
	// that the field's name has the whole stretch.
	run          class
	cells        int
	begins, ends bool // the stretch does, on this line
}

// add takes the cells of a piece, with the bar before it.
func (f *flowLines) add(p piece, sep, cells int) {
	if p.class != f.run {
		f.endRun()
		f.run = p.class
	}
	f.begins, f.ends = f.begins || p.begins, p.ends
	f.used += sep + cells
	f.cells += sep + cells
	f.heat.WriteString(spaces(sep))
	if p.has && cells > 0 {
		f.hot = true
		f.heat.WriteString(f.t.heat(p.nats) + spaces(cells-1))
	} else {
		f.heat.WriteString(spaces(cells))
	}
}

func (f *flowLines) endRun() {
	if f.cells > 0 {
		f.marks.WriteString(f.t.classMark(f.run, f.cells, f.begins, f.ends))
	}
	f.cells, f.begins, f.ends = 0, false, false
}

func (f *flowLines) filled() int { return f.used }

// flush ends a line.
func (f *flowLines) flush() {
	f.endRun()
	if f.used > 0 {
		f.lines = append(f.lines, f.top.String(), f.marks.String())
		if f.hot {
			f.lines = append(f.lines, f.heat.String())
		}
	}
	f.top.Reset()
	f.marks.Reset()
	f.heat.Reset()
	f.used, f.hot = 0, false
}

// class says what a token is to the loss: prompt, json (what stands between
// values, or a target that is text), end, or the field whose value it is part of.
func (v tokenView) class() string {
	switch {
	case !v.Target:
		return "prompt"
	case v.Field != "":
		return v.Field
	case v.End:
		return "end"
	}
	return "json"
}

// part is the class for a flow.
func (v tokenView) part() class {
	switch {
	case !v.Target:
		return class{partPrompt, ""}
	case v.Field != "":
		return class{partValue, v.Field}
	}
	return class{partStructure, ""}
}

// nats is how hard a token of a row is; targets are a text's last tokens.
func (r *rowLoss) nats(tokens []tokenView, i int) (float64, bool) {
	if r == nil {
		return 0, false
	}
	k := i - (len(tokens) - len(r.Tokens))
	if k < 0 || k >= len(r.Tokens) {
		return 0, false
	}
	return float64(r.Tokens[k]), true
}

// tokenLines draws a row's tokens as a flow.
func tokenLines(t *theme, tokens []tokenView, width int, loss *rowLoss) []string {
	pieces := make([]piece, len(tokens))
	for i, token := range tokens {
		pieces[i] = piece{text: tokenWord(token.Text), class: token.part()}
		pieces[i].nats, pieces[i].has = loss.nats(tokens, i)
	}
	return flow(t, pieces, width, true)
}

// partLines draws a row's text in its parts as a flow that breaks between words.
func partLines(t *theme, parts []textPart, width int) []string {
	var pieces []piece
	for _, p := range parts {
		kind := p.Kind
		if kind == partEnd {
			kind = partStructure
		}
		for _, w := range strings.SplitAfter(p.Text, " ") {
			if w != "" {
				pieces = append(pieces, piece{text: w, class: class{kind, p.Name}})
			}
		}
	}
	return flow(t, pieces, width, false)
}

// tokenTableLines are a row's tokens one a line: id, class, mask, loss.
func tokenTableLines(t *theme, tokens []tokenView, loss *rowLoss) []string {
	names := 6
	for _, token := range tokens {
		names = max(names, min(textWidth(t.clean(token.class())), 14))
	}
	head := fmt.Sprintf("%4s %7s  %s  %-4s", "#", "id", t.fit("class", names), "mask")
	if loss != nil {
		head += "    nats  "
	}
	lines := []string{t.dim.Render(head + "  token")}
	for i, token := range tokens {
		mask := t.dim.Render(t.fit(t.g.masked, 4))
		if token.Target {
			mask = t.fit(t.g.ok, 4)
		}
		line := fmt.Sprintf("%s %7d  %s  %s", t.dim.Render(fmt.Sprintf("%4d", i)), token.ID, t.classStyle(token.part().kind).Render(t.fit(t.clean(token.class()), names)), mask)
		if loss != nil {
			figure, heat := "", " "
			if nats, ok := loss.nats(tokens, i); ok {
				figure, heat = natsText(nats), t.heat(nats)
			}
			line += "  " + t.fitRight(figure, 6) + " " + heat
		}
		lines = append(lines, line+"  "+quotedToken(t, tokenWord(token.Text)))
	}
	return lines
}

// tokenWord makes the bytes of a token text: bytes that are part of a character
// only are written in hexadecimal.
func tokenWord(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, "\\x%02x", s[0])
		} else {
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}

// takeCells is the longest start of s within width cells.
func takeCells(s string, width int) string {
	end, used := 0, 0
	for end < len(s) {
		_, size := firstRune(s[end:])
		used += textWidth(s[end : end+size])
		if used > width {
			break
		}
		end += size
	}
	return s[:end]
}

// classStyle is the colour of what a text is to the loss.
func (t *theme) classStyle(kind partKind) lipgloss.Style {
	switch kind {
	case partPrompt, partTemplate:
		return t.dim
	case partValue:
		return t.field
	}
	return t.text
}

// classMark is what stands under cells cells of text that is the same to the loss;
// begins and ends say whether all of it stands there.
func (t *theme) classMark(c class, cells int, begins, ends bool) string {
	switch c.kind {
	case partPrompt, partTemplate:
		return t.dim.Render(strings.Repeat(t.g.masked, cells))
	case partEvent:
		quote, left, right := []rune(t.g.quote), "", ""
		if begins {
			left, cells = string(quote[0]), cells-1
		}
		if ends && cells > 0 {
			right, cells = string(quote[1]), cells-1
		}
		return left + t.dim.Render(strings.Repeat(t.g.masked, cells)) + right
	case partValue:
		name := t.g.value + t.clean(c.name)
		if textWidth(name)+1 > cells {
			name = ""
		}
		return t.field.Render(name + strings.Repeat(t.g.value, cells-textWidth(name)))
	}
	return t.text.Render(strings.Repeat(t.g.structure, cells))
}

// tokenLegend explains the marks.
func (t *theme) tokenLegend() string {
	return t.dim.Render(t.g.masked+" masked  ") + t.g.structure + " structure  " + t.field.Render(t.g.value+" value of a field")
}

// partLegend explains the marks of a text in its parts.
func (t *theme) partLegend(r *rowView) string {
	said := "event"
	switch {
	case r.Turns > 0:
		said = "said"
	case !r.Event:
		return t.tokenLegend()
	}
	quote := []rune(t.g.quote)
	return t.dim.Render(t.g.masked+" template  ") + string(quote[0]) + t.dim.Render(t.g.masked) + string(quote[1]) + " " + said + "  " + t.g.structure + " structure  " + t.field.Render(t.g.value+" value")
}
