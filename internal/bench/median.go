package bench

import "slices"

// median of at least one value; the mean of the two in the middle of an even
// number. The values stay in order.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
