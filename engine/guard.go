package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hone/engine/batch"
	"hone/engine/optim"
)

// What to do when a loss, a gradient or an update is not finite. In no case is
// the update applied.
const (
	Halt     = "halt"      // end the run with an error that names the origin
	SkipRow  = "skip-row"  // take the step again without the rows that do it
	SkipStep = "skip-step" // drop the step and go on
	Rewind   = "rewind"    // go back to the newest checkpoint, and leave these rows out
)

// ErrNonFinite is wrapped by the error of a halted step.
var ErrNonFinite = errors.New("non-finite loss, gradient or update")

// ErrNotRows is wrapped by the error of a step that would be skipped by rows, if
// it were rows that make it fail.
var ErrNotRows = errors.New("no row is to blame: the weights or the learning rate are")

// ErrAllSkipped is the problem of a step of which no row is left.
var ErrAllSkipped = errors.New("every row of the step is left out")

// Skip leaves rows of the dataset out of a step, counted from 1. Its denominators
// are then those of the rows that remain. The rows stay left out in a run that
// goes back before the step.
func (t *Trainer) Skip(step int, rows []int) {
	if t.skipped == nil {
		t.skipped = map[int][]int{}
	}
	all := append(slices.Clone(t.skipped[step]), rows...)
	slices.Sort(all)
	t.skipped[step] = slices.Compact(all)
}

// Unskip takes all rows into a step again, counted from 1.
func (t *Trainer) Unskip(step int) { delete(t.skipped, step) }

// remaining are the examples of step s, counted from 0, without the rows that
// are left out.
func (t *Trainer) remaining(s int) []batch.Example {
	out := t.skipped[s+1]
	return slices.DeleteFunc(t.faultyBatch(s+1, t.Batch(s)), func(e batch.Example) bool { return slices.Contains(out, e.Row) })
}

// attempt computes the gradients of examples and applies them if all is finite;
// else s.Problem says why not.
func (t *Trainer) attempt(ctx context.Context, examples []batch.Example, s *Step) error {
	s.Counts, s.Rows = batch.Count(examples), rowsOf(examples)
	if len(examples) == 0 {
		s.Passes, s.Norms, s.Changes = nil, nil, nil
		s.Terms, s.GradNorm = nothing()
		s.Problem = ErrAllSkipped
		return nil
	}
	if err := t.refuse(examples, s); err != nil {
		return err
	}
	passes, err := t.gradients(ctx, examples, s.Counts)
	if err != nil {
		return err
	}
	update := time.Now()
	s.Passes = passes
	s.Terms = total(passes).Terms(s.Counts, t.Loss)
	s.Norms, s.GradNorm = optim.Norms(t.graph.Runtime.Pool, t.tensors)
	s.RecordSeconds = (t.recording + time.Since(update)).Seconds()
	if !finite(s.Terms.Loss) || !finite(s.GradNorm) {
		s.BadGradients = t.badGradients(s.Norms)
		s.Problem = t.origin(ctx, examples, *s)
		return ctx.Err()
	}
	factor := optim.ClipFactor(s.GradNorm, t.Clip)
	s.Clipped = factor < 1
	s.Changes, err = t.updates.Update(t.graph.Runtime.Pool, t.tensors, t.faultyUpdateLR(s.Number, s.LR), factor, s.GradNorm)
	s.OptimizerSeconds = time.Since(update).Seconds()
	if err != nil {
		s.Problem = err
		return nil
	}
	t.weights.Invalidate()
	for i, c := range s.Changes {
		if !finite(c.Update) {
			// A moment became non-finite in memory: no arithmetic of ours did it.
			return fmt.Errorf("step %d: %w: the update of %s was not finite although its gradient and bounds were; the trained weights are lost, go back to a checkpoint",
				s.Number, errSpoilt, t.tensors[i].Name)
		}
	}
	s.Applied = true
	return nil
}

// errSpoilt is the only way in which a value that is not finite gets into the
// weights: memory that changed by itself.
var errSpoilt = errors.New("damaged optimizer state")

// withoutBadRows takes a failed step again without the rows that made it fail.
// On return s is the step that was taken, with the problem of the first attempt.
func (t *Trainer) withoutBadRows(ctx context.Context, s *Step) error {
	problem, gradients := s.Problem, s.BadGradients
	for !s.Applied && !errors.Is(s.Problem, ErrAllSkipped) {
		bad, err := t.badRows(ctx, s)
		if err != nil {
			return err
		}
		t.Skip(s.Number, bad)
		s.Problem, s.BadGradients = nil, nil
		if err := t.attempt(ctx, t.remaining(t.step), s); err != nil {
			return err
		}
		s.Skipped = t.skipped[s.Number]
	}
	s.Problem, s.BadGradients = problem, gradients
	return nil
}

// badRows are the dataset rows that make a step fail, found by halving its batch.
// The error wraps ErrNotRows where no row is to blame.
func (t *Trainer) badRows(ctx context.Context, s *Step) ([]int, error) {
	var update *optim.UpdateError
	if errors.As(s.Problem, &update) {
		return nil, fmt.Errorf("step %d: %w: %w: %w", s.Number, ErrNonFinite, ErrNotRows, s.Problem)
	}
	examples := t.remaining(t.step)
	bad, err := t.halve(ctx, examples, s.Counts)
	if err != nil || len(bad) < len(examples) {
		return rowsOf(bad), err
	}
	// All of them: are others any better?
	next := t.remaining((t.step + 1) % t.Steps())
	next = slices.DeleteFunc(next, func(e batch.Example) bool { return slices.Contains(s.Rows, e.Row) })
	if len(next) > 0 {
		ok, err := t.finiteOn(ctx, next, batch.Count(next))
		if err != nil || ok {
			return rowsOf(bad), err
		}
	}
	return nil, fmt.Errorf("step %d: %w: %w: %w", s.Number, ErrNonFinite, ErrNotRows, s.Problem)
}

// halve returns the examples that make a batch fail which is known to: of every
// failing half the failing half. Two halves that fail only together are returned
// whole. The counts are those of the step throughout, so that every row weighs
// what it weighed in it.
func (t *Trainer) halve(ctx context.Context, examples []batch.Example, counts batch.Counts) ([]batch.Example, error) {
	if len(examples) <= 1 {
		return examples, nil
	}
	var bad []batch.Example
	for _, half := range [][]batch.Example{examples[:len(examples)/2], examples[len(examples)/2:]} {
		ok, err := t.finiteOn(ctx, half, counts)
		if err != nil {
			return nil, err
		}
		if ok {
			continue
		}
		found, err := t.halve(ctx, half, counts)
		if err != nil {
			return nil, err
		}
		bad = append(bad, found...)
	}
	if len(bad) == 0 {
		return examples, nil
	}
	return bad, nil
}

// finiteOn reports whether loss and gradients of examples are finite.
func (t *Trainer) finiteOn(ctx context.Context, examples []batch.Example, counts batch.Counts) (bool, error) {
	passes, err := t.gradients(ctx, examples, counts)
	if err != nil {
		return false, err
	}
	_, norm := optim.Norms(t.graph.Runtime.Pool, t.tensors)
	ok := finite(norm) && finite(total(passes).Terms(counts, t.Loss).Loss)
	if t.probed != nil {
		t.probed(examples, ok)
	}
	return ok, nil
}

func rowsOf(examples []batch.Example) []int {
	rows := make([]int, len(examples))
	for i, e := range examples {
		rows[i] = e.Row
	}
	return rows
}
