package kernel

import "math"

// plain is the set in Go. Its tiles are small enough for the compiler to keep
// the sums in registers.
var plain = set{
	name:        "plain",
	width:       4,
	rows:        2,
	tiles:       [maxRows + 1]tile{1: plainTile1, 2: plainTile2},
	bf16:        [maxRows + 1]tile{1: plainTile1BF16, 2: plainTile2BF16},
	copyPanel:   plainCopyPanel,
	lanes:       1,
	expSum:      plainExpSum,
	siluMul:     plainSiluMul,
	siluMulGrad: plainSiluMulGrad,
	max:         plainMax,
	maxBits:     plainMaxBits,
	index:       plainIndex,
	dot:         plainDot,
	sumSquares:  plainSumSquares,
	axpy:        plainAxpy,
	add:         plainAdd,
	scale:       plainScale,
}

func plainTile1(k int, a *float32, _ int, b *float32, ldb, _, _ int, c *float32, _, accumulate int) {
	var c0, c1, c2, c3 float32
	for i, x := range from(a, k) {
		r := (*[4]float32)(from(at(b, i*ldb), 4))
		c0 += x * r[0]
		c1 += x * r[1]
		c2 += x * r[2]
		c3 += x * r[3]
	}
	out := (*[4]float32)(from(c, 4))
	if accumulate != 0 {
		c0, c1, c2, c3 = out[0]+c0, out[1]+c1, out[2]+c2, out[3]+c3
	}
	*out = [4]float32{c0, c1, c2, c3}
}

func plainTile2(k int, a *float32, lda int, b *float32, ldb, _, _ int, c *float32, ldc, accumulate int) {
	var c0, c1, c2, c3, d0, d1, d2, d3 float32
	a1 := from(at(a, lda), k)
	for i, x := range from(a, k) {
		y := a1[i]
		r := (*[4]float32)(from(at(b, i*ldb), 4))
		r0, r1, r2, r3 := r[0], r[1], r[2], r[3]
		c0 += x * r0
		c1 += x * r1
		c2 += x * r2
		c3 += x * r3
		d0 += y * r0
		d1 += y * r1
		d2 += y * r2
		d3 += y * r3
	}
	out, out1 := (*[4]float32)(from(c, 4)), (*[4]float32)(from(at(c, ldc), 4))
	if accumulate != 0 {
		c0, c1, c2, c3 = out[0]+c0, out[1]+c1, out[2]+c2, out[3]+c3
		d0, d1, d2, d3 = out1[0]+d0, out1[1]+d1, out1[2]+d2, out1[3]+d3
	}
	*out = [4]float32{c0, c1, c2, c3}
	*out1 = [4]float32{d0, d1, d2, d3}
}

func plainCopyPanel(dst, src *float32, lds, rows int) {
	for i := range rows {
		*(*[4]float32)(from(at(dst, 4*i), 4)) = *(*[4]float32)(from(at(src, i*lds), 4))
	}
}

// expLowest is where exp is taken to be zero: just above the smallest normal
// number, as denormals slow down whatever is computed from them.
const expLowest = -87.336

func exp32(x float32) float32 {
	if x < expLowest {
		return 0
	}
	return float32(math.Exp(float64(x)))
}

func plainExpSum(dst, src *float32, n int, scale, bias float32) float32 {
	d := from(dst, n)
	var sum float32
	for i, x := range from(src, n) {
		e := exp32(float32(float64(x)*float64(scale) + float64(bias)))
		d[i] = e
		sum += e
	}
	return sum
}

func plainSiluMul(dst, gate, up *float32, n int) {
	d, u := from(dst, n), from(up, n)
	for i, g := range from(gate, n) {
		d[i] = g / (1 + exp32(-g)) * u[i]
	}
}

func plainSiluMulGrad(dgate, dup, gate, up, dy *float32, n int) {
	dg, du, u, y := from(dgate, n), from(dup, n), from(up, n), from(dy, n)
	for i, g := range from(gate, n) {
		s := 1 / (1 + exp32(-g))
		gs := g * s
		v, w := y[i], u[i]
		du[i] = v * gs
		dg[i] = v * w * (s + gs*(1-s))
	}
}

func plainMax(x *float32, n int, out *float32) {
	largest := float32(math.Inf(-1))
	for _, v := range from(x, n) {
		if v > largest {
			largest = v
		}
	}
	*out = largest
}

func plainMaxBits(x *float32, n int, out *uint32) {
	largest := uint32(0)
	for _, v := range from(x, n) {
		largest = max(largest, math.Float32bits(v)&^(1<<31))
	}
	*out = largest
}

func plainIndex(x *float32, n int, value float32) int {
	for i, v := range from(x, n) {
		if v == value {
			return i
		}
	}
	return -1
}

func plainDot(a, b *float32, n int) float32 {
	y := from(b, n)
	var s0, s1, s2, s3 float32
	x := from(a, n)
	for len(x) >= 4 {
		s0 += x[0] * y[0]
		s1 += x[1] * y[1]
		s2 += x[2] * y[2]
		s3 += x[3] * y[3]
		x, y = x[4:], y[4:]
	}
	for i, v := range x {
		s0 += v * y[i]
	}
	return (s0 + s1) + (s2 + s3)
}

func plainSumSquares(x *float32, n int, out *float64) {
	var s float64
	for _, v := range from(x, n) {
		s += float64(v) * float64(v)
	}
	*out = s
}

func plainAxpy(y *float32, a float32, x *float32, n int) {
	d := from(y, n)
	for i, v := range from(x, n) {
		d[i] += a * v
	}
}

func plainAdd(dst, a, b *float32, n int) {
	d, y := from(dst, n), from(b, n)
	for i, v := range from(a, n) {
		d[i] = v + y[i]
	}
}

func plainScale(dst, x *float32, n int, a float32) {
	d := from(dst, n)
	for i, v := range from(x, n) {
		d[i] = v * a
	}
}
