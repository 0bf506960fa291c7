package kernel

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// Products of SmolLM2-135M and 360M: a batch of tokens by a weight [n, k].
var shapes = []struct{ m, k, n int }{
	{512, 576, 576},
	{512, 576, 960}, // fused q, k, v
	{512, 576, 1536},
	{512, 1536, 576},
	{512, 576, 3072}, // fused gate, up
	{512, 960, 2560},
	{512, 2560, 960},
	{128, 576, 49152}, // head, a chunk of target rows
}

func filled(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i%23)/11 - 1
	}
	return x
}

// measure reports the mean and the best rate of f, which does the given amount
// of work: on a machine that others use too, the best is the one to compare.
func measure(b *testing.B, unit string, work float64, f func()) {
	b.Helper()
	f()
	best := time.Duration(math.MaxInt64)
	for b.Loop() {
		start := time.Now()
		f()
		best = min(best, time.Since(start))
	}
	b.ReportMetric(work*float64(b.N)/b.Elapsed().Seconds()/1e9, unit)
	b.ReportMetric(work/best.Seconds()/1e9, "best-"+unit)
}

func BenchmarkGemmNT(b *testing.B) {
	for _, workers := range []int{1, 2} {
		p := NewPool(workers)
		defer p.Close()
		for _, s := range shapes {
			b.Run(fmt.Sprintf("%dx%dx%d/workers=%d", s.m, s.k, s.n, workers), func(b *testing.B) {
				a, c, w := filled(s.m*s.k), make([]float32, s.m*s.n), NewPacked(s.n, s.k)
				w.SetRows(0, filled(s.n*s.k), s.k, s.n)
				measure(b, "GFLOP/s", 2*float64(s.m)*float64(s.k)*float64(s.n), func() {
					p.GemmNT(c, s.n, a, s.k, s.m, w, false)
				})
			})
		}
	}
}
