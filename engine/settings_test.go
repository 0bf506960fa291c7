package engine

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"hone/engine/batch"
	"hone/engine/loss"
	"hone/engine/optim"
)

// bare is a trainer that cuts batches and computes nothing.
func bare(rows, epochs, size int, shuffle bool) *Trainer {
	t := &Trainer{Config: Config{Seed: 7, Epochs: epochs, BatchSize: size, Shuffle: shuffle}, LRFactor: 1, examples: make([]batch.Example, rows)}
	for i := range t.examples {
		t.examples[i].Row = i
	}
	t.schedule = optim.Schedule{LR: 1, Kind: "linear", Steps: t.Steps()}
	return t
}

// However often the batch size is changed, every epoch has every row once, in
// the order that it has without; the run ends where its rows do; the learning
// rate never rises; a checkpoint of any step cuts alike; and a row to leave out
// stays left out.
func TestChangedBatchSizesKeepEveryRow(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1))
		rows, epochs := 1+r.IntN(40), 1+r.IntN(4)
		x := bare(rows, epochs, 1+r.IntN(10), seed%2 == 0)
		var order []int
		for s, plain := 0, bare(rows, epochs, 1, seed%2 == 0); s < plain.Steps(); s++ {
			order = append(order, plain.Batch(s)[0].Row)
		}
		out := r.IntN(len(order)) // of the whole run, the row to leave out
		for s := range x.Steps() {
			if epoch, at := x.Place(s); epoch*rows+at <= out && out < epoch*rows+at+len(x.Batch(s)) {
				x.Skip(s+1, []int{order[out]})
			}
		}
		var got, kept []int
		last := x.LR(0)
		for ; x.step < x.Steps(); x.step++ {
			changed := r.IntN(5) == 0
			if changed {
				x.SetBatchSize(1 + r.IntN(12))
			}
			if lr := x.LR(x.step); lr > last || lr <= 0 {
				t.Fatalf("seed %d: the learning rate of step %d is %g after %g", seed, x.step, lr, last)
			} else {
				last = lr
			}
			from := bare(rows, epochs, x.BatchSize, x.Shuffle)
			if err := from.restoreCuts(x.cuts); err != nil {
				t.Fatal(err)
			}
			for s := x.step; s < x.Steps() && changed; s++ {
				if !reflect.DeepEqual(from.Batch(s), x.Batch(s)) {
					t.Fatalf("seed %d: a checkpoint of step %d cuts step %d otherwise", seed, x.step, s)
				}
			}
			if size := len(x.Batch(x.step)); size > x.BatchSizeAt(x.step) {
				t.Fatalf("seed %d: %d rows in a batch of %d", seed, size, x.BatchSizeAt(x.step))
			}
			got, kept = append(got, rowsOf(x.Batch(x.step))...), append(kept, rowsOf(x.remaining(x.step))...)
		}
		if !slices.Equal(got, order) {
			t.Fatalf("seed %d: trained rows %v, the order is %v", seed, got, order)
		}
		if want := slices.Delete(slices.Clone(order), out, out+1); !slices.Equal(kept, want) {
			t.Fatalf("seed %d: without the row that is left out: %v, want %v", seed, kept, want)
		}
	}
}

// Cuts and weights that a damaged checkpoint may hold are refused.
func TestRestoreRefusesSettings(t *testing.T) {
	for _, cuts := range [][]Cut{{{0, 0}}, {{0, MaxBatchSize + 1}}, {{-1, 2}}, {{3, 2}, {3, 1}}, {{1 << 40, 2}}} {
		x := bare(8, 2, 2, false)
		if err := x.restoreCuts(cuts); err == nil || x.cuts != nil {
			t.Errorf("%v was taken: %v", cuts, x.cuts)
		}
	}
	for _, w := range []loss.Weights{{}, {CE: -1, JSON: 2}, {CE: 1e308, JSON: 1e308}} {
		if checkLoss(w) == nil {
			t.Errorf("%+v was taken", w)
		}
	}
}
