package tui

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// textWidth is the number of cells that styled text takes on a line.
func textWidth(s string) int { return ansi.StringWidth(s) }

// cut shortens styled text to at most width cells, ending in an ellipsis where
// something was lost.
func (t *theme) cut(s string, width int) string {
	if width <= 0 {
		return ""
	}
	if textWidth(s) <= width {
		return s
	}
	return ansi.Truncate(s, width, t.g.ellipsis)
}

// fit makes styled text exactly width cells: cut or padded with spaces.
func (t *theme) fit(s string, width int) string { return pad(t.cut(s, width), width) }

// fitRight is fit with the text at the right edge, for numbers.
func (t *theme) fitRight(s string, width int) string {
	s = t.cut(s, width)
	return spaces(width-textWidth(s)) + s
}

// pad adds spaces up to width cells.
func pad(s string, width int) string { return s + spaces(width-textWidth(s)) }

// spaces is n spaces, none when n is negative.
func spaces(n int) string {
	if n <= 0 {
		return ""
	}
	return strings.Repeat(" ", n)
}

// ends puts left and right at the two edges of a line of width cells; where both
// do not fit the left one is cut.
func (t *theme) ends(left, right string, width int) string {
	r := textWidth(right)
	if r+1 >= width {
		return t.fit(left, width)
	}
	return t.fit(left, width-r-1) + " " + right
}

// block makes lines exactly height lines of exactly width cells.
func (t *theme) block(lines []string, width, height int) []string {
	if height < 0 {
		height = 0
	}
	out := make([]string, height)
	for i := range out {
		if i < len(lines) {
			out[i] = t.fit(lines[i], width)
		} else {
			out[i] = spaces(width)
		}
	}
	return out
}

// body is block as one string, what a screen's View returns.
func (t *theme) body(lines []string, width, height int) string {
	return strings.Join(t.block(lines, width, height), "\n")
}

// beside lays blocks of lines next to each other with a vertical rule between
// them; widths are of the blocks, rules not counted.
func (t *theme) beside(left, right []string, leftWidth, rightWidth, height int) []string {
	l, r := t.block(left, leftWidth, height), t.block(right, rightWidth, height)
	rule := t.dim.Render(t.g.bar)
	for i := range l {
		l[i] += rule + r[i]
	}
	return l
}

// ruleLine is a horizontal rule.
func (t *theme) ruleLine(width int) string {
	if width <= 0 {
		return ""
	}
	return t.dim.Render(strings.Repeat(t.g.rule, width))
}

// wrap breaks plain text in lines of at most width cells, at spaces; a word that
// is longer than a line is cut.
func wrap(s string, width int) []string {
	if width <= 0 {
		return nil
	}
	var lines []string
	line, used := "", 0
	for i, word := range strings.Split(s, " ") {
		w := textWidth(word)
		if i > 0 && used+1+w <= width {
			line, used = line+" "+word, used+1+w
			continue
		}
		if i > 0 {
			lines = append(lines, line)
		}
		for w > width {
			piece := takeCells(word, width)
			if piece == "" {
				piece = word // one character wider than the line
			}
			lines = append(lines, piece)
			word = word[len(piece):]
			w = textWidth(word)
		}
		line, used = word, w
	}
	return append(lines, line)
}

// clean makes text from outside safe to draw on one line: line breaks become a
// visible mark, tabs a space, controls, escapes and invisible direction marks a
// middle dot; invalid UTF-8 becomes U+FFFD.
func (t *theme) clean(s string) string {
	safe := true
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] >= 0x7f {
			safe = false
			break
		}
	}
	if safe {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(t.g.newline)
		case r == '\t':
			b.WriteByte(' ')
		case r == '\r':
		case r == utf8.RuneError:
			b.WriteRune('\uFFFD')
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			b.WriteString(t.g.masked)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// cleanLines is clean for text of several lines.
func (t *theme) cleanLines(s string) []string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = t.clean(lines[i])
	}
	return lines
}

// onlyASCII replaces what the ASCII alphabet has no glyph for, cell by cell, in
// a finished frame: escape sequences pass, the widths stay.
func onlyASCII(s string) string {
	plain := true
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for len(s) > 0 {
		if s[0] < 0x80 {
			b.WriteByte(s[0])
			s = s[1:]
			continue
		}
		cluster, width := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
		if len(cluster) == 0 {
			break
		}
		r, _ := utf8.DecodeRuneInString(cluster)
		if sub, ok := asciiFor[r]; ok && width == 1 {
			b.WriteByte(sub)
		} else {
			b.WriteString(strings.Repeat("?", width))
		}
		s = s[len(cluster):]
	}
	return b.String()
}

// asciiFor are stand-ins of one cell for common characters in outside text.
var asciiFor = map[rune]byte{
	'–': '-', '—': '-', '‘': '\'', '’': '\'', '“': '"', '”': '"', '…': '~', '·': '.', '•': '*', '×': 'x', ' ': ' ',
	'─': '-', '│': '|', '→': '>', '←': '<', '↑': '^', '↓': 'v', '✓': '+', '✗': 'x', '●': '*', '○': 'o', '▸': '>',
	'█': '#', '±': '~', 'é': 'e', 'è': 'e', 'ê': 'e', 'á': 'a', 'à': 'a', 'ä': 'a', 'ö': 'o', 'ü': 'u', 'ñ': 'n', 'ç': 'c', 'í': 'i', 'ó': 'o', 'ú': 'u',
}
