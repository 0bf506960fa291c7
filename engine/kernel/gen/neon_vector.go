package main

import "math"

// The vector functions on NEON take multiples of four values. Constants of exp
// are in V16-V28 while it is used.
var neonExp = []string{"log2e", "ln2high", "ln2low", "c6", "c5", "c4", "c3", "c2", "one", "lowest", "highest", "infinity"}

const (
	vLog2e = 16 + iota
	vLn2High
	vLn2Low
	vC6
	vC5
	vC4
	vC3
	vC2
	vOne
	vLowest
	vHighest
	vInfinity
	vZero
)

func (a *arm) expConstants() {
	for i, name := range neonExp {
		a.constant(vLog2e+i, constants[name])
	}
	a.zero(vZero)
}

// exp emits p = exp(x), in the steps of exponential.of; it uses n, r and t.
func (a *arm) exp(p, x, n, r, t int) {
	a.word3(fmul, n, x, vLog2e)
	a.word2(frintn, n, n)
	a.copy(r, x)
	a.word3(fmls, r, n, vLn2High)
	a.word3(fmls, r, n, vLn2Low)
	a.copy(p, vC6)
	for _, c := range []int{vC5, vC4, vC3, vC2, vOne, vOne} { // p = c + p*r, in turn in p and t
		a.copy(t, c)
		a.word3(fmla, t, p, r)
		p, t = t, p
	}
	a.word2(fcvtns, n, n)
	a.op("VSHL $23, V%d.S4, V%d.S4", n, n)
	a.op("VADD V%d.S4, V%d.S4, V%d.S4", n, p, p)
	a.word3(fcmgt, n, vLowest, x)
	a.op("VBIT V%d.B16, V%d.B16, V%d.B16", n, vZero, p)
	a.word3(fcmgt, n, x, vHighest)
	a.op("VBIT V%d.B16, V%d.B16, V%d.B16", n, vInfinity, p)
}

// each emits a loop over n values in R5, four at a time; body reads and writes
// at its pointers and moves them on.
func (a *arm) each(body func()) {
	loop := a.label("loop")
	a.at(loop)
	body()
	a.op("SUBS $4, R5")
	a.op("BNE %s", loop)
}

func (a *arm) load(v, r int)  { a.op("FMOVQ.P 16(R%d), F%d", r, v) }
func (a *arm) store(v, r int) { a.op("FMOVQ.P F%d, 16(R%d)", v, r) }

func (a *arm) vectors() {
	a.exponentials()
	a.reductions()
	a.maxima()
	a.elementwise()
	a.transpose()
	a.text("pause", "(n int)", "waits for n turns of the YIELD instruction.")
	a.param("n", 0, 0)
	loop := a.label("loop")
	a.at(loop)
	a.op("YIELD")
	a.op("SUBS $1, R0")
	a.op("BNE %s", loop)
	a.op("RET")
}

func (a *arm) exponentials() {
	a.text("expSumNEON", "(dst, src *float32, n int, scale, bias float32) float32", "sets dst = exp(src*scale + bias) and returns its sum.")
	a.param("dst", 0, 0)
	a.param("src", 8, 1)
	a.param("n", 16, 5)
	a.op("MOVD $scale+24(FP), R6")
	a.op("VLD1R (R6), [V29.S4]")
	a.op("MOVD $bias+28(FP), R6")
	a.op("VLD1R (R6), [V30.S4]")
	a.expConstants()
	a.zero(31)
	a.each(func() {
		a.load(1, 1)
		a.copy(0, 30)
		a.word3(fmla, 0, 1, 29)
		a.exp(1, 0, 2, 3, 4)
		a.word3(fadd, 31, 31, 1)
		a.store(1, 0)
	})
	a.word3(faddp, 31, 31, 31)
	a.word3(faddp, 31, 31, 31)
	a.op("FMOVS F31, ret+32(FP)")
	a.op("RET")

	// sigmoid emits s = 1/(1+exp(-g)).
	sigmoid := func(s, g int) {
		a.word2(fneg, 5, g)
		a.exp(6, 5, 2, 3, 4)
		a.word3(fadd, 6, 6, vOne)
		a.word3(fdiv, s, vOne, 6)
	}
	a.text("siluMulNEON", "(dst, gate, up *float32, n int)", "sets dst = gate * sigmoid(gate) * up.")
	for i, name := range []string{"dst", "gate", "up"} {
		a.param(name, 8*i, i)
	}
	a.param("n", 24, 5)
	a.expConstants()
	a.each(func() {
		a.load(0, 1)
		a.load(1, 2)
		sigmoid(7, 0)
		a.word3(fmul, 0, 0, 7)
		a.word3(fmul, 0, 0, 1)
		a.store(0, 0)
	})
	a.op("RET")

	a.text("siluMulGradNEON", "(dgate, dup, gate, up, dy *float32, n int)",
		"sets dup = dy*gate*s and dgate = dy*up*(s + gate*s*(1-s)), s = sigmoid(gate).")
	for i, name := range []string{"dgate", "dup", "gate", "up", "dy"} {
		a.param(name, 8*i, i)
	}
	a.param("n", 40, 5)
	a.expConstants()
	a.each(func() {
		const g, up, dy, s, gs, rest = 0, 1, 8, 7, 9, 10
		a.load(g, 2)
		a.load(up, 3)
		a.load(dy, 4)
		sigmoid(s, g)
		a.word3(fmul, gs, g, s)
		a.word3(fsub, rest, vOne, s)
		a.word3(fmla, s, gs, rest)
		a.word3(fmul, up, up, dy)
		a.word3(fmul, s, s, up)
		a.word3(fmul, gs, gs, dy)
		a.store(s, 0)
		a.store(gs, 1)
	})
	a.op("RET")
}

