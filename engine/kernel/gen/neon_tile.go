package main

import "fmt"

// A NEON tile is 6 rows by 4 vectors: 24 sums in V8-V31. V0-V5 hold four k of
// each row of A, multiplied by element; V6 and V7 pass by with B, or with bf16
// V6 alone, and V7 is the mask of the upper halves.
const (
	neonRows    = 6
	neonColumns = 16
)

func neonSum(row, vector int) int { return 8 + 4*row + vector }

// Registers of a tile: R0 k; R1-R6 rows of A; R7 B and R8 its stride; R9 and
// R10 where to prefetch and the pace; R11 C and R12 its stride.

func (a *arm) tiles() {
	for rows := 1; rows <= neonRows; rows++ {
		a.startTile(rows, fmt.Sprintf("tile%dx%dNEON", rows, neonColumns), fmt.Sprintf("computes C[%d, 16] (+)= A[%d, k] B[k, 16]; strides are in elements, k is at least 1. With every four k it prefetches as much of B from ahead elements on, which advances by pace.", rows, rows))
		step := func(u int) {
			for pair := range 2 {
				a.op("FLDPQ %d(R7), (F6, F7)", 32*pair)
				for half := range 2 {
					for i := range rows {
						a.fmlaElement(neonSum(i, 2*pair+half), 6+half, i, u)
					}
				}
			}
			a.op("ADD R8, R7")
		}
		loop, rest, single, done := a.label("loop"), a.label("rest"), a.label("single"), a.label("done")
		a.op("SUBS $4, R0")
		a.op("BLT %s", rest)
		a.at(loop)
		a.prefetch()
		a.loadA("Q", rows)
		for u := range 4 {
			step(u)
		}
		a.op("SUBS $4, R0")
		a.op("BGE %s", loop)
		a.at(rest)
		a.op("ADDS $4, R0")
		a.op("BEQ %s", done)
		a.at(single)
		a.loadA("S", rows)
		step(0)
		a.op("SUBS $1, R0")
		a.op("BNE %s", single)
		a.at(done)
		a.finishTile(rows)
	}
	a.copyPanel()
}

func (a *arm) tilesBF16() {
	for rows := 1; rows <= neonRows; rows++ {
		a.startTile(rows, fmt.Sprintf("tile%dx%dBF16NEON", rows, neonColumns), fmt.Sprintf(pairDoc, rows, neonColumns, rows, neonColumns, "float32 in A", neonColumns))
		a.constant(7, 0xffff0000)
		low := func(v, element int) {
			a.op("FMOVQ %d(R7), F6", 16*v)
			a.op("VSHL $16, V6.S4, V6.S4")
			for i := range rows {
				a.fmlaElement(neonSum(i, v), 6, i, element)
			}
		}
		pair := func(element int) {
			for v := range 4 {
				low(v, element)
				a.op("FMOVQ %d(R7), F6", 16*v)
				a.op("VAND V7.B16, V6.B16, V6.B16")
				for i := range rows {
					a.fmlaElement(neonSum(i, v), 6, i, element+1)
				}
			}
			a.op("ADD R8, R7")
		}
		loop, rest, single, odd, done := a.label("loop"), a.label("rest"), a.label("single"), a.label("odd"), a.label("done")
		a.op("SUBS $8, R0")
		a.op("BLT %s", rest)
		a.at(loop)
		a.prefetch()
		for range 2 {
			a.loadA("Q", rows)
			pair(0)
			pair(2)
		}
		a.op("SUBS $8, R0")
		a.op("BGE %s", loop)
		a.at(rest)
		a.op("ADD $8, R0")
		a.op("SUBS $2, R0")
		a.op("BLT %s", odd)
		a.at(single)
		a.loadA("D", rows)
		pair(0)
		a.op("SUBS $2, R0")
		a.op("BGE %s", single)
		a.at(odd)
		a.op("ADDS $2, R0")
		a.op("BEQ %s", done)
		a.loadA("S", rows)
		for v := range 4 {
			low(v, 0)
		}
		a.at(done)
		a.finishTile(rows)
	}
}

func (a *arm) startTile(rows int, name, doc string) {
	a.text(name, "(k int, a *float32, lda int, b *float32, ldb, ahead, pace int, c *float32, ldc, accumulate int)", doc)
	a.param("k", 0, 0)
	a.param("a", 8, 1)
	a.param("lda", 16, 13)
	a.param("b", 24, 7)
	a.param("ldb", 32, 8)
	a.param("ahead", 40, 9)
	a.param("pace", 48, 10)
	a.param("c", 56, 11)
	a.param("ldc", 64, 12)
	a.op("LSL $2, R8")
	a.op("LSL $2, R10")
	a.op("LSL $2, R12")
	a.op("ADD R9<<2, R7, R9")
	for i := 1; i < rows; i++ {
		a.op("ADD R13<<2, R%d, R%d", i, i+1)
	}
	for i := range rows {
		for v := range 4 {
			a.zero(neonSum(i, v))
		}
	}
}

// loadA loads four (Q), two (D) or one (S) values of every row of A.
func (a *arm) loadA(kind string, rows int) {
	bytes := map[string]int{"Q": 16, "D": 8, "S": 4}[kind]
	for i := range rows {
		a.op("FMOV%s.P %d(R%d), F%d", kind, bytes, i+1, i)
	}
}

