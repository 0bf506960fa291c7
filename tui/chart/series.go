package chart

import (
	"math"
	"sort"
)

// Shape is how the samples of a series are drawn.
type Shape uint8

// Shapes of a series.
const (
	Line    Shape = iota // a solid line through the samples
	Dotted               // a line of every other dot
	Dashed               // a line of dashes
	DashDot              // dashes and dots in turn
	Sparse               // a line of every fourth dot
	Points               // a mark at each sample, no line
	Dots                 // a dot at each sample, no line, under the lines: what an average is of
)

// Series describes one row of samples.
type Series struct {
	Label    string    // in the legend and the crosshair's readout
	Ink      Ink       // its colour
	Shape    Shape     // its form, so that it reads without colour
	Mark     rune      // of Points; 0 is ○ (o with ASCII)
	Smooth   []float64 // weights of the past, each between 0 and 1, of the exponential moving averages that can be drawn over the samples
	MarkZero bool      // an exact zero is suspicious here: keep it off the line and put it on the marker row
	Limit    float64   // above it a sample stands on the marker row as clipped, and on the line too; 0 = no limit
	Fill     bool      // fill what lies below the line with the pattern of Shape: parts of a whole, the lowest added first
	Hidden   bool      // keep the samples, draw nothing
}

// series is a Series with its samples.
type series struct {
	Series
	x        []float64 // ascending, finite
	raw      track
	smooth   []smoothed
	integral bool // every x is a whole number
}

// smoothed is a series' average after each sample.
type smoothed struct {
	past  float64   // weight of the past
	track track     // NaN where the sample is not on the line
	state []average // so that truncation can go on from there
}

// average is an exponential moving average that is unbiased from its first value: weights start at one sample, not at zero.
type average struct{ value, weight float64 }

// next folds one more value in; what is not on the line leaves it as it was.
func (a average) next(v, past float64) average {
	w := 1 + past*a.weight // sum of the weights with the new sample at 1
	// Two terms rather than a difference: a difference of two huge values overflows.
	return average{value: a.value*(1-1/w) + v/w, weight: w}
}

func (s *series) append(x, y float64) bool {
	if math.IsNaN(x) || math.IsInf(x, 0) || (len(s.x) > 0 && x < s.x[len(s.x)-1]) {
		return false
	}
	if len(s.x) == 0 {
		s.integral = true
	}
	s.integral = s.integral && x == math.Trunc(x)
	s.x = append(s.x, x)
	s.raw.append(y)
	for k := range s.smooth {
		m := &s.smooth[k]
		var a average
		if n := len(m.state); n > 0 {
			a = m.state[n-1]
		}
		shown := math.NaN()
		if s.raw.onLine(y, false) {
			a = a.next(y, m.past)
			shown = a.value
		}
		m.state = append(m.state, a)
		m.track.append(shown)
	}
	return true
}

func (s *series) truncate(n int) {
	if n >= len(s.x) {
		return
	}
	s.x = s.x[:n]
	s.raw.truncate(n)
	for k := range s.smooth {
		s.smooth[k].track.truncate(n)
		s.smooth[k].state = s.smooth[k].state[:n]
	}
}

// window is the index range of the samples with lo <= x <= hi.
func (s *series) window(lo, hi float64) (int, int) {
	i := sort.SearchFloat64s(s.x, lo)
	j := i + sort.Search(len(s.x)-i, func(k int) bool { return s.x[i+k] > hi })
	return i, j
}

// nearest is the index of the sample closest to x, the earlier of two at the same distance; -1 without samples.
func (s *series) nearest(x float64) int {
	i := sort.SearchFloat64s(s.x, x)
	switch {
	case len(s.x) == 0:
		return -1
	case i == len(s.x):
		return i - 1
	case i > 0 && x-s.x[i-1] <= s.x[i]-x:
		return i - 1
	}
	return i
}
