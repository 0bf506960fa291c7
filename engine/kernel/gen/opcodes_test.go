package main

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strings"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// step executes one instruction. Operands are in the order of Go's assembler:
// the destination is last.
func (m *machine) step(in *ir.Instruction) {
	o := in.Operands
	switch in.OpcodeWithSuffixes() {
	case "PREFETCHT0", "VZEROUPPER", "PAUSE":
	case "MOVQ":
		m.setInteger(o[1], m.integer(o[0]))
	case "LEAQ":
		m.setInteger(o[1], m.address(o[0].(operand.Mem)))
	case "ADDQ":
		v := int64(m.integer(o[1])) + int64(m.integer(o[0]))
		m.flags(v)
		m.setInteger(o[1], uint64(v))
	case "SUBQ":
		v := int64(m.integer(o[1])) - int64(m.integer(o[0]))
		m.flags(v)
		m.setInteger(o[1], uint64(v))
	case "DECQ":
		v := int64(m.integer(o[0])) - 1
		m.flags(v)
		m.setInteger(o[0], uint64(v))
	case "SHLQ":
		v := m.integer(o[1]) << m.integer(o[0])
		m.flags(int64(v))
		m.setInteger(o[1], v)
	case "SHRQ":
		v := m.integer(o[1]) >> m.integer(o[0])
		m.flags(int64(v))
		m.setInteger(o[1], v)
	case "XORQ":
		v := m.integer(o[0]) ^ m.integer(o[1])
		m.flags(int64(v))
		m.setInteger(o[1], v)
	case "TESTQ", "TESTL":
		m.flags(int64(m.integer(o[0]) & m.integer(o[1])))
	case "BSFL":
		m.setInteger(o[1], uint64(bits.TrailingZeros64(m.integer(o[0]))))
	case "KMOVW":
		m.setInteger(o[1], m.masks[index(o[0].(reg.Register))]&0xffff)
	default:
		m.vector(in)
	}
}

