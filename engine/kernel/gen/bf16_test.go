package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// round16 is bf16 to nearest, ties to even, of a finite value.
func round16(x float32) uint32 {
	u := math.Float32bits(x)
	return (u + 0x7fff + u>>16&1) >> 16
}

func expand16(h uint32) float32 { return math.Float32frombits(h << 16) }

// pairRows packs x [k, n], of which rows are ld apart, into pairs of rows; an
// odd last row is beside fill.
func pairRows(x []float32, ld, k, n int, fill uint32) []float32 {
	out := make([]float32, ((k+1)/2-1)*ld+n)
	for i := range (k + 1) / 2 {
		for j := range n {
			v := round16(x[2*i*ld+j]) | fill<<16
			if 2*i+1 < k {
				v = round16(x[2*i*ld+j]) | round16(x[(2*i+1)*ld+j])<<16
			}
			out[i*ld+j] = math.Float32frombits(v)
		}
	}
	return out
}

const nan16 = 0x7fc0

func TestPairTiles(t *testing.T) {
	l := load(t)
	for _, w := range widths {
		for _, native := range []bool{false, true} {
			kind := "BF16"
			if native {
				kind = "Dot"
				if !w.wide() {
					continue
				}
			}
			for rows := 1; rows <= w.rows; rows++ {
				for _, k := range []int{1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 22, 27} {
					testPairTile(t, l, w, kind, rows, k)
				}
			}
		}
	}
}

func testPairTile(t *testing.T, l library, w width, kind string, rows, k int) {
	t.Helper()
	n := w.columns()
	name := fmt.Sprintf("tile%dx%d%s%s", rows, n, kind, w.name)
	m, f := l.start(t, name)
	accumulate, gap := (rows+k)%2, k%3
	lda, ldb, ldc := k+gap, n+gap, n+2*gap
	a, b, c := values((rows-1)*lda+k), values((k-1)*ldb+n), values((rows-1)*ldc+n)
	for i, v := range b {
		b[i] = expand16(round16(v))
	}
	inA, stride := a, lda
	if kind == "Dot" {
		// Every row of A by itself, with zero beside an odd last value.
		stride = (k+1)/2 + gap
		inA = make([]float32, (rows-1)*stride+(k+1)/2)
		for i := range rows {
			copy(inA[i*stride:], pairRows(a[i*lda:], 1, k, 1, 0))
		}
		for i, v := range a {
			a[i] = expand16(round16(v))
		}
	}
	at := m.floats(c)
	m.call(f, k, m.floats(inA), stride, m.floats(pairRows(b, ldb, k, n, nan16)), ldb, 100, 30, at, ldc, accumulate)
	for i, v := range m.read(at, len(c)) {
		row, col := i/ldc, i%ldc
		want := float64(c[i])
		if col < n {
			want *= float64(accumulate)
			for p := range k {
				want += float64(a[row*lda+p]) * float64(b[p*ldb+col])
			}
		}
		near(t, fmt.Sprintf("%s, k %d, element %d", name, k, i), v, want, 1e-5)
	}
}

