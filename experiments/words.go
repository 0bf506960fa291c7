package experiments

import "unicode"

// Word is a piece of a value beside its target.
type Word struct {
	Text string
	Kind WordKind
}

// WordKind says where a word stands.
type WordKind int

// The kinds of words.
const (
	Same    WordKind = iota // in both
	Extra                   // not in the target
	Missing                 // only in the target
)

const (
	// wordsLimit is the most words of a text that are aligned one by one; of longer
	// texts only what begins and ends alike is.
	wordsLimit = 400
	// alikeShare is how much of the shorter of two texts must be in the other for
	// their words to be aligned: below it a difference of words says nothing.
	alikeShare = 0.5
)

// DiffWords aligns what was written with its target, word by word: what it has too
// many and, before it, what it lacks. Adjacent words of a kind are one. Two texts
// that have little in common are one missing and one extra word.
func DiffWords(target, got string) []Word {
	if target == got {
		return join(nil, Word{got, Same})
	}
	a, b := splitWords(target), splitWords(got)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var words []Word
	for _, w := range a[:head] {
		words = append(words, Word{w, Same})
	}
	x, y := a[head:len(a)-tail], b[head:len(b)-tail]
	if len(x) <= wordsLimit && len(y) <= wordsLimit {
		words = append(words, align(x, y)...)
	} else {
		for _, w := range x {
			words = append(words, Word{w, Missing})
		}
		for _, w := range y {
			words = append(words, Word{w, Extra})
		}
	}
	for _, w := range a[len(a)-tail:] {
		words = append(words, Word{w, Same})
	}
	same := 0
	for _, w := range words {
		if w.Kind == Same {
			same += signCount(w.Text)
		}
	}
	if float64(same) < alikeShare*float64(min(signCount(target), signCount(got))) {
		return join(nil, Word{target, Missing}, Word{got, Extra})
	}
	return join(nil, words...)
}

// join appends words, the empty ones left out, neighbours of a kind as one. Of a
// replacement the missing part comes first.
func join(out []Word, words ...Word) []Word {
	for i := 0; i < len(words); {
		if words[i].Kind == Same {
			out = push(out, words[i])
			i++
			continue
		}
		last := i
		for last < len(words) && words[last].Kind != Same {
			last++
		}
		for _, kind := range []WordKind{Missing, Extra} {
			for _, w := range words[i:last] {
				if w.Kind == kind {
					out = push(out, w)
				}
			}
		}
		i = last
	}
	return out
}

func push(out []Word, w Word) []Word {
	if w.Text == "" {
		return out
	}
	if n := len(out); n > 0 && out[n-1].Kind == w.Kind {
		out[n-1].Text += w.Text
		return out
	}
	return append(out, w)
}

// align finds the longest common subsequence.
func align(a, b []string) []Word {
	width := len(b) + 1
	longest := make([]int32, (len(a)+1)*width) // of a[i:] and b[j:]
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				longest[i*width+j] = longest[(i+1)*width+j+1] + 1
			} else {
				longest[i*width+j] = max(longest[(i+1)*width+j], longest[i*width+j+1])
			}
		}
	}
	var words []Word
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			words = append(words, Word{a[i], Same})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && longest[(i+1)*width+j] >= longest[i*width+j+1]:
			words = append(words, Word{a[i], Missing})
			i++
		default:
			words = append(words, Word{b[j], Extra})
			j++
		}
	}
	return words
}

// splitWords cuts a text into runs of letters and digits, runs of white space, and
// single other characters.
func splitWords(s string) []string {
	var words []string
	start, last := 0, 0
	for i, r := range s {
		kind := 3
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			kind = 1
		case unicode.IsSpace(r):
			kind = 2
		}
		if i > 0 && (kind != last || kind == 3) {
			words = append(words, s[start:i])
			start = i
		}
		last = kind
	}
	if s != "" {
		words = append(words, s[start:])
	}
	return words
}

// signCount is the number of characters that are not white space.
func signCount(s string) int {
	n := 0
	for _, r := range s {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}
