package tokenizer

import "strings"

// A scanner returns the end of the piece that starts at s[i]. It always moves on: i < end <= len(s).
// s is valid UTF-8 and i lies between two characters.
//
// The scanners for regular expressions take the alternatives in the order of the pattern, as a
// backtracking engine does. In all of them `\s+(?!\S)` is a run of spaces without its last one if
// something follows, so that the last space can join the word after it.
type scanner func(s string, i int) int

// The patterns that have a scanner, as they stand in tokenizer.json files.
const (
	patternGPT2   = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	patternLlama3 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patternQwen   = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// scanGPT2 follows patternGPT2.
func scanGPT2(s string, i int) int {
	if n := contraction(s[i:], false); n > 0 {
		return i + n
	}
	word := i
	if s[i] == ' ' {
		word++
	}
	if word < len(s) {
		if c, n := kindAt(s, word); c != space {
			return runEnd(s, word+n, c)
		}
	}
	return spacesEnd(s, i)
}

// scanLlama3 follows patternLlama3.
func scanLlama3(s string, i int) int { return scanNumbers(s, i, 3) }

// scanQwen follows patternQwen.
func scanQwen(s string, i int) int { return scanNumbers(s, i, 1) }

// scanNumbers follows these two, which differ in how many characters of a number they take.
func scanNumbers(s string, i, most int) int {
	if n := contraction(s[i:], true); n > 0 {
		return i + n
	}
	first, n := kindAt(s, i)
	next := other // class of the second character, if there is one
	follows := i+n < len(s)
	if follows {
		next, _ = kindAt(s, i+n)
	}
	newline := s[i] == '\r' || s[i] == '\n'
	switch {
	case first == letter,
		first != number && !newline && follows && next == letter:
		return runEnd(s, i+n, letter)
	case first == number:
		end := i + n
		for range most - 1 {
			if end == len(s) {
				break
			}
			c, n := kindAt(s, end)
			if c != number {
				break
			}
			end += n
		}
		return end
	case first == other, s[i] == ' ' && follows && next == other:
		end := runEnd(s, i+n, other)
		for end < len(s) && (s[end] == '\r' || s[end] == '\n') {
			end++
		}
		return end
	}
	// \s*[\r\n]+: the greedy \s* gives back no more than it must, so the piece ends behind the
	// last newline of the run.
	run := runEnd(s, i, space)
	if last := strings.LastIndexAny(s[i:run], "\r\n"); last >= 0 {
		return i + last + 1
	}
	return spacesEnd(s, i)
}

// scanDigit cuts out every digit alone: Digits with individual_digits.
func scanDigit(s string, i int) int {
	c, n := classAt(s, i)
	if c&digitFlag != 0 {
		return i + n
	}
	return digitRunEnd(s, i+n, 0)
}

// scanDigits cuts between digits and everything else: Digits without individual_digits.
func scanDigits(s string, i int) int {
	c, n := classAt(s, i)
	return digitRunEnd(s, i+n, c&digitFlag)
}

func digitRunEnd(s string, i int, flag class) int {
	for i < len(s) {
		c, n := classAt(s, i)
		if c&digitFlag != flag {
			break
		}
		i += n
	}
	return i
}

// runEnd returns the end of the characters of class c from s[i] on.
func runEnd(s string, i int, c class) int {
	for i < len(s) {
		k, n := kindAt(s, i)
		if k != c {
			break
		}
		i += n
	}
	return i
}

// spacesEnd follows \s+(?!\S)|\s+ where s[i] is a space.
func spacesEnd(s string, i int) int {
	end, last := i, i
	for end < len(s) {
		c, n := kindAt(s, end)
		if c != space {
			break
		}
		last = end
		end += n
	}
	if end == len(s) || last == i {
		return end
	}
	return last
}

// contraction returns the length of 's, 't, 're, 've, 'm, 'll or 'd at the start of s, 0 if there
// is none. With fold, case does not matter, and U+017F, the long s, is an s as well.
func contraction(s string, fold bool) int {
	if len(s) < 2 || s[0] != '\'' {
		return 0
	}
	lower := func(c byte) byte {
		if fold && 'A' <= c && c <= 'Z' {
			return c | 0x20
		}
		return c
	}
	switch lower(s[1]) {
	case 's', 't', 'm', 'd':
		return 2
	case 'r', 'v':
		if len(s) > 2 && lower(s[2]) == 'e' {
			return 3
		}
	case 'l':
		if len(s) > 2 && lower(s[2]) == 'l' {
			return 3
		}
	}
	if fold && strings.HasPrefix(s[1:], "ſ") {
		return 1 + len("ſ")
	}
	return 0
}
