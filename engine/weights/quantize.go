package weights

import (
	"encoding/binary"
	"math"

	"hone/engine/half"
)

// The encoders are ggml's reference ones, so that a file has the bytes that llama.cpp
// would have written.

func encodeF16(dst []byte, src []float32) {
	for i, f := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], half.Nearest(f))
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
		binary.LittleEndian.PutUint16(dst, half.Nearest(d))
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
		binary.LittleEndian.PutUint16(dst, half.Nearest(d))
		binary.LittleEndian.PutUint16(dst[2:], half.Nearest(least))
		step := func(x float32) byte { return min(15, byte(float32((x-least)*inverse)+0.5)) }
		for i := range 16 {
			dst[4+i] = step(src[i]) | step(src[16+i])<<4
		}
	}
}
