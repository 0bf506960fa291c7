package tui

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/lipgloss"
)

// tokenLines draws a row's tokens, wrapped to width: a line of text with bars
// between tokens, and under it what each token is to the loss: dots for masked
// ones, a thin line for structure, a heavy line with the field's name for a value.
func tokenLines(t *theme, tokens []tokenView, width int) []string {
	if width < 4 {
		return nil
	}
	var lines []string
	var top, marks strings.Builder
	used := 0
	flush := func() {
		if used == 0 {
			return
		}
		lines = append(lines, top.String(), marks.String())
		top.Reset()
		marks.Reset()
		used = 0
	}
	bar := t.dim.Render(t.g.bar)
	// A run is a stretch of tokens of one class on one line; its mark is drawn
	// when it ends, so that the field's name has the whole stretch.
	class, cells := tokenView{}, 0
	endRun := func() {
		if cells > 0 {
			marks.WriteString(t.classMark(class, cells))
		}
		cells = 0
	}
	for _, token := range tokens {
		word := t.clean(tokenWord(token.Text))
		if word == "" {
			word = t.g.masked
		}
		c := tokenView{Target: token.Target, Field: token.Field}
		style := t.classStyle(c)
		for first := true; first || word != ""; first = false {
			w := textWidth(word)
			sep := 0
			if used > 0 && first {
				sep = 1
			}
			if used > 0 && used+sep+w > width {
				endRun()
				flush()
				sep = 0
			}
			if c != class {
				endRun()
				class = c
			}
			if sep > 0 {
				top.WriteString(bar)
			}
			piece := word
			if w > width { // a token longer than a line goes on in the next
				piece = takeCells(word, width)
				if piece == "" {
					break
				}
			}
			word = word[len(piece):]
			pw := textWidth(piece)
			top.WriteString(style.Render(piece))
			used += sep + pw
			cells += sep + pw
		}
	}
	endRun()
	flush()
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

// classStyle is the colour of what a token is to the loss.
func (t *theme) classStyle(class tokenView) lipgloss.Style {
	switch {
	case !class.Target:
		return t.dim
	case class.Field == "":
		return t.text
	}
	return t.field
}

// classMark is what stands under cells cells of tokens that are the same to the
// loss.
func (t *theme) classMark(class tokenView, cells int) string {
	switch {
	case !class.Target:
		return t.dim.Render(strings.Repeat(t.g.masked, cells))
	case class.Field == "":
		return t.text.Render(strings.Repeat(t.g.structure, cells))
	}
	name := t.g.value + t.clean(class.Field)
	if textWidth(name)+1 > cells {
		name = ""
	}
	return t.field.Render(name + strings.Repeat(t.g.value, cells-textWidth(name)))
}

// tokenLegend explains the marks.
func (t *theme) tokenLegend() string {
	return t.dim.Render(t.g.masked+" masked  ") + t.g.structure + " structure  " + t.field.Render(t.g.value+" value of a field")
}
