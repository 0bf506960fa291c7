package kernel

import "math"

// The kernels take whole vectors. A tail is copied to a vector of its own,
// filled up with values that change nothing, and computed by the same kernel:
// an element has the same bits wherever in a slice it lies.

// tail holds the end of one operand.
type tail [maxLanes]float32

// pad copies x and fills the rest.
func (t *tail) pad(x []float32, fill float32) []float32 {
	n := copy(t[:], x)
	for i := n; i < maxLanes; i++ {
		t[i] = fill
	}
	return t[:]
}

// ExpSum sets dst[i] = exp(src[i]*scale + bias) and returns the sum of dst.
// The relative error of an element is at most 2e-6; below about -87.3 the
// result is 0; NaN and +Inf propagate. dst may be src and has its length.
func ExpSum(dst, src []float32, scale, bias float32) float32 {
	checkLength("ExpSum: dst", dst, len(src))
	s := active.Load()
	n := len(src) / s.lanes * s.lanes
	var sum float32
	if n > 0 {
		sum = s.expSum(local(dst), local(src), n, scale, bias)
	}
	if n < len(src) {
		var t tail
		x := t.pad(src[n:], 0)
		s.expSum(local(x), local(x), s.lanes, scale, bias)
		for i := range dst[n:] {
			dst[n+i] = x[i]
			sum += x[i]
		}
	}
	return sum
}

// SiLUMul sets dst = gate * sigmoid(gate) * up, element by element. dst may be
// gate or up; all have one length.
func SiLUMul(dst, gate, up []float32) {
	checkLength("SiLUMul: gate", gate, len(dst))
	checkLength("SiLUMul: up", up, len(dst))
	s := active.Load()
	n := len(dst) / s.lanes * s.lanes
	if n > 0 {
		s.siluMul(local(dst), local(gate), local(up), n)
	}
	if n < len(dst) {
		var g, u tail
		s.siluMul(local(g.pad(gate[n:], 0)), local(g[:]), local(u.pad(up[n:], 0)), s.lanes)
		copy(dst[n:], g[:])
	}
}

// SiLUMulGrad computes the gradients of y = gate * sigmoid(gate) * up:
// dup = dy * gate * sigmoid(gate) and
// dgate = dy * up * (s + gate*s*(1-s)), s = sigmoid(gate).
// dgate and dup may each be one of the inputs; all have one length.
func SiLUMulGrad(dgate, dup, gate, up, dy []float32) {
	checkLength("SiLUMulGrad: dup", dup, len(dgate))
	checkLength("SiLUMulGrad: gate", gate, len(dgate))
	checkLength("SiLUMulGrad: up", up, len(dgate))
	checkLength("SiLUMulGrad: dy", dy, len(dgate))
	s := active.Load()
	n := len(dgate) / s.lanes * s.lanes
	if n > 0 {
		s.siluMulGrad(local(dgate), local(dup), local(gate), local(up), local(dy), n)
	}
	if n < len(dgate) {
		var g, u, y tail
		g.pad(gate[n:], 0)
		u.pad(up[n:], 0)
		y.pad(dy[n:], 0)
		s.siluMulGrad(local(g[:]), local(u[:]), local(g[:]), local(u[:]), local(y[:]), s.lanes)
		copy(dgate[n:], g[:])
		copy(dup[n:], u[:])
	}
}

// Max returns the largest value of x and its first index. The first NaN, if
// there is one, counts as the largest. An empty x gives -Inf and -1.
func Max(x []float32) (float32, int) {
	if len(x) == 0 {
		return float32(math.Inf(-1)), -1
	}
	s := active.Load()
	n := len(x) / s.lanes * s.lanes
	largest := float32(math.Inf(-1))
	bits := uint32(0)
	if n > 0 {
		var lane tail
		s.max(local(x), n, local(lane[:]))
		for _, v := range lane[:s.lanes] {
			largest = max(largest, v)
		}
		bits = s.largestBits(x[:n])
	}
	for _, v := range x[n:] {
		largest = max(largest, v) // NaN wins
		bits = max(bits, math.Float32bits(v)&^(1<<31))
	}
	if bits > infinity {
		for i, v := range x {
			if v != v {
				return v, i
			}
		}
	}
	i := -1
	if n > 0 {
		i = s.index(local(x), n, largest)
	}
	for j := n; i < 0; j++ {
		if x[j] == largest {
			i = j
		}
	}
	return x[i], i
}

