package bpe

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"unicode/utf8"
)

// What a tokenizer may be asked to hold.
const (
	maxVocab   = 1 << 20
	byteTokens = 256
)

// Errors that a caller may ask for.
var (
	ErrTooLittleText = errors.New("too little text")
	ErrUTF8          = errors.New("text is not UTF-8")
)

// Options say what to learn.
type Options struct {
	Vocab    int      // number of tokens, special ones and the 256 bytes included
	Special  []string // tokens with the first ids, in this order; not looked for in the texts
	MinCount int      // a pair is merged if it occurs so often; below 1 means 2
}

// A Model is a learned vocabulary. Ids are the special tokens, the 256 bytes in the order of the
// characters that a tokenizer.json writes them as, then the results of merges.
type Model struct {
	Tokens []string // by id: the bytes of a token, or the text of a special one
	Merges []Merge  // by rank

	special int
}

// A Merge makes one token of two neighbours.
type Merge struct{ Left, Right, Result int32 }

// pair is two neighbouring tokens. Comparing pairs as numbers compares their left ids, then right.
type pair uint64

func pairOf(left, right int32) pair { return pair(uint32(left))<<32 | pair(uint32(right)) }

// A word is one distinct word of the texts as its tokens so far.
type word struct {
	tokens []int32
	count  int64
}

// learner holds the state between two merges: counts and places are those of the words' present
// tokens.
type learner struct {
	words  []word
	counts map[pair]int64
	places map[pair][]int32 // words that held the pair when it was added; each once or more
	queue  queue
}

// Learn learns o.Vocab tokens from texts. Where no pair is frequent enough for so many, the error
// wraps [ErrTooLittleText]; a text that is not UTF-8 gives [ErrUTF8].
func Learn(texts iter.Seq[string], o Options) (*Model, error) {
	m, err := newModel(o)
	if err != nil {
		return nil, err
	}
	l := learner{counts: map[pair]int64{}, places: map[pair][]int32{}}
	if err := l.read(texts, m); err != nil {
		return nil, err
	}
	ids := make(map[string]int32, o.Vocab)
	for id, token := range m.Tokens[m.special:] {
		ids[token] = int32(m.special + id)
	}
	merged := map[pair]bool{}
	least := int64(o.MinCount)
	if least < 1 {
		least = 2
	}
	for len(m.Tokens) < o.Vocab {
		best, ok := l.mostFrequent(least)
		if !ok {
			return nil, fmt.Errorf("learning %d tokens: %w: after %d no pair occurs %d times", o.Vocab, ErrTooLittleText, len(m.Tokens), least)
		}
		left, right := int32(best>>32), int32(uint32(best))
		if merged[best] {
			// The pair came up again: another merge made one of its tokens. An encoder merges it there too.
			l.merge(left, right, ids[m.Tokens[left]+m.Tokens[right]])
			continue
		}
		merged[best] = true
		text := m.Tokens[left] + m.Tokens[right]
		// Two pairs may give the same bytes: a+bc and ab+c.
		id, known := ids[text]
		if !known {
			id = int32(len(m.Tokens))
			ids[text] = id
			m.Tokens = append(m.Tokens, text)
		}
		m.Merges = append(m.Merges, Merge{left, right, id})
		l.merge(left, right, id)
	}
	return m, nil
}

// newModel returns the model before the first merge.
func newModel(o Options) (*Model, error) {
	least := len(o.Special) + byteTokens
	if o.Vocab < least || o.Vocab > maxVocab {
		return nil, fmt.Errorf("a vocabulary of %d tokens: not between %d and %d", o.Vocab, least, maxVocab)
	}
	for i, token := range o.Special {
		if len(token) < 2 || !utf8.ValidString(token) || slices.Contains(o.Special[:i], token) {
			return nil, fmt.Errorf("special token %q is short, not UTF-8 or named twice", token)
		}
	}
	m := &Model{Tokens: make([]string, 0, o.Vocab), special: len(o.Special)}
	m.Tokens = append(m.Tokens, o.Special...)
	for _, b := range byteOrder {
		m.Tokens = append(m.Tokens, string([]byte{b}))
	}
	return m, nil
}

// read counts the words of the texts and their pairs.
func (l *learner) read(texts iter.Seq[string], m *Model) error {
	var byteID [byteTokens]int32
	for i, b := range byteOrder {
		byteID[b] = int32(m.special + i)
	}
	index := map[string]int{}
	n := 0
	for text := range texts {
		if !utf8.ValidString(text) {
			return fmt.Errorf("learning from text %d: %w", n, ErrUTF8)
		}
		n++
		words(text, func(w string) {
			at, ok := index[w]
			if !ok {
				at = len(l.words)
				index[w] = at
				tokens := make([]int32, len(w))
				for i := range len(w) {
					tokens[i] = byteID[w[i]]
				}
				l.words = append(l.words, word{tokens: tokens})
			}
			l.words[at].count++
		})
	}
	for at := range l.words {
		l.add(int32(at))
	}
	for p, count := range l.counts {
		l.queue.push(candidate{p, count})
	}
	return nil
}

// add counts the pairs of a word.
func (l *learner) add(at int32) {
	w := &l.words[at]
	for i := 1; i < len(w.tokens); i++ {
		p := pairOf(w.tokens[i-1], w.tokens[i])
		l.counts[p] += w.count
		if places := l.places[p]; len(places) == 0 || places[len(places)-1] != at {
			l.places[p] = append(places, at)
		}
	}
}

// mostFrequent takes the next pair to merge off the queue. Counts change after a pair was queued; a
// stale entry goes back with the present count.
func (l *learner) mostFrequent(least int64) (pair, bool) {
	for len(l.queue) > 0 {
		c := l.queue.pop()
		now := l.counts[c.pair]
		switch {
		case now < least:
		case now == c.count:
			return c.pair, true
		case now < c.count:
			l.queue.push(candidate{c.pair, now})
		}
		// With now > c.count there is a later entry that has it: growth is queued when it happens.
	}
	return 0, false
}

// merge replaces left right by id in every word, from the left, and keeps counts, places and queue
// up to date.
func (l *learner) merge(left, right, id int32) {
	p := pairOf(left, right)
	grown := map[pair]bool{}
	places := l.places[p]
	delete(l.places, p)
	for _, at := range places {
		w := &l.words[at]
		if !holds(w.tokens, left, right) {
			continue // merged otherwise meanwhile, or listed twice
		}
		for i := 1; i < len(w.tokens); i++ {
			l.counts[pairOf(w.tokens[i-1], w.tokens[i])] -= w.count
		}
		w.tokens = replaced(w.tokens, left, right, id)
		l.add(at)
		for i := 1; i < len(w.tokens); i++ {
			if w.tokens[i-1] == id || w.tokens[i] == id {
				grown[pairOf(w.tokens[i-1], w.tokens[i])] = true
			}
		}
	}
	delete(l.counts, p)
	for g := range grown { // the order of the queue does not depend on the order of pushes
		l.queue.push(candidate{g, l.counts[g]})
	}
}

func holds(tokens []int32, left, right int32) bool {
	for i := 1; i < len(tokens); i++ {
		if tokens[i-1] == left && tokens[i] == right {
			return true
		}
	}
	return false
}

// replaced works in place.
func replaced(tokens []int32, left, right, id int32) []int32 {
	kept := tokens[:0]
	for i := 0; i < len(tokens); i++ {
		if i+1 < len(tokens) && tokens[i] == left && tokens[i+1] == right {
			kept = append(kept, id)
			i++
			continue
		}
		kept = append(kept, tokens[i])
	}
	return kept
}
