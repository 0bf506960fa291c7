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

// measure reports rates of f, which does the given amount of work: the mean, the
// best, and, where f keeps to one goroutine, the best for a second of processor
// time. On a machine that others use too the mean says little; the last says
// what a core does whenever it is ours.
func measure(b *testing.B, workers int, unit string, work float64, f func()) {
	b.Helper()
	f()
	best, cpu := math.Inf(1), math.Inf(1)
	for b.Loop() {
		start, used := time.Now(), cpuSeconds()
		f()
		best = min(best, time.Since(start).Seconds())
		cpu = min(cpu, cpuSeconds()-used)
	}
	b.ReportMetric(work*float64(b.N)/b.Elapsed().Seconds()/1e9, unit)
	b.ReportMetric(work/best/1e9, "best-"+unit)
	if cpu > 1e-4 && workers == 1 { // the clock is coarse
		b.ReportMetric(work/cpu/1e9, unit+"/core")
	}
	b.ReportMetric(0, "ns/op")
}

func BenchmarkGemmNT(b *testing.B) {
	for _, workers := range []int{1, 2} {
		p := NewPool(workers)
		defer p.Close()
		for _, s := range shapes {
			b.Run(fmt.Sprintf("%dx%dx%d/workers=%d", s.m, s.k, s.n, workers), func(b *testing.B) {
				a, c, w := filled(s.m*s.k), make([]float32, s.m*s.n), NewPacked(s.n, s.k)
				w.SetRows(0, filled(s.n*s.k), s.k, s.n)
				measure(b, workers, "GFLOP/s", 2*float64(s.m)*float64(s.k)*float64(s.n), func() {
					p.GemmNT(c, s.n, a, s.k, s.m, w, false)
				})
			})
		}
	}
}

// BenchmarkGemmPacked is the way back through a weight: several copies of it,
// so that it comes from memory as in a model.
func BenchmarkGemmPacked(b *testing.B) {
	p := NewPool(1)
	defer p.Close()
	for _, bf16 := range []bool{false, true} {
		for _, s := range shapes {
			b.Run(fmt.Sprintf("%dx%dx%d/bf16=%t", s.m, s.n, s.k, bf16), func(b *testing.B) {
				a, c := filled(s.m*s.n), make([]float32, s.m*s.k)
				w := make([]*Packed, max(2, (64<<20)/(4*s.n*s.k)))
				for i := range w {
					w[i] = NewPacked(s.n, s.k)
					if bf16 {
						w[i] = NewPackedAs(BF16, s.n, s.k)
					}
					w[i].SetRows(0, filled(s.n*s.k), s.k, s.n)
				}
				i := 0
				measure(b, 1, "GFLOP/s", 2*float64(s.m)*float64(s.k)*float64(s.n), func() {
					p.GemmPacked(c, s.k, a, s.n, s.m, w[i%len(w)], false)
					i++
				})
			})
		}
	}
}

// BenchmarkDecode is one token, or a few, by the head: what counts is the rate
// at which the weight is read.
func BenchmarkDecode(b *testing.B) {
	const k, n = 576, 49152
	w := NewPacked(n, k)
	w.SetRows(0, filled(n*k), k, n)
	for _, workers := range []int{1, 2} {
		p := NewPool(workers)
		defer p.Close()
		for _, m := range []int{1, 2, 4, 8, 16} {
			b.Run(fmt.Sprintf("m=%d/workers=%d", m, workers), func(b *testing.B) {
				a, c := filled(m*k), make([]float32, m*n)
				measure(b, workers, "GB/s", 4*n*k, func() { p.GemmNT(c, n, a, k, m, w, false) })
			})
		}
	}
}

// BenchmarkGemmNN has the products of a LoRA adapter of rank 16 and of a block
// of attention that read B where it lies.
func BenchmarkGemmNN(b *testing.B) {
	p := NewPool(1)
	defer p.Close()
	for _, s := range []struct{ m, k, n int }{
		{16, 512, 576},  // gradient of A
		{16, 512, 1536}, //
		{512, 576, 16},  // gradient of x*A^T
		{512, 16, 1536}, // y from x*A^T
		{96, 288, 64},   // probabilities by values
		{1, 300, 64},    // the same for one token
		{6, 300, 64},
		{512, 576, 576},
	} {
		b.Run(fmt.Sprintf("%dx%dx%d", s.m, s.k, s.n), func(b *testing.B) {
			x, y, c := filled(s.m*s.k), filled(s.k*s.n), make([]float32, s.m*s.n)
			measure(b, 1, "GFLOP/s", 2*float64(s.m*s.k*s.n), func() {
				p.GemmNN(c, s.n, x, s.k, s.m, y, s.n, s.n, s.k, false)
			})
		})
	}
}

