package kernel

import "testing"

// BenchmarkPeak is the bound of the AVX2 products on one core.
func BenchmarkPeak(b *testing.B) {
	const n = 1 << 12
	measure(b, "GFLOP/s", n*12*8*2, func() { peakAVX2(n) })
}
