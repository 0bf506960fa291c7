package tokenizer

// Byte pair encoding of one word. Symbols start as single bytes; of all neighbours that have a merge
// the pair of lowest rank, leftmost first, becomes one symbol, until none is left. Short words look
// for that pair by scanning, long ones keep the candidates in a heap; both give the same symbols.

// A symbol is a token and the range of bytes of the word it stands for.
type symbol struct {
	id         int32
	start, end int32
}

// A merged pair: its rank, the lower the earlier, and the token it becomes.
type merged struct {
	rank, id int32
}

type pair uint64

func pairOf(left, right int32) pair { return pair(uint64(uint32(left))<<32 | uint64(uint32(right))) }

const (
	scanLimit = 40 // symbols; above, the quadratic scan loses to the heap
	noRank    = int32(1<<31 - 1)
)

func (t *Tokenizer) mergeOf(left, right int32) merged {
	if m, ok := t.merges[pairOf(left, right)]; ok {
		return m
	}
	return merged{rank: noRank}
}

// merge merges symbols in place and returns what is left of them.
func (t *Tokenizer) merge(symbols []symbol) []symbol {
	if len(symbols) <= scanLimit {
		return t.mergeScan(symbols)
	}
	return t.mergeHeap(symbols)
}

func (t *Tokenizer) mergeScan(symbols []symbol) []symbol {
	var buffer [scanLimit]merged
	candidates := buffer[:0] // candidates[i] merges symbols i and i+1
	for i := 1; i < len(symbols); i++ {
		candidates = append(candidates, t.mergeOf(symbols[i-1].id, symbols[i].id))
	}
	for {
		best, rank := -1, noRank
		for i, c := range candidates {
			if c.rank < rank {
				best, rank = i, c.rank
			}
		}
		if best < 0 {
			return symbols
		}
		symbols[best] = symbol{candidates[best].id, symbols[best].start, symbols[best+1].end}
		symbols = append(symbols[:best+1], symbols[best+2:]...)
		candidates = append(candidates[:best], candidates[best+1:]...)
		if best < len(candidates) {
			candidates[best] = t.mergeOf(symbols[best].id, symbols[best+1].id)
		}
		if best > 0 {
			candidates[best-1] = t.mergeOf(symbols[best-1].id, symbols[best].id)
		}
	}
}

// A candidate is a merge of the symbol at position at with its right neighbour. Its order, rank then
// position, is packed into one number.
type candidate struct {
	order uint64
	at    int32
	id    int32
}

func (t *Tokenizer) mergeHeap(symbols []symbol) []symbol {
	n := int32(len(symbols))
	previous, next := make([]int32, n), make([]int32, n)
	gone := make([]bool, n)
	queue := make([]candidate, 0, n)
	consider := func(left int32) {
		if left < 0 || next[left] == n {
			return
		}
		m := t.mergeOf(symbols[left].id, symbols[next[left]].id)
		if m.rank != noRank {
			queue = push(queue, candidate{uint64(m.rank)<<32 | uint64(left), left, m.id})
		}
	}
	for i := range n {
		previous[i], next[i] = i-1, i+1
	}
	for i := range n {
		consider(i)
	}
	for len(queue) > 0 {
		var c candidate
		c, queue = pop(queue)
		// A candidate is stale when one of its two symbols has merged with another meanwhile.
		if gone[c.at] || next[c.at] == n {
			continue
		}
		right := next[c.at]
		if m := t.mergeOf(symbols[c.at].id, symbols[right].id); m.rank == noRank || m.id != c.id {
			continue
		}
		symbols[c.at] = symbol{c.id, symbols[c.at].start, symbols[right].end}
		gone[right] = true
		next[c.at] = next[right]
		if next[right] < n {
			previous[next[right]] = c.at
		}
		consider(previous[c.at])
		consider(c.at)
	}
	kept := symbols[:0]
	for i := int32(0); i < n; i = next[i] {
		kept = append(kept, symbols[i])
	}
	return kept
}

// push adds c to the binary heap q, smallest order first.
func push(q []candidate, c candidate) []candidate {
	q = append(q, c)
	i := len(q) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if q[parent].order <= c.order {
			break
		}
		q[i] = q[parent]
		i = parent
	}
	q[i] = c
	return q
}

// pop removes the smallest candidate of q, which is not empty.
func pop(q []candidate) (candidate, []candidate) {
	top, last := q[0], q[len(q)-1]
	q = q[:len(q)-1]
	if len(q) == 0 {
		return top, q
	}
	i := 0
	for {
		child := 2*i + 1
		if child >= len(q) {
			break
		}
		if child+1 < len(q) && q[child+1].order < q[child].order {
			child++
		}
		if last.order <= q[child].order {
			break
		}
		q[i] = q[child]
		i = child
	}
	q[i] = last
	return top, q
}
