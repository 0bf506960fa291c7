package engine

import (
	"math"

	"hone/engine/kernel"
)

// Stats are figures of some float32 values. AbsMin, AbsMax and RMS are of the
// finite ones.
type Stats struct {
	AbsMin    float64 // of those that are not zero; 0 where there are none
	AbsMax    float64
	RMS       float64
	Zero      int
	Subnormal int
	PosInf    int
	NegInf    int
	NaN       int
	First     int // index of the first that is not finite; -1
}

// NonFinite is how many values are not finite.
func (s Stats) NonFinite() int { return s.PosInf + s.NegInf + s.NaN }

// statsBlock is how many values are summed before their sum is added to others:
// fixed, so that RMS does not depend on the workers.
const statsBlock = 1 << 14

type partial struct {
	min, max              uint32 // magnitudes as bits, which order like the values
	sum                   float64
	zero, sub, pos, neg   int
	nan, first, nonFinite int
}

// Magnitudes of float32 as bits.
const (
	smallestNormal = 0x00800000
	infinity       = 0x7f800000
)

func measure(x []float32) partial {
	p := partial{min: infinity, first: -1}
	for i, v := range x {
		bits := math.Float32bits(v)
		a := bits &^ (1 << 31)
		if a-1 >= infinity-1 { // zero, Inf or NaN
			switch {
			case a == 0:
				p.zero++
				continue
			case a > infinity:
				p.nan++
			case bits == a:
				p.pos++
			default:
				p.neg++
			}
			if p.nonFinite++; p.first < 0 {
				p.first = i
			}
			continue
		}
		if a < smallestNormal {
			p.sub++
		}
		p.min, p.max = min(p.min, a), max(p.max, a)
		p.sum += float64(v) * float64(v)
	}
	return p
}

// Measure returns the figures of x, the same whatever the number of workers.
func Measure(pool *kernel.Pool, x []float32) Stats {
	parts := make([]partial, (len(x)+statsBlock-1)/statsBlock)
	pool.Run(len(parts), func(i int) {
		parts[i] = measure(x[i*statsBlock : min((i+1)*statsBlock, len(x))])
	})
	s := Stats{First: -1}
	low, high, sum := uint32(infinity), uint32(0), 0.0
	for i, p := range parts {
		low, high, sum = min(low, p.min), max(high, p.max), sum+p.sum
		s.Zero, s.Subnormal, s.PosInf, s.NegInf, s.NaN = s.Zero+p.zero, s.Subnormal+p.sub, s.PosInf+p.pos, s.NegInf+p.neg, s.NaN+p.nan
		if p.first >= 0 && s.First < 0 {
			s.First = i*statsBlock + p.first
		}
	}
	if high > 0 {
		s.AbsMin, s.AbsMax = float64(math.Float32frombits(low)), float64(math.Float32frombits(high))
	}
	if n := len(x) - s.NonFinite(); n > 0 {
		s.RMS = math.Sqrt(sum / float64(n))
	}
	return s
}
