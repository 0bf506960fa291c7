package data

import "math"

// A single file is split by a shuffle of our own, so that the split of a seed
// never changes with a release of Go: Fisher-Yates from the last row down,
// driven by SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom
// Number Generators", OOPSLA 2014).

// splitMix64 is the state of the generator.
type splitMix64 uint64

// next returns the next 64 bits.
func (s *splitMix64) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number in [0, n), each equally likely: values from the
// incomplete last run of n are drawn again.
func (s *splitMix64) below(n uint64) uint64 {
	limit := math.MaxUint64 - math.MaxUint64%n
	for {
		if x := s.next(); x < limit {
			return x % n
		}
	}
}

// Shuffled returns the numbers [0, n) in the order of seed.
func Shuffled(n int, seed uint64) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	random := splitMix64(seed)
	for i := n - 1; i > 0; i-- {
		j := int(random.below(uint64(i + 1)))
		order[i], order[j] = order[j], order[i]
	}
	return order
}

// splitSizes returns how many of n rows each split gets: the floor of its
// share for train and eval, the rest for test.
func splitSizes(n int, share [3]float64) (train, eval, test int) {
	// 0.29*100 is just under 29 in binary; the share meant 29 rows.
	floor := func(x float64) int { return int(math.Floor(x + 1e-9)) }
	train = min(floor(float64(n)*share[0]), n)
	eval = min(floor(float64(n)*share[1]), n-train)
	return train, eval, n - train - eval
}
