package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A packed matrix of bf16 holds pairs: one 32-bit value has the k-th value of a
// column in its lower half and the one of k+1 in its upper half. That is what
// the native instruction multiplies, and either half becomes float32 with one
// operation.

const pairDoc = "computes C[%d, %d] (+)= A[%d, k] B[k, %d] with %s and pairs of bf16 in B [ceil(k/2), %d]; strides are in 32-bit values, k is at least 1. With every four rows of pairs it prefetches as much of B from ahead values on, which advances by pace."

// tilesBF16 emits tiles that expand B and compute in float32.
func (g *generator) tilesBF16() {
	columns := g.columns()
	for rows := 1; rows <= g.rows; rows++ {
		var high reg.VecVirtual
		load := func(row operand.Mem) (b0, b1 reg.VecVirtual) {
			b0, b1 = g.vec(), g.vec()
			g.VMOVUPS(row, b0)
			g.VMOVUPS(row.Offset(g.bytes), b1)
			g.VPSLLD(operand.Imm(16), b0, b0)
			g.VPSLLD(operand.Imm(16), b1, b1)
			return b0, b1
		}
		g.pairTile(rows, fmt.Sprintf("tile%dx%dBF16%s", rows, columns, g.name),
			fmt.Sprintf(pairDoc, rows, columns, rows, columns, "float32 in A", columns),
			pairSteps{
				values: 2,
				start: func(*tileState) {
					high = g.vec()
					g.VMOVUPS(g.constant("high"), high)
				},
				pair: func(t *tileState, p int, row operand.Mem) {
					b0, b1 := load(row)
					t.multiply(0, 2*p, b0, b1, g.fma)
					b0, b1 = g.vec(), g.vec()
					g.and(row, high, b0)
					g.and(row.Offset(g.bytes), high, b1)
					t.multiply(0, 2*p+1, b0, b1, g.fma)
				},
				last: func(t *tileState, row operand.Mem) {
					b0, b1 := load(row)
					t.multiply(0, 0, b0, b1, g.fma)
				},
			})
	}
}

// tilesDot emits tiles that multiply pairs with the native instruction. Where k
// is odd, A has zero in the last upper half, and what B has there, which may
// not be finite, is cleared.
func (g *generator) tilesDot() {
	columns := g.columns()
	for rows := 1; rows <= g.rows; rows++ {
		load := func(row operand.Mem) (b0, b1 reg.VecVirtual) {
			b0, b1 = g.vec(), g.vec()
			g.VMOVUPS(row, b0)
			g.VMOVUPS(row.Offset(g.bytes), b1)
			return b0, b1
		}
		g.pairTile(rows, fmt.Sprintf("tile%dx%dDot%s", rows, columns, g.name),
			fmt.Sprintf(pairDoc, rows, columns, rows, columns, "pairs of bf16 in A", columns),
			pairSteps{
				values: 1,
				start:  func(*tileState) {},
				pair: func(t *tileState, p int, row operand.Mem) {
					b0, b1 := load(row)
					t.multiply(0, p, b0, b1, g.dot2)
				},
				last: func(t *tileState, row operand.Mem) {
					b0, b1 := load(row)
					for _, b := range []reg.VecVirtual{b0, b1} {
						g.VPSLLD(operand.Imm(16), b, b)
						g.VPSRLD(operand.Imm(16), b, b)
					}
					t.multiply(0, 0, b0, b1, g.dot2)
				},
			})
	}
}

// pairSteps is what differs between tiles of pairs.
type pairSteps struct {
	values int // of A for a pair of k, 32-bit
	start  func(t *tileState)
	pair   func(t *tileState, p int, row operand.Mem) // the p-th pair from where A and B stand
	last   func(t *tileState, row operand.Mem)        // the lower half only
}

// pairTile emits a tile that goes through B by pairs of k.
func (g *generator) pairTile(rows int, name, doc string, s pairSteps) {
	t := g.startTile(rows, name, doc)
	ldb3 := g.GP64()
	g.LEAQ(operand.Mem{Base: t.ldb, Index: t.ldb, Scale: 2}, ldb3)
	g.SHRQ(operand.Imm(1), t.k)
	t.zero(1)
	s.start(t)
	const unroll = 4
	rest, single, odd, done := g.label("rest"), g.label("single"), g.label("odd"), g.label("done")
	t.loop(unroll, rest, func() {
		t.prefetch(unroll)
		for u := range unroll {
			row := operand.Mem{Base: t.b}
			switch u {
			case 1, 2:
				row.Index, row.Scale = t.ldb, uint8(u)
			case 3:
				row.Index, row.Scale = ldb3, 1
			}
			s.pair(t, u, row)
		}
		t.advance(unroll*s.values, unroll)
	})
	g.JZ(operand.LabelRef(odd))
	g.Label(single)
	s.pair(t, 0, operand.Mem{Base: t.b})
	t.advance(s.values, 1)
	g.DECQ(t.k)
	g.JNZ(operand.LabelRef(single))
	g.Label(odd)
	k := g.Load(g.Param("k"), g.GP64())
	g.TESTQ(operand.U32(1), k)
	g.JZ(operand.LabelRef(done))
	s.last(t, operand.Mem{Base: t.b})
	g.Label(done)
	t.finish()
}

