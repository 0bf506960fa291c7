package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vectors emits the functions over whole vectors.
func (g *generator) vectors() {
	g.expSum()
	g.siluMul()
	g.siluMulGrad()
	g.max()
	g.maxBits()
	g.index()
	g.dot()
	g.sumSquares()
	g.axpy()
	g.add()
	g.scale()
}

// pointers loads parameters that are pointers.
func (g *generator) pointers(names ...string) []reg.Register {
	r := make([]reg.Register, len(names))
	for i, name := range names {
		r[i] = g.Load(g.Param(name), g.GP64())
	}
	return r
}

// broadcast loads a float32 parameter into every lane.
func (g *generator) broadcast(name string) reg.VecVirtual {
	v := g.vec()
	b, err := g.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	g.VBROADCASTSS(b.Addr, v)
	return v
}

// loop emits a loop over n elements, a positive multiple of the lanes. body
// computes the vector at the address that at gives for a pointer; it is emitted
// unroll times over, with u from 0, and once more for what remains.
func (g *generator) loop(unroll int, body func(u int, at func(p reg.Register) operand.Mem)) {
	n := g.Load(g.Param("n"), g.GP64())
	i := g.GP64()
	g.XORQ(i, i)
	each := func(u int) {
		body(u, func(p reg.Register) operand.Mem {
			return operand.Mem{Base: p, Index: i, Scale: 4, Disp: u * g.bytes}
		})
	}
	step := g.lanes()
	if unroll > 1 {
		many, rest := g.label("many"), g.label("rest")
		g.SUBQ(operand.Imm(uint64(unroll*step)), n)
		g.JLT(operand.LabelRef(rest))
		g.Label(many)
		for u := range unroll {
			each(u)
		}
		g.ADDQ(operand.Imm(uint64(unroll*step)), i)
		g.SUBQ(operand.Imm(uint64(unroll*step)), n)
		g.JGE(operand.LabelRef(many))
		g.Label(rest)
		g.ADDQ(operand.Imm(uint64(unroll*step)), n)
	}
	one, done := g.label("one"), g.label("done")
	if unroll > 1 {
		g.JZ(operand.LabelRef(done))
	}
	g.Label(one)
	each(0)
	g.ADDQ(operand.Imm(uint64(step)), i)
	g.SUBQ(operand.Imm(uint64(step)), n)
	g.JNZ(operand.LabelRef(one))
	g.Label(done)
}

// give stores the first lane of v as the function's result.
func (g *generator) give(v reg.Register) {
	b, err := g.ReturnIndex(0).Resolve()
	if err != nil {
		panic(err)
	}
	g.VMOVSS(v, b.Addr)
}

// finish returns from the function.
func (g *generator) finish() {
	g.VZEROUPPER()
	g.RET()
}

func (g *generator) max() {
	g.text("max"+g.name, "func(x *float32, n int, out *float32)",
		"stores the largest value of every lane to out; where there are NaN the result is of no use.")
	x := g.pointers("x")[0]
	var m [4]reg.VecVirtual
	for i := range m {
		m[i] = g.vec()
		g.VMOVUPS(g.constant("negative"), m[i])
	}
	g.loop(4, func(u int, at func(reg.Register) operand.Mem) { g.VMAXPS(at(x), m[u], m[u]) })
	g.VMAXPS(m[1], m[0], m[0])
	g.VMAXPS(m[3], m[2], m[2])
	g.VMAXPS(m[2], m[0], m[0])
	g.VMOVUPS(m[0], operand.Mem{Base: g.pointers("out")[0]})
	g.finish()
}

// maxBits compares as integers: one operation a vector tells NaN and infinities
// from all finite values.
func (g *generator) maxBits() {
	g.text("maxBits"+g.name, "func(x *float32, n int, out *uint32)",
		"stores the largest bit pattern without the sign of every lane to out.")
	x := g.pointers("x")[0]
	unsigned := g.vec()
	g.VMOVUPS(g.constant("unsigned"), unsigned)
	var m [4]reg.VecVirtual
	for i := range m {
		m[i] = g.zeroed()
	}
	g.loop(4, func(u int, at func(reg.Register) operand.Mem) {
		v := g.vec()
		g.and(at(x), unsigned, v)
		g.VPMAXUD(v, m[u], m[u])
	})
	g.VPMAXUD(m[1], m[0], m[0])
	g.VPMAXUD(m[3], m[2], m[2])
	g.VPMAXUD(m[2], m[0], m[0])
	g.VMOVUPS(m[0], operand.Mem{Base: g.pointers("out")[0]})
	g.finish()
}

