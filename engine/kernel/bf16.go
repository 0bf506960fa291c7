package kernel

import (
	"math"
	"unsafe"
)

// A packed matrix of bf16 keeps pairs of consecutive k in 32-bit values, the
// first in the lower half. They are moved about as float32, whose bits nothing
// but arithmetic changes.

// roundBF16 returns x rounded to bf16, to nearest, ties to even. Values beyond
// the largest round to an infinity; a NaN stays one.
func roundBF16(x float32) uint32 {
	u := math.Float32bits(x)
	if x != x {
		return u>>16 | 0x40 // quiet, so that it cannot end up as an infinity
	}
	return (u + 0x7fff + u>>16&1) >> 16
}

// expandBF16 is exact.
func expandBF16(h uint32) float32 { return math.Float32frombits(h << 16) }

// patterns returns the bits of x to read and write.
func patterns(x []float32) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

// roundRow sets dst to the pairs of src; an odd last one has zero beside it.
func (s *set) roundRow(dst, src []float32) {
	n := 0
	if s.round != nil {
		if n = len(src) &^ 15; n > 0 {
			s.round(local(dst), local(src), n)
		}
	}
	pairs := patterns(dst)
	for ; n+1 < len(src); n += 2 {
		pairs[n/2] = roundBF16(src[n]) | roundBF16(src[n+1])<<16
	}
	if n < len(src) {
		pairs[n/2] = roundBF16(src[n])
	}
}

// setRowsBF16 sets the rows of a panel from j on: their pairs are rounded side
// by side and then turned like float32.
func (p *Packed) setRowsBF16(dst []float32, j int, b []float32, ldb, rows int) {
	d := BF16.depth(p.K)
	s := takePairs(rows * d)
	for r := range rows {
		p.set.roundRow(s.values[r*d:(r+1)*d], b[r*ldb:r*ldb+p.K])
	}
	p.set.turn(dst[j:], p.set.width, s.values, d, rows, d)
	s.release()
}

// setColumnsBF16 sets B[j:j+cols, k0:k0+rows] of a panel from the columns of b.
func (p *Packed) setColumnsBF16(panel []float32, j, k0 int, b []float32, ldb, rows, cols int) {
	w := p.set.width
	i := 0
	if k0%2 == 1 && rows > 0 { // the upper half of a pair
		for c, x := range b[:cols] {
			v := &patterns(panel[k0/2*w:])[j+c]
			*v = *v&0xffff | roundBF16(x)<<16
		}
		i = 1
	}
	if pairs := (rows - i) / 2; pairs > 0 && cols == w && p.set.pairPanel != nil {
		p.set.pairPanel(local(panel[(k0+i)/2*w:]), local(b[i*ldb:]), ldb, pairs)
		i += 2 * pairs
	}
	for ; i+1 < rows; i += 2 {
		v := patterns(panel[(k0+i)/2*w:])[j : j+cols]
		low, high := b[i*ldb:i*ldb+cols], b[(i+1)*ldb:(i+1)*ldb+cols]
		for c := range v {
			v[c] = roundBF16(low[c]) | roundBF16(high[c])<<16
		}
	}
	if i < rows { // the lower half of a pair
		for c, x := range b[i*ldb : i*ldb+cols] {
			v := &patterns(panel[(k0+i)/2*w:])[j+c]
			*v = *v&0xffff0000 | roundBF16(x)
		}
	}
}

// rowBF16 expands row j of a panel.
func (p *Packed) rowBF16(panel []float32, j int, dst []float32) {
	w, v := p.set.width, patterns(panel)
	for i := range dst {
		dst[i] = expandBF16(v[i/2*w+j] >> (i % 2 * 16))
	}
}

func plainTile1BF16(k int, a *float32, _ int, b *float32, ldb, _, _ int, c *float32, _, accumulate int) {
	var c0, c1, c2, c3 float32
	for i, x := range from(a, k) {
		r := (*[4]uint32)(patterns(from(at(b, i/2*ldb), 4)))
		shift := i % 2 * 16
		c0 += x * expandBF16(r[0]>>shift)
		c1 += x * expandBF16(r[1]>>shift)
		c2 += x * expandBF16(r[2]>>shift)
		c3 += x * expandBF16(r[3]>>shift)
	}
	out := (*[4]float32)(from(c, 4))
	if accumulate != 0 {
		c0, c1, c2, c3 = out[0]+c0, out[1]+c1, out[2]+c2, out[3]+c3
	}
	*out = [4]float32{c0, c1, c2, c3}
}

func plainTile2BF16(k int, a *float32, lda int, b *float32, ldb, _, _ int, c *float32, ldc, accumulate int) {
	var c0, c1, c2, c3, d0, d1, d2, d3 float32
	a1 := from(at(a, lda), k)
	for i, x := range from(a, k) {
		y := a1[i]
		r := (*[4]uint32)(patterns(from(at(b, i/2*ldb), 4)))
		shift := i % 2 * 16
		r0, r1, r2, r3 := expandBF16(r[0]>>shift), expandBF16(r[1]>>shift), expandBF16(r[2]>>shift), expandBF16(r[3]>>shift)
		c0 += x * r0
		c1 += x * r1
		c2 += x * r2
		c3 += x * r3
		d0 += y * r0
		d1 += y * r1
		d2 += y * r2
		d3 += y * r3
	}
	out, out1 := (*[4]float32)(from(c, 4)), (*[4]float32)(from(at(c, ldc), 4))
	if accumulate != 0 {
		c0, c1, c2, c3 = out[0]+c0, out[1]+c1, out[2]+c2, out[3]+c3
		d0, d1, d2, d3 = out1[0]+d0, out1[1]+d1, out1[2]+d2, out1[3]+d3
	}
	*out = [4]float32{c0, c1, c2, c3}
	*out1 = [4]float32{d0, d1, d2, d3}
}
