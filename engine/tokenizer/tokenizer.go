package tokenizer

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// ErrUnsupported is wrapped by every error about a feature that would change ids or text and is not
// implemented. The message names the feature.
var ErrUnsupported = errors.New("unsupported tokenizer feature")

// What a tokenizer may hold at most. The largest in use have some 260,000 tokens and 20 MB.
const (
	maxFileBytes  = 64 << 20
	maxTokens     = 1 << 20
	maxMerges     = 1 << 20
	maxAddedBytes = 1 << 20 // of all added tokens; each byte is a node of a trie
	maxPartBytes  = 1 << 18 // of a section other than the model and the added tokens
	maxSteps      = 8       // of the pre-tokenizer
)

// A Tokenizer turns text into ids and back. It does not change once made and is safe for concurrent
// use.
type Tokenizer struct {
	vocabulary map[string]int32 // piece in the byte-level alphabet -> id
	merges     map[pair]merged
	addedIDs   map[string]int32
	addedText  map[int32]string // of the added tokens that do not decode to their text
	byteID     [256]int32       // token of a single byte; -1 where the vocabulary lacks it
	unknown    int32            // stands for bytes that the vocabulary lacks; -1: they are dropped
	fuse       bool             // neighbouring unknown bytes become one unknown
	whole      bool             // ignore_merges: a word that is in the vocabulary is not merged
	bos        int32            // -1: the text starts without one
	fallback   bool             // pieces are characters and ▁, not bytes in their alphabet
	strip      bool             // decoding takes one space off the beginning

	early      *matcher  // added tokens looked for first; nil: none
	normalizer rewriting // of what is left
	late       *matcher  // added tokens looked for in that
	marks      rewriting // of what is left then
	steps      []step

	// Token id decodes to decoded[starts[id]:starts[id+1]]; empty where there is no such token.
	decoded []byte
	starts  []uint32
	special []bool // by id
	isByte  []bool // by id, with fallback: decodes to a byte of a character

	cache *cache
	hash  func() string
}

// A step cuts the pieces of the step before it into smaller ones. The name is for Hash.
type step struct {
	name string
	scan scanner
}

// A definition is what a tokenizer is made from, read from whatever file.
type definition struct {
	pieces  []string // by id; "" where there is none
	ids     map[string]int32
	merges  []mergeRule // by rank; of two equal pairs the later counts, as in the library of record
	added   []addedToken
	steps   []step
	unknown int32 // -1: none
	fuse    bool
	whole   bool
	bos     int32 // -1: none

	fallback   bool
	strip      bool
	normalizer rewriting // before the added tokens that are late
	marks      rewriting // after them

	addedBytes int
}

type mergeRule struct{ left, right, result int32 }

// build checks nothing that its callers have not: ids are unique and in range.
func build(d definition) *Tokenizer {
	if d.normalizer.name == "" && !slices.ContainsFunc(d.added, func(a addedToken) bool { return !a.late }) {
		// A second pass alone is a first pass.
		d.added = slices.Clone(d.added)
		for i := range d.added {
			d.added[i].late = false
		}
	}
	t := &Tokenizer{
		vocabulary: d.ids,
		merges:     make(map[pair]merged, len(d.merges)),
		addedIDs:   make(map[string]int32, len(d.added)),
		addedText:  map[int32]string{},
		unknown:    d.unknown,
		fuse:       d.fuse,
		whole:      d.whole,
		bos:        d.bos,
		fallback:   d.fallback,
		strip:      d.strip,
		early:      newMatcher(d.added, false, rewriting{}),
		normalizer: d.normalizer,
		late:       newMatcher(d.added, true, d.normalizer),
		marks:      d.marks,
		steps:      d.steps,
		cache:      newCache(),
	}
	for rank, m := range d.merges {
		t.merges[pairOf(m.left, m.right)] = merged{int32(rank), m.result}
	}
	size := len(d.pieces)
	for _, a := range d.added {
		size = max(size, int(a.id)+1)
	}
	pieces := make([]string, size)
	copy(pieces, d.pieces)
	t.special = make([]bool, size)
	for _, a := range d.added {
		t.addedIDs[a.text] = a.id
		pieces[a.id] = a.text
		t.special[a.id] = a.special
	}
	t.starts = make([]uint32, 1, size+1)
	d.pieces = pieces
	appendBytes := appendPieceBytes
	if d.fallback {
		appendBytes = appendMarkedBytes
	}
	for _, p := range pieces {
		t.decoded = appendBytes(t.decoded, p)
		t.starts = append(t.starts, uint32(len(t.decoded)))
		if d.fallback {
			_, isByte := tokenByte(p)
			t.isByte = append(t.isByte, isByte)
		}
	}
	for _, a := range d.added {
		if string(t.bytesOf(a.id)) != a.text {
			t.addedText[a.id] = a.text
		}
	}
	for b := range t.byteID {
		piece := string(byteRune[b])
		if d.fallback {
			piece = byteToken(b)
		}
		id, ok := d.ids[piece]
		if !ok {
			id = -1
		}
		t.byteID[b] = id
	}
	t.hash = sync.OnceValue(func() string { return hashOf(d) })
	return t
}

// newMergeRule looks up the three tokens of a merge; left and right are pieces. scratch is reused.
func newMergeRule(ids map[string]int32, left, right, scratch []byte) (mergeRule, []byte, error) {
	a, ok := ids[string(left)]
	if !ok {
		return mergeRule{}, scratch, fmt.Errorf("token %q is not in the vocabulary", left)
	}
	b, ok := ids[string(right)]
	if !ok {
		return mergeRule{}, scratch, fmt.Errorf("token %q is not in the vocabulary", right)
	}
	scratch = append(append(scratch[:0], left...), right...)
	c, ok := ids[string(scratch)]
	if !ok {
		return mergeRule{}, scratch, fmt.Errorf("its result %q is not in the vocabulary", scratch)
	}
	return mergeRule{a, b, c}, scratch, nil
}

// Size returns the number of ids: the largest id plus one. Ids below it may be unused.
func (t *Tokenizer) Size() int { return len(t.special) }

// ID returns the id of an added token by its text or of a vocabulary entry as the vocabulary
// writes it (Ġthe).
func (t *Tokenizer) ID(token string) (int32, bool) {
	if id, ok := t.addedIDs[token]; ok {
		return id, true
	}
	id, ok := t.vocabulary[token]
	return id, ok
}

// IsSpecial tells whether DecodeSkip leaves the token out.
func (t *Tokenizer) IsSpecial(id int32) bool {
	return id >= 0 && int(id) < len(t.special) && t.special[id]
}

// TakesSpace reports whether the white space behind an added token belongs to it
// ("rstrip").
func (t *Tokenizer) TakesSpace(id int32) bool {
	for _, m := range []*matcher{t.early, t.late} {
		if m != nil && m.reach[id].right {
			return true
		}
	}
	return false
}

// BOS returns the token that the post-processor, or add_bos_token in a GGUF, puts before a text.
// Encode does not add it. ok is false where texts start without one.
func (t *Tokenizer) BOS() (id int32, ok bool) { return t.bos, t.bos >= 0 }

// Hash returns a hash, in hexadecimal, of all that decides ids: equal for a tokenizer.json and a GGUF
// with the same tokenizer, and from one release to the next.
func (t *Tokenizer) Hash() string { return t.hash() }
