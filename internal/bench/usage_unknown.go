//go:build !linux && !darwin

package bench

// peakBytes is not known here.
func peakBytes() int64 { return 0 }

// cpuName is not known here.
func cpuName() string { return "" }
