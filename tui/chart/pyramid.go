package chart

import "math"

// fan is how many samples or summaries one summary stands for.
const fan = 16

// summary is what a chart needs to know about a range of samples.
type summary struct {
	min, max float64 // of the samples of the line; min > max when there are none
	positive float64 // the smallest of them above zero, +Inf when there is none
	kinds    [numKinds]uint32
}

var nothing = summary{min: math.Inf(1), max: math.Inf(-1), positive: math.Inf(1)}

func (s *summary) merge(o *summary) {
	// Comparisons, not min and max: there is no NaN here, and these are the innermost loop of a frame.
	if o.min < s.min {
		s.min = o.min
	}
	if o.max > s.max {
		s.max = o.max
	}
	if o.positive < s.positive {
		s.positive = o.positive
	}
	for k := range s.kinds {
		s.kinds[k] += o.kinds[k]
	}
}

// drawable says whether the range has a sample that belongs on the line.
func (s *summary) drawable(log bool) bool {
	if log {
		return s.positive <= s.max
	}
	return s.min <= s.max
}

// low is the smallest value that can be drawn; only meaningful when drawable.
func (s *summary) low(log bool) float64 {
	if log {
		return s.positive
	}
	return s.min
}

// track is a growing row of values with a tree of summaries over it: appending costs a few merges, asking for any range at most 2*fan for each level.
type track struct {
	y        []float64
	markZero bool    // zeros are markers, not part of the line
	limit    float64 // what is above it is a marker as well; 0 = none
	levels   [][]summary
}

// of summarises one sample.
func (t *track) of(v float64) summary {
	s := nothing
	switch {
	case math.IsNaN(v):
		s.kinds[NaN] = 1
	case math.IsInf(v, 1):
		s.kinds[PosInf] = 1
	case math.IsInf(v, -1):
		s.kinds[NegInf] = 1
	case v == 0:
		s.kinds[Zero] = 1
		if !t.markZero {
			s.min, s.max = 0, 0
		}
	default:
		s.min, s.max = v, v
		if v > 0 {
			s.positive = v
		} else {
			s.kinds[Negative] = 1
		}
		if t.limit > 0 && v > t.limit {
			s.kinds[Clipped] = 1
		}
	}
	return s
}

// onLine says whether a value belongs to the line on a linear or logarithmic axis.
func (t *track) onLine(v float64, log bool) bool {
	if math.IsNaN(v) || math.IsInf(v, 0) || (v == 0 && t.markZero) {
		return false
	}
	return !log || v > 0
}

func (t *track) append(v float64) {
	s := t.of(v)
	i := len(t.y)
	t.y = append(t.y, v)
	for k := range t.levels {
		i /= fan
		if i == len(t.levels[k]) {
			t.levels[k] = append(t.levels[k], s)
		} else {
			t.levels[k][i].merge(&s)
		}
	}
	top := len(t.y)
	if n := len(t.levels); n > 0 {
		top = len(t.levels[n-1])
	}
	if top > fan {
		t.levels = append(t.levels, nil)
		t.rebuild(len(t.levels)-1, 0)
	}
}

// rebuild computes the summaries of level k from the one below, from summary `from` on.
func (t *track) rebuild(k, from int) {
	below := len(t.y)
	if k > 0 {
		below = len(t.levels[k-1])
	}
	level := t.levels[k][:from]
	for lo := from * fan; lo < below; lo += fan {
		s := nothing
		for i := lo; i < min(lo+fan, below); i++ {
			t.mergeItem(&s, k-1, i)
		}
		level = append(level, s)
	}
	t.levels[k] = level
}

// mergeItem adds item i of level k to s; level -1 are the samples.
func (t *track) mergeItem(s *summary, k, i int) {
	if k < 0 {
		if v := t.y[i]; v > 0 && v <= math.MaxFloat64 && (t.limit == 0 || v <= t.limit) { // what nearly every sample is
			if v < s.min {
				s.min = v
			}
			if v > s.max {
				s.max = v
			}
			if v < s.positive {
				s.positive = v
			}
			return
		}
		o := t.of(t.y[i])
		s.merge(&o)
		return
	}
	s.merge(&t.levels[k][i])
}

// truncate keeps the first n samples.
func (t *track) truncate(n int) {
	if n >= len(t.y) {
		return
	}
	t.y = t.y[:n]
	whole := n
	for k := range t.levels {
		whole /= fan // summaries of this level that are still complete
		t.rebuild(k, whole)
	}
}

// over summarises the samples [lo, hi).
func (t *track) over(lo, hi int) summary {
	s := nothing
	for k := -1; lo < hi; k++ {
		if k+1 == len(t.levels) {
			for ; lo < hi; lo++ {
				t.mergeItem(&s, k, lo)
			}
			break
		}
		for ; lo < hi && lo%fan != 0; lo++ {
			t.mergeItem(&s, k, lo)
		}
		for ; lo < hi && hi%fan != 0; hi-- {
			t.mergeItem(&s, k, hi-1)
		}
		lo /= fan
		hi /= fan
	}
	return s
}
