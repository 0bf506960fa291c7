package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// exponential holds the operands of exp.
type exponential struct {
	g *generator

	log2e, ln2high, ln2low    operand.Op
	c6, c5, c4, c3, c2, one   operand.Op
	lowest, highest, infinity operand.Op
}

func (g *generator) newExponential() exponential {
	return exponential{
		g: g, log2e: g.constant("log2e"), ln2high: g.constant("ln2high"), ln2low: g.constant("ln2low"),
		c6: g.constant("c6"), c5: g.constant("c5"), c4: g.constant("c4"), c3: g.constant("c3"), c2: g.constant("c2"),
		one: g.constant("one"), lowest: g.constant("lowest"), highest: g.constant("highest"), infinity: g.constant("infinity"),
	}
}

// of emits exp(x) and returns it in a register of its own. With n the integer
// nearest to x/ln 2 and r = x - n ln 2 it is 2^n exp(r), where n is added to the
// exponent of exp(r) as an integer. What comes out for x too low, too high or
// infinite is replaced; NaN has n = 0 after the shift and passes.
func (e exponential) of(x reg.Register) reg.VecVirtual {
	g := e.g
	n, r, p := g.vec(), g.vec(), g.vec()
	g.VMULPS(e.log2e, x, n)
	g.round(n, n)
	g.VMOVAPS(x, r)
	g.VFNMADD231PS(e.ln2high, n, r)
	g.VFNMADD231PS(e.ln2low, n, r)
	g.VMOVUPS(e.c6, p)
	for _, c := range []operand.Op{e.c5, e.c4, e.c3, e.c2, e.one, e.one} {
		g.VFMADD213PS(c, r, p)
	}
	g.VCVTPS2DQ(n, n)
	g.VPSLLD(operand.Imm(23), n, n)
	g.VPADDD(n, p, p)
	g.keep(e.lowest, x, p)
	g.replace(e.highest, x, e.infinity, p)
	return p
}

func (g *generator) expSum() {
	g.text("expSum"+g.name, "func(dst, src *float32, n int, scale, bias float32) float32",
		"sets dst = exp(src*scale + bias) and returns its sum.")
	p := g.pointers("dst", "src")
	scale, bias := g.broadcast("scale"), g.broadcast("bias")
	e := g.newExponential()
	sum := g.zeroed()
	g.loop(1, func(_ int, at func(reg.Register) operand.Mem) {
		x := g.vec()
		g.VMOVUPS(at(p[1]), x)
		g.VFMADD213PS(bias, scale, x)
		y := e.of(x)
		g.VMOVUPS(y, at(p[0]))
		g.VADDPS(y, sum, sum)
	})
	g.give(g.total(sum))
	g.finish()
}

// onePlusExp emits 1 + exp(-x), the denominator of the sigmoid.
func (e exponential) onePlusExp(x reg.Register) reg.VecVirtual {
	t := e.g.zeroed()
	e.g.VSUBPS(x, t, t)
	d := e.of(t)
	e.g.VADDPS(e.one, d, d)
	return d
}

func (g *generator) siluMul() {
	g.text("siluMul"+g.name, "func(dst, gate, up *float32, n int)", "sets dst = gate*sigmoid(gate)*up.")
	p := g.pointers("dst", "gate", "up")
	e := g.newExponential()
	g.loop(1, func(_ int, at func(reg.Register) operand.Mem) {
		x := g.vec()
		g.VMOVUPS(at(p[1]), x)
		d := e.onePlusExp(x)
		g.VDIVPS(d, x, x)
		g.VMULPS(at(p[2]), x, x)
		g.VMOVUPS(x, at(p[0]))
	})
	g.finish()
}

func (g *generator) siluMulGrad() {
	g.text("siluMulGrad"+g.name, "func(dgate, dup, gate, up, dy *float32, n int)",
		"sets dup = dy*gate*s and dgate = dy*up*(s + gate*s*(1-s)) with s = sigmoid(gate).")
	p := g.pointers("dgate", "dup", "gate", "up", "dy")
	e := g.newExponential()
	one := g.vec()
	g.VMOVUPS(e.one, one)
	g.loop(1, func(_ int, at func(reg.Register) operand.Mem) {
		x := g.vec()
		g.VMOVUPS(at(p[2]), x)
		s := e.onePlusExp(x)
		g.VDIVPS(s, one, s)
		g.VMULPS(s, x, x) // gate*s
		t, dy := g.vec(), g.vec()
		g.VSUBPS(s, one, t)
		g.VFMADD213PS(s, x, t) // s + gate*s*(1-s)
		g.VMOVUPS(at(p[4]), dy)
		g.VMULPS(dy, x, x)
		g.VMULPS(at(p[3]), dy, dy)
		g.VMULPS(dy, t, t)
		g.VMOVUPS(x, at(p[1]))
		g.VMOVUPS(t, at(p[0]))
	})
	g.finish()
}