// The bits of one multiplication as Intel documents it.
func TestDotSemantics(t *testing.T) {
	const one, tiny, denormal, inf = 0x3f80, 0x0080, 0x0001, 0x7f80 // tiny is the smallest normal number
	infinite, nan := float32(math.Inf(1)), float32(math.NaN())
	x := expand16(0x3f81) // 1 + 2^-7
	for _, c := range []struct {
		what        string
		aLow, aHigh uint32
		bLow, bHigh uint32
		start, want float32
	}{
		{"the upper half comes first", one, 0xcb80, one, one, 1 << 24, 1},
		{"and the lower half then", 0xcb80, one, one, one, 1 << 24, 0},
		{"ties to even, down", one, 0, one, 0, 1 << 24, 1 << 24},
		{"ties to even, up", one, 0, one, 0, 1<<24 + 2, 1<<24 + 4},
		{"one rounding", 0x3f81, 0, 0x3f81, 0, -1, x*x - 1},
		{"denormal factor", denormal, 0, 0x7f00, 0, 1, 1},
		{"denormal sum before", one, 0, 0, 0, math.Float32frombits(1), 0},
		{"denormal sum after", tiny, 0, 0x3f00, 0, 0, 0},
		{"infinity", inf, 0, one, 0, 1, infinite},
		{"overflow", 0x7f00, 0, 0x4000, 0, 0, infinite},
		{"infinity by zero", inf, 0, 0, 0, 1, nan},
		{"infinity by a denormal", inf, 0, denormal, 0, 1, nan},
		{"NaN in the upper half", one, nan16, one, one, 1, nan},
	} {
		const a, b, sum = 17, 9, 30
		m := &machine{}
		for i := range 16 {
			binary.LittleEndian.PutUint32(m.vectors[a][4*i:], c.aLow|c.aHigh<<16)
			binary.LittleEndian.PutUint32(m.vectors[b][4*i:], c.bLow|c.bHigh<<16)
			binary.LittleEndian.PutUint32(m.vectors[sum][4*i:], math.Float32bits(c.start))
		}
		f := &ir.Function{Nodes: []ir.Node{&ir.Instruction{
			Opcode: vdpbf16ps, Operands: []operand.Op{reg.Z9, reg.Z17, reg.Z30},
		}}}
		spellOut(f)
		in := f.Instructions()
		m.dot(in[0], in[1])
		got := float(m.vectors[sum][:], 15)
		if math.Float32bits(got) != math.Float32bits(c.want) && !(got != got && c.want != c.want) {
			t.Errorf("%s: %g, not %g", c.what, got, c.want)
		}
	}
}

func TestRoundPrograms(t *testing.T) {
	l := load(t)
	var x []float32
	for _, high := range []uint32{0, 1, 0x7f, 0x80, 0x3f80, 0x3f81, 0x7f7f, 0x7f80, 0x7f81, 0x7fff, 0x8000, 0xbf80, 0xff7f, 0xff80, 0xffff, 0x4049} {
		for _, low := range []uint32{0, 1, 0x7fff, 0x8000, 0x8001, 0xffff} {
			x = append(x, math.Float32frombits(high<<16|low))
		}
	}
	want := func(v float32) uint32 {
		if v != v {
			return math.Float32bits(v)>>16 | 0x40
		}
		return round16(v)
	}
	for n := 16; n <= len(x); n += 16 {
		m, f := l.start(t, "roundBF16AVX2")
		at := m.add(make([]byte, 2*n))
		m.call(f, at, m.floats(x[:n]), n)
		for i, v := range x[:n] {
			if got := uint32(binary.LittleEndian.Uint16(m.at(at, 2*n)[2*i:])); got != want(v) {
				t.Errorf("%#x of %d rounds to %#x, not %#x", math.Float32bits(v), n, got, want(v))
			}
		}
	}
	for _, w := range widths {
		for _, pairs := range []int{1, 2, 3} {
			n := w.columns()
			ld := n + pairs
			src := make([]float32, (2*pairs-1)*ld+n)
			for i := range src {
				src[i] = x[i*7%len(x)]
			}
			m, f := l.start(t, fmt.Sprintf("pairPanel%dAVX2", n))
			at := m.add(make([]byte, 4*pairs*n))
			m.call(f, at, m.floats(src), ld, pairs)
			for i := range pairs * n {
				row, col := i/n, i%n
				got := binary.LittleEndian.Uint32(m.at(at, 4*pairs*n)[4*i:])
				if want := want(src[2*row*ld+col]) | want(src[(2*row+1)*ld+col])<<16; got != want {
					t.Errorf("%s: pair %d, column %d: %#x, not %#x", f.Name, row, col, got, want)
				}
			}

			m, f = l.start(t, fmt.Sprintf("expandPanel%dAVX2", n))
			at = m.add(make([]byte, 8*pairs*n))
			m.call(f, at, m.floats(src[:pairs*n]), pairs)
			for i := range 2 * pairs * n {
				row, col := i/n, i%n
				got := binary.LittleEndian.Uint32(m.at(at, 8*pairs*n)[4*i:])
				if want := math.Float32bits(src[row/2*n+col]) >> (row % 2 * 16) << 16; got != want {
					t.Errorf("%s: row %d, column %d: %#x, not %#x", f.Name, row, col, got, want)
				}
			}
		}
	}
}
