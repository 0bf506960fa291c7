package decode

// trie holds the bytes of the tokens of a vocabulary. Node 0 is the root.
type trie struct {
	nodes []node
	root  [256]int32 // children of the root; 0: none
	at    []int32    // node of every token; 0: a token without bytes, or left out
}

type node struct {
	child, sibling int32 // 0: none
	token          int32 // that ends here, the lowest if there are several; -1: none
	b              byte
}

// newTrie puts in every token that bytes gives bytes for.
func newTrie(size int, bytes func(id int32) []byte) *trie {
	t := &trie{nodes: []node{{token: -1}}, at: make([]int32, size)}
	for id := range t.at {
		var n int32
		for _, b := range bytes(int32(id)) {
			n = t.add(n, b)
		}
		t.at[id] = n
		if n != 0 && t.nodes[n].token < 0 {
			t.nodes[n].token = int32(id)
		}
	}
	return t
}

// child is the node behind n for the byte b, 0 if there is none.
func (t *trie) child(n int32, b byte) int32 {
	if n == 0 {
		return t.root[b]
	}
	for c := t.nodes[n].child; c != 0; c = t.nodes[c].sibling {
		if t.nodes[c].b == b {
			return c
		}
	}
	return 0
}

func (t *trie) add(n int32, b byte) int32 {
	if c := t.child(n, b); c != 0 {
		return c
	}
	c := int32(len(t.nodes))
	t.nodes = append(t.nodes, node{token: -1, b: b, sibling: t.nodes[n].child})
	t.nodes[n].child = c
	if n == 0 {
		t.root[b] = c
	}
	return c
}

// walk calls end with every token-bearing node that the grammar allows from s
// on, and the state behind it.
func (t *trie) walk(g grammar, n int32, s state, end func(n int32, s state)) {
	for c := t.nodes[n].child; c != 0; c = t.nodes[c].sibling {
		next, ok := g.step(s, t.nodes[c].b)
		if !ok {
			continue
		}
		if t.nodes[c].token >= 0 {
			end(c, next)
		}
		t.walk(g, c, next, end)
	}
}