// infinity is the bit pattern of +Inf; without the sign, only NaN is above.
const infinity = 0x7f800000

// largestBits returns the largest bit pattern in x without the sign; the length
// of x is a positive multiple of the lanes.
func (s *set) largestBits(x []float32) uint32 {
	var lane [maxLanes]uint32
	s.maxBits(local(x), len(x), local(lane[:]))
	largest := uint32(0)
	for _, v := range lane[:s.lanes] {
		largest = max(largest, v)
	}
	return largest
}

// FirstNonFinite returns the first index of a NaN or an infinity in x, -1 if
// all values are finite.
func FirstNonFinite(x []float32) int {
	const block = 4096 // small enough to search again when it holds one
	s := active.Load()
	for start := 0; start < len(x); start += block {
		part := x[start:min(start+block, len(x))]
		clean := len(part) / s.lanes * s.lanes
		if clean > 0 && s.largestBits(part[:clean]) >= infinity {
			clean = 0
		}
		for i, v := range part[clean:] {
			if math.Float32bits(v)&infinity == infinity {
				return start + clean + i
			}
		}
	}
	return -1
}

// Dot returns the sum of a[i]*b[i]; a and b have one length.
func Dot(a, b []float32) float32 {
	checkLength("Dot: b", b, len(a))
	s := active.Load()
	n := len(a) / s.lanes * s.lanes
	var sum float32
	if n > 0 {
		sum = s.dot(local(a), local(b), n)
	}
	for i, v := range a[n:] {
		sum += v * b[n+i]
	}
	return sum
}

// SumSquares returns the sum of x[i]*x[i], accumulated in float64.
func SumSquares(x []float32) float64 {
	s := active.Load()
	n := len(x) / s.lanes * s.lanes
	var sum float64
	if n > 0 {
		var part [maxLanes / 2]float64
		s.sumSquares(local(x), n, local(part[:]))
		for _, v := range part[:max(s.lanes/2, 1)] {
			sum += v
		}
	}
	for _, v := range x[n:] {
		sum += float64(v) * float64(v)
	}
	return sum
}

// Axpy adds a*x to y; x and y have one length.
func Axpy(y []float32, a float32, x []float32) {
	checkLength("Axpy: x", x, len(y))
	s := active.Load()
	n := len(y) / s.lanes * s.lanes
	if n > 0 {
		s.axpy(local(y), a, local(x), n)
	}
	if n < len(y) {
		var t, u tail
		s.axpy(local(t.pad(y[n:], 0)), a, local(u.pad(x[n:], 0)), s.lanes)
		copy(y[n:], t[:])
	}
}

// Add sets dst = a + b, element by element. dst may be a or b; all have one
// length.
func Add(dst, a, b []float32) {
	checkLength("Add: a", a, len(dst))
	checkLength("Add: b", b, len(dst))
	s := active.Load()
	n := len(dst) / s.lanes * s.lanes
	if n > 0 {
		s.add(local(dst), local(a), local(b), n)
	}
	for i := n; i < len(dst); i++ {
		dst[i] = a[i] + b[i]
	}
}

// Scale sets dst = a*x, element by element. dst may be x and has its length.
func Scale(dst, x []float32, a float32) {
	checkLength("Scale: dst", dst, len(x))
	s := active.Load()
	n := len(dst) / s.lanes * s.lanes
	if n > 0 {
		s.scale(local(dst), local(x), n, a)
	}
	for i := n; i < len(dst); i++ {
		dst[i] = x[i] * a
	}
}
