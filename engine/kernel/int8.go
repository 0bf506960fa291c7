package kernel

import (
	"encoding/binary"

	"hone/engine/half"
)

// A packed matrix of int8 is made of blocks of 32 k. A block of a panel holds the
// step of every row, the least value of every row, both as halves, and then 8 quads: of
// every row the bytes of four k. A value is byte * step + least, in float32: the product has at
// most 19 bits and is exact, so that there is one rounding, fused or not.
//
// Blocks of 32 values with a step and a least value are also what GGUF stores as
// Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0. Values that come from there are kept as they are.

// int8Block is how many k share a step and a least value.
const int8Block = 32

// int8Depth is how many 32-bit values a row takes of a block: two halves and 32 bytes.
const int8Depth = (2*2 + int8Block) / 4

// LargestInt8 bounds what [Int8] can hold: the largest half. What is set beyond it is
// cut down to it.
const LargestInt8 = half.Largest

// int8Grids are the ways of the types of GGUF: all values are least + i * step with
// whole i. They are tried in this order before the way that fits any values.
var int8Grids = []struct {
	divisor float32 // step = spread / divisor
	least   float32 // in steps; 0 where the least value is stored
}{
	{15, 0}, {31, 0}, // Q4_1, Q5_1: the spread of the values is so many steps
	{8, -8}, {127, -128}, {16, -16}, // Q4_0, Q8_0, Q5_0: the largest magnitude is
}

// quantize sets bytes to the levels of x, at most int8Block values, and returns their
// step and least value.
//
// Where x is on a grid of one of GGUF's types it is kept exactly. Elsewhere the step
// is a 255th of the spread: no value moves by more than about half of that.
func quantize(levels *[int8Block]uint8, x []float32) (step, least uint16) {
	low, high := x[0], x[0]
	for _, v := range x[1:] {
		low, high = min(low, v), max(high, v)
	}
	for _, g := range int8Grids {
		spread := high - low
		if g.least != 0 {
			spread = max(high, -low)
		}
		step, least = half.NearestFinite(spread/g.divisor), half.NearestFinite(low)
		if g.least != 0 {
			least = half.NearestFinite(g.least * half.Float32(step))
		}
		if onGrid(levels, x, half.Float32(step), half.Float32(least)) {
			return step, least
		}
	}
	least = half.Below(low)
	m := half.Float32(least)
	step = half.Above((min(high, LargestInt8) - m) / 255)
	inverse := float32(0)
	if d := half.Float32(step); d > 0 {
		inverse = 1 / d
	}
	for i, v := range x {
		// The conversion keeps the compiler from fusing: every machine rounds alike.
		levels[i] = uint8(min(float32((max(v, m)-m)*inverse)+0.5, 255))
	}
	return step, least
}

// onGrid sets levels where every value of x is least + level * step exactly, and
// reports whether that is so. It ends at the first that is not.
func onGrid(levels *[int8Block]uint8, x []float32, step, least float32) bool {
	inverse := float32(0)
	if step > 0 {
		inverse = 1 / step
	}
	for i, v := range x {
		level := float32((v-least)*inverse) + 0.5
		if !(level >= 0 && level < 256) {
			return false
		}
		levels[i] = uint8(level)
		if float32(float32(levels[i])*step)+least != v {
			return false
		}
	}
	return true
}

// quadAt is the place in a block of the byte of row j and k i.
func quadAt(w, j, i int) int { return (4+i&^3)*w + 4*j + i&3 }

// setRowsInt8 sets the rows of a panel from j on.
func (p *Packed) setRowsInt8(panel []float32, j int, b []float32, ldb, rows int) {
	w := p.set.width
	bytes := bytesOf(panel)
	var levels [int8Block]uint8
	for r := range rows {
		row := b[r*ldb : r*ldb+p.K]
		for at := 0; len(row) > 0; at += int8Depth * w * 4 {
			n := min(int8Block, len(row))
			step, least := quantize(&levels, row[:n])
			binary.LittleEndian.PutUint16(bytes[at+2*(j+r):], step)
			binary.LittleEndian.PutUint16(bytes[at+2*(w+j+r):], least)
			for i, v := range levels[:n] {
				bytes[at+quadAt(w, j+r, i)] = v
			}
			row = row[n:]
		}
	}
}

// rowInt8 expands row j of a panel.
func (p *Packed) rowInt8(panel []float32, j int, dst []float32) {
	w, bytes := p.set.width, bytesOf(panel)
	for at := 0; len(dst) > 0; at += int8Depth * w * 4 {
		n := min(int8Block, len(dst))
		step, least := half.Float32(binary.LittleEndian.Uint16(bytes[at+2*j:])), half.Float32(binary.LittleEndian.Uint16(bytes[at+2*(w+j):]))
		for i := range dst[:n] {
			dst[i] = float32(float32(bytes[at+quadAt(w, j, i)])*step) + least
		}
		dst = dst[n:]
	}
}

// expandBlocks expands k rows of a panel, from the beginning of a block on, to dst
// [k, width].
func (s *set) expandBlocks(dst, src []float32, k int) {
	if s.expandInt8 != nil {
		s.expandInt8(local(dst), local(src), k)
		return
	}
	w, bytes := s.width, bytesOf(src)
	for at := 0; k > 0; at, k = at+int8Depth*w*4, k-int8Block {
		for j := range w {
			step, least := half.Float32(binary.LittleEndian.Uint16(bytes[at+2*j:])), half.Float32(binary.LittleEndian.Uint16(bytes[at+2*(w+j):]))
			for i := range min(int8Block, k) {
				dst[i*w+j] = float32(float32(bytes[at+quadAt(w, j, i)])*step) + least
			}
		}
		if k > int8Block {
			dst = dst[int8Block*w:]
		}
	}
}

// two tells whether the panels q and q+1 can be multiplied by one row together.
func (g *product) two(q int) bool {
	return g.format == Int8 && g.set.int8Two != nil && (q+2)*g.set.width <= g.n
}

// pair computes row i of the panels q and q+1.
func (g *product) pair(i, q int) {
	c, b := at(g.c, i*g.ldc+q*g.set.width), at(g.b, q*g.panel)
	for k0 := 0; k0 < g.k; k0 += g.size {
		accumulate := 0
		if g.accumulate || k0 > 0 {
			accumulate = 1
		}
		place, ahead := g.format.depth(k0)*g.ldb, g.format.depth(g.size)*g.ldb
		if k0+g.size >= g.k {
			ahead = 2*g.panel - place // the next two panels
		}
		g.set.int8Two(min(g.size, g.k-k0), at(g.a, i*g.lda+k0), 0, at(b, place), g.panel, ahead, 0, c, 0, accumulate)
	}
}

// expands tells whether a strip of so many rows is expanded to float32 before it is
// multiplied. The result is the same.
func (g *product) expands(rows int) bool {
	return g.format == Int8 && g.set.int8[min(rows, maxRows)] == nil
}
