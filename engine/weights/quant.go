package weights

import (
	"encoding/binary"

	"hone/engine/half"
)

// Blocks of ggml: 32 values that share a scale d (a half), Q4_1 also a minimum
// m. Of the 4-bit types the low halves of the 16 bytes are values 0 to 15, the
// high halves values 16 to 31. Products are rounded before m is added, so that no
// platform fuses the two and all agree to the bit.

func decodeQ4_0(dst []float32, src []byte) {
	for len(dst) >= 32 && len(src) >= 18 {
		d := half.Float32(binary.LittleEndian.Uint16(src))
		var value [16]float32
		for q := range value {
			value[q] = d * float32(q-8)
		}
		expand4((*[32]float32)(dst), (*[16]byte)(src[2:]), &value)
		dst, src = dst[32:], src[18:]
	}
}

func decodeQ4_1(dst []float32, src []byte) {
	for len(dst) >= 32 && len(src) >= 20 {
		d := half.Float32(binary.LittleEndian.Uint16(src))
		m := half.Float32(binary.LittleEndian.Uint16(src[2:]))
		var value [16]float32
		for q := range value {
			value[q] = float32(d*float32(q)) + m
		}
		expand4((*[32]float32)(dst), (*[16]byte)(src[4:]), &value)
		dst, src = dst[32:], src[20:]
	}
}

// expand4 looks the 32 nibbles of a block up in its 16 values.
func expand4(dst *[32]float32, q *[16]byte, value *[16]float32) {
	for i, b := range q {
		dst[i] = value[b&15]
		dst[i+16] = value[b>>4]
	}
}

func decodeQ8_0(dst []float32, src []byte) {
	for len(dst) >= 32 && len(src) >= 34 {
		d := half.Float32(binary.LittleEndian.Uint16(src))
		out := (*[32]float32)(dst)
		for i, b := range (*[32]byte)(src[2:]) {
			out[i] = d * float32(int8(b))
		}
		dst, src = dst[32:], src[34:]
	}
}
