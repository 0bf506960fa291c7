package weights

import (
	"encoding/binary"
	"math"
)

// The encoders are ggml's reference ones, so that a file has the bytes that llama.cpp
// would have written.

// floatToHalf rounds to the nearest IEEE 754 half, ties to even; what is too large
// becomes infinite.
func floatToHalf(f float32) uint16 {
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

func encodeF16(dst []byte, src []float32) {
	for i, f := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], floatToHalf(f))
	}
}

// encodeQ8_0 scales 32 values so that the largest is 127.
func encodeQ8_0(dst []byte, src []float32) {
	for ; len(src) >= 32; src, dst = src[32:], dst[34:] {
		most := float32(0)
		for _, x := range src[:32] {
			most = max(most, float32(math.Abs(float64(x))))
		}
		d := most / 127
		inverse := float32(0)
		if d != 0 {
			inverse = 1 / d
		}
		binary.LittleEndian.PutUint16(dst, floatToHalf(d))
		for i, x := range src[:32] {
			dst[2+i] = byte(int8(math.Round(float64(x * inverse))))
		}
	}
}

// encodeQ4_1 cuts the range of 32 values into 15 steps.
func encodeQ4_1(dst []byte, src []float32) {
	for ; len(src) >= 32; src, dst = src[32:], dst[20:] {
		least, most := src[0], src[0]
		for _, x := range src[:32] {
			least, most = min(least, x), max(most, x)
		}
		d := (most - least) / 15
		inverse := float32(0)
		if d != 0 {
			inverse = 1 / d
		}
		binary.LittleEndian.PutUint16(dst, floatToHalf(d))
		binary.LittleEndian.PutUint16(dst[2:], floatToHalf(least))
		step := func(x float32) byte { return min(15, byte(float32((x-least)*inverse)+0.5)) }
		for i := range 16 {
			dst[4+i] = step(src[i]) | step(src[16+i])<<4
		}
	}
}
