package experiments

import (
	"os"
	"runtime"
	"strconv"
	"strings"
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

// defaultMemory is what a run may use when nothing is said: two thirds of the
// machine's memory, or 4 GB where that is not known.
func defaultMemory() int64 {
	if total := machineMemory(); total > 0 {
		return total / 3 * 2
	}
	return 4e9
}

// machineMemory is the machine's memory in bytes, 0 where it is not known.
func machineMemory() int64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kb << 10
		}
	}
	return 0
}

// machine describes where a run was made.
func machine() map[string]any {
	return map[string]any{
		"os": runtime.GOOS, "arch": runtime.GOARCH, "cpus": runtime.NumCPU(), "memory_bytes": machineMemory(), "go": runtime.Version(),
	}
}
