package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
)

// dot executes VDPBF16PS from its bytes, as Intel documents it: to every lane
// is added the product of the upper halves, then that of the lower halves, each
// rounded once to nearest even. Denormals are taken for zero and become zero,
// whatever MXCSR says.
func (m *machine) dot(long, word *ir.Instruction) {
	var b [6]byte
	binary.LittleEndian.PutUint32(b[:], uint32(long.Operands[0].(operand.U32)))
	binary.LittleEndian.PutUint16(b[4:], uint16(word.Operands[0].(operand.U16)))
	dst, src1, src2, err := decodeDot(b)
	if err != nil {
		panic(fault(err.Error()))
	}
	x, y, z := clone(m.vectors[src1][:]), clone(m.vectors[src2][:]), &m.vectors[dst]
	half := func(b []byte, i int) float32 {
		return flush(math.Float32frombits(uint32(binary.LittleEndian.Uint16(b[2*i:])) << 16))
	}
	for i := range 16 {
		sum := float(z[:], i)
		for _, j := range []int{2*i + 1, 2 * i} {
			sum = flush(fma32(half(x, j), half(y, j), flush(sum)))
		}
		binary.LittleEndian.PutUint32(z[4*i:], math.Float32bits(sum))
	}
}

// fma32 returns x*y+z rounded once. The product of two bf16 is exact in
// float64; the sum is rounded to odd there, so that rounding again to float32
// is as good as rounding the exact sum.
func fma32(x, y, z float32) float32 {
	p, q := float64(x)*float64(y), float64(z)
	s := p + q
	if math.IsInf(s, 0) || math.IsNaN(s) {
		return float32(s)
	}
	v := s - p
	rest := (p - (s - v)) + (q - v) // what the sum has lost, exactly
	if rest != 0 && math.Float64bits(s)&1 == 0 {
		if (rest > 0) == (s > 0) {
			s = math.Float64frombits(math.Float64bits(s) + 1)
		} else {
			s = math.Float64frombits(math.Float64bits(s) - 1)
		}
	}
	return float32(s)
}

func flush(x float32) float32 {
	if math.Float32bits(x)&0x7f800000 == 0 {
		return float32(math.Copysign(0, float64(x)))
	}
	return x
}

// decodeDot reads the registers out of an instruction's bytes and refuses all
// but VDPBF16PS zmm, zmm, zmm without mask.
func decodeDot(b [6]byte) (dst, src1, src2 int, err error) {
	up := func(b byte, bit int) int { return int(b>>bit&1) ^ 1 }
	switch {
	case b[0] != 0x62:
		err = fmt.Errorf("no EVEX prefix: %x", b)
	case b[1]&0x0f != 0x02: // map 0F38
		err = fmt.Errorf("opcode map: %x", b)
	case b[2]&0x87 != 0x06: // W0, the fixed bit, F3
		err = fmt.Errorf("prefix or width: %x", b)
	case b[3]&0xf7 != 0x40: // 512 bits; no zeroing, broadcast or mask
		err = fmt.Errorf("length or mask: %x", b)
	case b[4] != 0x52 || b[5]>>6 != 3:
		err = fmt.Errorf("opcode or operand in memory: %x", b)
	}
	dst = up(b[1], 4)<<4 | up(b[1], 7)<<3 | int(b[5]>>3&7)
	src1 = up(b[3], 3)<<4 | int(^b[2]>>3&15)
	src2 = up(b[1], 6)<<4 | up(b[1], 5)<<3 | int(b[5]&7)
	return dst, src1, src2, err
}

// The bytes are those of the GNU assembler 2.40.
func TestEncodeDot(t *testing.T) {
	for _, c := range []struct {
		dst, src1, src2 int
		want            string
	}{
		{0, 0, 0, "62f27e4852c0"},
		{31, 31, 31, "6202064052ff"},
		{0, 4, 2, "62f25e4852c2"},
		{1, 4, 3, "62f25e4852cb"},
		{8, 16, 24, "62127e4052c0"},
		{16, 8, 9, "62c23e4852c1"},
		{23, 15, 31, "6282064852ff"},
		{25, 26, 7, "62622e4052cf"},
	} {
		if got := fmt.Sprintf("%x", encodeDot(c.dst, c.src1, c.src2)); got != c.want {
			t.Errorf("zmm%d, zmm%d, zmm%d: %s, not %s", c.dst, c.src1, c.src2, got, c.want)
		}
	}
	for dst := range 32 {
		for src1 := range 32 {
			for src2 := range 32 {
				d, s1, s2, err := decodeDot(encodeDot(dst, src1, src2))
				if err != nil || d != dst || s1 != src1 || s2 != src2 {
					t.Fatalf("zmm%d, zmm%d, zmm%d decodes to %d, %d, %d, error %v", dst, src1, src2, d, s1, s2, err)
				}
			}
		}
	}
}
