package half

import (
	"math"
	"testing"
)

func TestHalves(t *testing.T) {
	// All finite halves in order, and what lies between neighbours.
	previous := float32(math.Inf(-1))
	for i := -0x7bff; i <= 0x7bff; i++ {
		h := uint16(i)
		if i < 0 {
			h = 0x8000 | uint16(-i)
		}
		v := Float32(h)
		if v <= previous || Float32(Nearest(v)) != v || Float32(Below(v)) != v || Float32(Above(v)) != v {
			t.Fatalf("%#x is %g after %g, and %#x, %#x, %#x back", h, v, previous, Nearest(v), Below(v), Above(v))
		}
		for _, share := range []float32{0.25, 0.75} {
			x := previous + (v-previous)*share
			if i == -0x7bff || x == previous || x == v {
				continue
			}
			nearest := previous
			if share > 0.5 {
				nearest = v
			}
			if Float32(Below(x)) != previous || Float32(Above(x)) != v || Float32(Nearest(x)) != nearest {
				t.Fatalf("%g between %g and %g: %g, %g, %g", x, previous, v, Float32(Below(x)), Float32(Above(x)), Float32(Nearest(x)))
			}
		}
		previous = v
	}
	for _, x := range []float32{1e9, Largest + 1} {
		for _, h := range []uint16{Below(x), Above(x)} {
			if Float32(h) != Largest {
				t.Errorf("%g becomes %g", x, Float32(h))
			}
		}
		if Float32(Below(-x)) != -Largest || Float32(Above(-x)) != -Largest {
			t.Errorf("%g becomes %g, %g", -x, Float32(Below(-x)), Float32(Above(-x)))
		}
	}
	if v := Float32(Nearest(1e9)); !math.IsInf(float64(v), 1) {
		t.Errorf("1e9 becomes %g", v)
	}
}
