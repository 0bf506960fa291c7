package tokenizer

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// SentencePiece has a score for every token and no merges: of neighbours that make a token
// together, those whose token has the highest score become one, the leftmost of several.
// Merges by rank say the same where all ways to make a token are there, one after the other.

const (
	maxScored = 128 // bytes of a token that is taken apart
	maxTied   = 64  // tokens of one score
)

// metaspaces are the schemes of Metaspace that a vocabulary may have.
var metaspaces = []string{"first", "always"}

// cuts calls f with the two parts of a text for every place between two characters, the
// longest left part first.
func cuts(text string, f func(left, right string) error) error {
	for at := len(text); at > 0; {
		_, n := utf8.DecodeLastRuneInString(text[:at])
		if at -= n; at == 0 {
			break
		}
		if err := f(text[:at], text[at:]); err != nil {
			return err
		}
	}
	return nil
}

// fromScores makes the definition of a vocabulary with scores. Merges beside them, which
// llama.cpp does not read, count: the caller takes them.
func fromScores(v Vocabulary) (definition, error) {
	d := definition{unknown: -1, bos: -1, fallback: true, strip: v.SpacePrefix, normalizer: markSpaces}
	switch {
	case v.Metaspace == "" && v.SpacePrefix:
		d.normalizer = markPrepend
	case v.Metaspace == "":
	case v.SpacePrefix && slices.Contains(metaspaces, v.Metaspace):
		d.normalizer, d.marks = rewriting{}, markFirst
		if v.Metaspace == "always" {
			d.marks = markAlways
		}
	default:
		return d, fmt.Errorf("%w: Metaspace with scheme %q, space prefix %t", ErrUnsupported, abbreviated([]byte(v.Metaspace)), v.SpacePrefix)
	}
	if err := readTokens(&d, v); err != nil {
		return d, err
	}
	if !d.hasByteTokens() {
		return d, fmt.Errorf("%w: scores without a token for every byte", ErrUnsupported)
	}
	if len(v.Merges) > 0 {
		return d, nil
	}
	return d, readScores(&d, v.Scores)
}

