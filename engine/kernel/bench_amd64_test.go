package kernel

import "testing"

// BenchmarkPeak is the bound of the AVX2 products on one core.
func BenchmarkPeak(b *testing.B) {
	const n = 1 << 12
	measure(b, 1, "GFLOP/s", n*12*8*2, func() { peakAVX2(n) })
}

// BenchmarkTile is a tile with its operands in the first-level cache.
func BenchmarkTile(b *testing.B) {
	const k = 288
	a, p, c := filled(6*k), filled(16*k), make([]float32, 6*16)
	for rows := 1; rows <= 6; rows++ {
		b.Run(string(rune('0'+rows))+"x16", func(b *testing.B) {
			measure(b, 1, "GFLOP/s", float64(100*2*rows*16*k), func() {
				for range 100 {
					avx2.tiles[rows](k, &a[0], k, &p[0], 16, 0, 0, &c[0], 16, 0)
				}
			})
		})
	}
}
