package experiments

import (
	"runtime"
	"sync"
	"time"

	"hone/engine/kernel"
)

// measureGemm is the speed of a matrix product of a small model's shape on this
// machine, in floating point operations a second; measured once for a number
// of threads.
func measureGemm(threads int) float64 {
	gemmMu.Lock()
	defer gemmMu.Unlock()
	if rate, ok := gemmRates[threads]; ok {
		return rate
	}
	const m, n, k = 256, 1536, 576
	pool := kernel.NewPool(threads)
	defer pool.Close()
	a, c, w := make([]float32, m*k), make([]float32, m*n), make([]float32, n*k)
	b := kernel.NewPacked(n, k)
	b.SetRows(0, w, k, n)
	best := time.Duration(1 << 62)
	for range 8 {
		start := time.Now()
		pool.GemmNT(c, n, a, k, m, b, false)
		best = min(best, time.Since(start))
	}
	gemmRates[threads] = 2 * m * n * k / best.Seconds()
	return gemmRates[threads]
}

var (
	gemmMu    sync.Mutex
	gemmRates = map[int]float64{}
)

// machine describes where a run was made.
func machine() map[string]any {
	return map[string]any{
		"os": runtime.GOOS, "arch": runtime.GOARCH, "cpus": runtime.NumCPU(), "memory_bytes": usableMemory(), "go": runtime.Version(),
	}
}
