package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transpose8 emits the transpose of 8 rows, 8 columns at a time. Rows i and i+4
// are loaded into the halves of one register, so that no element has to change
// its half afterwards.
func (g *generator) transpose8() {
	g.text("transpose8", "func(dst *float32, ldd int, src *float32, lds, cols int)",
		"sets dst[cols, 8] to the transpose of src[8, cols]; strides are in elements, cols is a positive multiple of 8.")
	p := g.pointers("dst", "src")
	dst, src := p[0], p[1]
	ldd := g.Load(g.Param("ldd"), g.GP64())
	lds := g.Load(g.Param("lds"), g.GP64())
	n := g.Load(g.Param("cols"), g.GP64())
	g.SHLQ(operand.Imm(2), ldd)
	g.SHLQ(operand.Imm(2), lds)
	lds3, low := g.GP64(), g.GP64()
	g.LEAQ(operand.Mem{Base: lds, Index: lds, Scale: 2}, lds3)
	g.LEAQ(operand.Mem{Base: src, Index: lds, Scale: 4}, low)

	row := func(base reg.Register, i, disp int) operand.Mem {
		switch i {
		case 0:
			return operand.Mem{Base: base, Disp: disp}
		case 3:
			return operand.Mem{Base: base, Index: lds3, Scale: 1, Disp: disp}
		}
		return operand.Mem{Base: base, Index: lds, Scale: uint8(i), Disp: disp}
	}
	loop := g.label("loop")
	g.Label(loop)
	for half := range 2 {
		var x [4]reg.VecVirtual
		for i := range x {
			x[i] = g.YMM()
			g.VMOVUPS(row(src, i, 16*half), x[i].AsX())
			g.VINSERTF128(operand.U8(1), row(low, i, 16*half), x[i], x[i])
		}
		var t [4]reg.VecVirtual
		for i := range t {
			t[i] = g.YMM()
		}
		g.VUNPCKLPS(x[1], x[0], t[0]) // columns 0 and 1 of rows 0, 1 (and 4, 5)
		g.VUNPCKHPS(x[1], x[0], t[1]) // columns 2 and 3
		g.VUNPCKLPS(x[3], x[2], t[2])
		g.VUNPCKHPS(x[3], x[2], t[3])
		for i := range 4 {
			v := g.YMM()
			pattern := uint8(0x44) // the low pairs of both
			if i%2 == 1 {
				pattern = 0xee // the high pairs
			}
			g.VSHUFPS(operand.U8(pattern), t[i/2+2], t[i/2], v)
			g.VMOVUPS(v, operand.Mem{Base: dst})
			g.ADDQ(ldd, dst)
		}
	}
	g.ADDQ(operand.Imm(32), src)
	g.ADDQ(operand.Imm(32), low)
	g.SUBQ(operand.Imm(8), n)
	g.JNZ(operand.LabelRef(loop))
	g.VZEROUPPER()
	g.RET()
}
