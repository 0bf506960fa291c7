package weights

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
)

// random makes test data from a seed.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 1))} }

// values returns n finite values of ordinary size.
func (r random) values(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// half returns a finite half of ordinary size.
func (r random) half() uint16 { return uint16(r.IntN(2)<<15 | (5+r.IntN(15))<<10 | r.IntN(1024)) }

// blocks returns n random blocks of a dtype without NaN or infinity.
func (r random) blocks(d *dtype, n int) []byte {
	b := make([]byte, n*d.bytes)
	for i := range b {
		b[i] = byte(r.UintN(256))
	}
	for i := 0; i < len(b); i += d.bytes {
		switch d {
		case f32:
			binary.LittleEndian.PutUint32(b[i:], math.Float32bits(float32(r.NormFloat64())))
		case bf16:
			binary.LittleEndian.PutUint16(b[i:], uint16(math.Float32bits(float32(r.NormFloat64()))>>16))
		case f16, q8_0, q4_0, q5_0:
			binary.LittleEndian.PutUint16(b[i:], r.half())
		case q6_k:
			binary.LittleEndian.PutUint16(b[i+208:], r.half())
		case q4_1, q5_1, q4_k, q5_k:
			binary.LittleEndian.PutUint16(b[i:], r.half())
			binary.LittleEndian.PutUint16(b[i+2:], r.half())
		}
	}
	return b
}
