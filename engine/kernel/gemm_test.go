package kernel

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
	"testing"
)

// gemmCase is one product in both layouts of B with room between rows.
type gemmCase struct {
	m, n, k       int
	lda, ldb, ldc int // ldb of B [k, n]
	accumulate    bool
	bf16          bool // B is packed as bf16, and holds such values
	front         bool
	seed          uint64
}

func (c gemmCase) String() string { return fmt.Sprintf("%+v", struct{ gemmCase }{c}) }

const sentinel = float32(12345.5)

// run computes c by every entry point and compares with float64 sums; the
// operands lie against pages that must not be touched.
func (c gemmCase) run(t *testing.T, pool *Pool) {
	t.Helper()
	r := seeded(c.seed)
	a := r.fill(guarded(t, span(c.m, c.k, c.lda), c.front))
	b := r.fill(guarded(t, span(c.k, c.n, c.ldb), c.front))
	start := r.values(span(c.m, c.n, c.ldc))
	out := guarded(t, span(c.m, c.n, c.ldc), c.front)
	for i := range start {
		if i%c.ldc >= c.n {
			start[i] = sentinel
		}
	}
	packed := NewPacked(c.n, c.k)
	if c.bf16 {
		packed = NewPackedAs(BF16, c.n, c.k)
		roundAll(b)
	}
	native := c.bf16 && packed.set.native()
	if native {
		roundAll(a)
	}
	packed.data = guarded(t, len(packed.data), c.front)
	clear(packed.data)
	packed.SetTransposed(0, b, c.ldb, c.n)
	turned := NewPacked(c.k, c.n)
	if c.bf16 {
		turned = NewPackedAs(BF16, c.k, c.n)
	}
	turned.data = guarded(t, len(turned.data), c.front)
	clear(turned.data)
	turned.SetRows(0, b, c.ldb, c.k)

	var first []float32
	for name, f := range map[string]func(){
		"GemmNT":     func() { pool.GemmNT(out, c.ldc, a, c.lda, c.m, packed, c.accumulate) },
		"GemmNN":     func() { pool.GemmNN(out, c.ldc, a, c.lda, c.m, b, c.ldb, c.n, c.k, c.accumulate) },
		"SerialNT":   func() { SerialNT(out, c.ldc, a, c.lda, c.m, packed, c.n, c.k, c.accumulate) },
		"GemmPacked": func() { pool.GemmPacked(out, c.ldc, a, c.lda, c.m, turned, c.accumulate) },
		"SerialNN":   func() { SerialNN(out, c.ldc, a, c.lda, c.m, b, c.ldb, c.n, c.k, c.accumulate) },
	} {
		if native && strings.HasSuffix(name, "NN") {
			continue // in float32
		}
		copy(out, start)
		f()
		if first == nil {
			first = append([]float32{}, out...)
			c.compare(t, name, a, b, start, out)
		}
		for i := range out {
			if !sameBits(out[i], first[i]) {
				t.Fatalf("%v: %s differs from another entry point at row %d, column %d: %g, %g", c, name, i/c.ldc, i%c.ldc, out[i], first[i])
			}
		}
	}
	// A row does not depend on the rows beside it.
	if c.m > 1 && c.n > 0 && c.k > 0 {
		i := int(c.seed % uint64(c.m))
		row := append([]float32{}, start[i*c.ldc:i*c.ldc+c.n]...)
		SerialNT(row, c.n, a[i*c.lda:i*c.lda+c.k], c.k, 1, packed, c.n, c.k, c.accumulate)
		for j, v := range row {
			if !sameBits(v, first[i*c.ldc+j]) {
				t.Fatalf("%v: row %d alone differs at column %d", c, i, j)
			}
		}
	}
}

func (c gemmCase) compare(t *testing.T, name string, a, b, start, out []float32) {
	t.Helper()
	for i := range c.m {
		for j := range c.n {
			var sum, size float64
			if c.accumulate {
				sum = float64(start[i*c.ldc+j])
				size = math.Abs(sum)
			}
			for l := range c.k {
				v := float64(a[i*c.lda+l]) * float64(b[l*c.ldb+j])
				sum += v
				size += math.Abs(v)
			}
			if got := float64(out[i*c.ldc+j]); !(math.Abs(got-sum) <= 1e-6*size) {
				t.Fatalf("%v: %s gives %g at row %d, column %d, not %g", c, name, got, i, j, sum)
			}
		}
	}
	for i, v := range out {
		if i%c.ldc >= c.n && v != sentinel {
			t.Fatalf("%v: %s writes between rows at %d", c, name, i)
		}
	}
}

func TestGemm(t *testing.T)     { testGemm(t, false) }
func TestGemmBF16(t *testing.T) { testGemm(t, true) }

