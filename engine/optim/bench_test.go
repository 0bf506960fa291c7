package optim

import (
	"testing"

	"hone/engine/rng"
)

func BenchmarkOrthogonalize(b *testing.B) {
	for _, shape := range [][2]int{{256, 256}, {256, 704}, {704, 256}} {
		b.Run("", func(b *testing.B) {
			u := make([]float32, shape[0]*shape[1])
			random := rng.New(1, "u")
			for i := range u {
				u[i] = float32(random.Float64(uint64(i)) - 0.5)
			}
			m, n := float64(min(shape[0], shape[1])), float64(max(shape[0], shape[1]))
			var r room
			for b.Loop() {
				r.orthogonalize(u, shape[0], 1)
			}
			b.ReportMetric(5*2*(2*m*m*n+m*m*m)/1e9*float64(b.N)/b.Elapsed().Seconds(), "GFLOP/s")
		})
	}
}
