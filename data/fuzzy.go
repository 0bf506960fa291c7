package data

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a search for letters in order: longer patterns are no abbreviation,
// and in a longer text they would stand by chance.
const (
	maxLetters   = 64
	maxFuzzyText = 4096 // bytes looked at
)

// What a match is worth.
const (
	scoreLetter = 4
	scoreRun    = 6   // follows the letter before it
	scoreStart  = 8   // begins a word
	scoreWhole  = 100 // the letters stand there as they are
	maxGap      = 12  // what a gap costs at most
)

// fuzzyScore reports whether text has letters in their order, and how well: runs
// of letters and beginnings of words are worth more, gaps cost. Both are in lower
// case.
func fuzzyScore(text, letters string) (score int, ok bool) {
	if len(letters) == 0 {
		return 0, true
	}
	if len(text) > maxFuzzyText {
		text = text[:maxFuzzyText]
	}
	if i := strings.Index(text, letters); i >= 0 {
		score = scoreWhole + (scoreLetter+scoreRun)*len(letters)
		if startsWord(text, i) {
			score += scoreStart
		}
		return score, true
	}
	want := []rune(letters)
	if len(want) > maxLetters {
		return 0, false
	}
	end, ok := lastOf(text, want)
	if !ok {
		return 0, false
	}
	return scoreWithin(text[:end], want), true
}

// lastOf is where the first occurrence of letters in order ends.
func lastOf(text string, want []rune) (end int, ok bool) {
	k := 0
	for i, r := range text {
		if r != want[k] {
			continue
		}
		if k++; k == len(want) {
			return i + utf8.RuneLen(r), true
		}
	}
	return 0, false
}

// scoreWithin scores the shortest occurrence that reaches to the end of text,
// found from its end.
func scoreWithin(text string, want []rune) int {
	score, next := 0, len(text) // the letter after starts at next
	for k := len(want) - 1; k >= 0; k-- {
		i := strings.LastIndex(text[:next], string(want[k]))
		if i < 0 {
			return score // a half character: it was found as U+FFFD
		}
		score += scoreLetter
		gap := next - i - utf8.RuneLen(want[k])
		switch {
		case k == len(want)-1:
		case gap <= 0:
			score += scoreRun
		default:
			score -= min(gap, maxGap)
		}
		if startsWord(text, i) {
			score += scoreStart
		}
		next = i
	}
	return score
}

// startsWord reports whether a word begins at a byte of text.
func startsWord(text string, at int) bool {
	r, size := utf8.DecodeLastRuneInString(text[:at])
	return size == 0 || !unicode.IsLetter(r) && !unicode.IsDigit(r)
}
