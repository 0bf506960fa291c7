package bpe

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// words calls yield for each word of text, which is valid UTF-8: every number character alone, the
// rest cut by the pattern
//
//	's|'t|'re|'ve|'m|'ll|'d|\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// which is GPT-2's without the optional space before letters.
func words(text string, yield func(string)) {
	for len(text) > 0 {
		n := wordLength(text)
		yield(text[:n])
		text = text[n:]
	}
}

// wordLength returns the length of the word that text starts with.
func wordLength(text string) int {
	if n := contraction(text); n > 0 {
		return n
	}
	r, size := utf8.DecodeRuneInString(text)
	switch {
	case unicode.IsNumber(r):
		return size
	case unicode.IsLetter(r):
		return size + run(text[size:], unicode.IsLetter)
	case isMark(r):
		return size + run(text[size:], isMark)
	}
	if r == ' ' {
		if n := run(text[1:], isMark); n > 0 {
			return 1 + n
		}
	}
	// Spaces: all but the last if a word follows that could take it. A number could not: it is cut
	// out before the pattern is applied.
	n := run(text, unicode.IsSpace)
	next, _ := utf8.DecodeRuneInString(text[n:])
	if n == len(text) || unicode.IsNumber(next) {
		return n
	}
	_, last := utf8.DecodeLastRuneInString(text[:n])
	if last == n {
		return n
	}
	return n - last
}

// run returns the length of the characters in class that text starts with.
func run(text string, class func(rune) bool) int {
	end := strings.IndexFunc(text, func(r rune) bool { return !class(r) })
	if end < 0 {
		return len(text)
	}
	return end
}

func isMark(r rune) bool {
	return !unicode.IsSpace(r) && !unicode.IsLetter(r) && !unicode.IsNumber(r)
}

func contraction(text string) int {
	for _, c := range []string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"} {
		if strings.HasPrefix(text, c) {
			return len(c)
		}
	}
	return 0
}
