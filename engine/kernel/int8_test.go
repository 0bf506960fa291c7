package kernel

import (
	"fmt"
	"math"
	"testing"

	"hone/engine/half"
)

// asInt8 packs b [n, k] and returns also what of it was kept.
func asInt8(b []float32, n, k int) (p *Packed, kept []float32) {
	p = NewPackedAs(Int8, n, k)
	p.SetRows(0, b, k, n)
	return p, unpacked(p)
}

// A product by int8 has the bits of the product by float32 of the same values, in
// every entry point, for any number of rows.
func TestInt8IsExact(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	eachSet(t, func(t *testing.T) {
		r := seeded(31)
		cases := 60
		if slow {
			cases = 12
		}
		for i := range cases {
			m, n, k := 1+r.IntN(20), 1+r.IntN(90), 1+r.IntN(100)
			switch {
			case i%5 == 0:
				k += 300 + r.IntN(700) // several blocks of the product
			case i%7 == 0:
				m += 40
			}
			testInt8(t, pool, r, m, n, k)
		}
	})
}

func testInt8(t *testing.T, pool *Pool, r source, m, n, k int) {
	t.Helper()
	name := func(what string) string { return fmt.Sprintf("%s, [%d, %d] by [%d, %d]", what, m, k, n, k) }
	b := r.values(n * k)
	packed, kept := asInt8(b, n, k)
	front := r.IntN(2) == 0
	packed.data = moved(t, packed.data, front)
	whole := NewPacked(n, k)
	whole.SetRows(0, kept, k, n)

	lda, ldc := k+r.IntN(3), n+r.IntN(3)
	a := r.fill(guarded(t, span(m, k, lda), front))
	start := r.values(span(m, n, ldc))
	got, want := guarded(t, len(start), front), make([]float32, len(start))
	for _, accumulate := range []bool{false, true} {
		copy(got, start)
		copy(want, start)
		pool.GemmNT(got, ldc, a, lda, m, packed, accumulate)
		pool.GemmNT(want, ldc, a, lda, m, whole, accumulate)
		same(t, name("GemmNT"), got, want)
		copy(got, start)
		SerialNT(got, ldc, a, lda, m, packed, n, k, accumulate)
		same(t, name("SerialNT"), got, want)
		part, columns := 1+r.IntN(n), 1+r.IntN(k)
		SerialNT(got, ldc, a, lda, m, packed, part, columns, accumulate)
		SerialNT(want, ldc, a, lda, m, whole, part, columns, accumulate)
		same(t, name("a part by SerialNT"), got, want)
	}

	x := r.values(m * n)
	back, wantBack := r.values(m*k), make([]float32, m*k)
	copy(wantBack, back)
	pool.GemmPacked(back, k, x, n, m, packed, m%2 == 0)
	pool.GemmPacked(wantBack, k, x, n, m, whole, m%2 == 0)
	same(t, name("GemmPacked"), back, wantBack)
}

// No value moves by more than half a step, of which 255 span a block; whatever
// the values' magnitude, as far as halves go.
func TestInt8Error(t *testing.T) {
	const n, k = 200, 333
	for _, size := range []float32{1e-6, 1e-4, 0.02, 1, 300} {
		r := seeded(32)
		b := r.values(n * k)
		for i := range b {
			b[i] *= size
			if i/k%10 == 0 {
				b[i] += 5 * size // far from zero
			}
		}
		_, kept := asInt8(b, n, k)
		for i := 0; i < n; i++ {
			for j := 0; j < k; j += int8Block {
				block := b[i*k+j : i*k+min(k, j+int8Block)]
				low, high := block[0], block[0]
				for _, v := range block {
					low, high = min(low, v), max(high, v)
				}
				// Step and least value are halves: they round outwards, and near zero
				// their own unit is 2^-24.
				unit := math.Max(float64(max(high, -low))/1024, 0x1p-24)
				allowed := ((float64(high-low)+unit)/255*(1+1.0/1024)+0x1p-24)/2 + float64(max(high, -low))*0x1p-23
				for l, v := range block {
					if d := math.Abs(float64(v) - float64(kept[i*k+j+l])); d > allowed {
						t.Fatalf("size %g: %g became %g, off by %g of %g", size, v, kept[i*k+j+l], d, allowed)
					}
				}
			}
		}
	}
}

