package weights

import (
	"encoding/binary"

	"hone/engine/half"
)

// The K types of ggml have 256 values a block, in groups with scales of their own, which
// are whole numbers of the block's scale. As in quant.go, products are rounded before
// anything is added to them.

// groupScale unpacks scale and minimum of the j-th of eight groups of 32: six bits each,
// in twelve bytes.
func groupScale(j int, q []byte) (scale, least float32) {
	if j < 4 {
		return float32(q[j] & 63), float32(q[j+4] & 63)
	}
	return float32(q[j+4]&15 | q[j-4]>>6<<4), float32(q[j+4]>>4 | q[j]>>6<<4)
}

// decodeQ4_K: d, minimum, scales [12], values [128].
func decodeQ4_K(dst []float32, src []byte) {
	for ; len(dst) >= 256 && len(src) >= 144; dst, src = dst[256:], src[144:] {
		decodeGroups(dst, src, src[16:144], nil)
	}
}

// decodeQ5_K: d, minimum, scales [12], fifth bits [32], values [128].
func decodeQ5_K(dst []float32, src []byte) {
	for ; len(dst) >= 256 && len(src) >= 176; dst, src = dst[256:], src[176:] {
		decodeGroups(dst, src, src[48:176], src[16:48])
	}
}

// decodeGroups decodes eight groups: the low halves of 32 bytes are one, the high halves
// the next. fifth, if there is one, has bit j of every value of group j.
func decodeGroups(dst []float32, block, values, fifth []byte) {
	d := half.Float32(binary.LittleEndian.Uint16(block))
	m := half.Float32(binary.LittleEndian.Uint16(block[2:]))
	for j := range 8 {
		scale, least := groupScale(j, block[4:16])
		scale, least = d*scale, m*least
		q := values[j/2*32:][:32]
		out := dst[j*32:][:32]
		for i, b := range q {
			v := b >> (4 * (j & 1)) & 15
			if fifth != nil {
				v |= fifth[i] >> j & 1 << 4
			}
			out[i] = float32(scale*float32(v)) - least
		}
	}
}

// decodeQ6_K: low four bits [128], high two [64], scales [16] of 16 values each, d.
func decodeQ6_K(dst []float32, src []byte) {
	for ; len(dst) >= 256 && len(src) >= 210; dst, src = dst[256:], src[210:] {
		d := half.Float32(binary.LittleEndian.Uint16(src[208:]))
		for i := range 256 {
			// Of each half, four runs of 32: the low halves of 64 bytes, then the high ones.
			half, run, at := i/128, i/32%4, i%32
			low := src[half*64+run%2*32+at] >> (4 * (run / 2)) & 15
			high := src[128+half*32+at] >> (2 * run) & 3
			scale := float32(int8(src[192+i/16]))
			dst[i] = float32(d*scale) * float32(int(low|high<<4)-32)
		}
	}
}

// Q5_0 and Q5_1 are Q4_0 and Q4_1 with a fifth bit, of value i in bit i of four bytes:
// files of K types have them where rows are no multiple of 256.

func decodeQ5_0(dst []float32, src []byte) {
	for ; len(dst) >= 32 && len(src) >= 22; dst, src = dst[32:], src[22:] {
		d := half.Float32(binary.LittleEndian.Uint16(src))
		fifth := binary.LittleEndian.Uint32(src[2:])
		for i := range 32 {
			dst[i] = d * float32(int(src[6+i%16]>>(4*(i/16))&15)+int(fifth>>i&1)<<4-16)
		}
	}
}

func decodeQ5_1(dst []float32, src []byte) {
	for ; len(dst) >= 32 && len(src) >= 24; dst, src = dst[32:], src[24:] {
		d := half.Float32(binary.LittleEndian.Uint16(src))
		m := half.Float32(binary.LittleEndian.Uint16(src[2:]))
		fifth := binary.LittleEndian.Uint32(src[4:])
		for i := range 32 {
			dst[i] = float32(d*float32(int(src[8+i%16]>>(4*(i/16))&15)+int(fifth>>i&1)<<4)) + m
		}
	}
}
