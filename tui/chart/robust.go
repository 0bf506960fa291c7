package chart

import (
	"math"
	"slices"
)

const (
	// maxStrided bounds how many samples of a series the percentiles look at.
	maxStrided = 1024
	// robustLeast is the least number of samples that can have outliers: each of a few evaluations counts.
	robustLeast = 20
)

// robust is the range that shows every series but for samples far from the bulk of it: the union of the series' fences, inside of [low, high].
func (f *frame) robust(low, high float64) (float64, float64) {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, s := range f.series {
		if s.Hidden {
			continue
		}
		i, j := s.window(f.x.lo, f.x.hi)
		sum := s.raw.over(i, j)
		if !sum.drawable(f.log) {
			continue
		}
		a, b := f.fence(s, i, j)
		lo, hi = min(lo, max(a, sum.low(f.log))), max(hi, min(b, sum.max))
	}
	if !(lo <= hi) {
		return low, high
	}
	return lo, hi
}

// fence is the range from the 5th to the 95th percentile of the samples [i, j) and as much again on either side. A spread of next to nothing counts
// as one of a tenth of the value, or of a factor of two on a logarithmic axis, so that the ripple of a level line is no outlier.
func (f *frame) fence(s *series, i, j int) (lo, hi float64) {
	v := f.strided[:0]
	for stride := max(1, (j-i)/maxStrided); i < j; i += stride {
		if y := s.raw.y[i]; s.raw.onLine(y, f.log) {
			v = append(v, y)
		}
	}
	f.strided = v
	if len(v) < robustLeast {
		return math.Inf(-1), math.Inf(1)
	}
	slices.Sort(v)
	at := func(p float64) float64 { return v[int(math.Round(p*float64(len(v)-1)))] }
	low, high := at(0.05), at(0.95)
	if f.log {
		if high/low < 2 {
			low, high = max(low/1.5, math.SmallestNonzeroFloat64), min(high*1.5, math.MaxFloat64)
		}
	} else if least := math.Abs(at(0.5)) / 10; high-low < least {
		low, high = max(low-least/2, -math.MaxFloat64), min(high+least/2, math.MaxFloat64)
	}
	inner := newScale(low, high, f.log)
	return inner.value(-1), inner.value(2)
}

// beyond says how far the samples go that the range leaves out.
func (f *frame) beyond() []part {
	if f.empty || !f.o.Robust {
		return nil
	}
	var out []part
	if f.all.max > f.y.hi {
		out = append(out, part{string(f.gl.above) + " to " + Significant(f.all.max, 3), InkWarn})
	}
	if low := f.all.low(f.log); low < f.y.lo {
		out = append(out, part{string(f.gl.below) + " to " + Significant(low, 3), InkWarn})
	}
	return out
}
