package main

import "fmt"

// Registers of a tile of int8: sums as in every tile, V0-V3 A, V4 the mask of a byte, V5
// a vector of quads, V6 a byte of each, V7 their values; then the steps and least values
// of the panels, which are above the sums.

const (
	fcvtlHalf  = 0x0e217800 // the lower four halves to float32
	fcvtl2Half = 0x4e217800 // the upper four
	ucvtf      = 0x6e21d800 // unsigned integers to float32
)

// armPanel is a panel of int8: the register that points to it, and where its steps
// and least values are, four registers each.
type armPanel struct{ r, step, least int }

func (a *arm) int8Header(p armPanel) {
	for i, at := range []int{p.step, p.least} {
		a.op("FLDPQ %d(R%d), (F5, F6)", 32*i, p.r)
		for half := range 2 {
			a.word2(fcvtlHalf, at+2*half, 5+half)
			a.word2(fcvtl2Half, at+2*half+1, 5+half)
		}
	}
	a.op("ADD $64, R%d", p.r)
}

// int8Value sets V7 to the values of byte u of the quads in V5.
func (a *arm) int8Value(p armPanel, v, u int) {
	from := 5
	if u > 0 {
		a.op("VUSHR $%d, V5.S4, V6.S4", 8*u)
		from = 6
	}
	if u < 3 {
		a.op("VAND V4.B16, V%d.B16, V6.B16", from)
	}
	a.word2(ucvtf, 6, 6)
	a.copy(7, p.least+v)
	a.word3(fmla, 7, 6, p.step+v)
}

// int8Blocks emits quad for four k, and single for the u-th k of the last quad where
// it is incomplete. R0 is k; R15 is used.
func (a *arm) int8Blocks(panels []armPanel, quad func(), single func(u int)) {
	a.constant(4, 0xff)
	block, whole, loop, rest, done := a.label("block"), a.label("whole"), a.label("loop"), a.label("rest"), a.label("done")
	a.at(block)
	for _, p := range panels {
		a.int8Header(p)
	}
	a.op("MOVD $%d, R15", int8Block)
	a.op("SUBS $%d, R0", int8Block)
	a.op("BGE %s", whole)
	a.op("ADD R0, R15")
	a.op("MOVD $0, R0")
	a.at(whole)
	a.op("SUBS $4, R15")
	a.op("BLT %s", rest)
	a.at(loop)
	quad()
	for _, p := range panels {
		a.op("ADD $64, R%d", p.r)
	}
	a.op("SUBS $4, R15")
	a.op("BGE %s", loop)
	a.at(rest) // which only the last block has
	a.op("CBNZ R0, %s", block)
	a.op("ADDS $4, R15")
	for u := range 3 {
		a.op("BEQ %s", done)
		single(u)
		a.op("SUBS $1, R15")
	}
	a.at(done)
}

func (a *arm) tilesInt8() {
	for rows := 1; rows <= int8Rows; rows++ {
		a.startTile(rows, fmt.Sprintf("tile%dx%dInt8NEON", rows, neonColumns),
			fmt.Sprintf("computes C[%d, 16] (+)= A[%d, k] B[k, 16] with B %s not either.", rows, rows, int8Doc))
		a.tileInt8(rows, armPanel{7, 24, 28})
		a.finishTile(rows)
	}
	// The second panel's sums are those of a second row, 16 columns further.
	a.startTile(2, "tile1x32Int8NEON", fmt.Sprintf("computes C[1, 32] (+)= A[1, k] B[k, 32] with B two panels %s how far they are apart.", int8Doc))
	a.op("ADD R8, R7, R17")
	a.op("MOVD $64, R12")
	a.tileInt8(1, armPanel{7, 16, 20}, armPanel{17, 24, 28})
	a.finishTile(2)
}

func (a *arm) tileInt8(rows int, panels ...armPanel) {
	// products multiplies byte u of each vector of quads by element of the values of A.
	products := func(v int, p armPanel, first, u, element int) {
		a.int8Value(p, v, u)
		for i := range rows {
			a.fmlaElement(neonSum(first+i, v), 7, i, element)
		}
	}
	a.int8Blocks(panels, func() {
		for i := range panels {
			at := 9
			if i > 0 {
				a.op("ADD R8, R9, R19")
				at = 19
			}
			a.op("PRFM (R%d), PLDL1KEEP", at)
		}
		a.op("ADD $64, R9")
		a.loadA("Q", rows)
		for i, p := range panels {
			for v := range 4 {
				a.op("FMOVQ %d(R%d), F5", 16*v, p.r)
				for u := range 4 {
					products(v, p, i, u, u)
				}
			}
		}
	}, func(u int) {
		a.loadA("S", rows)
		for i, p := range panels {
			for v := range 4 {
				a.op("FMOVQ %d(R%d), F5", 16*v, p.r)
				products(v, p, i, u, 0)
			}
		}
	})
}

func (a *arm) expandInt8() {
	a.text("expandInt8NEON", "(dst, src *float32, k int)", fmt.Sprintf("sets dst[k, 16] to the values of the blocks at src, of %d k each; k is at least 1.", int8Block))
	a.param("dst", 0, 1)
	a.param("src", 8, 7)
	a.param("k", 16, 0)
	p := armPanel{7, 24, 28}
	row := func(v, u int) {
		a.int8Value(p, v, u)
		a.op("FMOVQ F7, %d(R1)", 64*u+16*v)
	}
	a.int8Blocks([]armPanel{p}, func() {
		for v := range 4 {
			a.op("FMOVQ %d(R7), F5", 16*v)
			for u := range 4 {
				row(v, u)
			}
		}
		a.op("ADD $256, R1")
	}, func(u int) {
		for v := range 4 {
			a.op("FMOVQ %d(R7), F5", 16*v)
			row(v, u)
		}
	})
	a.op("RET")
}
