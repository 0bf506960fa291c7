package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tiles emits the tiles of every height up to the tallest.
func (g *generator) tiles() {
	for rows := 1; rows <= g.rows; rows++ {
		g.tile(rows)
	}
	g.copyPanel()
}

// tile emits C[rows, two vectors] (+)= A[rows, k] B[k, two vectors]. The sums
// stay in registers over the whole k. A is read element by element where it
// lies: packing it would cost more than the strided reads.
func (g *generator) tile(rows int) {
	columns := g.columns()
	t := g.startTile(rows, fmt.Sprintf("tile%dx%d%s", rows, columns, g.name),
		fmt.Sprintf("computes C[%d, %d] (+)= A[%d, k] B[k, %d]; strides are in elements, k is at least 1. With every four k it prefetches as much of B from ahead elements on, which advances by pace.", rows, columns, rows, columns))
	ldb3 := g.GP64()
	g.LEAQ(operand.Mem{Base: t.ldb, Index: t.ldb, Scale: 2}, ldb3)
	t.zero(1)
	step := func(u int) {
		row := operand.Mem{Base: t.b}
		switch u {
		case 1, 2:
			row.Index, row.Scale = t.ldb, uint8(u)
		case 3:
			row.Index, row.Scale = ldb3, 1
		}
		b0, b1 := g.vec(), g.vec()
		g.VMOVUPS(row, b0)
		g.VMOVUPS(row.Offset(g.bytes), b1)
		t.multiply(0, u, b0, b1, g.fma)
	}
	const unroll = 4
	rest, single, done := g.label("rest"), g.label("single"), g.label("done")
	t.loop(unroll, rest, func() {
		t.prefetch(unroll)
		for u := range unroll {
			step(u)
		}
		t.advance(unroll, unroll)
	})
	g.JZ(operand.LabelRef(done))
	g.Label(single)
	step(0)
	t.advance(1, 1)
	g.DECQ(t.k)
	g.JNZ(operand.LabelRef(single))
	g.Label(done)
	t.finish()
}

// tileState holds the registers of a tile while it is emitted.
type tileState struct {
	g              *generator
	rows           int
	k, lda, b, ldb reg.Register
	ahead, pace    reg.Register
	bases          []reg.Register     // of A: base, base+lda and base+2*lda are rows
	sums           [][]reg.VecVirtual // of every row, two vectors a panel
}

// startTile emits the beginning of a tile: its parameters in registers, strides
// in bytes.
func (g *generator) startTile(rows int, name, doc string) *tileState {
	g.text(name, "func(k int, a *float32, lda int, b *float32, ldb, ahead, pace int, c *float32, ldc, accumulate int)", doc)

	// The lines of C are fetched while the sums are computed.
	c := g.Load(g.Param("c"), g.GP64())
	ldc := g.Load(g.Param("ldc"), g.GP64())
	g.SHLQ(operand.Imm(2), ldc)
	for i := range rows {
		for disp := 0; disp < 2*g.bytes; disp += 64 {
			g.PREFETCHT0(operand.Mem{Base: c, Disp: disp})
		}
		if i < rows-1 {
			g.ADDQ(ldc, c)
		}
	}

	t := &tileState{g: g, rows: rows}
	t.k = g.Load(g.Param("k"), g.GP64())
	a := g.Load(g.Param("a"), g.GP64())
	t.lda = g.Load(g.Param("lda"), g.GP64())
	t.b = g.Load(g.Param("b"), g.GP64())
	t.ldb = g.Load(g.Param("ldb"), g.GP64())
	t.ahead = g.Load(g.Param("ahead"), g.GP64())
	t.pace = g.Load(g.Param("pace"), g.GP64())
	g.SHLQ(operand.Imm(2), t.lda)
	g.SHLQ(operand.Imm(2), t.ldb)
	g.LEAQ(operand.Mem{Base: t.b, Index: t.ahead, Scale: 4}, t.ahead)

	// Three rows of A share a base register.
	t.bases = []reg.Register{a}
	for i := 3; i < rows; i += 3 {
		next := g.GP64()
		g.LEAQ(operand.Mem{Base: t.bases[len(t.bases)-1], Index: t.lda, Scale: 2}, next)
		g.ADDQ(t.lda, next)
		t.bases = append(t.bases, next)
	}
	return t
}

// zero clears the sums of so many panels.
func (t *tileState) zero(panels int) {
	t.sums = make([][]reg.VecVirtual, t.rows)
	for i := range t.sums {
		for range 2 * panels {
			t.sums[i] = append(t.sums[i], t.g.zeroed())
		}
	}
}

// multiply adds the products of the 32-bit value u of every row of A with the two
// vectors of a panel of B.
func (t *tileState) multiply(panel, u int, b0, b1 reg.VecVirtual, fma func(b, a, sum reg.VecVirtual)) {
	for i := range t.rows {
		x := operand.Mem{Base: t.bases[i/3], Disp: 4 * u}
		if i%3 > 0 {
			x.Index, x.Scale = t.lda, uint8(i%3)
		}
		v := t.g.vec()
		t.g.VBROADCASTSS(x, v)
		fma(b0, v, t.sums[i][2*panel])
		fma(b1, v, t.sums[i][2*panel+1])
	}
}

