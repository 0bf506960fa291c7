package kernel

import (
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"
)

// eachSet runs f once with every set that this machine can run.
func eachSet(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	before := Active()
	defer use(t, before)
	for _, name := range Sets() {
		use(t, name)
		t.Run(name, f)
	}
}

// eachSetBF16 is eachSet and once more with native bf16.
func eachSetBF16(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	eachSet(t, f)
	before := active.Load()
	defer active.Store(before)
	active.Store(&emulated)
	t.Run(emulated.name, f)
}

// slow tells that an emulator runs the tests, some twenty times slower: large
// cases are left out. Linux on arm64 names the CPU's implementer; the emulator
// shows the file of the machine that it runs on.
var slow = func() bool {
	info, err := os.ReadFile("/proc/cpuinfo")
	return runtime.GOARCH == "arm64" && err == nil && !strings.Contains(string(info), "CPU implementer")
}()

func use(t testing.TB, name string) {
	t.Helper()
	if err := Use(name); err != nil {
		t.Fatal(err)
	}
}

// source makes the values of a test from its seed.
type source struct{ *rand.Rand }

func seeded(seed uint64) source { return source{rand.New(rand.NewPCG(seed, 7))} }

func (s source) fill(x []float32) []float32 {
	for i := range x {
		x[i] = float32(s.NormFloat64())
	}
	return x
}

func (s source) values(n int) []float32 { return s.fill(make([]float32, n)) }

func sameBits(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }

// span is the number of elements that a matrix takes.
func span(rows, cols, ld int) int {
	if rows == 0 || cols == 0 {
		return 0
	}
	return (rows-1)*ld + cols
}

// moved copies x to where pages around it must not be touched.
func moved(t testing.TB, x []float32, front bool) []float32 {
	t.Helper()
	y := guarded(t, len(x), front)
	copy(y, x)
	return y
}

// roundAll rounds x to values of bf16.
func roundAll(x []float32) {
	for i, v := range x {
		x[i] = expandBF16(roundBF16(v))
	}
}
