package weights

import (
	"encoding/binary"
	"math"
)

// dtype is how the values of a tensor are stored: blocks of values in blocks of
// bytes, one value a block unless quantized.
type dtype struct {
	name   string
	values int                             // values in a block
	bytes  int                             // bytes of a block
	decode func(dst []float32, src []byte) // whole blocks only
	halves int                             // scales at the start of a quantized block; if they are finite, its values are
}

var (
	f32  = &dtype{"F32", 1, 4, decodeF32, 0}
	f16  = &dtype{"F16", 1, 2, decodeF16, 0}
	bf16 = &dtype{"BF16", 1, 2, decodeBF16, 0}
	q4_0 = &dtype{"Q4_0", 32, 18, decodeQ4_0, 1}
	q4_1 = &dtype{"Q4_1", 32, 20, decodeQ4_1, 2}
	q5_0 = &dtype{"Q5_0", 32, 22, decodeQ5_0, 1}
	q5_1 = &dtype{"Q5_1", 32, 24, decodeQ5_1, 2}
	q8_0 = &dtype{"Q8_0", 32, 34, decodeQ8_0, 1}
	q4_k = &dtype{"Q4_K", 256, 144, decodeQ4_K, 2}
	q5_k = &dtype{"Q5_K", 256, 176, decodeQ5_K, 2}
	q6_k = &dtype{"Q6_K", 256, 210, decodeQ6_K, 0} // its scale is at the end
)

// elements multiplies a shape; ok is false if the product, or that of any
// prefix, does not fit.
func elements(shape []int) (n int64, ok bool) {
	n = 1
	for _, d := range shape {
		if d < 0 || d > 0 && n > math.MaxInt64/int64(d) {
			return 0, false
		}
		n *= int64(d)
	}
	return n, true
}

// size returns the bytes of n values; ok is false if they do not fill whole
// blocks or the size does not fit.
func (d *dtype) size(n int64) (bytes int64, ok bool) {
	if n < 0 || n%int64(d.values) != 0 {
		return 0, false
	}
	blocks := n / int64(d.values)
	if blocks > math.MaxInt64/int64(d.bytes) {
		return 0, false
	}
	return blocks * int64(d.bytes), true
}

// firstNonFinite returns the index of the first NaN or infinity in dst, which was
// decoded from src, -1 if there is none. Quantized values are finite if the
// scales of their blocks are, so only those are looked at.
func (d *dtype) firstNonFinite(dst []float32, src []byte) int {
	if d.halves == 0 {
		return firstNonFinite(dst)
	}
	for ; len(src) >= d.bytes; src = src[d.bytes:] {
		for h := range d.halves {
			if binary.LittleEndian.Uint16(src[2*h:])&0x7c00 == 0x7c00 {
				return firstNonFinite(dst) // a zero times infinity is a NaN too, so this finds one
			}
		}
	}
	return -1
}
