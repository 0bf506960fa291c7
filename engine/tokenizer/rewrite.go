package tokenizer

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// An edit is one part source[from:to] that was rewritten, and what stands for it in the new text:
// text[at:at+size]. size is not 0; from and to are equal where something was put in.
type edit struct{ at, size, from, to int }

// toSource rewrites spans of the new text, which are in order, as spans of the source, which begins
// at base. An offset inside what an edit made becomes the end of the part that it replaces: the first
// token of it covers that part, further ones are empty.
func toSource(spans []Span, edits []edit, base int) {
	next, shift := 0, base // first edit not yet passed; source offset less new offset before it
	move := func(offset int) int {
		for next < len(edits) && offset >= edits[next].at+edits[next].size {
			shift = base + edits[next].to - edits[next].at - edits[next].size
			next++
		}
		if next < len(edits) && offset > edits[next].at {
			return base + edits[next].to
		}
		return offset + shift
	}
	for i, s := range spans {
		start := move(s.Start)
		spans[i] = Span{Start: start, End: move(s.End)}
	}
}

// A place says what a piece of text follows.
type place int

const (
	atStart   place = iota // nothing: a text begins
	continues              // another text, which the caller has encoded
	inside                 // an added token
)

// A rewriting changes text before it is cut into words. The name is for Hash; empty: none.
type rewriting struct {
	name    string
	rewrite func(s string, at place) (string, []edit)
}

var composed = rewriting{"nfc", func(s string, _ place) (string, []edit) { return compose(s) }}

// compose returns s in Unicode's normalization form C.
func compose(s string) (string, []edit) {
	if norm.NFC.IsNormalString(s) {
		return s, nil
	}
	var b strings.Builder
	var edits []edit
	for i := 0; i < len(s); {
		end := i + norm.NFC.NextBoundaryInString(s[i:], true)
		part := norm.NFC.String(s[i:end])
		if strings.ContainsFunc(part, uncomposed) {
			part = s[i:end]
		}
		if part != s[i:end] {
			edits = append(edits, edit{at: b.Len(), size: len(part), from: i, to: end})
		}
		b.WriteString(part)
		i = end
	}
	return b.String(), edits
}

// uncomposed tells the characters that Unicode composes since version 10: the library of record does
// not know them, and norm's tables change with Go's releases.
func uncomposed(r rune) bool {
	switch r {
	case 0x105c9, 0x105e4, 0x11383, 0x11385, 0x1138e, 0x11391, 0x113c5, 0x113c7, 0x113c8, 0x11938, 0x16d68, 0x16d69, 0x16d6a:
		return true
	}
	return 0x16121 <= r && r <= 0x16128
}

// spaceSign stands for a space in vocabularies that were SentencePiece's.
const spaceSign = "\u2581"

// marked is a rewriting that writes every space as spaceSign, after one in front where asked says so
// of a text that does not continue another.
func marked(name string, asked func(s string, at place) bool) rewriting {
	return rewriting{name, func(s string, at place) (string, []edit) {
		var b strings.Builder
		var edits []edit
		if at != continues && asked(s, at) {
			edits = append(edits, edit{size: len(spaceSign)})
			b.WriteString(spaceSign)
		}
		for i := range len(s) {
			if s[i] != ' ' {
				b.WriteByte(s[i])
				continue
			}
			edits = append(edits, edit{at: b.Len(), size: len(spaceSign), from: i, to: i + 1})
			b.WriteString(spaceSign)
		}
		return b.String(), edits
	}}
}

// startsMarked reports whether s begins with a sign once its spaces are marked.
func startsMarked(s string) bool { return strings.HasPrefix(s, " ") || strings.HasPrefix(s, spaceSign) }

// The ways to mark spaces. The normalizer Prepend puts a sign in front of everything, the
// pre-tokenizer Metaspace only where none is.
var (
	markSpaces  = marked("spaces", func(string, place) bool { return false })
	markPrepend = marked("prepend", func(string, place) bool { return true })
	markFirst   = marked("metaspace-first", func(s string, at place) bool { return at == atStart && !startsMarked(s) })
	markAlways  = marked("metaspace-always", func(s string, _ place) bool { return !startsMarked(s) })
)

// scanMarked cuts before every sign of a space.
func scanMarked(s string, i int) int {
	if n := strings.Index(s[i+1:], spaceSign); n >= 0 {
		return i + 1 + n
	}
	return len(s)
}
