package tui

import (
	"io"
	"math"
	"os"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// theme is every style and glyph of the workbench. There is one accent for what
// has focus, one colour for good, one for bad, grey for context; everything they
// say is also said by a glyph or a word, so that a theme without colour reads.
type theme struct {
	text   lipgloss.Style // plain
	strong lipgloss.Style // headings, the figure that matters
	dim    lipgloss.Style // context: labels, units, hints
	accent lipgloss.Style // what has focus
	good   lipgloss.Style
	bad    lipgloss.Style
	warn   lipgloss.Style // bad in a lighter sense: stale, over budget
	key    lipgloss.Style // a key in footer and help
	cursor lipgloss.Style // the cell that typing changes
	field  lipgloss.Style // a token of a field's value
	g      *glyphs
}

// glyphs are the characters that are not letters, in two alphabets of the same
// widths.
type glyphs struct {
	ascii      bool
	rule       string // horizontal line
	heavy      string // the part of the rule below the active tab
	bar        string // vertical line
	selected   string // before the selected row
	ok, no     string // right and wrong
	dot        string // a live run
	ring       string // a run that is not live
	off        string // does not apply
	ellipsis   string
	arrow      string
	upDown     string // up arrow, down arrow: sorted by
	newline    string
	cursor     string
	masked     string // under a token that is not a target
	structure  string // under a structure token
	value      string // under a value token
	to         string // between the ends of a range
	quote      string // around words that differ: opening, closing
	checked    string
	unchecked  string
	eighths    []string // a bar's last cell, from one eighth to full
	sparks     []string // heights of a sparkline, lowest first
	spinner    []string
	topLeft    string
	topRight   string
	bottomLeft string
	bottomRght string
	keys       *strings.Replacer // key labels
}

var unicodeGlyphs = glyphs{
	rule: "─", heavy: "━", bar: "│", selected: "▸", ok: "✓", no: "✗", dot: "●", ring: "○", off: "–", ellipsis: "…",
	arrow: "→", upDown: "▲▼", newline: "⏎", cursor: "█", masked: "·", structure: "─", value: "━", to: "…", quote: "‹›",
	checked: "[x]", unchecked: "[ ]",
	eighths: []string{"▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"},
	sparks:  []string{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
	spinner: []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"},
	topLeft: "╭", topRight: "╮", bottomLeft: "╰", bottomRght: "╯",
	keys: strings.NewReplacer(),
}

var asciiGlyphs = glyphs{
	ascii: true,
	rule:  "-", heavy: "=", bar: "|", selected: ">", ok: "+", no: "x", dot: "*", ring: "o", off: "-", ellipsis: "~",
	arrow: ">", upDown: "^v", newline: "/", cursor: "_", masked: ".", structure: "-", value: "=", to: "-", quote: "<>",
	checked: "[x]", unchecked: "[ ]",
	eighths: []string{" ", " ", "-", "-", "-", "=", "=", "#"},
	sparks:  []string{"_", ".", ",", "-", "~", "+", "*", "#"},
	spinner: []string{"|", "/", "-", "\\"},
	topLeft: "+", topRight: "+", bottomLeft: "+", bottomRght: "+",
	keys: strings.NewReplacer("↑↓", "up/down", "←→", "left/right", "←", "left", "→", "right", "↑", "up", "↓", "down"),
}

// newTheme makes the styles for a terminal. NO_COLOR, TERM=dumb and pipes have a
// profile without colour; ascii also takes away every glyph above U+007E.
func newTheme(w io.Writer, profile termenv.Profile, dark, ascii bool) *theme {
	r := lipgloss.NewRenderer(w)
	r.SetColorProfile(profile)
	r.SetHasDarkBackground(dark)
	colour := func(light, dark string) lipgloss.Style {
		return r.NewStyle().Foreground(lipgloss.AdaptiveColor{Light: light, Dark: dark})
	}
	t := &theme{
		text:   r.NewStyle(),
		strong: r.NewStyle().Bold(true),
		dim:    colour("242", "245"),
		accent: colour("26", "75").Bold(true),
		// Apart for the colour-blind too: theme_test.go.
		good:   colour("30", "80"),
		bad:    colour("124", "209"),
		warn:   colour("172", "229"),
		key:    colour("26", "75"),
		cursor: r.NewStyle().Reverse(true),
		field:  colour("26", "75"),
		g:      &unicodeGlyphs,
	}
	if ascii {
		t.g = &asciiGlyphs
	}
	return t
}

// plainTheme has no colour; tests and golden frames use it.
func plainTheme(ascii bool) *theme { return newTheme(io.Discard, termenv.Ascii, true, ascii) }

// asciiWanted reports whether the environment asks for plain characters.
func asciiWanted() bool {
	switch os.Getenv("HONE_ASCII") {
	case "", "0":
		return os.Getenv("TERM") == "linux" // its font has no braille
	}
	return true
}

// mark is a right or wrong sign.
func (t *theme) mark(ok bool) string {
	if ok {
		return t.good.Render(t.g.ok)
	}
	return t.bad.Render(t.g.no)
}

// bar draws share (0 to 1) of width cells, in eighths of a cell.
func (t *theme) barOf(share float64, width int) string {
	if width <= 0 || !finite(share) {
		return ""
	}
	n := int(min(max(share, 0), 1)*float64(width)*8 + 0.5)
	full := strings.Repeat(t.g.eighths[7], n/8)
	if n%8 > 0 {
		full += t.g.eighths[n%8-1]
	}
	return full
}

// spark draws values as a sparkline of at most width cells. Where there are more
// values than cells, a cell stands for the largest of its values; one that is not
// finite is drawn as the mark of a wrong result and never lost.
func (t *theme) spark(values []float64, width int) string {
	if width <= 0 || len(values) == 0 {
		return ""
	}
	cells := values
	if len(values) > width {
		cells = make([]float64, width)
		for i := range cells {
			part := values[len(values)*i/width : len(values)*(i+1)/width]
			cells[i] = part[0]
			for _, v := range part {
				if finite(cells[i]) && !(v <= cells[i]) {
					cells[i] = v
				}
			}
		}
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, v := range cells {
		if finite(v) {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	var b strings.Builder
	for _, v := range cells {
		if !finite(v) {
			b.WriteString(t.g.no)
			continue
		}
		level := 0
		if hi > lo {
			level = int((v/2 - lo/2) / (hi/2 - lo/2) * 7.999) // halves: the range may overflow
		}
		b.WriteString(t.g.sparks[level])
	}
	return b.String()
}

// finite is true of numbers that can be drawn.
func finite(v float64) bool { return v-v == 0 }
