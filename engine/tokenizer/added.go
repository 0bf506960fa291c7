package tokenizer

import "slices"

// An addedToken is found in the raw text before anything else happens to it.
type addedToken struct {
	id      int32
	text    string
	special bool // left out by DecodeSkip
	// late marks "normalized": true. The library looks for these tokens in a second pass, in what the
	// others have left, normalized; normalized too is the text it looks for.
	late bool
	reach
}

// A matcher finds the added tokens of one pass: a trie over their bytes.
type matcher struct {
	first [256]bool        // bytes that some token begins with
	next  map[uint64]int32 // trie node<<8 | byte -> node; the root is 0
	id    []int32          // by node: the token that ends there, or -1
	reach map[int32]reach  // of the tokens that have one
}

func newMatcher(tokens []addedToken, late bool, n rewriting) *matcher {
	m := &matcher{next: map[uint64]int32{}, id: []int32{-1}, reach: map[int32]reach{}}
	for _, t := range tokens {
		if t.late != late {
			continue
		}
		text := t.text
		if n.name != "" {
			text, _ = n.rewrite(text, inside)
		}
		m.first[text[0]] = true
		node := int32(0)
		for i := range len(text) {
			edge := uint64(node)<<8 | uint64(text[i])
			child, ok := m.next[edge]
			if !ok {
				child = int32(len(m.id))
				m.next[edge] = child
				m.id = append(m.id, -1)
			}
			node = child
		}
		m.id[node] = t.id
		if t.reach != (reach{}) {
			m.reach[t.id] = t.reach
		}
	}
	if len(m.id) == 1 {
		return nil
	}
	return m
}

// find returns the first match in s at or after from, the longest of those that start there.
// ok is false when there is none.
func (m *matcher) find(s string, from int) (id int32, start, end int, ok bool) {
	for i := from; i < len(s); i++ {
		if !m.first[s[i]] {
			continue
		}
		id, end = -1, i
		node := int32(0)
		for j := i; j < len(s); j++ {
			child, found := m.next[uint64(node)<<8|uint64(s[j])]
			if !found {
				break
			}
			node = child
			if m.id[node] >= 0 {
				id, end = m.id[node], j+1
			}
		}
		if id >= 0 {
			return id, i, end, true
		}
	}
	return -1, len(s), len(s), false
}

// SpecialTexts returns the texts of the special added tokens, sorted: what Encode
// takes for a special token wherever it stands.
func (t *Tokenizer) SpecialTexts() []string {
	var texts []string
	for text, id := range t.addedIDs {
		if t.IsSpecial(id) {
			texts = append(texts, text)
		}
	}
	slices.Sort(texts)
	return texts
}
