package kernel

// Format is how a packed matrix stores its values. However they are stored, they are
// multiplied as float32, but where the set multiplies bf16 natively.
type Format uint8

// Formats of packed matrices.
const (
	F32  Format = iota
	BF16        // half the memory: the upper half of a float32, rounded to nearest, ties to even
	Int8        // 9/32 of the memory: a byte, a step and a least value of every 32 along k, see doc.go
)

// depth is how many 32-bit values of a packed row hold its first k. With [Int8] it is
// a place in a panel only where k is at the end of a block.
func (f Format) depth(k int) int {
	switch f {
	case BF16:
		return (k + 1) / 2
	case Int8:
		return (k + int8Block - 1) / int8Block * int8Depth
	}
	return k
}
