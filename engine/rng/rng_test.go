package rng

import (
	"math"
	"slices"
	"testing"
)

// Values are pinned: another generator would change every run that resumes.
func TestPinned(t *testing.T) {
	if got := mix(0); got != 0xe220a8397b1dcdaf { // SplitMix64's first output for seed 0
		t.Errorf("mix(0) = %#x", got)
	}
	s := New(42, "order")
	if a, b := s.Uint64(0), New(42, "order").Uint64(0); a != b {
		t.Error("not a function of seed, name and index")
	}
	for _, other := range []Stream{New(43, "order"), New(42, "dropout"), s.With(0), s.With(1, 0), s.With(0, 1)} {
		if other.Uint64(0) == s.Uint64(0) {
			t.Error("two streams agree")
		}
	}
}

func TestUniform(t *testing.T) {
	s, sum, square := New(1, "x"), 0.0, 0.0
	const n = 100000
	for i := range uint64(n) {
		x := s.Float64(i)
		if x < 0 || x >= 1 {
			t.Fatal(x)
		}
		sum += x
		square += x * x
	}
	if math.Abs(sum/n-0.5) > 0.005 || math.Abs(square/n-1.0/3) > 0.005 {
		t.Error("mean", sum/n, "mean square", square/n)
	}
}

func TestPermutation(t *testing.T) {
	first := map[int]int{}
	for seed := range uint64(3000) {
		p := New(seed, "order").Permutation(6)
		first[p[0]]++
		slices.Sort(p)
		if !slices.Equal(p, []int{0, 1, 2, 3, 4, 5}) {
			t.Fatal(p)
		}
	}
	for i := range 6 {
		if n := first[i]; n < 400 || n > 600 {
			t.Errorf("%d comes first %d times of 3000", i, n)
		}
	}
	if len(New(1, "order").Permutation(0)) != 0 {
		t.Error("a permutation of nothing")
	}
}