func testGemm(t *testing.T, bf16 bool) {
	pool := NewPool(3)
	defer pool.Close()
	each := eachSet
	if bf16 {
		each = eachSetBF16
	}
	each(t, func(t *testing.T) {
		most := 1 << 40
		if slow {
			most = 1 << 19
		}
		if active.Load() == &emulated {
			most = 1 << 18
		}
		cases := []gemmCase{
			{m: 1, n: 1, k: 1},
			{m: 1, n: 576, k: 576},
			{m: 13, n: 33, k: 700},
			{m: 64, n: 64, k: 64},
			{m: 100, n: 16, k: 321},
			{m: 300, n: 17, k: 5},
			{m: 2, n: 300, k: 641},
			{m: 3, n: 4, k: 0},
			{m: 0, n: 4, k: 3},
			{m: 3, n: 64, k: 40000}, // turned in two slabs
			{m: 4, n: 0, k: 3},
		}
		r := seeded(1)
		for range 24 {
			cases = append(cases, gemmCase{m: 1 + r.IntN(200), n: 1 + r.IntN(200), k: 1 + r.IntN(200)})
		}
		for m := 1; m <= 26; m++ { // every combination of tiles of rows
			cases = append(cases, gemmCase{m: m, n: 1 + r.IntN(70), k: 1 + r.IntN(9)})
		}
		for i, c := range cases {
			if c.m*c.n*c.k > most {
				continue
			}
			for _, accumulate := range []bool{false, true} {
				c.accumulate, c.bf16, c.front, c.seed = accumulate, bf16, i%2 == 1, uint64(i)
				c.lda, c.ldb, c.ldc = max(c.k+r.IntN(4), 1), max(c.n+r.IntN(4), 1), max(c.n+r.IntN(4), 1)
				c.run(t, pool)
			}
		}
	})
}

func FuzzGemm(f *testing.F) {
	f.Add(uint8(7), uint8(33), uint16(650), uint8(0), true, false, uint64(1))
	f.Add(uint8(1), uint8(1), uint16(0), uint8(255), false, false, uint64(2))
	f.Add(uint8(13), uint8(50), uint16(333), uint8(37), true, true, uint64(3))
	pool := NewPool(2)
	f.Cleanup(pool.Close)
	f.Fuzz(func(t *testing.T, m, n uint8, k uint16, gaps uint8, accumulate, bf16 bool, seed uint64) {
		c := gemmCase{m: int(m), n: int(n), k: int(k % 800), accumulate: accumulate, bf16: bf16, front: seed%2 == 0, seed: seed}
		c.lda, c.ldb, c.ldc = max(c.k+int(gaps&3), 1), max(c.n+int(gaps>>2&3), 1), max(c.n+int(gaps>>4), 1)
		eachSetBF16(t, func(t *testing.T) { c.run(t, pool) })
	})
}

// The number of workers, and so the cut into tasks, changes no bit.
func TestGemmWorkers(t *testing.T) {
	eachSetBF16(t, func(t *testing.T) {
		for _, s := range []struct{ m, n, k int }{{60, 200, 330}, {1, 1000, 576}, {500, 48, 33}, {9, 300, 650}} {
			if slow && s.m > 9 {
				continue
			}
			r := seeded(3)
			a, b := r.values(s.m*s.k), r.values(s.n*s.k)
			packed, half := NewPacked(s.n, s.k), NewPackedAs(BF16, s.n, s.k)
			packed.SetTransposed(0, b, s.n, s.n)
			half.SetTransposed(0, b, s.n, s.n)
			turned, turnedHalf := NewPacked(s.k, s.n), NewPackedAs(BF16, s.k, s.n)
			turned.SetRows(0, b, s.n, s.k)
			turnedHalf.SetRows(0, b, s.n, s.k)
			var want, wantHalf []float32
			for _, workers := range []int{1, 3, 2, 5} {
				if slow && workers > 3 {
					continue
				}
				p := NewPool(workers)
				nt, nn, bf16 := make([]float32, s.m*s.n), make([]float32, s.m*s.n), make([]float32, s.m*s.n)
				tn, tn16 := make([]float32, s.m*s.n), make([]float32, s.m*s.n)
				p.GemmPacked(tn, s.n, a, s.k, s.m, turned, false)
				p.GemmPacked(tn16, s.n, a, s.k, s.m, turnedHalf, false)
				p.GemmNT(nt, s.n, a, s.k, s.m, packed, false)
				p.GemmNN(nn, s.n, a, s.k, s.m, b, s.n, s.n, s.k, false)
				p.GemmNT(bf16, s.n, a, s.k, s.m, half, false)
				p.Close()
				if want == nil {
					want, wantHalf = nt, bf16
				}
				for i := range want {
					if !sameBits(want[i], nt[i]) || !sameBits(want[i], nn[i]) || !sameBits(want[i], tn[i]) || !sameBits(wantHalf[i], bf16[i]) || !sameBits(wantHalf[i], tn16[i]) {
						t.Fatalf("%v: %d workers differ at %d", s, workers, i)
					}
				}
			}
		}
	})
}

// Sets with fused multiply-adds have the same chains of sums, on any machine.
func TestFusedSetsAgree(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		if Active() == "plain" {
			t.Skip("the compiler decides whether this set is fused")
		}
		const m, n, k = 20, 50, 700
		a, b, c := filled(m*k), filled(n*k), make([]float32, m*n)
		w := NewPacked(n, k)
		w.SetRows(0, b, k, n)
		SerialNT(c, n, a, k, m, w, n, k, false)
		sum := crc32.NewIEEE()
		for _, v := range c {
			sum.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
		}
		if got := sum.Sum32(); got != 0x79710f06 {
			t.Errorf("the checksum of the product is %#x", got)
		}
	})
}

