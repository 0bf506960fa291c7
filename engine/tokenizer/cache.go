package tokenizer

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

const (
	cacheSlots   = 1 << 15
	maxCacheWord = 64 // bytes; longer words hardly ever come back
)

// A cache remembers the ids of words. Each word has one slot and the newest word in a slot stays:
// no locks, no growth beyond cacheSlots words, and natural text keeps its common words.
type cache struct {
	seed  maphash.Seed
	slots [cacheSlots]atomic.Pointer[cachedWord]
}

type cachedWord struct {
	word string
	ids  []int32
}

func newCache() *cache { return &cache{seed: maphash.MakeSeed()} }

// get returns the ids of word, not to be changed, and the slot where put may store it.
func (c *cache) get(word string) ([]int32, uint64) {
	slot := maphash.String(c.seed, word) % cacheSlots
	if w := c.slots[slot].Load(); w != nil && w.word == word {
		return w.ids, slot
	}
	return nil, slot
}

// put copies word, which is a part of somebody's text that should not be kept alive.
func (c *cache) put(slot uint64, word string, ids []int32) {
	c.slots[slot].Store(&cachedWord{word: strings.Clone(word), ids: ids})
}
