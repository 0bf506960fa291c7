package kernel

import (
	"math"
	"testing"
)

var nan, inf = float32(math.NaN()), float32(math.Inf(1))

// lengths has every remainder of the widest vectors and some longer ones.
func lengths() []int {
	var n []int
	for i := range 70 {
		n = append(n, i)
	}
	return append(n, 128, 576, 1000, 4095, 4096, 4097, 9000)
}

// closeTo accepts a relative error, and as an absolute one what the rounding of
// a few operands of that size gives.
func closeTo(got float32, want, relative, size float64) bool {
	g := float64(got)
	if math.IsNaN(want) || math.IsNaN(g) {
		return math.IsNaN(want) && math.IsNaN(g)
	}
	return g == want || math.Abs(g-want) <= relative*math.Max(math.Abs(want), size)
}

func TestExpAccuracy(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		x := make([]float32, 0, 1<<18)
		for i := range cap(x) {
			x = append(x, -87+175*float32(i)/float32(cap(x)-1))
		}
		y := make([]float32, len(x))
		ExpSum(y, x, 1, 0)
		worst := 0.0
		for i, v := range x {
			want := math.Exp(float64(v))
			worst = math.Max(worst, math.Abs(float64(y[i])/want-1))
		}
		if !(worst <= 5e-7) {
			t.Errorf("relative error %g", worst)
		}
	})
}

func TestExpSpecial(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		for _, c := range []struct{ x, want float32 }{
			{0, 1},
			{float32(math.Copysign(0, -1)), 1},
			{-inf, 0},
			{inf, inf},
			{nan, nan},
			{-87.4, 0},
			{-100, 0},
			{-1000, 0},
			{-3e38, 0},
			{89, inf},
			{1000, inf},
			{3e38, inf},
			{88.72283, 3.4027983e38},
			{math.Float32frombits(0x42b17218), inf}, // the first above the range
			{1e-40, 1},
		} {
			for _, n := range []int{1, 8, 16, 19} {
				x, y := make([]float32, n), make([]float32, n)
				for i := range x {
					x[i] = c.x
				}
				sum := ExpSum(y, x, 1, 0)
				for i, v := range y {
					if !closeTo(v, float64(c.want), 2e-6, 0) {
						t.Errorf("exp(%g) = %g, not %g (element %d of %d)", c.x, v, c.want, i, n)
					}
				}
				if !closeTo(sum, float64(c.want)*float64(n), 1e-5, 0) && c.want < 1e38 {
					t.Errorf("sum of %d exp(%g) = %g", n, c.x, sum)
				}
			}
		}
	})
}

func TestExpSum(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		r := seeded(21)
		for _, n := range lengths() {
			x := r.fill(guarded(t, n, n%2 == 0))
			y := guarded(t, n, n%2 == 1)
			const scale, bias = 0.125, -1.5
			sum := ExpSum(y, x, scale, bias)
			total := 0.0
			for i, v := range x {
				want := math.Exp(float64(v)*scale + bias)
				total += want
				if !closeTo(y[i], want, 2e-6, 0) {
					t.Fatalf("length %d, at %d: %g, not %g", n, i, y[i], want)
				}
			}
			if !closeTo(sum, total, 1e-5, 0) {
				t.Errorf("length %d: sum %g, not %g", n, sum, total)
			}
			if again := ExpSum(x, x, scale, bias); !sameBits(again, sum) {
				t.Errorf("length %d: in place the sum is %g, not %g", n, again, sum)
			}
			same(t, "in place", x, y)
		}
	})
}

// An element has the same bits wherever it lies.
func TestElementsDoNotDependOnPlace(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		r := seeded(22)
		gate, up, dy := r.values(100), r.values(100), r.values(100)
		whole := [3][]float32{make([]float32, 100), make([]float32, 100), make([]float32, 100)}
		part := [3][]float32{make([]float32, 100), make([]float32, 100), make([]float32, 100)}
		f := func(out [3][]float32, lo, hi int) {
			ExpSum(out[0][lo:hi], gate[lo:hi], 0.3, 0.1)
			SiLUMulGrad(out[1][lo:hi], out[2][lo:hi], gate[lo:hi], up[lo:hi], dy[lo:hi])
			SiLUMul(out[2][lo:hi], out[2][lo:hi], out[1][lo:hi])
			Axpy(out[2][lo:hi], 0.7, gate[lo:hi])
			Scale(out[1][lo:hi], out[1][lo:hi], 1.1)
			Add(out[0][lo:hi], out[0][lo:hi], dy[lo:hi])
		}
		f(whole, 0, 100)
		for lo := 0; lo < 100; {
			hi := min(lo+1+r.IntN(20), 100)
			f(part, lo, hi)
			lo = hi
		}
		for i := range whole {
			same(t, "in parts", part[i], whole[i])
		}
	})
}

