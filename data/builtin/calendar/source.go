package calendar

import (
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"

	"hone/data/builtin/words"
)

// mode is which entries a row may be made of.
type mode int

const (
	training mode = iota // those not held out
	known                // those in the train rows
	fresh                // either: those in the train rows, and those held out
)

// source draws the entries of rows.
type source struct {
	*rand.Rand
	mode     mode
	vocab    map[string]bool // words of the train rows, for known and fresh
	invented []string        // names made up for train rows, in order
}

// Words returns the different words of a text in lower case: runs of letters.
func Words(text string) []string {
	list := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) })
	slices.Sort(list)
	return slices.Compact(list)
}

// seen reports whether every word of a text is in the train rows.
func (s *source) seen(text string) bool {
	for _, w := range Words(text) {
		if !s.vocab[w] {
			return false
		}
	}
	return true
}

// chance is true n times of 100.
func (s *source) chance(n int) bool { return s.IntN(100) < n }

// one returns one of a few phrases that carry the form of a sentence.
func (s *source) one(list ...string) string { return list[s.IntN(len(list))] }

// from returns an entry of a pool, as the mode allows. Where a pool has none it is any entry:
// the row is checked as a whole.
func (s *source) from(pool []string) string {
	held := s.mode == fresh && s.chance(40)
	var e string
	for range 400 {
		e = s.one(pool...)
		switch {
		case s.mode == training && !words.HeldOut(e),
			held && words.HeldOut(e) && !s.seen(e),
			s.mode != training && !held && s.seen(e):
			return e
		}
	}
	return e
}

// invent returns a made-up name.
func (s *source) invent() string {
	switch {
	case s.mode == training:
		name := words.InventFrom(s.Rand, false)
		s.invented = append(s.invented, name)
		return name
	case s.mode == fresh && s.chance(40):
		return words.InventFrom(s.Rand, true)
	}
	return s.one(s.invented...)
}

// weighted returns an index with a chance in proportion to its weight.
func (s *source) weighted(weights ...int) int {
	total := 0
	for _, w := range weights {
		total += w
	}
	n := s.IntN(total)
	for i, w := range weights {
		if n < w {
			return i
		}
		n -= w
	}
	return len(weights) - 1
}
