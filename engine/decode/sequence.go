package decode

import "hone/engine/kernel"

// sequence is one text in the key-value cache.
type sequence struct {
	length int // positions in the cache
	limit  int // positions that the cache has room for
	cache  []keyValues
}

// keyValues are what one key head of one layer remembers of a sequence, packed
// for the products of attention.
type keyValues struct {
	keys   *kernel.Packed // [limit, dim], rotated
	values *kernel.Packed // [dim, limit]
}

// newSequence returns an empty sequence with room for limit positions, in the
// cache of one that has ended if there is one large enough.
func (m *Model) newSequence(limit int) *sequence {
	for i, s := range m.ended {
		if s.limit >= limit {
			m.ended = append(m.ended[:i], m.ended[i+1:]...)
			s.length = 0
			return s
		}
	}
	format := cacheFormat(m.weights.Head.Packed().Format())
	pack := func(n, k int) *kernel.Packed { return kernel.NewPackedAs(format, n, k) }
	s := &sequence{limit: limit}
	for range len(m.layers) * m.heads.KV {
		s.cache = append(s.cache, keyValues{pack(limit, m.heads.Dim), pack(m.heads.Dim, limit)})
	}
	return s
}

// cacheFormat is how keys and values are packed with weights of a format: as they are,
// but not rounded to bytes.
func cacheFormat(weights kernel.Format) kernel.Format {
	if weights == kernel.BF16 {
		return kernel.BF16
	}
	return kernel.F32
}

// end gives the cache of a sequence back.
func (m *Model) end(s *sequence) { m.ended = append(m.ended, s) }

// begin makes s begin with the first n positions of other.
func (s *sequence) begin(other *sequence, n int) {
	s.length = n
	for i, c := range s.cache {
		c.keys.CopyBlock(other.cache[i].keys, n, c.keys.K)
		c.values.CopyBlock(other.cache[i].values, c.values.N, n)
	}
}