func TestSiLU(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		r := seeded(23)
		for _, n := range lengths() {
			gate, up, dy := r.fill(guarded(t, n, false)), r.fill(guarded(t, n, false)), r.fill(guarded(t, n, true))
			for i := range gate {
				gate[i] *= float32(math.Exp(2 * r.NormFloat64()))
				if i%50 == 3 {
					gate[i] = []float32{0, -200, 200, -88, 88}[i/50%5]
				}
			}
			y, dgate, dup := guarded(t, n, false), guarded(t, n, false), guarded(t, n, true)
			SiLUMul(y, gate, up)
			SiLUMulGrad(dgate, dup, gate, up, dy)
			for i := range gate {
				g, u, d := float64(gate[i]), float64(up[i]), float64(dy[i])
				s := 1 / (1 + math.Exp(-g))
				if want := g * s * u; !closeTo(y[i], want, 2e-6, 1e-30) {
					t.Fatalf("length %d: silu(%g)*%g = %g, not %g", n, g, u, y[i], want)
				}
				if want := d * g * s; !closeTo(dup[i], want, 2e-6, 1e-30) {
					t.Fatalf("length %d: dup at gate %g, dy %g: %g, not %g", n, g, d, dup[i], want)
				}
				if want := d * u * s * (1 + g*(1-s)); !closeTo(dgate[i], want, 2e-6, math.Abs(d*u*(1+math.Abs(g)))*0.25) {
					t.Fatalf("length %d: dgate at gate %g, up %g, dy %g: %g, not %g", n, g, u, d, dgate[i], want)
				}
			}
			// Outputs may be inputs.
			g2, u2 := append([]float32{}, gate...), append([]float32{}, up...)
			SiLUMulGrad(g2, u2, g2, u2, dy)
			same(t, "dgate in place", g2, dgate)
			same(t, "dup in place", u2, dup)
			SiLUMul(up, gate, up)
			same(t, "in place", up, y)
		}
		y := make([]float32, 3)
		SiLUMul(y, []float32{nan, 1, inf}, []float32{1, nan, 1})
		if y[0] == y[0] || y[1] == y[1] || y[2] != inf {
			t.Errorf("non-finite values give %v", y)
		}
	})
}

func TestMax(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		if v, i := Max(nil); v != -inf || i != -1 {
			t.Errorf("of nothing: %g, %d", v, i)
		}
		r := seeded(24)
		for _, n := range lengths()[1:] {
			x := guarded(t, n, n%2 == 0)
			for round := range 6 {
				for i := range x {
					x[i] = float32(r.IntN(50)) - 60 // ties
				}
				switch round {
				case 1:
					x[r.IntN(n)] = inf
				case 2:
					x[r.IntN(n)] = nan
					x[r.IntN(n)] = inf
				case 3:
					x[r.IntN(n)] = math.Float32frombits(0xffc00001) // a negative NaN
				case 4:
					for i := range x {
						x[i] = -inf
					}
				case 5:
					x[r.IntN(n)] = 0
					x[r.IntN(n)] = float32(math.Copysign(0, -1))
				}
				want := 0
				for i, v := range x {
					if v != v {
						want = i
						break
					}
					if v > x[want] {
						want = i
					}
				}
				v, i := Max(x)
				if i != want || !sameBits(v, x[want]) {
					t.Fatalf("length %d, round %d: %g at %d, not %g at %d", n, round, v, i, x[want], want)
				}
			}
		}
	})
}

func TestFirstNonFinite(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		r := seeded(25)
		for _, n := range lengths() {
			x := r.fill(guarded(t, n, n%2 == 0))
			for i := range x {
				if i%7 == 0 {
					x[i] = math.MaxFloat32
				}
			}
			if i := FirstNonFinite(x); i != -1 {
				t.Fatalf("length %d: %d among finite values", n, i)
			}
			for range min(n, 20) {
				at := r.IntN(n)
				old := x[at]
				x[at] = []float32{nan, inf, -inf, math.Float32frombits(0xff800001)}[r.IntN(4)]
				later := at + r.IntN(n-at)
				older := x[later]
				x[later] = nan
				if i := FirstNonFinite(x); i != at {
					t.Fatalf("length %d: %d, not %d", n, i, at)
				}
				x[later] = older
				x[at] = old
			}
		}
	})
}