// blocks emits a loop over n values in R5, 16 at a time with u from 0 to 3, and
// four at a time, with u 0, for the rest.
func (a *arm) blocks(body func(u int)) {
	many, rest, one, done := a.label("many"), a.label("rest"), a.label("one"), a.label("done")
	a.op("SUBS $16, R5")
	a.op("BLT %s", rest)
	a.at(many)
	for u := range 4 {
		body(u)
	}
	a.op("SUBS $16, R5")
	a.op("BGE %s", many)
	a.at(rest)
	a.op("ADDS $16, R5")
	a.op("BEQ %s", done)
	a.at(one)
	body(0)
	a.op("SUBS $4, R5")
	a.op("BNE %s", one)
	a.at(done)
}

func (a *arm) reductions() {
	a.text("dotNEON", "(a, b *float32, n int) float32", "returns the sum of a[i]*b[i].")
	a.param("a", 0, 0)
	a.param("b", 8, 1)
	a.param("n", 16, 5)
	for i := range 4 {
		a.zero(16 + i)
	}
	a.blocks(func(u int) {
		a.load(0, 0)
		a.load(1, 1)
		a.word3(fmla, 16+u, 0, 1)
	})
	a.word3(fadd, 16, 16, 17)
	a.word3(fadd, 18, 18, 19)
	a.word3(fadd, 16, 16, 18)
	a.word3(faddp, 16, 16, 16)
	a.word3(faddp, 16, 16, 16)
	a.op("FMOVS F16, ret+24(FP)")
	a.op("RET")

	a.text("sumSquaresNEON", "(x *float32, n int, out *float64)", "stores two sums of the squares in float64 to out.")
	a.param("x", 0, 0)
	a.param("n", 8, 5)
	a.param("out", 16, 1)
	for i := range 8 {
		a.zero(16 + i)
	}
	a.blocks(func(u int) {
		a.load(0, 0)
		a.word2(fcvtl, 1, 0)
		a.word2(fcvtl2, 2, 0)
		a.word3(fmla2, 16+2*u, 1, 1)
		a.word3(fmla2, 17+2*u, 2, 2)
	})
	for step := 1; step < 8; step *= 2 {
		for i := 0; i < 8; i += 2 * step {
			a.word3(fadd2, 16+i, 16+i, 16+i+step)
		}
	}
	a.op("FMOVQ F16, (R1)")
	a.op("RET")
}