func (g *generator) index() {
	g.text("index"+g.name, "func(x *float32, n int, value float32) int",
		"returns the first index of value in x, -1 if there is none.")
	x := g.pointers("x")[0]
	v := g.broadcast("value")
	n := g.Load(g.Param("n"), g.GP64())
	i := g.GP64()
	g.XORQ(i, i)
	loop, found := g.label("loop"), g.label("found")
	g.Label(loop)
	bits := g.equalBits(operand.Mem{Base: x, Index: i, Scale: 4}, v)
	g.TESTL(bits, bits)
	g.JNZ(operand.LabelRef(found))
	g.ADDQ(operand.Imm(uint64(g.lanes())), i)
	g.SUBQ(operand.Imm(uint64(g.lanes())), n)
	g.JNZ(operand.LabelRef(loop))
	none := g.GP64()
	g.MOVQ(operand.I32(-1), none)
	g.Store(none, g.ReturnIndex(0))
	g.finish()
	g.Label(found)
	lane := g.GP32()
	g.BSFL(bits, lane)
	g.ADDQ(lane.As64(), i)
	g.Store(i, g.ReturnIndex(0))
	g.finish()
}

func (g *generator) dot() {
	g.text("dot"+g.name, "func(a, b *float32, n int) float32", "returns the sum of a[i]*b[i].")
	p := g.pointers("a", "b")
	var s [4]reg.VecVirtual
	for i := range s {
		s[i] = g.zeroed()
	}
	g.loop(4, func(u int, at func(reg.Register) operand.Mem) {
		v := g.vec()
		g.VMOVUPS(at(p[0]), v)
		g.VFMADD231PS(at(p[1]), v, s[u])
	})
	g.VADDPS(s[1], s[0], s[0])
	g.VADDPS(s[3], s[2], s[2])
	g.VADDPS(s[2], s[0], s[0])
	g.give(g.total(s[0]))
	g.finish()
}

func (g *generator) sumSquares() {
	g.text("sumSquares"+g.name, "func(x *float32, n int, out *float64)",
		"stores sums of the squares in float64, half a vector's lanes of them, to out.")
	x := g.pointers("x")[0]
	var s [4]reg.VecVirtual
	for i := range s {
		s[i] = g.zeroed()
	}
	g.loop(2, func(u int, at func(reg.Register) operand.Mem) {
		for half := range 2 {
			v := g.vec()
			g.VCVTPS2PD(at(x).Offset(half*g.bytes/2), v)
			g.VFMADD231PD(v, v, s[2*u+half])
		}
	})
	g.VADDPD(s[1], s[0], s[0])
	g.VADDPD(s[3], s[2], s[2])
	g.VADDPD(s[2], s[0], s[0])
	g.VMOVUPS(s[0], operand.Mem{Base: g.pointers("out")[0]})
	g.finish()
}

func (g *generator) axpy() {
	g.text("axpy"+g.name, "func(y *float32, a float32, x *float32, n int)", "adds a*x to y.")
	p := g.pointers("y", "x")
	a := g.broadcast("a")
	g.loop(4, func(_ int, at func(reg.Register) operand.Mem) {
		v := g.vec()
		g.VMOVUPS(at(p[0]), v)
		g.VFMADD231PS(at(p[1]), a, v)
		g.VMOVUPS(v, at(p[0]))
	})
	g.finish()
}

func (g *generator) add() {
	g.text("add"+g.name, "func(dst, a, b *float32, n int)", "sets dst = a + b.")
	p := g.pointers("dst", "a", "b")
	g.loop(4, func(_ int, at func(reg.Register) operand.Mem) {
		v := g.vec()
		g.VMOVUPS(at(p[1]), v)
		g.VADDPS(at(p[2]), v, v)
		g.VMOVUPS(v, at(p[0]))
	})
	g.finish()
}

func (g *generator) scale() {
	g.text("scale"+g.name, "func(dst, x *float32, n int, a float32)", "sets dst = a*x.")
	p := g.pointers("dst", "x")
	a := g.broadcast("a")
	g.loop(4, func(_ int, at func(reg.Register) operand.Mem) {
		v := g.vec()
		g.VMULPS(at(p[1]), a, v)
		g.VMOVUPS(v, at(p[0]))
	})
	g.finish()
}
