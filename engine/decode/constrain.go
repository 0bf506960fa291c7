package decode

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"hone/engine/kernel"
	"hone/engine/tokenizer"
)

// ErrConstraint is wrapped by every error about a constraint that cannot be
// met: by the vocabulary, or within the tokens that a text may have.
var ErrConstraint = errors.New("constrained decoding is not possible")

// Vocabulary is what a constraint has to know of a tokenizer.
type Vocabulary interface {
	Size() int
	Bytes(id int32) []byte // raw bytes, which need not be whole characters
	IsSpecial(id int32) bool
	// EncodeSpans is how training text is cut into tokens; the spans are the
	// tokens' bytes.
	EncodeSpans(text string) ([]int32, []tokenizer.Span)
}

// Constraint makes generated texts one JSON object with given keys: a space, the
// keys in order with ", " and ": " as separators, and for each any JSON value in
// the same form, nested at most 8 deep; then the end of the text. Keys of nested
// objects may repeat. Set [Options.Constraint] to use one.
//
// The grammar works on bytes, so a token may be cut anywhere. Where it leaves no
// choice, the text goes on with the tokens that the tokenizer itself would cut
// it into, and the model reads them together with the token before. Everywhere
// else the likeliest token that the grammar allows is taken, or one is drawn
// from those it allows.
//
// A text always ends within [Options.MaxNew] tokens, and its object is whole:
// enough tokens are kept to close what is open and to give the fields that are
// left null.
//
// A Constraint is not safe for concurrent use.
type Constraint struct {
	grammar
	vocabulary Vocabulary
	size       int
	eos        []int32
	trie       *trie
	bytes      [][]byte // of every token that may stand in an object
	needs      map[state]int
	masks      map[state][]int32
}

const (
	never    = math.MaxInt32 // tokens to the end where there is no way to it
	maxMasks = 256           // kept at a time
	maxNeeds = 1 << 16       // kept at a time
)

// NewConstraint returns the constraint to objects with the keys of schema. The
// texts end with the first of eos; none of eos stands in an object, nor does a
// special token. Errors wrap [ErrConstraint].
func NewConstraint(v Vocabulary, schema []string, eos []int32) (*Constraint, error) {
	if len(schema) == 0 {
		return nil, fmt.Errorf("%w: it needs a schema of at least one field", ErrConstraint)
	}
	for i, k := range schema {
		if slices.Contains(schema[:i], k) {
			return nil, fmt.Errorf("%w: the schema has the field %q twice", ErrConstraint, k)
		}
	}
	if len(eos) == 0 {
		return nil, fmt.Errorf("%w: no token ends a text", ErrConstraint)
	}
	c := &Constraint{
		grammar: newGrammar(schema), vocabulary: v, size: v.Size(), eos: slices.Clone(eos),
		needs: map[state]int{}, masks: map[state][]int32{},
	}
	c.bytes = make([][]byte, c.size)
	for id := range c.bytes {
		if id := int32(id); !v.IsSpecial(id) && !slices.Contains(eos, id) {
			c.bytes[id] = v.Bytes(id)
		}
	}
	c.trie = newTrie(c.size, func(id int32) []byte { return c.bytes[id] })
	if c.need(state{}) == never {
		return nil, fmt.Errorf("%w: the model's vocabulary cannot spell the keys of the schema", ErrConstraint)
	}
	return c, nil
}

// MinTokens is the length of the shortest object that closing early leads to,
// all values null, with the token that ends the text.
func (c *Constraint) MinTokens() int { return c.need(state{}) }

// check refuses options that the constraint cannot hold with.
func (c *Constraint) check(o Options, vocab int) error {
	if !slices.Equal(o.EOS, c.eos) {
		return fmt.Errorf("%w: it was made for other tokens that end a text", ErrConstraint)
	}
	if c.size > vocab {
		return fmt.Errorf("%w: the tokenizer has %d tokens, the model %d", ErrConstraint, c.size, vocab)
	}
	if n := c.MinTokens(); n > o.MaxNew {
		return fmt.Errorf("%w: the shortest object of the schema takes %d tokens, more than the %d that may be generated", ErrConstraint, n, o.MaxNew)
	}
	return nil
}

// read is the state behind a token.
func (c *Constraint) read(s state, id int32) (state, bool) {
	if id < 0 || int(id) >= c.size || len(c.bytes[id]) == 0 {
		return s, false
	}
	for _, b := range c.bytes[id] {
		next, ok := c.step(s, b)
		if !ok {
			return s, false
		}
		s = next
	}
	return s, true
}

// need is how many tokens lead from s to the end of the text, its EOS included,
// on the way of [grammar.closing] cut into the longest tokens. Its first token
// leads to a state that needs one less.
func (c *Constraint) need(s state) int {
	var way []state
	n := never
	for {
		if known, ok := c.needs[s]; ok {
			n = known
			break
		}
		if s.mode == modeDone {
			n = 1
			break
		}
		way = append(way, s)
		next, ok := c.longest(s)
		if !ok {
			break
		}
		s = next
	}
	if len(c.needs) > maxNeeds {
		clear(c.needs)
	}
	for _, s := range slices.Backward(way) {
		if n < never {
			n++
		}
		c.needs[s] = n
	}
	return n
}

// longest is the state behind the longest token on the way to the end.
func (c *Constraint) longest(s state) (end state, ok bool) {
	var n int32
	for {
		b, open := c.closing(s)
		if !open {
			return end, ok
		}
		if n = c.trie.child(n, b); n == 0 {
			return end, ok
		}
		s, _ = c.step(s, b)
		if c.trie.nodes[n].token >= 0 {
			end, ok = s, true
		}
	}
}

// fits reports whether a token may follow s when so many tokens are left, that
// one included.
func (c *Constraint) fits(s state, id int32, left int) bool {
	next, ok := c.read(s, id)
	return ok && c.need(next) < left
}

// mask is the tokens that may follow s and after which the text can be closed.
func (c *Constraint) mask(s state) []int32 {
	if m, ok := c.masks[s]; ok {
		return m
	}
	ends := make([]bool, len(c.trie.nodes))
	c.trie.walk(c.grammar, 0, s, func(n int32, next state) { ends[n] = c.need(next) < never })
	m := []int32{}
	for id, n := range c.trie.at {
		if ends[n] {
			m = append(m, int32(id))
		}
	}
	if len(c.masks) >= maxMasks {
		clear(c.masks)
	}
	c.masks[s] = m
	return m
}

// best is the likeliest token that may follow s; the first of equals.
func (c *Constraint) best(logits []float32, s state, left int) int32 {
	if _, id := kernel.Max(logits); c.fits(s, int32(id), left) {
		return int32(id) // as it mostly is
	}
	found := int32(-1)
	for _, id := range c.mask(s) {
		if (found < 0 || logits[id] > logits[found]) && c.fits(s, id, left) {
			found = id
		}
	}
	return found
}

// restrict leaves only the tokens that may follow s in the running.
func (c *Constraint) restrict(logits []float32, s state, left int) {
	impossible := float32(math.Inf(-1))
	next := 0
	for _, id := range c.mask(s) {
		if c.fits(s, id, left) {
			for ; next < int(id); next++ {
				logits[next] = impossible
			}
			next = int(id) + 1
		}
	}
	for ; next < len(logits); next++ {
		logits[next] = impossible
	}
}
