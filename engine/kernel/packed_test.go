package kernel

import (
	"math"
	"testing"
)

// unpacked reads all rows of p.
func unpacked(p *Packed) []float32 {
	x := make([]float32, p.N*p.K)
	for n := range p.N {
		p.Row(n, x[n*p.K:(n+1)*p.K])
	}
	return x
}

func same(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, not %d", what, len(got), len(want))
	}
	for i := range want {
		if !sameBits(got[i], want[i]) {
			t.Fatalf("%s: at %d: %g, not %g", what, i, got[i], want[i])
		}
	}
}

func TestPacked(t *testing.T)     { testPacked(t, NewPacked) }
func TestPackedBF16(t *testing.T) { testPacked(t, newBF16) }

func newBF16(n, k int) *Packed { return NewPackedAs(BF16, n, k) }

func testPacked(t *testing.T, fresh func(n, k int) *Packed) {
	eachSetBF16(t, func(t *testing.T) {
		r := seeded(11)
		p := fresh(0, 0)
		for range 80 {
			n, k := 1+r.IntN(90), 1+r.IntN(90)
			ldb := k + r.IntN(3)
			b := r.fill(guarded(t, span(n, k, ldb), r.IntN(2) == 0))
			want := make([]float32, n*k)
			for i := range n {
				copy(want[i*k:(i+1)*k], b[i*ldb:])
			}
			bytes := 4 * n * k
			if p.Format() == BF16 {
				roundAll(want)
				bytes = 2 * n * k
			}
			// In parts, at any row, over what was there before.
			for i := range p.data {
				p.data[i] = float32(math.NaN())
			}
			p.Reset(n, k)
			p.data = moved(t, p.data, r.IntN(2) == 0)
			for n0 := 0; n0 < n; {
				rows := min(1+r.IntN(40), n-n0)
				p.SetRows(n0, b[n0*ldb:], ldb, rows)
				n0 += rows
			}
			same(t, "SetRows", unpacked(p), want)

			ldt := n + r.IntN(3)
			turned := guarded(t, span(k, n, ldt), r.IntN(2) == 0)
			Transpose(turned, ldt, b, ldb, n, k)
			p.Reset(n, k)
			clear(p.data)
			for k0 := 0; k0 < k; {
				rows := min(1+r.IntN(40), k-k0)
				for n0 := 0; n0 < n; {
					cols := min(1+r.IntN(40), n-n0)
					p.SetTransposedBlock(n0, k0, turned[k0*ldt+n0:], ldt, rows, cols)
					n0 += cols
				}
				k0 += rows
			}
			same(t, "SetTransposedBlock", unpacked(p), want)
			if p.Bytes() < int64(bytes) {
				t.Errorf("%d bytes for [%d, %d]", p.Bytes(), n, k)
			}
		}
	})
}

// A packed matrix belongs to the set that packed it.
func TestCopyBlock(t *testing.T) {
	for _, fresh := range []func(n, k int) *Packed{NewPacked, newBF16} {
		eachSetBF16(t, func(t *testing.T) {
			r := seeded(12)
			for range 20 {
				n, k := 1+r.IntN(60), 1+r.IntN(60)
				src, dst := fresh(n+r.IntN(20), k+r.IntN(20)), fresh(n+r.IntN(40), k+r.IntN(40))
				src.SetRows(0, r.values(src.N*src.K), src.K, src.N)
				dst.CopyBlock(src, n, k)
				got, want := make([]float32, dst.K), make([]float32, src.K)
				for i := range n {
					dst.Row(i, got)
					src.Row(i, want)
					same(t, "row", got[:k], want[:k])
				}
			}
			defer func() {
				if recover() == nil {
					t.Error("different layouts are copied")
				}
			}()
			NewPacked(4, 4).CopyBlock(NewPackedAs(BF16, 4, 4), 2, 2)
		})
	}
}

func TestPackedOutlivesSet(t *testing.T) {
	defer use(t, Active())
	const m, n, k = 5, 40, 30
	r := seeded(12)
	a, b := r.values(m*k), r.values(n*k)
	for _, packer := range Sets() {
		use(t, packer)
		p := NewPacked(n, k)
		p.SetRows(0, b, k, n/2)
		want := make([]float32, m*n)
		for _, other := range Sets() {
			use(t, other)
			p.SetRows(n/2, b[n/2*k:], k, n-n/2)
			same(t, packer+" under "+other, unpacked(p), b)
			got := make([]float32, m*n)
			SerialNT(got, n, a, k, m, p, n, k, false)
			if other == Sets()[0] {
				copy(want, got)
			}
			same(t, packer+" under "+other, got, want)
		}
	}
}

func TestPackedReusesMemory(t *testing.T) {
	p := NewPacked(64, 64)
	if n := testing.AllocsPerRun(20, func() {
		p.Reset(33, 7)
		p.Reset(64, 64)
	}); n != 0 {
		t.Errorf("Reset allocates %g times", n)
	}
}

func TestTranspose(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		r := seeded(13)
		for i := range 120 {
			rows, cols := 1+r.IntN(300), 1+r.IntN(40)
			if i%2 == 0 {
				rows, cols = cols, rows
			}
			lds, ldd := cols+r.IntN(3), rows+r.IntN(3)
			src := r.fill(guarded(t, span(rows, cols, lds), i%3 == 0))
			dst := guarded(t, span(cols, rows, ldd), i%3 == 0)
			for i := range dst {
				dst[i] = sentinel
			}
			Transpose(dst, ldd, src, lds, rows, cols)
			for i, v := range dst {
				want := sentinel
				if i%ldd < rows {
					want = src[i%ldd*lds+i/ldd]
				}
				if !sameBits(v, want) {
					t.Fatalf("[%d, %d], at %d: %g, not %g", rows, cols, i, v, want)
				}
			}
		}
	})
}