func (a *arm) maxima() {
	for _, f := range []struct {
		name, signature, doc string
		start                uint32
		step                 func(d, v int)
	}{
		{
			"maxNEON", "(x *float32, n int, out *float32)",
			"stores the largest value of every lane to out; where there are NaN the result is of no use.",
			math.Float32bits(float32(math.Inf(-1))), func(d, v int) { a.word3(fmax, d, d, v) },
		},
		{
			"maxBitsNEON", "(x *float32, n int, out *uint32)",
			"stores the largest bit pattern without the sign of every lane to out.",
			0, func(d, v int) {
				a.op("VAND V20.B16, V%d.B16, V%d.B16", v, v)
				a.op("VUMAX V%d.S4, V%d.S4, V%d.S4", v, d, d)
			},
		},
	} {
		a.text(f.name, f.signature, f.doc)
		a.param("x", 0, 0)
		a.param("n", 8, 5)
		a.param("out", 16, 1)
		a.constant(20, constants["unsigned"])
		for i := range 4 {
			a.constant(16+i, f.start)
		}
		a.blocks(func(u int) {
			a.load(0, 0)
			f.step(16+u, 0)
		})
		f.step(16, 17)
		f.step(18, 19)
		f.step(16, 18)
		a.op("FMOVQ F16, (R1)")
		a.op("RET")
	}

	a.text("indexNEON", "(x *float32, n int, value float32) int", "returns the first index of value in x, -1 if there is none.")
	a.param("x", 0, 0)
	a.param("n", 8, 5)
	a.op("MOVD $value+16(FP), R6")
	a.op("VLD1R (R6), [V1.S4]")
	loop, found, lane, next := a.label("loop"), a.label("found"), a.label("lane"), a.label("next")
	a.op("MOVD $0, R1")
	a.at(loop)
	a.load(0, 0)
	a.word3(fcmeq, 0, 0, 1)
	a.op("VMOV V0.D[0], R2")
	a.op("VMOV V0.D[1], R3")
	a.op("ORR R2, R3, R4")
	a.op("CBNZ R4, %s", found)
	a.op("ADD $4, R1")
	a.op("SUBS $4, R5")
	a.op("BNE %s", loop)
	a.op("MOVD $-1, R1")
	a.op("MOVD R1, ret+24(FP)")
	a.op("RET")
	a.at(found)
	a.op("CBNZ R2, %s", lane) // among the first two
	a.op("MOVD R3, R2")
	a.op("ADD $2, R1")
	a.at(lane)
	a.op("CBNZW R2, %s", next)
	a.op("ADD $1, R1")
	a.at(next)
	a.op("MOVD R1, ret+24(FP)")
	a.op("RET")
}

func (a *arm) elementwise() {
	a.text("axpyNEON", "(y *float32, a float32, x *float32, n int)", "adds a*x to y.")
	a.param("y", 0, 0)
	a.op("MOVD $a+8(FP), R6")
	a.op("VLD1R (R6), [V16.S4]")
	a.param("x", 16, 1)
	a.param("n", 24, 5)
	a.blocks(func(int) {
		a.op("FMOVQ (R0), F0")
		a.load(1, 1)
		a.word3(fmla, 0, 1, 16)
		a.store(0, 0)
	})
	a.op("RET")

	a.text("addNEON", "(dst, a, b *float32, n int)", "sets dst = a + b.")
	for i, name := range []string{"dst", "a", "b"} {
		a.param(name, 8*i, i)
	}
	a.param("n", 24, 5)
	a.blocks(func(int) {
		a.load(0, 1)
		a.load(1, 2)
		a.word3(fadd, 0, 0, 1)
		a.store(0, 0)
	})
	a.op("RET")

	a.text("scaleNEON", "(dst, x *float32, n int, a float32)", "sets dst = a*x.")
	a.param("dst", 0, 0)
	a.param("x", 8, 1)
	a.param("n", 16, 5)
	a.op("MOVD $a+24(FP), R6")
	a.op("VLD1R (R6), [V16.S4]")
	a.blocks(func(int) {
		a.load(0, 1)
		a.word3(fmul, 0, 0, 16)
		a.store(0, 0)
	})
	a.op("RET")
}

// transpose emits the transpose of 8 rows, 4 columns at a time, as two squares.
func (a *arm) transpose() {
	a.text("transposeNEON", "(dst *float32, ldd int, src *float32, lds, cols int)",
		"sets dst[cols, 8] to the transpose of src[8, cols]; strides are in elements, cols is a positive multiple of 4.")
	a.param("dst", 0, 0)
	a.param("ldd", 8, 1)
	a.param("src", 16, 2)
	a.param("lds", 24, 3)
	a.param("cols", 32, 5)
	a.op("LSL $2, R1")
	a.op("LSL $2, R3")
	a.each(func() {
		a.op("MOVD R2, R4")
		for half := range 2 {
			for i := range 4 {
				a.op("FMOVQ (R4), F%d", i)
				a.op("ADD R3, R4")
			}
			for i := 0; i < 4; i += 2 { // pairs of rows: even columns in V4, V6, odd ones in V5, V7
				a.op("VTRN1 V%d.S4, V%d.S4, V%d.S4", i+1, i, 4+i)
				a.op("VTRN2 V%d.S4, V%d.S4, V%d.S4", i+1, i, 5+i)
			}
			for i := range 4 { // columns 0-3
				a.op("VTRN%d V%d.D2, V%d.D2, V%d.D2", 1+i/2, 6+i%2, 4+i%2, 16+4*half+i)
			}
		}
		for i := range 4 {
			a.op("FSTPQ (F%d, F%d), (R0)", 16+i, 20+i)
			a.op("ADD R1, R0")
		}
		a.op("ADD $16, R2")
	})
	a.op("RET")
}
