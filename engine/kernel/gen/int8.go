package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A packed matrix of int8 is made of blocks of 32 k of all columns of a panel:
// first the step of every column, a half, then the least value of every column, a
// half, then 8 quads: a 32-bit value a column, with a byte for each of four k. A
// value is byte * step + least, one multiply-add, whose product is exact.

const (
	int8Block = 32 // k of a block
	int8Rows  = 4  // rows of the tallest tile: steps and least values take registers too
)

const int8Doc = "of blocks of int8; strides are in 32-bit values, k is at least 1. With every four k it prefetches as much of B from ahead 32-bit values on; pace is not used, and ldb is"

// int8Panel is where a program stands in a panel of int8.
type int8Panel struct {
	b           reg.Register
	step, least [2]reg.VecVirtual
}

// int8Header loads the steps and least values of a block, and moves on to its bytes.
func (g *generator) int8Header(s *int8Panel) {
	for i := range 2 {
		s.step[i], s.least[i] = g.vec(), g.vec()
		g.VCVTPH2PS(operand.Mem{Base: s.b, Disp: i * g.bytes / 2}, s.step[i])
		g.VCVTPH2PS(operand.Mem{Base: s.b, Disp: g.bytes + i*g.bytes/2}, s.least[i])
	}
	g.ADDQ(operand.U32(2*g.bytes), s.b)
}

// int8Row returns the values of the u-th k of a quad.
func (g *generator) int8Row(s *int8Panel, u int) [2]reg.VecVirtual {
	var v [2]reg.VecVirtual
	for i := range v {
		v[i] = g.byteOf(operand.Mem{Base: s.b, Disp: i * g.bytes}, u)
		g.VCVTDQ2PS(v[i], v[i])
		g.VFMADD213PS(s.least[i], s.step[i], v[i])
	}
	return v
}

// byteOf returns byte u of every 32-bit value at x.
func (g *generator) byteOf(x operand.Mem, u int) reg.VecVirtual {
	v := g.vec()
	g.VMOVUPS(x, v)
	switch {
	case u == 0:
		g.and(g.constant("byte"), v, v)
	case u == 3:
		g.VPSRLD(operand.Imm(24), v, v)
	case g.wide(): // its shuffle is of another extension
		g.VPSRLD(operand.Imm(uint64(8*u)), v, v)
		g.and(g.constant("byte"), v, v)
	default:
		g.VPSHUFB(g.shuffle(u), v, v)
	}
	return v
}

// shuffle returns an operand that moves byte u of every 32-bit value down and clears
// the rest.
func (g *generator) shuffle(u int) operand.Op {
	label := fmt.Sprintf("byte%d%s", u, g.name)
	if !g.data[label] {
		g.data[label] = true
		g.StaticGlobal(label)
		g.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range g.lanes() {
			g.AddDatum(4*i, operand.U32(0x80808000|uint32(i%4*4+u)))
		}
	}
	return operand.NewDataAddr(operand.NewStaticSymbol(label), 0)
}

// int8Blocks emits row for every k of panels that lie beside each other, a quad at a
// time; next moves on by one. What next has moved is not right after an incomplete quad.
func (g *generator) int8Blocks(panels []*int8Panel, k reg.Register, row func(u int), next func()) {
	const quad = 4
	block, whole, loop, rest, done := g.label("block"), g.label("whole"), g.label("loop"), g.label("rest"), g.label("done")
	here := g.GP64() // k of this block
	g.Label(block)
	for _, s := range panels {
		g.int8Header(s)
	}
	g.MOVQ(operand.U32(int8Block), here)
	g.SUBQ(operand.Imm(int8Block), k)
	g.JGE(operand.LabelRef(whole))
	g.ADDQ(k, here)
	g.XORQ(k, k)
	g.Label(whole)
	g.SUBQ(operand.Imm(quad), here)
	g.JLT(operand.LabelRef(rest))
	g.Label(loop)
	for u := range quad {
		row(u)
	}
	next()
	for _, s := range panels {
		g.ADDQ(operand.U32(2*g.bytes), s.b)
	}
	g.SUBQ(operand.Imm(quad), here)
	g.JGE(operand.LabelRef(loop))
	g.Label(rest) // which only the last block has
	g.TESTQ(k, k)
	g.JNZ(operand.LabelRef(block))
	g.ADDQ(operand.Imm(quad), here)
	for u := range quad - 1 {
		g.JZ(operand.LabelRef(done))
		row(u)
		g.DECQ(here)
	}
	g.Label(done)
}