// What comes from GGUF's types of 32 values a block is kept bit for bit.
func TestInt8KeepsGGUF(t *testing.T) {
	const k = 32
	for _, g := range []struct {
		name   string
		levels int     // of the type
		offset float32 // what is taken from a level; 0 where a least value is stored
		end    int     // a level that every block has, as the type's quantizer leaves it
	}{
		{"Q4_0", 16, 8, 0},
		{"Q4_1", 16, 0, 15},
		{"Q5_0", 32, 16, 0},
		{"Q5_1", 32, 0, 31},
		{"Q8_0", 255, 127, 254},
	} {
		r := seeded(33)
		for range 2000 {
			step := half.Float32(half.Nearest(float32(math.Exp2(-12 + 8*r.Float64()))))
			if g.offset == 8 || g.offset == 16 { // these have steps of either sign
				step *= 1 - 2*float32(r.IntN(2))
			}
			least := -g.offset * step
			if g.offset == 0 {
				least = half.Float32(half.Nearest(-step * 16 * r.Float32()))
			}
			b := make([]float32, k)
			for i := range b {
				level := r.IntN(g.levels)
				switch {
				case i == 3:
					level = g.end
				case i == 4 && g.offset == 0:
					level = 0
				}
				b[i] = float32(float32(level)*step) + least
			}
			if _, kept := asInt8(b, 1, k); !equalBits(kept, b) {
				t.Fatalf("%s, step %g: %v became %v", g.name, step, b, kept)
			}
		}
	}
}

func equalBits(a, b []float32) bool {
	for i := range a {
		if !sameBits(a[i], b[i]) {
			return false
		}
	}
	return true
}

// Blocks of one value, zeros, values beyond the halves, and what is half of both.
func TestInt8Edges(t *testing.T) {
	tests := []struct {
		name string
		b    []float32
		off  float64
	}{
		{"zeros", make([]float32, 40), 0},
		{"one value", []float32{0.3}, 0.3 / 2048},
		{"equal values", []float32{-3, -3, -3}, 0},
		{"tiny", []float32{1e-9, -1e-9}, 6e-8},
		{"the largest", []float32{half.Largest, -half.Largest, 0}, 300},
		{"beyond", []float32{half.Largest, 1e9, -1e9}, 1e9},
		{"one outlier", append(make([]float32, 31), 100), 0.2},
	}
	for _, c := range tests {
		_, kept := asInt8(c.b, 1, len(c.b))
		for i, v := range kept {
			if d := math.Abs(float64(v) - float64(c.b[i])); !(d <= c.off) || math.Abs(float64(v)) > 1.01*LargestInt8 {
				t.Errorf("%s: %g became %g", c.name, c.b[i], v)
			}
		}
	}
}

func TestInt8Memory(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		p := NewPackedAs(Int8, 64, 640)
		if got, want := p.Bytes(), int64(64*640*9/8); got != want || PackedBytes(Int8, 64, 640) != want {
			t.Errorf("%d bytes, not %d", got, want)
		}
		pool := NewPool(2)
		defer pool.Close()
		a, c := make([]float32, 40*640), make([]float32, 40*640)
		for name, f := range map[string]func(){
			"one row":   func() { pool.GemmNT(c, 64, a, 640, 1, p, false) },
			"many rows": func() { pool.GemmNT(c, 64, a, 640, 40, p, false) },
			"back":      func() { pool.GemmPacked(c, 640, a, 64, 40, p, false) },
			"pack":      func() { p.SetRows(0, a[:64], 640, 0) },
		} {
			if n := testing.AllocsPerRun(5, f); n != 0 {
				t.Errorf("%s allocates %g times", name, n)
			}
		}
	})
}
