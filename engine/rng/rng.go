// Package rng is the counter-based random generator of the engine: a number is
// a pure function of a seed, a stream and an index. Dropout masks, LoRA's
// initial values and the order of the data are thereby the same whatever the
// number of threads, the micro-batch or the step from which a run resumed.
package rng

import "math/bits"

// Stream is an independent sequence of random numbers addressed by index.
type Stream struct{ key uint64 }

// New returns the stream of seed named by parts, for instance
// New(seed, "dropout").With(step, row).
func New(seed uint64, name string) Stream {
	h := uint64(14695981039346656037) // FNV-1a offset basis
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return Stream{mix(mix(seed) ^ h)}
}

// With derives the stream addressed by further coordinates.
func (s Stream) With(coordinates ...uint64) Stream {
	for _, c := range coordinates {
		s.key = mix(bits.RotateLeft64(s.key, 23) ^ mix(c+0x632be59bd9b4e019))
	}
	return s
}

// Uint64 is the i-th number of the stream.
func (s Stream) Uint64(i uint64) uint64 { return mix(s.key + i*0x9e3779b97f4a7c15) }

// Float64 is the i-th number of the stream in [0,1).
func (s Stream) Float64(i uint64) float64 { return float64(s.Uint64(i)>>11) / (1 << 53) }

// Permutation is the shuffle of 0..n-1 that the stream defines (Fisher-Yates).
func (s Stream) Permutation(n int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j, _ := bits.Mul64(s.Uint64(uint64(i)), uint64(i+1))
		p[i], p[j] = p[j], p[i]
	}
	return p
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood 2014, variant 13 of
// Stafford): a bijection in which every input bit changes half of the output.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
