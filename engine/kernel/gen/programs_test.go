package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/reg"
)

// library finds the functions of all files by name.
type library map[string]struct {
	file *ir.File
	f    *ir.Function
}

func load(t *testing.T) library {
	t.Helper()
	l := library{}
	for _, f := range files {
		p, err := program(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, fn := range p.Functions() {
			l[fn.Name] = struct {
				file *ir.File
				f    *ir.Function
			}{p, fn}
		}
	}
	return l
}

// start returns a machine with the data of the named function's file.
func (l library) start(t *testing.T, name string) (*machine, *ir.Function) {
	t.Helper()
	e, ok := l[name]
	if !ok {
		t.Fatalf("no function %s", name)
	}
	return newMachine(e.file), e.f
}

var widths = []width{ymm, zmm}

var random = rand.New(rand.NewPCG(1, 2))

func values(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(random.NormFloat64())
	}
	return x
}

func near(t *testing.T, what string, got float32, want, tolerance float64) {
	t.Helper()
	g := float64(got)
	if math.IsNaN(g) && math.IsNaN(want) || g == want {
		return
	}
	if !(math.Abs(g-want) <= tolerance) {
		t.Fatalf("%s: %g, not %g", what, g, want)
	}
}

// The files that are checked in are what the generator writes.
func TestFilesAreCurrent(t *testing.T) {
	dir := t.TempDir()
	for _, f := range files {
		if err := write(dir, f); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeNEON(dir); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadDir(dir)
	if err != nil || len(written) != 2*(len(files)+len(neonFiles)) {
		t.Fatalf("%d files, error %v", len(written), err)
	}
	for _, f := range written {
		want, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("..", f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator writes: run go generate", f.Name())
		}
	}
}

// Programs use no extension beyond those that the sets ask the CPU for.
func TestExtensions(t *testing.T) {
	for name, e := range load(t) {
		allowed := []string{"SSE", "AVX", "AVX2", "FMA3", "MMX+", "SSE2"}
		if strings.HasSuffix(name, "AVX512") {
			allowed = append(allowed, "AVX512F")
		}
		switch {
		case strings.Contains(name, "Dot"):
			allowed = append(allowed, "AVX512_BF16")
		case strings.Contains(name, "Int8"): // asked for by itself
			allowed = append(allowed, "F16C")
		case name == "cpuFeatures":
			allowed = append(allowed, "CPUID") // the processors that Go runs on have it
		}
		for _, isa := range e.f.ISA {
			if !slices.Contains(allowed, isa) {
				t.Errorf("%s requires %s", name, isa)
			}
		}
		for _, in := range e.f.Instructions() {
			for _, r := range in.Registers() {
				// Only EVEX reaches these, and with short vectors that is AVX-512VL.
				if r.Kind() == reg.KindVector && r.Size() < 64 && index(r) >= 16 {
					t.Errorf("%s: %s with register %s", name, in.Opcode, r.Asm())
				}
			}
		}
	}
}

func TestTiles(t *testing.T) {
	l := load(t)
	for _, w := range widths {
		n := 2 * w.lanes()
		for rows := 1; rows <= w.rows; rows++ {
			for _, k := range []int{1, 2, 3, 4, 5, 7, 8, 9, 13} {
				name := fmt.Sprintf("tile%dx%d%s", rows, n, w.name)
				m, f := l.start(t, name)
				accumulate, gap := (rows+k)%2, k%3
				lda, ldb, ldc := k+gap, n+gap, n+2*gap
				a, b, c := values((rows-1)*lda+k), values((k-1)*ldb+n), values((rows-1)*ldc+n)
				at := m.floats(c)
				m.call(f, k, m.floats(a), lda, m.floats(b), ldb, 100, 30, at, ldc, accumulate)
				out := m.read(at, len(c))
				for i, v := range out {
					row, col := i/ldc, i%ldc
					want := float64(c[i])
					if col < n {
						want *= float64(accumulate)
						for p := range k {
							want += float64(a[row*lda+p]) * float64(b[p*ldb+col])
						}
					}
					near(t, fmt.Sprintf("%s, k %d, element %d", name, k, i), v, want, 5e-6)
				}
			}
		}
		for _, rows := range []int{1, 2, 7} {
			m, f := l.start(t, "copyPanel"+w.name)
			src := values((rows-1)*(n+3) + n)
			dst := m.floats(make([]float32, rows*n))
			m.call(f, dst, m.floats(src), n+3, rows)
			for i, v := range m.read(dst, rows*n) {
				near(t, "copyPanel"+w.name, v, float64(src[i/n*(n+3)+i%n]), 0)
			}
		}
	}
}

// run calls a vector function with operands of n values: the first out of them
// are results, and aliased to an operand where alias gives its place.
func (l library) run(t *testing.T, name string, results int, operands [][]float32, extra ...any) [][]float32 {
	t.Helper()
	m, f := l.start(t, name)
	n := len(operands[0])
	var addresses []uint64
	args := []any{}
	for range results {
		addresses = append(addresses, m.floats(make([]float32, n)))
		args = append(args, addresses[len(addresses)-1])
	}
	for _, x := range operands {
		args = append(args, m.floats(x))
	}
	m.call(f, append(append(args, n), extra...)...)
	var out [][]float32
	for _, a := range addresses {
		out = append(out, m.read(a, n))
	}
	return out
}

func TestElementwise(t *testing.T) {
	l := load(t)
	for _, w := range widths {
		for vectors := 1; vectors <= 9; vectors++ {
			n := vectors * w.lanes()
			x, y, z := values(n), values(n), values(n)
			sum := l.run(t, "add"+w.name, 1, [][]float32{x, y})[0]
			scaled := l.run(t, "scale"+w.name, 1, [][]float32{x}, float32(1.5))[0]
			swiglu := l.run(t, "siluMul"+w.name, 1, [][]float32{x, y})[0]
			grad := l.run(t, "siluMulGrad"+w.name, 2, [][]float32{x, y, z})

			m, f := l.start(t, "axpy"+w.name)
			at := m.floats(y)
			m.call(f, at, float32(-0.5), m.floats(x), n)
			axpy := m.read(at, n)
			for i := range n {
				g, u, d := float64(x[i]), float64(y[i]), float64(z[i])
				s := 1 / (1 + math.Exp(-g))
				what := fmt.Sprintf("%s, element %d of %d: ", w.name, i, n)
				near(t, what+"add", sum[i], float64(x[i]+y[i]), 0)
				near(t, what+"scale", scaled[i], float64(x[i]*1.5), 0)
				near(t, what+"axpy", axpy[i], u-0.5*g, 1e-6)
				near(t, what+"siluMul", swiglu[i], g*s*u, 3e-6)
				near(t, what+"dgate", grad[0][i], d*u*s*(1+g*(1-s)), 5e-6)
				near(t, what+"dup", grad[1][i], d*g*s, 3e-6)
			}
		}
	}
}

func TestExp(t *testing.T) {
	l := load(t)
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	special := []float32{0, 1, -inf, inf, nan, -87.3, -87.4, -1e30, 88.72283, 88.72284, 1e30, 88, -87, 0.34657, -0.34658, 1e-40}
	for _, w := range widths {
		for vectors := 1; vectors <= 5; vectors++ {
			n := vectors * w.lanes()
			x := values(n)
			for i := range x {
				x[i] *= 40
			}
			m, f := l.start(t, "expSum"+w.name)
			at := m.floats(make([]float32, n))
			sum := float(m.call(f, at, m.floats(x), n, float32(0.5), float32(-1)), 0)
			total := 0.0
			for i, v := range m.read(at, n) {
				want := math.Exp(float64(x[i]*0.5 - 1))
				if want < 1.1755e-38 {
					want = 0
				}
				total += want
				near(t, "exp"+w.name, v, want, 5e-6*want)
			}
			near(t, "sum"+w.name, sum, total, 1e-5*total)
		}
		m, f := l.start(t, "expSum"+w.name)
		at := m.floats(make([]float32, 16))
		m.call(f, at, m.floats(special), 16, float32(1), float32(0))
		for i, v := range m.read(at, 16) {
			want := math.Exp(float64(special[i]))
			if special[i] < -87.336 {
				want = 0
			}
			if want > math.MaxFloat32 {
				want = math.Inf(1)
			}
			near(t, fmt.Sprintf("exp%s(%g)", w.name, special[i]), v, want, 2e-6*want)
		}
	}
}

func TestReductions(t *testing.T) {
	l := load(t)
	for _, w := range widths {
		for vectors := 1; vectors <= 9; vectors++ {
			n := vectors * w.lanes()
			x, y := values(n), values(n)
			var dot, squares float64
			largest, pattern := float32(math.Inf(-1)), uint32(0)
			for i := range x {
				dot += float64(x[i]) * float64(y[i])
				squares += float64(x[i]) * float64(x[i])
				largest = max(largest, x[i])
				pattern = max(pattern, math.Float32bits(x[i])&math.MaxInt32)
			}
			m, f := l.start(t, "dot"+w.name)
			near(t, f.Name, float(m.call(f, m.floats(x), m.floats(y), n), 0), dot, 1e-5)

			m, f = l.start(t, "sumSquares"+w.name)
			out := m.add(make([]byte, w.bytes))
			m.call(f, m.floats(x), n, out)
			got := 0.0
			for i := range w.lanes() / 2 {
				got += double(m.at(out, w.bytes), i)
			}
			if math.Abs(got-squares) > 1e-12*squares {
				t.Errorf("%s: %g, not %g", f.Name, got, squares)
			}

			m, f = l.start(t, "max"+w.name)
			out = m.add(make([]byte, w.bytes))
			m.call(f, m.floats(x), n, out)
			if got := slices.Max(m.read(out, w.lanes())); got != largest {
				t.Errorf("%s: %g, not %g", f.Name, got, largest)
			}

			m, f = l.start(t, "maxBits"+w.name)
			out = m.add(make([]byte, w.bytes))
			m.call(f, m.floats(x), n, out)
			if got := math.Float32bits(slices.Max(m.read(out, w.lanes()))); got != pattern {
				t.Errorf("%s: %#x, not %#x", f.Name, got, pattern)
			}

			for i := range n {
				at := make([]float32, n)
				at[i] = 3
				at[n-1] = 3
				m, f = l.start(t, "index"+w.name)
				if got := binary.LittleEndian.Uint64(m.call(f, m.floats(at), n, float32(3))); got != uint64(i) {
					t.Errorf("%s: %d, not %d", f.Name, got, i)
				}
			}
			if got := int64(binary.LittleEndian.Uint64(m.call(f, m.floats(x), n, float32(99)))); got != -1 {
				t.Errorf("%s: %d for a value that is not there", f.Name, got)
			}
		}
	}
}

func TestTranspose(t *testing.T) {
	l := load(t)
	for _, cols := range []int{8, 16, 40} {
		m, f := l.start(t, "transpose8")
		lds, ldd := cols+3, 11
		src := values(7*lds + cols)
		dst := m.floats(make([]float32, (cols-1)*ldd+8))
		m.call(f, dst, ldd, m.floats(src), lds, cols)
		for i, v := range m.read(dst, (cols-1)*ldd+8) {
			want := float32(0)
			if i%ldd < 8 {
				want = src[i%ldd*lds+i/ldd]
			}
			near(t, f.Name, v, float64(want), 0)
		}
	}
}

// The machine notices what it is there to notice.
func TestFaults(t *testing.T) {
	l := load(t)
	caught := func(f func()) (v any) {
		defer func() { v = recover() }()
		f()
		return nil
	}
	m, f := l.start(t, "tile1x16AVX2")
	a, b, c := m.floats(values(3)), m.floats(values(2*16+15)), m.floats(values(16))
	if _, ok := caught(func() { m.call(f, 3, a, 3, b, 16, 0, 0, c, 16, 0) }).(fault); !ok {
		t.Error("reading beyond B is not noticed")
	}
	m, f = l.start(t, "addAVX512")
	x, short := m.floats(values(16)), m.floats(values(15))
	if _, ok := caught(func() { m.call(f, short, x, x, 16) }).(fault); !ok {
		t.Error("writing beyond the result is not noticed")
	}
}
