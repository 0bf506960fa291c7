package tokenizer

import "unicode/utf8"

//go:generate python3 gen/classes.py

// A class says what a character is to the pre-tokenizers.
type class uint8

const (
	other  class = 0
	letter class = 1 // \p{L}
	number class = 2 // \p{N}
	space  class = 3 // \s
	// classMask takes the class proper; digitFlag marks what the Digits pre-tokenizer cuts out,
	// which comes from a newer Unicode version than \p{N} and so has a bit of its own.
	classMask class = 3
	digitFlag class = 4
)

type classRange struct {
	first, last rune
	class       class
}

// Classes are looked up in pages of 256 code points; equal pages (all letters, all other) are
// stored once, so the whole of Unicode takes some 30 KB.
type classTable struct {
	page  [(utf8.MaxRune + 1) >> 8]uint8
	pages [][256]class
}

var classes = newClassTable()

func newClassTable() *classTable {
	t := new(classTable)
	known := map[[256]class]uint8{}
	next := 0 // first range that may reach into the page
	for p := range t.page {
		var page [256]class
		low := rune(p << 8)
		for next < len(classRanges) && classRanges[next].last < low {
			next++
		}
		for _, r := range classRanges[next:] {
			if r.first > low+255 {
				break
			}
			for c := max(r.first, low); c <= min(r.last, low+255); c++ {
				page[c-low] = r.class
			}
		}
		n, ok := known[page]
		if !ok {
			n = uint8(len(t.pages))
			known[page] = n
			t.pages = append(t.pages, page)
		}
		t.page[p] = n
	}
	return t
}

// classAt returns the class of the character at s[i], digit flag and all, and its length in bytes.
// s is valid UTF-8.
func classAt(s string, i int) (class, int) {
	if c := s[i]; c < utf8.RuneSelf {
		return classes.pages[0][c], 1
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	return classes.pages[classes.page[r>>8]][r&255], n
}

// kindAt is classAt without the digit flag.
func kindAt(s string, i int) (class, int) {
	c, n := classAt(s, i)
	return c & classMask, n
}