// rounded emits the rounding of the vector at x to bf16, to nearest, ties to
// even, into the upper half of every lane; the lower half is arbitrary. A NaN
// stays one and becomes quiet: adding to it could turn it into a zero.
func (g *generator) rounded(x operand.Mem) reg.VecVirtual {
	v, r, m := g.YMM(), g.YMM(), g.YMM()
	g.VMOVUPS(x, v)
	g.VPSRLD(operand.Imm(16), v, r)
	g.VPAND(g.constant("unit"), r, r)
	g.VPADDD(g.constant("almostHalf"), r, r)
	g.VPADDD(v, r, r)
	g.VCMPPS(operand.U8(unordered), v, v, m)
	g.VPOR(g.constant("quiet"), v, v)
	g.VBLENDVPS(m, v, r, r)
	return r
}

// roundBF16 emits the conversion of a row to bf16.
func (g *generator) roundBF16() {
	g.text("roundBF16AVX2", "func(dst, src *float32, n int)",
		"rounds src[n] to bf16, two to a 32-bit value of dst, the first in its lower half; n is a positive multiple of 16.")
	p := g.pointers("dst", "src")
	n := g.Load(g.Param("n"), g.GP64())
	loop := g.label("loop")
	g.Label(loop)
	a := g.rounded(operand.Mem{Base: p[1]})
	b := g.rounded(operand.Mem{Base: p[1], Disp: 32})
	g.VPSRLD(operand.Imm(16), a, a)
	g.VPSRLD(operand.Imm(16), b, b)
	g.VPACKUSDW(b, a, a)             // by halves: a0-3 b0-3, a4-7 b4-7
	g.VPERMQ(operand.U8(0xd8), a, a) // the inner quarters change places
	g.VMOVUPS(a, operand.Mem{Base: p[0]})
	g.ADDQ(operand.Imm(64), p[1])
	g.ADDQ(operand.Imm(32), p[0])
	g.SUBQ(operand.Imm(16), n)
	g.JNZ(operand.LabelRef(loop))
	g.finish()
}

// pairPanel emits the packing of a panel from rows of consecutive k.
func (g *generator) pairPanel(columns int) {
	g.text(fmt.Sprintf("pairPanel%dAVX2", columns), "func(dst, src *float32, lds, pairs int)",
		fmt.Sprintf("rounds src[2*pairs, %d] to bf16 and sets dst[pairs, %d] to the pairs of rows, the first in the lower half; pairs is at least 1.", columns, columns))
	p := g.pointers("dst", "src")
	dst, src := p[0], p[1]
	lds := g.Load(g.Param("lds"), g.GP64())
	n := g.Load(g.Param("pairs"), g.GP64())
	g.SHLQ(operand.Imm(2), lds)
	loop := g.label("loop")
	g.Label(loop)
	for disp := 0; disp < 4*columns; disp += 32 {
		low := g.rounded(operand.Mem{Base: src, Disp: disp})
		high := g.rounded(operand.Mem{Base: src, Index: lds, Scale: 1, Disp: disp})
		g.VPSRLD(operand.Imm(16), low, low)
		g.VPAND(g.constant("high"), high, high)
		g.VPOR(high, low, low)
		g.VMOVUPS(low, operand.Mem{Base: dst, Disp: disp})
	}
	g.LEAQ(operand.Mem{Base: src, Index: lds, Scale: 2}, src)
	g.ADDQ(operand.U32(4*columns), dst)
	g.DECQ(n)
	g.JNZ(operand.LabelRef(loop))
	g.finish()
}

// expandPanel emits the way back from pairs to rows of float32.
func (g *generator) expandPanel(columns int) {
	g.text(fmt.Sprintf("expandPanel%dAVX2", columns), "func(dst, src *float32, pairs int)",
		fmt.Sprintf("sets dst[2*pairs, %d] to the values of src[pairs, %d], the lower half of a row before the upper; pairs is at least 1.", columns, columns))
	p := g.pointers("dst", "src")
	dst, src := p[0], p[1]
	n := g.Load(g.Param("pairs"), g.GP64())
	mask := g.YMM()
	g.VMOVUPS(g.constant("high"), mask)
	loop := g.label("loop")
	g.Label(loop)
	for disp := 0; disp < 4*columns; disp += 32 {
		low, high := g.YMM(), g.YMM()
		g.VMOVUPS(operand.Mem{Base: src, Disp: disp}, low)
		g.VPAND(low, mask, high)
		g.VPSLLD(operand.Imm(16), low, low)
		g.VMOVUPS(low, operand.Mem{Base: dst, Disp: disp})
		g.VMOVUPS(high, operand.Mem{Base: dst, Disp: 4*columns + disp})
	}
	g.ADDQ(operand.U32(4*columns), src)
	g.ADDQ(operand.U32(8*columns), dst)
	g.DECQ(n)
	g.JNZ(operand.LabelRef(loop))
	g.finish()
}