// vector executes an instruction on vectors.
func (m *machine) vector(in *ir.Instruction) {
	o := in.Operands
	last := o[len(o)-1]
	n := width32(o)
	switch in.OpcodeWithSuffixes() {
	case "VMOVUPS", "VMOVAPS":
		m.put(last, clone(m.bytes(o[0], n)))
	case "VMOVSS":
		copy(m.at(m.address(last.(operand.Mem)), 4), m.bytes(o[0], 4))
	case "VBROADCASTSS":
		m.lanes(last, n, func(int) uint32 { return binary.LittleEndian.Uint32(m.bytes(o[0], 4)) })
	case "VXORPS", "VPXORD":
		m.words(o, n, func(a, b uint32) uint32 { return a ^ b })
	case "VANDPS", "VPAND", "VPANDD":
		m.words(o, n, func(a, b uint32) uint32 { return a & b })
	case "VPOR":
		m.words(o, n, func(a, b uint32) uint32 { return a | b })
	case "VPADDD":
		m.words(o, n, func(a, b uint32) uint32 { return a + b })
	case "VPMAXUD":
		m.words(o, n, func(a, b uint32) uint32 { return max(a, b) })
	case "VADDPS":
		m.floats2(o, n, func(a, b float32) float32 { return a + b })
	case "VSUBPS":
		m.floats2(o, n, func(a, b float32) float32 { return a - b })
	case "VMULPS":
		m.floats2(o, n, func(a, b float32) float32 { return a * b })
	case "VDIVPS":
		m.floats2(o, n, func(a, b float32) float32 { return a / b })
	case "VMAXPS": // the second source where one is NaN
		m.floats2(o, n, func(a, b float32) float32 {
			if a > b {
				return a
			}
			return b
		})
	case "VFMADD231PS":
		m.fused(o, n, func(x, y, z float64) float64 { return math.FMA(y, x, z) })
	case "VFNMADD231PS":
		m.fused(o, n, func(x, y, z float64) float64 { return math.FMA(-y, x, z) })
	case "VFMADD213PS":
		m.fused(o, n, func(x, y, z float64) float64 { return math.FMA(y, z, x) })
	case "VROUNDPS", "VRNDSCALEPS":
		if m.integer(o[0]) != 8 {
			panic(fault("rounding mode"))
		}
		m.lanes(last, n, func(i int) uint32 {
			return math.Float32bits(float32(math.RoundToEven(float64(float(m.bytes(o[1], n), i)))))
		})
	case "VCVTPS2DQ":
		m.lanes(last, n, func(i int) uint32 {
			v := math.RoundToEven(float64(float(m.bytes(o[0], n), i)))
			if !(math.Abs(v) < 1<<31) {
				return 1 << 31
			}
			return uint32(int32(v))
		})
	case "VCVTDQ2PS":
		m.lanes(last, n, func(i int) uint32 {
			return math.Float32bits(float32(int32(binary.LittleEndian.Uint32(m.bytes(o[0], n)[4*i:]))))
		})
	case "VPSHUFB": // within quarters
		m.lanes(last, n, func(i int) uint32 {
			var v uint32
			for b, from := range m.bytes(o[0], n)[4*i : 4*i+4] {
				if from < 0x80 {
					v |= uint32(m.bytes(o[1], n)[4*i/16*16+int(from&15)]) << (8 * b)
				}
			}
			return v
		})
	case "VCVTPH2PS":
		m.lanes(last, n, func(i int) uint32 {
			return math.Float32bits(half(binary.LittleEndian.Uint16(m.bytes(o[0], n/2)[2*i:])))
		})
	case "VPSLLD":
		m.lanes(last, n, func(i int) uint32 {
			return binary.LittleEndian.Uint32(m.bytes(o[1], n)[4*i:]) << m.integer(o[0])
		})
	case "VPSRLD":
		m.lanes(last, n, func(i int) uint32 {
			return binary.LittleEndian.Uint32(m.bytes(o[1], n)[4*i:]) >> m.integer(o[0])
		})
	case "VPACKUSDW": // within halves, saturating
		m.lanes(last, n, func(i int) uint32 {
			src := m.bytes(o[1-i%4/2], n)[i/4*16+i%2*8:]
			low, high := int32(binary.LittleEndian.Uint32(src)), int32(binary.LittleEndian.Uint32(src[4:]))
			return uint32(min(max(low, 0), 0xffff)) | uint32(min(max(high, 0), 0xffff))<<16
		})
	case "VPERMQ":
		m.lanes(last, n, func(i int) uint32 {
			quarter := m.integer(o[0]) >> (i / 2 * 2) & 3
			return binary.LittleEndian.Uint32(m.bytes(o[1], n)[8*int(quarter)+i%2*4:])
		})
	case "VHADDPS":
		m.lanes(last, n, func(i int) uint32 {
			src := m.bytes(o[1], n)
			if i%4 >= 2 {
				src = m.bytes(o[0], n)
			}
			j := i/4*4 + i%2*2
			return math.Float32bits(float(src, j) + float(src, j+1))
		})
	case "VUNPCKLPS", "VUNPCKHPS":
		m.lanes(last, n, func(i int) uint32 {
			j := i/4*4 + i%4/2
			if strings.HasPrefix(in.Opcode, "VUNPCKH") {
				j += 2
			}
			return binary.LittleEndian.Uint32(m.bytes(o[1-i%2], n)[4*j:])
		})
	case "VSHUFPS":
		m.lanes(last, n, func(i int) uint32 {
			j := i/4*4 + int(m.integer(o[0])>>(2*(i%4))&3)
			src := o[2]
			if i%4 >= 2 {
				src = o[1]
			}
			return binary.LittleEndian.Uint32(m.bytes(src, n)[4*j:])
		})
	default:
		m.mixed(in)
	}
}

