package engine

import (
	"fmt"
	"math"
	"slices"

	"hone/engine/loss"
)

// MaxBatchSize bounds the size of a batch that is set while training.
const MaxBatchSize = 4096

// Cut is a change of the batch size: from Step optimizer steps on, what is left
// of the epoch under way, and every later epoch, is cut into batches of
// BatchSize rows. The order of the rows stays that of the seed and the epoch, so
// that no row is left out or seen twice.
type Cut struct {
	Step      int `json:"step"`
	BatchSize int `json:"batch_size"`
}

// settings are what may be changed while training.
type settings struct {
	factor float64
	loss   loss.Weights
	cuts   []Cut
}

func (t *Trainer) settings() settings {
	return settings{factor: t.LRFactor, loss: t.Loss, cuts: slices.Clone(t.cuts)}
}

// keep makes settings stand that a checkpoint has taken back, and returns what
// that changes.
func (t *Trainer) keep(ordered settings) []Intervention {
	var notes []Intervention
	if t.LRFactor != ordered.factor {
		note := Intervention{Step: t.step, Action: ActionSetLR, Again: true, Old: t.LR(t.step)}
		t.LRFactor = ordered.factor
		note.New = t.LR(t.step)
		notes = append(notes, note)
	}
	if t.Loss != ordered.loss {
		notes = append(notes, Intervention{Step: t.step, Action: ActionSetLoss, Again: true, OldLoss: t.Loss, NewLoss: ordered.loss})
		t.SetLoss(ordered.loss)
	}
	// A cut keeps its step: the batches of the steps that are taken again must be
	// those that failed, or the rows to leave out of them would be others.
	had := len(t.cuts)
	t.cuts = ordered.cuts
	for _, c := range t.cuts[min(had, len(t.cuts)):] {
		notes = append(notes, Intervention{Step: c.Step, Action: ActionSetBatchSize, Again: true, Old: float64(t.BatchSizeAt(c.Step - 1)), New: float64(c.BatchSize)})
	}
	return notes
}

// SetLoss makes w the weights of the loss from the next step on.
func (t *Trainer) SetLoss(w loss.Weights) { t.Loss, t.graph.Runtime.Weights = w, w }

// checkLoss refuses weights that would not train.
func checkLoss(w loss.Weights) error {
	sum := 0.0
	for _, v := range []float64{w.CE, w.JSON, w.Field, w.Confidence} {
		if !(v >= 0) || math.IsInf(v, 0) {
			return fmt.Errorf("a loss weight of %g: want a number from 0 on", v)
		}
		sum += v
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		return fmt.Errorf("the loss weights add up to %g: one of them must be more than 0", sum)
	}
	return nil
}

func checkBatchSize(n int) error {
	if n < 1 || n > MaxBatchSize {
		return fmt.Errorf("a batch size of %d: want 1 to %d", n, MaxBatchSize)
	}
	return nil
}

// SetBatchSize cuts the rows that the epoch has not seen yet, and the epochs
// after it, into batches of n. Rows that were to be left out of a later step are
// left out of the step that they are in now.
func (t *Trainer) SetBatchSize(n int) {
	if t.step >= t.Steps() {
		return // nothing is left to cut
	}
	out := map[int][]int{} // rows to leave out, by epoch
	for step, rows := range t.skipped {
		if step > t.step {
			epoch, _ := t.Place(step - 1)
			out[epoch] = append(out[epoch], rows...)
			delete(t.skipped, step)
		}
	}
	t.cuts = slices.DeleteFunc(t.cuts, func(c Cut) bool { return c.Step >= t.step })
	t.cuts = append(t.cuts, Cut{t.step, n})
	for s := t.step; s < t.Steps() && len(out) > 0; s++ {
		epoch, _ := t.Place(s)
		for _, e := range t.Batch(s) {
			if slices.Contains(out[epoch], e.Row) {
				t.Skip(s+1, []int{e.Row})
			}
		}
	}
}

// BatchSizeAt is the batch size of step s, counted from 0.
func (t *Trainer) BatchSizeAt(s int) int {
	size := t.BatchSize
	for _, c := range t.cuts {
		if c.Step <= s {
			size = c.BatchSize
		}
	}
	return size
}

// Place is where step s, counted from 0, begins: epoch and row in the epoch's
// order, both from 0.
func (t *Trainer) Place(s int) (epoch, at int) {
	n, from, size := len(t.examples), 0, t.BatchSize
	for _, c := range t.cuts {
		if c.Step > s {
			break
		}
		epoch, at = along(epoch, at, c.Step-from, size, n)
		from, size = c.Step, c.BatchSize
	}
	return along(epoch, at, s-from, size, n)
}

// along goes forward by steps of size rows, from a place in epochs of n rows.
func along(epoch, at, steps, size, n int) (int, int) {
	if rest := ceil(n-at, size); steps >= rest {
		steps -= rest
		whole := ceil(n, size)
		return epoch + 1 + steps/whole, steps % whole * size
	}
	return epoch, at + steps*size
}

// ceil is a/b, rounded up.
func ceil(a, b int) int { return (a + b - 1) / b }

// Steps is the number of optimizer steps of the whole run, with the batch sizes
// that are set.
func (t *Trainer) Steps() int {
	if len(t.cuts) == 0 {
		return t.Epochs * t.StepsPerEpoch(len(t.examples))
	}
	last := t.cuts[len(t.cuts)-1]
	n := len(t.examples)
	epoch, at := t.Place(last.Step)
	return last.Step + ceil(n-at, last.BatchSize) + (t.Epochs-epoch-1)*ceil(n, last.BatchSize)
}

// planned is the step of the unchanged run that would have trained the first row
// of step s: the learning rate's schedule goes on over the rows, whatever the
// size of their batches.
func (t *Trainer) planned(s int) int {
	if len(t.cuts) == 0 {
		return s
	}
	epoch, at := t.Place(s)
	return epoch*t.StepsPerEpoch(len(t.examples)) + at/t.BatchSize
}

// restoreCuts takes over the batch sizes of a checkpoint.
func (t *Trainer) restoreCuts(cuts []Cut) error {
	t.cuts = nil
	for _, c := range cuts {
		err := checkBatchSize(c.BatchSize)
		if n := len(t.cuts); err == nil && (c.Step < 0 || n > 0 && c.Step <= t.cuts[n-1].Step) || err == nil && c.Step >= t.Steps() {
			err = fmt.Errorf("it is set at step %d of %d", c.Step, t.Steps())
		}
		if err != nil {
			t.cuts = nil
			return fmt.Errorf("the checkpoint's batch sizes: %w", err)
		}
		t.cuts = append(t.cuts, c)
	}
	return nil
}
