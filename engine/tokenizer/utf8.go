package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// illFormed returns the length of the maximal ill-formed part at the start of b, or 0 and the
// length of the character that stands there. The part is what Unicode recommends to replace by one
// U+FFFD, and what Rust's from_utf8_lossy and Python's errors="replace" do: the longest beginning of
// some valid sequence, else one byte.
func illFormed(b string) (bad, good int) {
	r, n := utf8.DecodeRuneInString(b)
	if r != utf8.RuneError || n > 1 {
		return 0, n
	}
	tail, low, high := 0, byte(0x80), byte(0xbf)
	switch c := b[0]; {
	case 0xc2 <= c && c <= 0xdf:
		tail = 1
	case 0xe0 <= c && c <= 0xef:
		tail = 2
		if c == 0xe0 {
			low = 0xa0
		}
		if c == 0xed {
			high = 0x9f
		}
	case 0xf0 <= c && c <= 0xf4:
		tail = 3
		if c == 0xf0 {
			low = 0x90
		}
		if c == 0xf4 {
			high = 0x8f
		}
	}
	bad = 1
	for ; bad <= tail && bad < len(b) && low <= b[bad] && b[bad] <= high; bad++ {
		low, high = 0x80, 0xbf
	}
	return bad, 0
}

const replacement = "\uFFFD"

// repaired returns source with every maximal ill-formed part replaced by U+FFFD, and the places.
func repaired(source string) (string, []edit) {
	if utf8.ValidString(source) {
		return source, nil
	}
	var b strings.Builder
	var edits []edit
	for i := 0; i < len(source); {
		bad, good := illFormed(source[i:])
		if bad > 0 {
			edits = append(edits, edit{at: b.Len(), size: len(replacement), from: i, to: i + bad})
			b.WriteString(replacement)
		} else {
			b.WriteString(source[i : i+good])
		}
		i += bad + good
	}
	return b.String(), edits
}

// lossy returns b as text, every maximal ill-formed part replaced by U+FFFD.
func lossy(b []byte) string {
	text, _ := repaired(string(b))
	return text
}
