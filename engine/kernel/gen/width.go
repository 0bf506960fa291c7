package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const attributes = attr.NOSPLIT

// width is what differs between the vector extensions.
type width struct {
	name  string
	bytes int // of a vector
	rows  int // of the tallest tile of two vectors a row: as many sums as registers allow
}

var (
	ymm = width{name: "AVX2", bytes: 32, rows: 6}
	zmm = width{name: "AVX512", bytes: 64, rows: 12}
)

// lanes is the number of float32 in a vector.
func (w width) lanes() int { return w.bytes / 4 }

// columns is the width of a tile, and of a packed panel.
func (w width) columns() int { return 2 * w.lanes() }

func (w width) wide() bool { return w.bytes == 64 }

// vec allocates a vector register.
func (g *generator) vec() reg.VecVirtual {
	if g.wide() {
		return g.ZMM()
	}
	return g.YMM()
}

// zeroed allocates a vector register of zeros.
func (g *generator) zeroed() reg.VecVirtual {
	v := g.vec()
	if g.wide() {
		g.VPXORD(v, v, v)
	} else {
		g.VXORPS(v, v, v)
	}
	return v
}

func (g *generator) and(a operand.Op, b, dst reg.Register) {
	if g.wide() {
		g.VPANDD(a, b, dst)
	} else {
		g.VPAND(a, b, dst)
	}
}

// round sets dst to src rounded to the nearest integer, ties to even.
func (g *generator) round(src, dst reg.Register) {
	const nearest = 8 // and no inexact exception
	if g.wide() {
		g.VRNDSCALEPS(operand.U8(nearest), src, dst)
	} else {
		g.VROUNDPS(operand.U8(nearest), src, dst)
	}
}

// Predicates of a comparison of its second operand with its first.
const (
	equal     = 0x00 // ordered: false with NaN
	unordered = 0x03 // true with NaN
	notLess   = 0x15 // unordered: true with NaN
	greater   = 0x1e // ordered: false with NaN
)

// keep clears the lanes of v where x is less than limit.
func (g *generator) keep(limit operand.Op, x, v reg.Register) {
	if g.wide() {
		k := g.K()
		g.VCMPPS(operand.U8(notLess), limit, x, k)
		g.VMOVAPS_Z(v, k, v)
		return
	}
	m := g.vec()
	g.VCMPPS(operand.U8(notLess), limit, x, m)
	g.VANDPS(m, v, v)
}

// replace sets the lanes of v to value where x is greater than limit.
func (g *generator) replace(limit operand.Op, x reg.Register, value operand.Op, v reg.Register) {
	if g.wide() {
		k := g.K()
		g.VCMPPS(operand.U8(greater), limit, x, k)
		g.VBLENDMPS(value, v, k, v)
		return
	}
	m := g.vec()
	g.VCMPPS(operand.U8(greater), limit, x, m)
	g.VBLENDVPS(m, value, v, v)
}

// equalBits returns a register with bit i set where lane i of a equals b.
func (g *generator) equalBits(a operand.Op, b reg.Register) reg.Register {
	bits := g.GP32()
	if g.wide() {
		k := g.K()
		g.VCMPPS(operand.U8(equal), a, b, k)
		g.KMOVW(k, bits)
		return bits
	}
	m := g.vec()
	g.VCMPPS(operand.U8(equal), a, b, m)
	g.VMOVMSKPS(m, bits)
	return bits
}

// total adds up the lanes of v and returns the sum in a register of its own.
func (g *generator) total(v reg.VecVirtual) reg.Register {
	y := v.AsY()
	if g.wide() {
		high := g.YMM()
		g.VEXTRACTF64X4(operand.U8(1), v, high)
		g.VADDPS(high, v.AsY(), high)
		y = high
	}
	high := g.XMM()
	g.VEXTRACTF128(operand.U8(1), y, high)
	g.VADDPS(y.(reg.Vec).AsX(), high, high)
	g.VHADDPS(high, high, high)
	g.VHADDPS(high, high, high)
	return high
}

// constants are 32-bit patterns that every lane gets.
var constants = map[string]uint32{
	"log2e":   0x3fb8aa3b,
	"ln2high": 0x3f318000, // ln 2 = high + low, high short enough for exact products
	"ln2low":  0xb95e8083,
	// exp(r) = 1 + r + r^2 (c2 + c3 r + ... + c6 r^4) for |r| <= ln(2)/2,
	// relative error 1.1e-8.
	"c6":       0x3ab68883,
	"c5":       0x3c0905b6,
	"c4":       0x3d2aaa8d,
	"c3":       0x3e2aaa6e,
	"c2":       0x3f000000,
	"one":      0x3f800000,
	"lowest":   math.Float32bits(-87.336), // exp is zero below: just above the smallest normal number
	"highest":  0x42b17217,                // exp is +Inf above: the last with a finite result
	"infinity": 0x7f800000,
	"negative": 0xff800000, // -Inf
	"unsigned": 0x7fffffff, // all but the sign
	"byte":     0xff,
	// Rounding to bf16, which is the upper half of a float32.
	"high":       0xffff0000,
	"unit":       1,          // of bf16, where it has been shifted down to
	"almostHalf": 0x7fff,     // of its unit; with the unit's own bit, ties go to even
	"quiet":      0x00400000, // the bit of a quiet NaN
}

// constant returns an operand with the pattern in every lane: a register where
// there are plenty, else memory.
func (g *generator) constant(name string) operand.Op {
	label := fmt.Sprintf("%s%s", name, g.name)
	bits, ok := constants[name]
	if !ok {
		panic("no constant " + name)
	}
	if !g.data[label] {
		if g.data == nil {
			g.data = map[string]bool{}
		}
		g.data[label] = true
		g.StaticGlobal(label)
		g.DataAttributes(attr.RODATA | attr.NOPTR)
		g.AddDatum(0, operand.U32(bits))
		if !g.wide() {
			for i := 1; i < g.lanes(); i++ {
				g.AddDatum(4*i, operand.U32(bits))
			}
		}
	}
	m := operand.NewDataAddr(operand.NewStaticSymbol(label), 0)
	if !g.wide() {
		return m
	}
	r := g.vec()
	g.VBROADCASTSS(m, r)
	return r
}