// readScores makes the merges of a vocabulary that has scores, in the order in which
// transformers makes them: by score, then the longer left part first.
func readScores(d *definition, scores []float32) error {
	if len(scores) != len(d.pieces) {
		return fmt.Errorf("%d tokens but %d scores", len(d.pieces), len(scores))
	}
	special := map[int32]bool{}
	for _, a := range d.added {
		special[a.id] = true
	}
	type scored struct {
		mergeRule
		left, right int // characters
	}
	var merges []scored
	for i, text := range d.pieces {
		id := int32(i)
		if _, isByte := tokenByte(text); isByte || special[id] || utf8.RuneCountInString(text) < 2 {
			continue
		}
		switch {
		case len(text) > maxScored:
			return fmt.Errorf("%w: a token of %d bytes among scores", ErrUnsupported, len(text))
		case math.IsNaN(float64(scores[id])):
			return fmt.Errorf("the score of token %q is not a number", abbreviated([]byte(text)))
		}
		err := cuts(text, func(left, right string) error {
			a, ok := d.ids[left]
			b, also := d.ids[right]
			if ok && also && !special[a] && !special[b] {
				merges = append(merges, scored{mergeRule{a, b, id}, utf8.RuneCountInString(left), utf8.RuneCountInString(right)})
			}
			if len(merges) > maxMerges {
				return fmt.Errorf("more than %d merges", maxMerges)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	slices.SortStableFunc(merges, func(a, b scored) int {
		return cmp.Or(cmp.Compare(scores[b.result], scores[a.result]), cmp.Compare(b.left, a.left), cmp.Compare(b.right, a.right))
	})
	for i, m := range merges {
		if i > 0 {
			// Of equal scores the leftmost merges. That of ranks is the same for runs of one
			// character, which is where models have them: spaces.
			if a, b := merges[i-1].result, m.result; a != b && scores[a] == scores[b] && !isRun(d.pieces[a]+d.pieces[b]) {
				return fmt.Errorf("%w: tokens %q and %q with the same score", ErrUnsupported, d.pieces[a], d.pieces[b])
			}
		}
		d.merges = append(d.merges, m.mergeRule)
	}
	return nil
}

// isRun reports whether a text is one character again and again.
func isRun(text string) bool {
	_, n := utf8.DecodeRuneInString(text)
	return strings.Repeat(text[:n], len(text)/n) == text
}

// scores are what SentencePiece's rule needs to merge as this tokenizer does, by id. The
// error says why there are none; texts on which rules could differ are tried.
func (t *Tokenizer) scores(size int) ([]float32, error) {
	pieces := make(map[int32]string, len(t.vocabulary))
	for text, id := range t.vocabulary {
		pieces[id] = text
	}
	class, tied := t.scoreClasses()
	u := *t // as llama.cpp merges
	u.merges = make(map[pair]merged, len(t.merges))
	for p, m := range t.merges {
		u.merges[p] = merged{class[m.id], m.id}
	}
	for _, ids := range tied {
		if len(ids) > maxTied {
			return nil, noScores("%d tokens are merged in turn, %q and %q among them", len(ids), pieces[ids[0]], pieces[ids[1]])
		}
		for _, a := range ids {
			for _, b := range ids {
				if err := t.sameOverlaps(&u, pieces[a], pieces[b]); err != nil {
					return nil, err
				}
			}
		}
	}
	for text, id := range t.vocabulary {
		if _, added := t.addedIDs[text]; added {
			continue
		}
		if err := t.mergesAll(&u, text, id); err != nil {
			return nil, err
		}
	}
	scores := make([]float32, size)
	for text, id := range t.vocabulary {
		_, isByte := tokenByte(text)
		_, added := t.addedIDs[text]
		c, made := class[id]
		switch {
		case isByte || added:
		case made:
			scores[id] = -float32(c)
		default: // a single character, the least of all
			scores[id] = -float32(len(class))
		}
	}
	return scores, nil
}

// scoreClasses are the tokens that merges make, by the order of their ranks: a token that is
// made at ranks before and after another's has the same class.
func (t *Tokenizer) scoreClasses() (class map[int32]int32, tied [][]int32) {
	last := map[int32]int{} // by token: its last rank
	ranks := t.byRank()
	for i, p := range ranks {
		last[t.merges[p].id] = i
	}
	class = make(map[int32]int32, len(last))
	var members []int32
	until := -1 // the last rank of the class
	next := int32(0)
	for i, p := range ranks {
		id := t.merges[p].id
		if _, known := class[id]; !known {
			class[id] = next
			members = append(members, id)
		}
		if until = max(until, last[id]); until > i {
			continue
		}
		if len(members) > 1 {
			tied = append(tied, members)
		}
		members = nil
		next++
	}
	return class, tied
}

// mergesAll checks that every two parts that make a token have a merge: without one they
// merge all the same where there are scores. Parts may be characters that are no token.
func (t *Tokenizer) mergesAll(u *Tokenizer, text string, id int32) error {
	part := func(text string) (id int32, is bool) {
		id, known := t.vocabulary[text]
		if _, added := t.addedIDs[text]; added {
			return -1, false
		}
		if !known {
			id = -1
		}
		return id, known || utf8.RuneCountInString(text) == 1
	}
	err := cuts(text, func(left, right string) error {
		a, ok := part(left)
		b, also := part(right)
		if !ok || !also {
			return nil
		}
		if m, merges := t.merges[pairOf(a, b)]; !merges || m.id != id {
			return noScores("%q and %q are no merge, and %q is a token", left, right, text)
		}
		if !strings.HasPrefix(text, right) {
			return nil
		}
		// Of three neighbours that make this token two by two the left ones merge, by rank
		// perhaps the right ones.
		return t.sameMerges(u, left+text)
	})
	if err != nil {
		return err
	}
	return t.sameMerges(u, text)
}

// sameOverlaps tries two tokens of one score, one after the other and over each other: the
// one on the left merges, by rank perhaps the other.
func (t *Tokenizer) sameOverlaps(u *Tokenizer, a, b string) error {
	if err := t.sameMerges(u, a+b); err != nil {
		return err
	}
	return cuts(b, func(left, right string) error {
		if !strings.HasSuffix(a, left) {
			return nil
		}
		return t.sameMerges(u, a+right)
	})
}

// sameMerges compares the tokens of a text with those that another order of merges gives.
func (t *Tokenizer) sameMerges(u *Tokenizer, text string) error {
	x, _ := t.encodeSpans(text, continues)
	if y, _ := u.encodeSpans(text, continues); !slices.Equal(x, y) {
		return noScores("%q would be the tokens %v, not %v", text, y, x)
	}
	return nil
}

func noScores(format string, args ...any) error {
	return fmt.Errorf("%w: merges that scores cannot say: %s", ErrUnsupported, fmt.Sprintf(format, args...))
}