// mixed executes instructions on operands of different sizes or with masks.
func (m *machine) mixed(in *ir.Instruction) {
	o := in.Operands
	last := o[len(o)-1]
	n := width32(o)
	switch in.OpcodeWithSuffixes() {
	case "VCMPPS":
		var mask uint64
		for i := range n / 4 {
			if compare(m.integer(o[0]), float(m.bytes(o[2], n), i), float(m.bytes(o[1], n), i)) {
				mask |= 1 << i
			}
		}
		if r := last.(reg.Register); r.Kind() == reg.KindOpmask {
			m.masks[index(r)] = mask
			return
		}
		m.lanes(last, n, func(i int) uint32 { return uint32(-int32(mask >> i & 1)) })
	case "VMOVAPS.Z":
		mask := m.masks[index(o[1].(reg.Register))]
		m.lanes(last, n, func(i int) uint32 {
			return binary.LittleEndian.Uint32(m.bytes(o[0], n)[4*i:]) * uint32(mask>>i&1)
		})
	case "VBLENDMPS":
		mask := m.masks[index(o[2].(reg.Register))]
		m.lanes(last, n, func(i int) uint32 {
			return binary.LittleEndian.Uint32(m.bytes(o[1-mask>>i&1], n)[4*i:])
		})
	case "VBLENDVPS":
		m.lanes(last, n, func(i int) uint32 {
			sign := m.bytes(o[0], n)[4*i+3] >> 7
			return binary.LittleEndian.Uint32(m.bytes(o[2-sign], n)[4*i:])
		})
	case "VMOVMSKPS":
		var mask uint64
		for i := range n / 4 {
			mask |= uint64(m.bytes(o[0], n)[4*i+3]>>7) << i
		}
		m.setInteger(last, mask)
	case "VEXTRACTF128":
		m.put(last, clone(m.bytes(o[1], 32)[16*m.integer(o[0]):][:16]))
	case "VEXTRACTF64X4":
		m.put(last, clone(m.bytes(o[1], 64)[32*m.integer(o[0]):][:32]))
	case "VINSERTF128":
		b := clone(m.bytes(o[2], 32))
		copy(b[16*m.integer(o[0]):][:16], m.bytes(o[1], 16))
		m.put(last, b)
	case "VCVTPS2PD":
		n := int(last.(reg.Register).Size())
		src, b := clone(m.bytes(o[0], n/2)), make([]byte, n)
		for i := range n / 8 {
			binary.LittleEndian.PutUint64(b[8*i:], math.Float64bits(float64(float(src, i))))
		}
		m.put(last, b)
	case "VFMADD231PD", "VADDPD":
		x, y, z := m.bytes(o[0], n), m.bytes(o[1], n), clone(m.bytes(last, n))
		for i := range n / 8 {
			v := double(x, i) + double(y, i)
			if in.Opcode == "VFMADD231PD" {
				v = math.FMA(double(y, i), double(x, i), double(z, i))
			}
			binary.LittleEndian.PutUint64(z[8*i:], math.Float64bits(v))
		}
		m.put(last, z)
	default:
		panic(fault("no instruction " + in.OpcodeWithSuffixes()))
	}
}

// compare is the predicate p of VCMPPS.
func compare(p uint64, a, b float32) bool {
	switch p {
	case equal:
		return a == b
	case unordered:
		return a != a || b != b
	case notLess:
		return !(a < b)
	case greater:
		return a > b
	}
	panic(fault("comparison"))
}

// width32 is the size of the widest vector register among the operands.
func width32(o []operand.Op) int {
	n := 0
	for _, op := range o {
		if r, ok := op.(reg.Register); ok && r.Kind() == reg.KindVector {
			n = max(n, int(r.Size()))
		}
	}
	return n
}

func clone(b []byte) []byte { return append([]byte{}, b...) }

// lanes sets the 32-bit lanes of n bytes.
func (m *machine) lanes(dst operand.Op, n int, f func(i int) uint32) {
	b := make([]byte, n)
	for i := range n / 4 {
		binary.LittleEndian.PutUint32(b[4*i:], f(i))
	}
	m.put(dst, b)
}

// words applies f to the first and the second source, in Intel's order.
func (m *machine) words(o []operand.Op, n int, f func(a, b uint32) uint32) {
	a, b := m.bytes(o[1], n), m.bytes(o[0], n)
	m.lanes(o[2], n, func(i int) uint32 {
		return f(binary.LittleEndian.Uint32(a[4*i:]), binary.LittleEndian.Uint32(b[4*i:]))
	})
}

func (m *machine) floats2(o []operand.Op, n int, f func(a, b float32) float32) {
	m.words(o, n, func(a, b uint32) uint32 {
		return math.Float32bits(f(math.Float32frombits(a), math.Float32frombits(b)))
	})
}

// fused applies f to the operands in the order in which they are written. The
// float64 in between rounds twice, which the tests' tolerances allow for.
func (m *machine) fused(o []operand.Op, n int, f func(x, y, z float64) float64) {
	x, y, z := m.bytes(o[0], n), m.bytes(o[1], n), m.bytes(o[2], n)
	m.lanes(o[2], n, func(i int) uint32 {
		return math.Float32bits(float32(f(float64(float(x, i)), float64(float(y, i)), float64(float(z, i)))))
	})
}