// tilesInt8 emits tiles that expand B as they go and compute in float32.
func (g *generator) tilesInt8() {
	columns := g.columns()
	for rows := 1; rows <= int8Rows; rows++ {
		t := g.startTile(rows, fmt.Sprintf("tile%dx%dInt8%s", rows, columns, g.name),
			fmt.Sprintf("computes C[%d, %d] (+)= A[%d, k] B[k, %d] with B %s not either.", rows, columns, rows, columns, int8Doc))
		t.int8(&int8Panel{b: t.b})
	}
	// One row has two sums a panel, each of which waits for the one before: with two
	// panels there is something to do meanwhile.
	t := g.startTile(1, fmt.Sprintf("tile1x%dInt8%s", 2*columns, g.name),
		fmt.Sprintf("computes C[1, %d] (+)= A[1, k] B[k, %d] with B two panels %s how far they are apart.", 2*columns, 2*columns, int8Doc))
	second := g.GP64()
	g.LEAQ(operand.Mem{Base: t.b, Index: t.ldb, Scale: 1}, second)
	t.int8(&int8Panel{b: t.b}, &int8Panel{b: second})
}

// int8 emits the rest of a tile by one or two panels.
func (t *tileState) int8(panels ...*int8Panel) {
	g := t.g
	t.zero(len(panels))
	g.int8Blocks(panels, t.k, func(u int) {
		for i, p := range panels {
			for line := 0; u == 0 && line < 2*g.bytes; line += 64 {
				at := operand.Mem{Base: t.ahead, Disp: line}
				if i > 0 {
					at.Index, at.Scale = t.ldb, 1
				}
				g.PREFETCHT0(at)
			}
			v := g.int8Row(p, u)
			t.multiply(i, u, v[0], v[1], g.fma)
		}
	}, func() {
		for _, r := range t.bases {
			g.ADDQ(operand.Imm(16), r)
		}
		g.ADDQ(operand.U32(2*g.bytes), t.ahead)
	})
	t.finish()
}

// expandInt8 emits the expansion of a panel to float32.
func (g *generator) expandInt8() {
	columns := g.columns()
	g.text("expandInt8"+g.name, "func(dst, src *float32, k int)",
		fmt.Sprintf("sets dst[k, %d] to the values of the blocks at src, of %d k each; k is at least 1.", columns, int8Block))
	p := g.pointers("dst", "src")
	dst := p[0]
	k := g.Load(g.Param("k"), g.GP64())
	s := &int8Panel{b: p[1]}
	g.int8Blocks([]*int8Panel{s}, k, func(u int) {
		for i, v := range g.int8Row(s, u) {
			g.VMOVUPS(v, operand.Mem{Base: dst, Disp: 4*u*columns + i*g.bytes})
		}
	}, func() { g.ADDQ(operand.U32(16*columns), dst) })
	g.finish()
}

// cpuid emits the question whether the processor converts halves.
func (g *generator) cpuid() {
	g.text("cpuFeatures", "func() uint32", "returns ECX of the CPUID function 1; bit 29 is F16C.")
	g.MOVL(operand.U32(1), reg.EAX)
	g.XORL(reg.ECX, reg.ECX)
	g.CPUID()
	g.Store(reg.ECX, g.ReturnIndex(0))
	g.RET()
}