func (a *arm) prefetch() {
	for line := 0; line < 4*4*neonColumns; line += 64 {
		a.op("PRFM %d(R9), PLDL1KEEP", line)
	}
	a.op("ADD R10, R9")
}

func (a *arm) finishTile(rows int) {
	set := a.label("set")
	a.param("accumulate", 72, 13)
	a.op("CBZ R13, %s", set)
	a.op("MOVD R11, R14")
	for i := range rows {
		for pair := range 2 {
			a.op("FLDPQ %d(R14), (F0, F1)", 32*pair)
			for half := range 2 {
				s := neonSum(i, 2*pair+half)
				a.word3(fadd, s, half, s)
			}
		}
		a.op("ADD R12, R14")
	}
	a.at(set)
	for i := range rows {
		for pair := range 2 {
			s := neonSum(i, 2*pair)
			a.op("FSTPQ (F%d, F%d), %d(R11)", s, s+1, 32*pair)
		}
		a.op("ADD R12, R11")
	}
	a.op("RET")
}

func (a *arm) copyPanel() {
	a.text("copyPanelNEON", "(dst, src *float32, lds, rows int)", "copies src[rows, 16] to dst[rows, 16] without gaps; rows is at least 1.")
	a.param("dst", 0, 0)
	a.param("src", 8, 1)
	a.param("lds", 16, 2)
	a.param("rows", 24, 3)
	a.op("LSL $2, R2")
	loop := a.label("loop")
	a.at(loop)
	a.op("FLDPQ (R1), (F0, F1)")
	a.op("FLDPQ 32(R1), (F2, F3)")
	a.op("FSTPQ (F0, F1), (R0)")
	a.op("FSTPQ (F2, F3), 32(R0)")
	a.op("ADD R2, R1")
	a.op("ADD $64, R0")
	a.op("SUBS $1, R3")
	a.op("BNE %s", loop)
	a.op("RET")
}

// rounded emits the rounding of v to bf16 in its upper half, as on amd64. It
// uses t and u; the constants are in V28-V31.
func (a *arm) rounded(v, t, u int) {
	a.op("VUSHR $16, V%d.S4, V%d.S4", v, t)
	a.op("VAND V28.B16, V%d.B16, V%d.B16", t, t)
	a.op("VADD V29.S4, V%d.S4, V%d.S4", t, t)
	a.op("VADD V%d.S4, V%d.S4, V%d.S4", v, t, t)
	a.word3(fcmeq, u, v, v)
	a.op("VORR V30.B16, V%d.B16, V%d.B16", v, v)
	a.op("VBIT V%d.B16, V%d.B16, V%d.B16", u, t, v) // but NaN
}

func (a *arm) roundConstants() {
	for i, name := range []string{"unit", "almostHalf", "quiet", "high"} {
		a.constant(28+i, constants[name])
	}
}

func (a *arm) roundBF16() {
	a.text("roundBF16NEON", "(dst, src *float32, n int)", "rounds src[n] to bf16, two to a 32-bit value of dst, the first in its lower half; n is a positive multiple of 16.")
	a.param("dst", 0, 0)
	a.param("src", 8, 1)
	a.param("n", 16, 2)
	a.roundConstants()
	loop := a.label("loop")
	a.at(loop)
	a.op("FLDPQ (R1), (F0, F1)")
	a.op("FLDPQ 32(R1), (F2, F3)")
	for v := range 4 {
		a.rounded(v, 4, 5)
	}
	a.op("VUZP2 V1.H8, V0.H8, V0.H8") // the upper halves of both
	a.op("VUZP2 V3.H8, V2.H8, V1.H8")
	a.op("FSTPQ (F0, F1), (R0)")
	a.op("ADD $64, R1")
	a.op("ADD $32, R0")
	a.op("SUBS $16, R2")
	a.op("BNE %s", loop)
	a.op("RET")
}

func (a *arm) pairPanel() {
	a.text("pairPanelNEON", "(dst, src *float32, lds, pairs int)", "rounds src[2*pairs, 16] to bf16 and sets dst[pairs, 16] to the pairs of rows, the first in the lower half; pairs is at least 1.")
	a.param("dst", 0, 0)
	a.param("src", 8, 1)
	a.param("lds", 16, 2)
	a.param("pairs", 24, 3)
	a.roundConstants()
	loop := a.label("loop")
	a.at(loop)
	a.op("ADD R2<<2, R1, R4")
	for v := range 4 {
		a.op("FMOVQ %d(R1), F0", 16*v)
		a.op("FMOVQ %d(R4), F1", 16*v)
		a.rounded(0, 4, 5)
		a.rounded(1, 4, 5)
		a.op("VUSHR $16, V0.S4, V0.S4")
		a.op("VAND V31.B16, V1.B16, V1.B16")
		a.op("VORR V1.B16, V0.B16, V0.B16")
		a.op("FMOVQ F0, %d(R0)", 16*v)
	}
	a.op("ADD R2<<3, R1")
	a.op("ADD $64, R0")
	a.op("SUBS $1, R3")
	a.op("BNE %s", loop)
	a.op("RET")
}