func (g *generator) fma(b, a, sum reg.VecVirtual) { g.VFMADD231PS(b, a, sum) }

// loop emits body for every n of k, and sets k and the flags to what remains.
func (t *tileState) loop(n int, rest string, body func()) {
	g := t.g
	loop := g.label("loop")
	g.SUBQ(operand.Imm(uint64(n)), t.k)
	g.JLT(operand.LabelRef(rest))
	g.Label(loop)
	body()
	g.SUBQ(operand.Imm(uint64(n)), t.k)
	g.JGE(operand.LabelRef(loop))
	g.Label(rest)
	g.ADDQ(operand.Imm(uint64(n)), t.k)
}

// prefetch fetches n rows of B ahead of their use.
func (t *tileState) prefetch(n int) {
	for disp := 0; disp < n*2*t.g.bytes; disp += 64 {
		t.g.PREFETCHT0(operand.Mem{Base: t.ahead, Disp: disp})
	}
	t.g.LEAQ(operand.Mem{Base: t.ahead, Index: t.pace, Scale: 4}, t.ahead)
}

// advance moves on by so many 32-bit values of A and rows of B, 1, 2 or 4.
func (t *tileState) advance(values, rows int) {
	for _, r := range t.bases {
		t.g.ADDQ(operand.Imm(uint64(4*values)), r)
	}
	t.g.LEAQ(operand.Mem{Base: t.b, Index: t.ldb, Scale: uint8(rows)}, t.b)
}

// finish stores the sums to C, or adds them to it, and returns.
func (t *tileState) finish() {
	g, rows, sums := t.g, t.rows, t.sums
	c := g.Load(g.Param("c"), g.GP64())
	ldc := g.Load(g.Param("ldc"), g.GP64())
	g.SHLQ(operand.Imm(2), ldc)
	set, accumulate := g.label("set"), g.Load(g.Param("accumulate"), g.GP64())
	g.TESTQ(accumulate, accumulate)
	g.JZ(operand.LabelRef(set))
	old := g.GP64()
	g.MOVQ(c, old)
	for i := range rows {
		for j, s := range sums[i] {
			g.VADDPS(operand.Mem{Base: old, Disp: j * g.bytes}, s, s)
		}
		if i < rows-1 {
			g.ADDQ(ldc, old)
		}
	}
	g.Label(set)
	for i := range rows {
		for j, s := range sums[i] {
			g.VMOVUPS(s, operand.Mem{Base: c, Disp: j * g.bytes})
		}
		if i < rows-1 {
			g.ADDQ(ldc, c)
		}
	}
	g.VZEROUPPER()
	g.RET()
}

// copyPanel emits the copy of a panel of B to where its rows lie side by side.
func (g *generator) copyPanel() {
	columns := g.columns()
	g.text("copyPanel"+g.name, "func(dst, src *float32, lds, rows int)",
		fmt.Sprintf("copies src[rows, %d] to dst[rows, %d] without gaps; rows is at least 1.", columns, columns))
	dst := g.Load(g.Param("dst"), g.GP64())
	src := g.Load(g.Param("src"), g.GP64())
	lds := g.Load(g.Param("lds"), g.GP64())
	n := g.Load(g.Param("rows"), g.GP64())
	g.SHLQ(operand.Imm(2), lds)
	loop := g.label("loop")
	g.Label(loop)
	for i := range 2 {
		v := g.vec()
		g.VMOVUPS(operand.Mem{Base: src, Disp: i * g.bytes}, v)
		g.VMOVUPS(v, operand.Mem{Base: dst, Disp: i * g.bytes})
	}
	g.PREFETCHT0(operand.Mem{Base: src, Index: lds, Scale: 8})
	if g.wide() {
		g.PREFETCHT0(operand.Mem{Base: src, Index: lds, Scale: 8, Disp: 64})
	}
	g.ADDQ(lds, src)
	g.ADDQ(operand.U32(2*g.bytes), dst)
	g.DECQ(n)
	g.JNZ(operand.LabelRef(loop))
	g.VZEROUPPER()
	g.RET()
}

// peak emits a loop of nothing but multiplications in registers: the bound that
// the products are measured against.
func (g *generator) peak() {
	g.text("peak"+g.name, "func(n int)", fmt.Sprintf("runs n times 12 independent multiply-adds of %d lanes.", g.lanes()))
	n := g.Load(g.Param("n"), g.GP64())
	var sums [12]reg.VecVirtual
	for i := range sums {
		sums[i] = g.zeroed()
	}
	x := g.zeroed()
	loop := g.label("loop")
	g.Label(loop)
	for _, s := range sums {
		g.VFMADD231PS(x, x, s)
	}
	g.DECQ(n)
	g.JNZ(operand.LabelRef(loop))
	g.VZEROUPPER()
	g.RET()
}

// pause emits a wait that leaves the core to its other thread.
func (g *generator) pause() {
	g.text("pause", "func(n int)", "waits for n turns of the PAUSE instruction.")
	n := g.Load(g.Param("n"), g.GP64())
	loop := g.label("loop")
	g.Label(loop)
	g.PAUSE()
	g.DECQ(n)
	g.JNZ(operand.LabelRef(loop))
	g.RET()
}