func TestReductions(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		r := seeded(26)
		for _, n := range lengths() {
			a, b := r.fill(guarded(t, n, false)), r.fill(guarded(t, n, true))
			var dot, size, squares float64
			for i := range a {
				dot += float64(a[i]) * float64(b[i])
				size += math.Abs(float64(a[i]) * float64(b[i]))
				squares += float64(a[i]) * float64(a[i])
			}
			if got := Dot(a, b); !closeTo(got, dot, 1e-6, size) {
				t.Errorf("length %d: dot %g, not %g", n, got, dot)
			}
			if got := SumSquares(a); math.Abs(got-squares) > 1e-13*squares {
				t.Errorf("length %d: sum of squares %g, not %g", n, got, squares)
			}
		}
		// What float32 cannot hold.
		if got := SumSquares([]float32{3e30, 4e30, 0, 0, 0, 0, 0, 0, 0}); math.Abs(got/25e60-1) > 1e-6 {
			t.Errorf("sum of squares %g", got)
		}
	})
}

func TestElementwise(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		r := seeded(27)
		for _, n := range lengths() {
			a, b := r.fill(guarded(t, n, false)), r.fill(guarded(t, n, true))
			y := guarded(t, n, n%2 == 0)
			Add(y, a, b)
			for i := range y {
				if !sameBits(y[i], a[i]+b[i]) {
					t.Fatalf("length %d: %g + %g = %g", n, a[i], b[i], y[i])
				}
			}
			Scale(y, a, 0.37)
			for i := range y {
				if !sameBits(y[i], a[i]*0.37) {
					t.Fatalf("length %d: 0.37*%g = %g", n, a[i], y[i])
				}
			}
			copy(y, b)
			Axpy(y, -1.7, a)
			for i := range y {
				want := float64(b[i]) + float64(float32(-1.7))*float64(a[i])
				if !closeTo(y[i], want, 2e-7, math.Abs(float64(b[i]))) {
					t.Fatalf("length %d: %g - 1.7*%g = %g", n, b[i], a[i], y[i])
				}
			}
			want := append([]float32{}, a...)
			Scale(want, want, 2)
			Add(a, a, a)
			same(t, "in place", a, want)
		}
	})
}

func TestVectorChecks(t *testing.T) {
	x, y := make([]float32, 9), make([]float32, 10)
	for name, f := range map[string]func(){
		"ExpSum":      func() { ExpSum(x, y, 1, 0) },
		"SiLUMul":     func() { SiLUMul(x, x, y) },
		"SiLUMulGrad": func() { SiLUMulGrad(x, x, x, x, y) },
		"Dot":         func() { Dot(x, y) },
		"Axpy":        func() { Axpy(x, 1, y) },
		"Add":         func() { Add(x, y, x) },
		"Scale":       func() { Scale(y, x, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic where lengths differ")
				}
			}()
			f()
		})
	}
}

// FuzzVectors holds every set against the plain one, on any bits.
func FuzzVectors(f *testing.F) {
	f.Add([]byte{0, 0, 128, 63, 0, 0, 128, 127, 1, 0, 192, 127}, uint8(3))
	f.Add(make([]byte, 200), uint8(0))
	f.Fuzz(func(t *testing.T, raw []byte, skew uint8) {
		x := make([]float32, len(raw)/4)
		for i := range x {
			x[i] = math.Float32frombits(uint32(raw[4*i]) | uint32(raw[4*i+1])<<8 | uint32(raw[4*i+2])<<16 | uint32(raw[4*i+3])<<24)
		}
		x = x[min(int(skew), len(x)):]
		type result struct {
			exp         []float32
			max         float32
			maxAt, flaw int
		}
		var want result
		for i := len(Sets()) - 1; i >= 0; i-- { // plain first
			use(t, Sets()[i])
			got := result{exp: make([]float32, len(x))}
			ExpSum(got.exp, x, 1, 0)
			got.max, got.maxAt = Max(x)
			got.flaw = FirstNonFinite(x)
			if i == len(Sets())-1 {
				want = got
				continue
			}
			if got.maxAt != want.maxAt || !sameBits(got.max, want.max) || got.flaw != want.flaw {
				t.Errorf("%s: max %g at %d, not finite at %d; plain: %g at %d, %d", Active(), got.max, got.maxAt, got.flaw, want.max, want.maxAt, want.flaw)
			}
			for i := range x {
				if !closeTo(got.exp[i], float64(want.exp[i]), 1e-6, 0) {
					t.Errorf("%s: exp(%g) = %g; plain: %g", Active(), x[i], got.exp[i], want.exp[i])
				}
			}
		}
		use(t, "auto")
	})
}
