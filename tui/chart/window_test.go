package chart

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestWindowStaysOnItsAxis zooms, pans and grows an axis at random.
func TestWindowStaysOnItsAxis(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	for range 200 {
		var w Window
		first, last := 1.0, float64(1+r.IntN(500))
		for range 100 {
			lo, hi, _ := w.Over(first, last)
			switch r.IntN(5) {
			case 0:
				at := lo + r.Float64()*(hi-lo)
				u := (at - lo) / (hi - lo)
				w.Zoom(first, last, at, 0.5, 8)
				if a, b, ok := w.Over(first, last); ok && a > first && b < last && math.Abs(a+u*(b-a)-at) > 1e-6 {
					t.Fatalf("%g moved to %g", at, a+u*(b-a))
				}
			case 1:
				w.Zoom(first, last, hi, 2, 8)
				if a, b, _ := w.Over(first, last); b-a < hi-lo-1e-9 {
					t.Fatalf("zooming out of %g to %g shows %g to %g", lo, hi, a, b)
				}
			case 2:
				w.Pan(first, last, r.Float64()*2-1)
				if a, b, _ := w.Over(first, last); math.Abs(b-a-(hi-lo)) > 1e-6 {
					t.Fatalf("panning changed the width from %g to %g", hi-lo, b-a)
				}
			case 3:
				x := first + r.Float64()*(last-first)
				w.Show(first, last, x)
				if a, b, _ := w.Over(first, last); x < a-1e-9 || x > b+1e-9 {
					t.Fatalf("%g is not in %g to %g", x, a, b)
				}
			case 4:
				grown := last + float64(r.IntN(20))
				if _, b, ok := w.Over(first, grown); ok && hi == last && b != grown {
					t.Fatalf("the window does not follow the end: %g of %g", b, grown)
				}
				last = grown
			}
			if lo, hi, _ := w.Over(first, last); lo < first || hi > last+1e-9 || math.IsNaN(lo+hi) {
				t.Fatalf("%g to %g of %g to %g", lo, hi, first, last)
			}
		}
	}
}
