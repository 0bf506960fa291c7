package kernel

import (
	"math"
	"strings"
	"testing"
)

// emulated is the plain set with native bf16 as the instruction VDPBF16PS is
// documented: so the way through rounded activations is tested on any CPU.
var emulated = func() set {
	s := plain
	s.name = "emulated"
	s.bf16Dot = [maxRows + 1]tile{1: dotTile(1), 2: dotTile(2)}
	return s
}()

func dotTile(rows int) tile {
	const w = 4
	return func(k int, a *float32, lda int, b *float32, ldb, _, _ int, c *float32, ldc, accumulate int) {
		for i := range rows {
			out := from(at(c, i*ldc), w)
			for j := range w {
				var sum float32
				for p := range (k + 1) / 2 {
					x, y := patterns(from(at(a, i*lda+p), 1))[0], patterns(from(at(b, p*ldb+j), 1))[0]
					if 2*p+1 == k {
						y &= 0xffff
					}
					sum = flushedFMA(expandBF16(x>>16), expandBF16(y>>16), sum)
					sum = flushedFMA(expandBF16(x), expandBF16(y), sum)
				}
				if accumulate != 0 {
					sum += out[j]
				}
				out[j] = sum
			}
		}
	}
}

// flushedFMA takes denormals for zero and makes none. Products of bf16 are exact
// in float64, sums nearly so.
func flushedFMA(x, y, z float32) float32 {
	return flush(float32(math.FMA(float64(flush(x)), float64(flush(y)), float64(flush(z)))))
}

func flush(x float32) float32 {
	if math.Float32bits(x)&infinity == 0 {
		return float32(math.Copysign(0, float64(x)))
	}
	return x
}

// edges are patterns of the lower half of a float32 where rounding may go wrong.
var edges = []uint32{0, 1, 0x7fff, 0x8000, 0x8001, 0xffff}

// nearestBF16 rounds by looking at both neighbours.
func nearestBF16(x float32) uint32 {
	low := math.Float32bits(x) >> 16
	if x != x {
		return low | 0x40
	}
	high := low + 1
	value := func(h uint32) float64 {
		if h&0x7fff == 0x7f80 { // where infinity would be, were it a number
			return math.Copysign(math.Ldexp(1, 128), float64(x))
		}
		return float64(expandBF16(h))
	}
	down, up := math.Abs(float64(x)-value(low)), math.Abs(value(high)-float64(x))
	if down < up || (down == up && low%2 == 0) || math.IsInf(float64(x), 0) {
		return low
	}
	return high
}

func TestRoundBF16(t *testing.T) {
	var x []float32
	for high := range uint32(1 << 16) {
		for _, low := range edges {
			x = append(x, math.Float32frombits(high<<16|low))
		}
	}
	for _, v := range x {
		if got, want := roundBF16(v), nearestBF16(v); got != want {
			t.Fatalf("%g (%#x) rounds to %#x, not %#x", v, math.Float32bits(v), got, want)
		}
	}
	eachSetBF16(t, func(t *testing.T) {
		const k = 1021 // neither whole vectors nor even
		n := len(x)/k + 1
		b := make([]float32, n*k)
		copy(b, x)
		check := func(what string, p *Packed) {
			t.Helper()
			for i, v := range unpacked(p) {
				if math.Float32bits(v)>>16 != roundBF16(b[i]) || math.Float32bits(v)&0xffff != 0 {
					t.Fatalf("%s: %#x gives %#x", what, math.Float32bits(b[i]), math.Float32bits(v))
				}
			}
		}
		p := NewPackedAs(BF16, n, k)
		p.SetRows(0, b, k, n)
		check("SetRows", p)
		turned := make([]float32, n*k)
		Transpose(turned, n, b, k, n, k)
		p = NewPackedAs(BF16, n, k)
		p.SetTransposed(0, turned, n, n)
		check("SetTransposed", p)
		row := make([]float32, (k+1)/2)
		for i := range n {
			active.Load().roundRow(row, b[i*k:(i+1)*k])
			for j := range k {
				if got := patterns(row)[j/2] >> (j % 2 * 16) & 0xffff; got != roundBF16(b[i*k+j]) {
					t.Fatalf("roundRow: %#x gives %#x", math.Float32bits(b[i*k+j]), got)
				}
			}
			if patterns(row)[k/2]>>16 != 0 {
				t.Fatal("roundRow leaves something beside an odd last value")
			}
		}
	})
}

