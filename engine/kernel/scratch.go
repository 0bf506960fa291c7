package kernel

import "sync"

// scratch is what one running product needs beside its operands: a panel of B
// that is not packed, a tile of C that is wider than what is left of C, and blocks
// of bf16 on their way to being turned.
type scratch struct {
	panel [maxBlock * maxWidth]float32
	tile  [maxRows * maxWidth]float32
	block [2][maxWidth * maxWidth]float32
}

// scratches is a free list. A sync.Pool would be emptied by the collector and
// allocate again; there are never more of these than running products.
var scratches struct {
	sync.Mutex
	free []*scratch
}

// pairs is room for rows that are rounded to bf16. It grows to what is asked
// for and is reused.
type pairs struct{ values []float32 }

var pairsFree struct {
	sync.Mutex
	free []*pairs
}

func takePairs(n int) *pairs {
	p := freePairs()
	if n > cap(p.values) {
		p.values = aligned(n)
	}
	p.values = p.values[:n]
	return p
}

func freePairs() *pairs {
	pairsFree.Lock()
	defer pairsFree.Unlock()
	last := len(pairsFree.free) - 1
	if last < 0 {
		return new(pairs)
	}
	p := pairsFree.free[last]
	pairsFree.free = pairsFree.free[:last]
	return p
}

func (p *pairs) release() {
	pairsFree.Lock()
	pairsFree.free = append(pairsFree.free, p)
	pairsFree.Unlock()
}

func takeScratch() *scratch {
	scratches.Lock()
	defer scratches.Unlock()
	if n := len(scratches.free); n > 0 {
		s := scratches.free[n-1]
		scratches.free = scratches.free[:n-1]
		return s
	}
	return new(scratch)
}

func (s *scratch) release() {
	scratches.Lock()
	scratches.free = append(scratches.free, s)
	scratches.Unlock()
}
