package steprules

import (
	"math"
	"slices"
)

// Sizes of a window: how many steps it holds, and how many it needs before it says
// anything.
const (
	windowSize  = 32
	windowLeast = 5
)

// window holds the last finite values of a series.
type window struct {
	values [windowSize]float64
	n      int // values ever added
}

// add takes a value; one that is not finite is not taken.
func (w *window) add(x float64) {
	if !finite(x) {
		return
	}
	w.values[w.n%windowSize] = x
	w.n++
}

func (w *window) all() []float64 { return w.values[:min(w.n, windowSize)] }

// outlier says how far x is above the others: in deviations from their median,
// estimated from the median of absolute deviations but at least a tenth of the
// median, and as a multiple of the largest. ok is false while there is too little
// to compare with.
func (w *window) outlier(x float64) (z, times float64, ok bool) {
	if w.n < windowLeast || !finite(x) {
		return 0, 0, false
	}
	values := slices.Clone(w.all())
	center, largest := median(values), slices.Max(values)
	for i, v := range values {
		values[i] = math.Abs(v - center)
	}
	spread := max(1.4826*median(values), 0.1*math.Abs(center), 1e-12)
	if largest <= 0 {
		return 0, 0, false
	}
	return (x - center) / spread, x / largest, true
}

// median sorts values.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