// BenchmarkBF16 alternates products by float32 and by bf16 and reports how many
// times as fast bf16 is, best against best.
func BenchmarkBF16(b *testing.B) {
	for _, workers := range []int{1, 2} {
		p := NewPool(workers)
		defer p.Close()
		for _, s := range []struct{ m, k, n int }{
			{512, 576, 576},
			{512, 1536, 576},
			{512, 576, 3072},
			{128, 576, 49152},
			{1, 576, 49152},
			{2, 576, 49152},
			{4, 576, 49152},
			{8, 576, 49152},
			{16, 576, 49152},
		} {
			b.Run(fmt.Sprintf("%dx%dx%d/workers=%d", s.m, s.k, s.n, workers), func(b *testing.B) {
				a, c, row := filled(s.m*s.k), make([]float32, s.m*s.n), filled(s.n*s.k)
				whole, half := NewPacked(s.n, s.k), NewPackedAs(BF16, s.n, s.k)
				whole.SetRows(0, row, s.k, s.n)
				half.SetRows(0, row, s.k, s.n)
				best := map[*Packed]float64{whole: math.Inf(1), half: math.Inf(1)}
				for b.Loop() {
					for w := range best {
						start := time.Now()
						p.GemmNT(c, s.n, a, s.k, s.m, w, false)
						best[w] = min(best[w], time.Since(start).Seconds())
					}
				}
				work := 2 * float64(s.m) * float64(s.k) * float64(s.n) / 1e9
				b.ReportMetric(work/best[whole], "f32-GFLOP/s")
				b.ReportMetric(work/best[half], "bf16-GFLOP/s")
				b.ReportMetric(best[whole]/best[half], "times")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func BenchmarkPack(b *testing.B) {
	const n, k = 1536, 576
	x, w := filled(n*k), NewPacked(n, k)
	b.Run("SetRows", func(b *testing.B) {
		measure(b, 1, "GB/s", 4*n*k, func() { w.SetRows(0, x, k, n) })
	})
	b.Run("SetTransposed", func(b *testing.B) {
		measure(b, 1, "GB/s", 4*n*k, func() { w.SetTransposed(0, x, n, n) })
	})
	y := make([]float32, n*k)
	b.Run("Transpose", func(b *testing.B) {
		measure(b, 1, "GB/s", 4*n*k, func() { Transpose(y, n, x, k, n, k) })
	})
}

func BenchmarkVector(b *testing.B) {
	const n = 1536
	x, y, z, u, v := filled(n), filled(n), filled(n), make([]float32, n), make([]float32, n)
	for name, f := range map[string]func(){
		"ExpSum":         func() { ExpSum(u, x, 1, 0) },
		"SiLUMul":        func() { SiLUMul(u, x, y) },
		"SiLUMulGrad":    func() { SiLUMulGrad(u, v, x, y, z) },
		"Max":            func() { Max(x) },
		"Dot":            func() { Dot(x, y) },
		"SumSquares":     func() { SumSquares(x) },
		"Axpy":           func() { Axpy(u, 0.1, x) },
		"Add":            func() { Add(u, x, y) },
		"Scale":          func() { Scale(u, x, 0.1) },
		"FirstNonFinite": func() { FirstNonFinite(x) },
	} {
		b.Run(name, func(b *testing.B) {
			measure(b, 1, "Gvalues/s", 10*n, func() {
				for range 10 {
					f()
				}
			})
		})
	}
	b.Run("Dot64", func(b *testing.B) {
		measure(b, 1, "Gvalues/s", 64*100, func() {
			for range 100 {
				Dot(x[:64], y[:64])
			}
		})
	})
}

// BenchmarkRun is what a call costs beside its tasks.
func BenchmarkRun(b *testing.B) {
	p := NewPool(2)
	defer p.Close()
	f := func(int) {}
	measure(b, 2, "Gcalls/s", 100, func() {
		for range 100 {
			p.Run(8, f)
		}
	})
}

// BenchmarkFormats is a token, or a few, through a weight that comes from memory, in
// each format.
func BenchmarkFormats(b *testing.B) {
	const k, n = 576, 49152
	row := filled(n * k)
	for _, workers := range []int{1, 2} {
		p := NewPool(workers)
		defer p.Close()
		for _, m := range []int{1, 2, 4, 8, 16, 128} {
			for f, name := range map[Format]string{F32: "f32", BF16: "bf16", Int8: "int8"} {
				b.Run(fmt.Sprintf("m=%d/%s/workers=%d", m, name, workers), func(b *testing.B) {
					a, c, w := filled(m*k), make([]float32, m*n), NewPackedAs(f, n, k)
					w.SetRows(0, row, k, n)
					measure(b, workers, "GB/s", float64(w.Bytes()), func() { p.GemmNT(c, n, a, k, m, w, false) })
				})
			}
		}
	}
}
