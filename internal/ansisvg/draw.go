package main

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Measures in pixels.
const (
	cellWidth  = 8.4
	cellHeight = 16.4 // of a box-drawing character: lines join
	fontSize   = 14.0
	baseline   = 12.9 // of a line, from its top
	margin     = 14.0
)

// draw writes the picture of a frame.
func draw(w *bufio.Writer, lines [][]span, title string, light bool) {
	paper, ink := 0x16181d, 0xd8dade
	if light {
		paper, ink = 0xfbfbf9, 0x24262b
	}
	columns := 0
	for _, l := range lines {
		if n := len(l); n > 0 {
			columns = max(columns, l[n-1].column+l[n-1].cells)
		}
	}
	width, height := float64(columns)*cellWidth+2*margin, float64(len(lines))*cellHeight+2*margin
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.4g %.4g" width="%.4g" height="%.4g" role="img">`+"\n", width, height, width, height)
	if title != "" {
		fmt.Fprintf(w, "<title>%s</title>\n", escape(title))
	}
	fmt.Fprintf(w, `<rect width="100%%" height="100%%" rx="8" fill="#%06x"/>`+"\n", paper)
	fmt.Fprintf(w, `<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="%g" fill="#%06x" color="#%06x">`+"\n", fontSize, ink, ink)
	for row, l := range lines {
		top := margin + float64(row)*cellHeight
		for _, s := range l {
			s.paint(w, top, paper, ink)
		}
	}
	fmt.Fprint(w, "</g>\n</svg>\n")
}

// paint draws a run of cells: its background, and its words each at its own column.
func (s span) paint(w *bufio.Writer, top float64, paper, ink int) {
	fore, back := s.fore, s.back
	if s.rev {
		if fore, back = back, fore; fore < 0 {
			fore = paper
		}
		if back < 0 {
			back = ink
		}
	}
	if back >= 0 {
		fmt.Fprintf(w, `<rect x="%.6g" y="%.6g" width="%.6g" height="%g" fill="#%06x"/>`+"\n", margin+float64(s.column)*cellWidth, top, float64(s.cells)*cellWidth, cellHeight, back)
	}
	text := s.dots(w, top, fore)
	// Spaces in a row are no text: viewers make one of them.
	for column, rest := 0, text; ; {
		body := strings.TrimLeft(rest, " ")
		column += len(rest) - len(body)
		if body == "" {
			return
		}
		word, after, _ := strings.Cut(body, "  ")
		cells := ansi.StringWidth(word)
		s.write(w, word, margin+float64(s.column+column)*cellWidth, top+baseline, float64(cells)*cellWidth, fore)
		column += cells + min(len(body)-len(word), 2)
		rest = after
	}
}

// dots draws the braille of charts as dots, for fonts disagree on its width, and
// returns the text with spaces in its place.
func (s span) dots(w *bufio.Writer, top float64, fore int) string {
	var path, text strings.Builder
	column := s.column
	for _, r := range s.text {
		if r < 0x2800 || r > 0x28ff {
			text.WriteRune(r)
			column += ansi.StringWidth(string(r))
			continue
		}
		text.WriteByte(' ')
		// Bits 0 to 2 and 6 are the left column from the top, 3 to 5 and 7 the right.
		for bit, at := range [8][2]float64{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {0, 3}, {1, 3}} {
			if (r-0x2800)>>bit&1 == 1 {
				x := margin + (float64(column)+0.25+at[0]/2)*cellWidth
				y := top + (0.125+at[1]/4)*cellHeight
				fmt.Fprintf(&path, "M%.5g %.5gh0", x, y)
			}
		}
		column++
	}
	if path.Len() > 0 {
		colour := "currentColor"
		if fore >= 0 {
			colour = fmt.Sprintf("#%06x", fore)
		}
		fmt.Fprintf(w, `<path d="%s" stroke="%s" stroke-width="2.4" stroke-linecap="round"/>`+"\n", path.String(), colour)
	}
	return text.String()
}

// write puts words at a place, as wide as their cells.
func (s span) write(w *bufio.Writer, words string, x, y, width float64, fore int) {
	fmt.Fprintf(w, `<text x="%.6g" y="%.6g" textLength="%.6g" lengthAdjust="spacingAndGlyphs"`, x, y, width)
	if fore >= 0 {
		fmt.Fprintf(w, ` fill="#%06x"`, fore)
	}
	if s.bold {
		fmt.Fprint(w, ` font-weight="bold"`)
	}
	if s.faint {
		fmt.Fprint(w, ` opacity="0.6"`)
	}
	if s.under {
		fmt.Fprint(w, ` text-decoration="underline"`)
	}
	fmt.Fprintf(w, ">%s</text>\n", escape(words))
}

// escape writes text for XML.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}
