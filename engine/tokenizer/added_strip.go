package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A reach says what an added token asks of the text around it.
type reach struct {
	left, right bool // white space there belongs to the token
	word        bool // no character of a word may stand beside it
}

// around is where a match at s[start:end] begins and ends with the white space that
// belongs to it, of what comes after done; ok is false where it is no match because a
// word goes on beside it. White space is what is left alone of other tokens.
func (r reach) around(s string, start, end, done int) (from, to int, ok bool) {
	if r.word {
		before, _ := utf8.DecodeLastRuneInString(s[:start])
		after, _ := utf8.DecodeRuneInString(s[end:])
		if start > 0 && isWord(before) || end < len(s) && isWord(after) {
			return 0, 0, false
		}
	}
	if r.left {
		start = max(len(strings.TrimRightFunc(s[:start], unicode.IsSpace)), done)
	}
	if r.right {
		end = len(s) - len(strings.TrimLeftFunc(s[end:], unicode.IsSpace))
	}
	return start, end, true
}

// isWord reports whether a character is part of a word: the library's \w, of Unicode 16.
func isWord(c rune) bool {
	if unicode.In(c, unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic, unicode.Join_Control) {
		return true
	}
	for _, r := range newWords {
		if r[0] <= c && c <= r[1] {
			return true
		}
	}
	return false
}

// newWords are in words since Unicode 16, which unicode may not know yet.
var newWords = [][2]rune{
	{0x0897, 0x0897},
	{0x1c89, 0x1c8a},
	{0xa7cb, 0xa7cd},
	{0xa7da, 0xa7dc},
	{0x105c0, 0x105f3},
	{0x10d40, 0x10d65},
	{0x10d69, 0x10d6d},
	{0x10d6f, 0x10d85},
	{0x10ec2, 0x10ec4},
	{0x10efc, 0x10efc},
	{0x11380, 0x11389},
	{0x1138b, 0x1138b},
	{0x1138e, 0x1138e},
	{0x11390, 0x113b5},
	{0x113b7, 0x113c0},
	{0x113c2, 0x113c2},
	{0x113c5, 0x113c5},
	{0x113c7, 0x113ca},
	{0x113cc, 0x113d3},
	{0x113e1, 0x113e2},
	{0x116d0, 0x116e3},
	{0x11bc0, 0x11be0},
	{0x11bf0, 0x11bf9},
	{0x11f5a, 0x11f5a},
	{0x13460, 0x143fa},
	{0x16100, 0x16139},
	{0x16d40, 0x16d6c},
	{0x16d70, 0x16d79},
	{0x18cff, 0x18cff},
	{0x1ccf0, 0x1ccf9},
	{0x1e5d0, 0x1e5fa},
	{0x2ebf0, 0x2ee5d},
}
