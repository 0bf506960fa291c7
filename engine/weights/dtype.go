package weights

import "math"

// dtype is how the values of a tensor are stored: blocks of values in blocks of
// bytes, one value a block unless quantized.
type dtype struct {
	name   string
	values int                             // values in a block
	bytes  int                             // bytes of a block
	decode func(dst []float32, src []byte) // whole blocks only; nil: known, cannot be read
}

var (
	f32  = &dtype{"F32", 1, 4, decodeF32}
	f16  = &dtype{"F16", 1, 2, decodeF16}
	bf16 = &dtype{"BF16", 1, 2, decodeBF16}
	q4_0 = &dtype{"Q4_0", 32, 18, decodeQ4_0}
	q4_1 = &dtype{"Q4_1", 32, 20, decodeQ4_1}
	q8_0 = &dtype{"Q8_0", 32, 34, decodeQ8_0}
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
