package chart

import (
	"math/rand/v2"
	"testing"
)

// TestTrackAgainstAScan compares the tree with a scan, over appends and truncations in random order.
func TestTrackAgainstAScan(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, markZero := range []bool{false, true} {
		tr := track{markZero: markZero}
		for round := range 400 {
			if round%17 == 16 {
				tr.truncate(r.IntN(len(tr.y) + 1))
			}
			for range r.IntN(40) {
				tr.append(wild(r))
			}
			n := len(tr.y)
			for range 20 {
				lo := r.IntN(n + 1)
				hi := lo + r.IntN(n-lo+1)
				want := nothing
				for _, v := range tr.y[lo:hi] {
					s := tr.of(v)
					want.merge(&s)
				}
				if got := tr.over(lo, hi); got != want {
					t.Fatalf("round %d, [%d, %d) of %d: got %+v, want %+v", round, lo, hi, n, got, want)
				}
			}
		}
	}
}

// TestQueryCostIsBounded counts what a query of a long track touches, by its levels: it must not grow with the range.
func TestQueryCostIsBounded(t *testing.T) {
	var tr track
	for i := range 100_000 {
		tr.append(float64(i))
	}
	if n := len(tr.levels); n < 3 || n > 6 {
		t.Fatalf("%d levels over 100,000 samples", n)
	}
	if top := len(tr.levels[len(tr.levels)-1]); top > fan {
		t.Fatalf("%d summaries at the top", top)
	}
	if s := tr.over(1, 99_999); s.min != 1 || s.max != 99_998 {
		t.Fatalf("got %+v", s)
	}
}
