// Package half converts IEEE 754 halves: 5 bits of exponent and 10 of fraction.
package half

import "math"

// Largest is the largest finite half.
const Largest = 65504

// Float32 converts a half. The shifted half is a float32 whose exponent is 112 too
// low, subnormals included, so one exact multiplication repairs it.
func Float32(h uint16) float32 {
	bits := uint32(h&0x7fff) << 13
	f := math.Float32bits(math.Float32frombits(bits) * 0x1p112)
	if h&0x7c00 == 0x7c00 { // infinity, NaN with its payload
		f = bits | 0x7f800000
	}
	return math.Float32frombits(f | uint32(h&0x8000)<<16)
}

// Nearest rounds to the nearest half, ties to even; what is too large becomes
// infinite.
func Nearest(f float32) uint16 {
	bits := math.Float32bits(f)
	sign, bits := uint16(bits>>16&0x8000), bits&0x7fffffff
	switch {
	case bits > 0x7f800000:
		return sign | 0x7e00
	case bits >= 0x477ff000: // rounds to more than the largest half
		return sign | 0x7c00
	case bits < 0x38800000: // subnormal: the sum's own rounding is the right one
		return sign | uint16(math.Float32bits(math.Float32frombits(bits)+0.5)-0x3f000000)
	}
	return sign | uint16((bits+0xfff+bits>>13&1-0x38000000)>>13)
}

// NearestFinite is [Nearest], but for what is too large: that becomes the largest.
func NearestFinite(f float32) uint16 { return Nearest(max(-Largest, min(f, Largest))) }

// Below is the largest half that is not above f, which is finite; Above the smallest
// that is not below. What no half reaches becomes the last finite one.
func Below(f float32) uint16 { return directed(f, -1) }

// Above is described at [Below].
func Above(f float32) uint16 { return directed(f, 1) }

// directed rounds towards the infinity of that sign.
func directed(f, sign float32) uint16 {
	h := NearestFinite(f)
	outwards := (h&0x8000 == 0) == (sign > 0)
	switch {
	case (Float32(h)-f)*sign >= 0 || outwards && h&0x7fff == 0x7bff:
		return h
	case outwards:
		return h + 1
	case h&0x7fff == 0: // over zero
		return h ^ 0x8000 | 1
	}
	return h - 1
}
