package data

import (
	"slices"
	"testing"
)

// TestSplitMix64 holds the generator against the outputs that the algorithm's
// reference implementation gives for the seed 1234567.
func TestSplitMix64(t *testing.T) {
	random := splitMix64(1234567)
	for i, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821} {
		if got := random.next(); got != want {
			t.Errorf("output %d is %d, want %d", i, got, want)
		}
	}
}

// TestShuffledNeverChanges pins the order of a seed: runs made with it have to
// keep their splits.
func TestShuffledNeverChanges(t *testing.T) {
	if got, want := Shuffled(12, 42), []int{9, 6, 7, 10, 3, 11, 4, 2, 0, 8, 5, 1}; !slices.Equal(got, want) {
		t.Errorf("seed 42 shuffles 12 rows to %v, want %v", got, want)
	}
	if slices.Equal(Shuffled(100, 1), Shuffled(100, 2)) {
		t.Error("two seeds give one order")
	}
	got := Shuffled(1000, 7)
	slices.Sort(got)
	for i, v := range got {
		if i != v {
			t.Fatalf("a shuffle of 1000 is no permutation at %d: %d", i, v)
		}
	}
	if len(Shuffled(0, 1)) != 0 || !slices.Equal(Shuffled(1, 1), []int{0}) {
		t.Error("nothing and one row are not shuffled to themselves")
	}
}

func TestShuffledIsFair(t *testing.T) {
	const n, rounds = 6, 6000
	var at [n]int
	for seed := range uint64(rounds) {
		at[slices.Index(Shuffled(n, seed), 0)]++
	}
	for place, times := range at {
		if times < rounds/n*8/10 || times > rounds/n*12/10 {
			t.Errorf("row 0 comes to place %d in %d of %d shuffles", place, times, rounds)
		}
	}
}

func TestSplitSizes(t *testing.T) {
	for _, c := range []struct {
		n                 int
		share             [3]float64
		train, eval, test int
	}{
		{792, [3]float64{0.70, 0.15, 0.15}, 554, 118, 120},
		{100, [3]float64{0.29, 0.57, 0.14}, 29, 57, 14}, // 0.29*100 and 0.57*100 are just under in binary
		{1, [3]float64{0.70, 0.15, 0.15}, 0, 0, 1},
		{10, [3]float64{1, 0, 0}, 10, 0, 0},
		{0, [3]float64{0.70, 0.15, 0.15}, 0, 0, 0},
		{7, [3]float64{0.5, 0.5, 0}, 3, 3, 1},
	} {
		train, eval, test := splitSizes(c.n, c.share)
		if train != c.train || eval != c.eval || test != c.test {
			t.Errorf("%d rows by %v: %d/%d/%d, want %d/%d/%d", c.n, c.share, train, eval, test, c.train, c.eval, c.test)
		}
	}
}