// Part of a packed matrix can be multiplied: the first rows, the first columns.
func TestSerialPart(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		const m, n, k, N, K = 9, 21, 37, 50, 64
		r := seeded(4)
		a, b := r.values(m*k), r.values(N*K)
		packed := NewPacked(N, K)
		packed.SetRows(0, b, K, N)
		part := NewPacked(n, k)
		part.SetRows(0, b, K, n)
		got, want := make([]float32, m*n), make([]float32, m*n)
		SerialNT(got, n, a, k, m, packed, n, k, false)
		SerialNT(want, n, a, k, m, part, n, k, false)
		for i := range want {
			if !sameBits(got[i], want[i]) {
				t.Fatalf("at %d: %g, not %g", i, got[i], want[i])
			}
		}
	})
}

// Non-finite values come through, in whole tiles and at edges.
func TestGemmNonFinite(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		const m, n, k = 7, 19, 9
		r := seeded(5)
		a, b, c := r.values(m*k), r.values(k*n), make([]float32, m*n)
		a[3*k+2] = float32(math.NaN())
		b[4*n+n-1] = float32(math.Inf(1))
		SerialNN(c, n, a, k, m, b, n, n, k, false)
		for i, v := range c {
			finite := !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0)
			if finite != (i/n != 3 && i%n != n-1) {
				t.Errorf("row %d, column %d: %g", i/n, i%n, v)
			}
		}
	})
}

func TestGemmChecks(t *testing.T) {
	x, p := make([]float32, 12), NewPool(1)
	w := NewPacked(3, 4)
	for name, f := range map[string]func(){
		"short a":           func() { p.GemmNT(x, 3, x[:11], 4, 3, w, false) },
		"short c":           func() { p.GemmNT(x[:8], 3, x, 4, 3, w, false) },
		"short packed a":    func() { p.GemmPacked(x, 4, x[:8], 3, 3, w, false) },
		"short packed c":    func() { p.GemmPacked(x[:11], 4, x, 3, 3, w, false) },
		"stride below cols": func() { p.GemmNT(x, 2, x, 4, 3, w, false) },
		"short b":           func() { p.GemmNN(x, 3, x, 4, 3, x[:11], 3, 3, 4, false) },
		"negative":          func() { SerialNN(x, 3, x, 4, -1, x, 3, 3, 4, false) },
		"overflow":          func() { SerialNN(x, math.MaxInt/2, x, 4, 3, x, 3, 3, 4, false) },
		"beyond packed n":   func() { SerialNT(x, 4, x, 4, 1, w, 4, 4, false) },
		"beyond packed k":   func() { SerialNT(x, 3, x, 5, 1, w, 3, 5, false) },
		"row":               func() { w.Row(3, x[:4]) },
		"row length":        func() { w.Row(0, x) },
		"set rows":          func() { w.SetRows(2, x, 4, 2) },
		"set block":         func() { w.SetTransposedBlock(0, 3, x, 3, 2, 3) },
		"packed shape":      func() { NewPacked(-1, 2) },
		"packed size":       func() { NewPacked(1<<30, 1<<30) },
		"transpose":         func() { Transpose(x[:11], 3, x, 4, 3, 4) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

func TestGemmAllocatesNothing(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	eachSetBF16(t, func(t *testing.T) { testAllocations(t, p) })
}

func testAllocations(t *testing.T, p *Pool) {
	runs := 50
	if slow {
		runs = 5
	}
	w, half := NewPacked(50, 70), NewPackedAs(BF16, 50, 70)
	a, b, c := make([]float32, 40*70), make([]float32, 70*50), make([]float32, 40*70)
	for name, f := range map[string]func(){
		"GemmNT":   func() { p.GemmNT(c, 50, a, 70, 40, w, false) },
		"GemmNN":   func() { p.GemmNN(c, 50, a, 70, 40, b, 50, 50, 70, false) },
		"SerialNT": func() { SerialNT(c, 50, a, 70, 40, w, 50, 70, false) },
		"packed":   func() { p.GemmPacked(c, 70, a, 50, 40, w, false) },
		"packed16": func() { p.GemmPacked(c, 70, a, 50, 40, half, false) },
		"bf16":     func() { p.GemmNT(c, 50, a, 70, 40, half, false) },
		"serial":   func() { SerialNT(c, 50, a, 70, 40, half, 50, 70, false) },
		"pack":     func() { half.SetRows(0, b, 70, 50) },
		"stack": func() {
			var q, k, s [16]float32
			SerialNN(s[:], 4, q[:], 4, 4, k[:], 4, 4, 4, false)
			ExpSum(s[:], s[:], 1, 0)
		},
	} {
		if n := testing.AllocsPerRun(runs, f); n != 0 {
			t.Errorf("%s allocates %g times", name, n)
		}
	}
}
