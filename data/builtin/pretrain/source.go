package pretrain

import "math/bits"

// source is the random numbers of one document (SplitMix64: Steele, Lea and Flood, "Fast Splittable
// Pseudorandom Number Generators", OOPSLA 2014). It is written out here, and its numbers are integers,
// so that no release of Go and no processor changes a document.
type source struct{ state uint64 }

func newSource(coordinates ...uint64) *source {
	s := &source{}
	for _, c := range coordinates {
		s.state = bits.RotateLeft64(s.Uint64(), 23) ^ (c + 0x632be59bd9b4e019)
		s.state = s.Uint64()
	}
	return s
}

// Uint64 makes a source one of math/rand/v2, for those who want that.
func (s *source) Uint64() uint64 {
	s.state += 0x9e3779b97f4a7c15
	z := s.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number in [0, n).
func (s *source) below(n int) int {
	high, _ := bits.Mul64(s.Uint64(), uint64(n))
	return int(high)
}

// between returns a number in [low, high].
func (s *source) between(low, high int) int { return low + s.below(high-low+1) }

// chance is true in percent of 100 cases.
func (s *source) chance(percent int) bool { return s.below(100) < percent }

// weighted returns the index of a weight, each as likely as it is large.
func (s *source) weighted(weights []int) int {
	total := 0
	for _, w := range weights {
		total += w
	}
	x := s.below(total)
	for i, w := range weights {
		if x < w {
			return i
		}
		x -= w
	}
	panic("pretrain: no weights")
}

func pick[T any](s *source, list []T) T { return list[s.below(len(list))] }

func shuffle[T any](s *source, list []T) {
	for i := len(list) - 1; i > 0; i-- {
		j := s.below(i + 1)
		list[i], list[j] = list[j], list[i]
	}
}