// A product by bf16 has the bits of the product by float32 of the same values;
// a native one those of activations rounded before.
func TestBF16IsExact(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	eachSetBF16(t, func(t *testing.T) {
		const m, n, k = 13, 50, 1001
		r := seeded(21)
		a, b := r.values(m*k), r.values(n*k)
		half, whole := NewPackedAs(BF16, n, k), NewPacked(n, k)
		half.SetRows(0, b, k, n)
		roundAll(b)
		whole.SetRows(0, b, k, n)
		got, want := make([]float32, m*n), make([]float32, m*n)
		pool.GemmNT(got, n, a, k, m, half, false)
		if ComputesBF16() {
			whole = half
			roundAll(a)
		}
		pool.GemmNT(want, n, a, k, m, whole, false)
		same(t, "bf16", got, want)
		if got, want := half.Bytes()*2, NewPacked(n, k+1).Bytes(); got != want {
			t.Errorf("twice the bytes are %d, not %d", got, want)
		}
	})
}

// What lies past an odd k, in the same pair, has no influence.
func TestBF16OddPart(t *testing.T) {
	eachSetBF16(t, func(t *testing.T) {
		const m, n, k, K = 9, 21, 37, 64
		r := seeded(22)
		a, b := r.values(m*k), r.values(n*K)
		for i := range n {
			for j := k; j < K; j++ {
				b[i*K+j] = float32(math.NaN())
			}
		}
		packed, part := NewPackedAs(BF16, n, K), NewPackedAs(BF16, n, k)
		packed.SetRows(0, b, K, n)
		part.SetRows(0, b, K, n)
		got, want := make([]float32, m*n), make([]float32, m*n)
		SerialNT(got, n, a, k, m, packed, n, k, false)
		SerialNT(want, n, a, k, m, part, n, k, false)
		same(t, "part", got, want)
		for i, v := range got {
			if v != v {
				t.Fatalf("NaN at %d", i)
			}
		}
	})
}

func TestBF16NonFinite(t *testing.T) {
	eachSetBF16(t, func(t *testing.T) {
		const m, n, k = 7, 19, 9
		for spot := range k {
			r := seeded(23)
			a, b, c := r.values(m*k), r.values(n*k), make([]float32, m*n)
			a[3*k+spot] = float32(math.NaN())
			b[(n-1)*k+spot] = float32(math.Inf(1))
			p := NewPackedAs(BF16, n, k)
			p.SetRows(0, b, k, n)
			SerialNT(c, n, a, k, m, p, n, k, false)
			for i, v := range c {
				finite := !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0)
				if finite != (i/n != 3 && i%n != n-1) {
					t.Errorf("row %d, column %d: %g", i/n, i%n, v)
				}
			}
		}
	})
}

func TestDescribe(t *testing.T) {
	eachSetBF16(t, func(t *testing.T) {
		text := Describe()
		if !strings.HasPrefix(text, Active()+": ") || strings.Contains(text, "\n") {
			t.Errorf("%q", text)
		}
		if strings.Contains(text, "expanded to f32") == ComputesBF16() {
			t.Errorf("%q, but native bf16 is %t", text, ComputesBF16())
		}
		if strings.Contains(text, "the best this CPU can run") != (Active() == Sets()[0]) {
			t.Errorf("%q among %v", text, Sets())
		}
	})
}
