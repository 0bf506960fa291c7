package chart

import "github.com/NimbleMarkets/ntcharts/canvas/runes"

// Kind says why a sample stands on the marker row.
type Kind uint8

// The kinds of marker, most alarming first: where several fall on one column, the first is shown.
const (
	NaN Kind = iota
	PosInf
	NegInf
	Zero     // exactly zero, in a series with MarkZero or on a logarithmic axis
	Negative // below zero on a logarithmic axis
	Clipped  // above the Limit of its series; on the line as well
	numKinds
)

// String names the kind in words for a legend.
func (k Kind) String() string {
	return [...]string{"NaN", "+Inf", "-Inf", "zero", "negative", "clipped"}[k]
}

// ink is how alarming a marker is.
func (k Kind) ink() Ink {
	switch {
	case k <= NegInf:
		return InkBad
	case k == Clipped:
		return InkLabel
	}
	return InkWarn
}

// glyphs are the characters a chart is drawn with.
type glyphs struct {
	vertical, horizontal, corner, tickX, tickY rune
	event, cross, above, below, ellipsis       rune
	kinds                                      [numKinds]rune
}

var unicodeGlyphs = glyphs{
	vertical: runes.LineVertical, horizontal: runes.LineHorizontal, corner: runes.LineUpRight, tickX: runes.LineHorizontalDown, tickY: runes.LineVerticalLeft,
	event: '╎', cross: '│', above: '↑', below: '↓', ellipsis: '…',
	kinds: [numKinds]rune{NaN: '✕', PosInf: '▲', NegInf: '▼', Zero: '0', Negative: '−', Clipped: 'c'},
}

var asciiGlyphs = glyphs{
	vertical: '|', horizontal: '-', corner: '+', tickX: '+', tickY: '+',
	event: ':', cross: '|', above: '^', below: 'v', ellipsis: '~',
	kinds: [numKinds]rune{NaN: 'X', PosInf: 'A', NegInf: 'V', Zero: '0', Negative: '-', Clipped: 'c'},
}

// lineRunes tell series apart where there is no braille, in the order of the series.
var lineRunes = []rune{'*', '+', 'x', 'o', '#', '@'}

const ghostRune = '.'
