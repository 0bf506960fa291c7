package weights

import (
	"encoding/binary"
	"math"
	"testing"

	"hone/engine/half"
)

// refHalf is the definition of an IEEE 754 half.
func refHalf(h uint16) float32 {
	sign := 1.0
	if h>>15 == 1 {
		sign = -1
	}
	exponent, fraction := int(h>>10&31), float64(h&1023)
	switch exponent {
	case 0:
		return float32(sign * fraction * math.Pow(2, -24))
	case 31:
		if fraction != 0 {
			return float32(math.NaN())
		}
		return float32(math.Inf(int(sign)))
	}
	return float32(sign * (1 + fraction/1024) * math.Pow(2, float64(exponent-15)))
}

// refDecode de-quantizes one value after the format's description.
func refDecode(d *dtype, block []byte, i int) float32 {
	u16 := func(at int) uint16 { return binary.LittleEndian.Uint16(block[at:]) }
	nibble := func(at int) float32 {
		if i < 16 {
			return float32(block[at+i] & 15)
		}
		return float32(block[at+i-16] >> 4)
	}
	switch d {
	case f32:
		return math.Float32frombits(binary.LittleEndian.Uint32(block))
	case f16:
		return refHalf(u16(0))
	case bf16:
		return math.Float32frombits(uint32(u16(0)) << 16)
	case q8_0:
		return refHalf(u16(0)) * float32(int8(block[2+i]))
	case q4_0:
		return refHalf(u16(0)) * (nibble(2) - 8)
	case q4_1:
		product := refHalf(u16(0)) * nibble(4)
		return float32(product) + refHalf(u16(2))
	}
	panic(d.name)
}

func sameFloat(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

func TestEveryHalf(t *testing.T) {
	for h := range 1 << 16 {
		if got, want := half.Float32(uint16(h)), refHalf(uint16(h)); !sameFloat(got, want) {
			t.Fatalf("half %04x is %v, want %v", h, got, want)
		}
	}
}

// TestBF16 checks that rounding picks the nearest of the two neighbours, the even
// one of two equally near, and that every bfloat16 comes back as it was.
func TestBF16(t *testing.T) {
	for h := range 1 << 16 {
		f := math.Float32frombits(uint32(h) << 16)
		if got := floatToBF16(f); got != uint16(h) && !(f != f && got == uint16(h)|0x40) {
			t.Fatalf("bfloat16 %04x becomes %04x", h, got)
		}
	}
	r := newRandom(3)
	for range 200000 {
		bits := r.Uint32()
		if r.IntN(4) == 0 {
			bits = bits&^0xffff | 0x8000 // a tie
		}
		if bits&0x7f800000 == 0x7f800000 {
			continue
		}
		down, up := bits>>16, bits>>16+1 // in magnitude
		low, high := bits&0xffff, 0x10000-bits&0xffff
		want := down
		if high < low || high == low && up&1 == 0 {
			want = up
		}
		if got := floatToBF16(math.Float32frombits(bits)); uint32(got) != want {
			t.Fatalf("%08x becomes %04x, want %04x", bits, got, want)
		}
	}
}

// TestDecode compares every dtype with the definition, on blocks of any bits: NaN,
// infinite and subnormal scales among them. Odd counts meet the loops' tails.
func TestDecode(t *testing.T) {
	r := newRandom(11)
	for _, d := range []*dtype{f32, f16, bf16, q4_0, q4_1, q8_0} {
		for _, blocks := range []int{0, 1, 2, 3, 5, 7, 8, 257} {
			src := make([]byte, blocks*d.bytes)
			for i := range src {
				src[i] = byte(r.UintN(256))
			}
			if blocks > 2 { // scales at the edges
				binary.LittleEndian.PutUint16(src, 0x7c00)
				binary.LittleEndian.PutUint16(src[d.bytes:], 0x0001)
				binary.LittleEndian.PutUint16(src[2*d.bytes:], 0xfe01)
			}
			dst := make([]float32, blocks*d.values)
			d.decode(dst, src)
			first := -1
			for i, got := range dst {
				b, k := i/d.values, i%d.values
				want := refDecode(d, src[b*d.bytes:(b+1)*d.bytes], k)
				if !sameFloat(got, want) {
					t.Fatalf("%s: value %d is %v, want %v", d.name, i, got, want)
				}
				if first < 0 && (math.IsNaN(float64(want)) || math.IsInf(float64(want), 0)) {
					first = i
				}
			}
			if got := d.firstNonFinite(dst, src); got != first {
				t.Errorf("%s: first non-finite at %d, want %d", d.name, got, first)
			}
		}
	}
}

func TestFirstNonFinite(t *testing.T) {
	r := newRandom(5)
	for n := range 40 {
		x := r.values(n)
		if n > 0 {
			x[r.IntN(n)] = math.MaxFloat32
			x[r.IntN(n)] = math.SmallestNonzeroFloat32
		}
		if i := firstNonFinite(x); i >= 0 {
			t.Fatalf("finite values, but index %d", i)
		}
		for at := range n {
			for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), math.Float32frombits(0xff800001)} {
				y := append([]float32(nil), x...)
				y[at], y[n-1] = bad, bad
				if i := firstNonFinite(y); i != at {
					t.Fatalf("%v at %d of %d found at %d", bad, at, n, i)
				}
			}
		}
	}
}
