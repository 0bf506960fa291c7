package experiments

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hone/data"
	"hone/runs"
)

// Who intervened.
const (
	byUser = "user"
	byRule = "rule"
)

// ErrRewind is wrapped by the error of a run that cannot go back.
var ErrRewind = errors.New("the run cannot go back")

// Rewind takes a run back to the state after a step and lets it go on from there.
type Rewind struct {
	To      int   // the last step that still counts; 0 = the beginning
	Without []int // dataset rows that all steps after it leave out
}

// rewindTo goes back: weights, moments, random numbers and data cursor are those
// after the step, re-executed from the newest checkpoint before it where it has
// none of its own, and compared with the record. The run's history keeps both
// branches.
func (t *training) rewindTo(ctx context.Context, to Rewind) error {
	h, err := runs.ReadHistory(t.writer.Dir())
	if err != nil {
		return err
	}
	at := 0
	if s, ok := h.LastStep(); ok {
		at = s.Step
	}
	if to.To < 0 || to.To > at {
		return fmt.Errorf("%w to step %d: it has taken steps 1 to %d", ErrRewind, to.To, at)
	}
	for _, row := range to.Without {
		if _, ok := t.recorder.source[row]; !ok {
			return fmt.Errorf("%w without row %d: the train split has no such row, or it was not trained on", ErrRewind, row)
		}
	}
	if t.rewinds, err = t.recall(); err != nil {
		return err
	}
	t.rewinds = 0 // somebody has looked at it
	if err := t.plantForReplay(t.faults, to.To); err != nil {
		return err
	}
	steps, err := recordedSteps(t.writer.Dir(), 1, to.To)
	if err != nil {
		return err
	}
	r, err := t.reach(ctx, t.writer.Dir(), to.To, steps, t.recorder)
	if err != nil {
		return err
	}
	if len(r.differences) > 0 {
		return fmt.Errorf("%w to step %d: re-executing from step %d came out otherwise (%s); a kept checkpoint can be gone back to", ErrRewind, to.To, r.from, r.differences[0])
	}
	t.recorder.rules = nil
	t.without(to.To, to.Without)
	if err := t.forget(h, to.To); err != nil {
		return err
	}
	if err := t.writer.DropCheckpoints(to.To); err != nil {
		return err
	}
	if err := t.checkpoint(to.To, "rewind"); err != nil {
		return err
	}
	reason := fmt.Sprintf("asked for at step %d", at)
	return errors.Join(
		t.writer.AppendTrace(runs.TraceAct{K: "act", Step: at, Action: runs.ActionRewind, To: to.To, Rows: to.Without, Reason: reason}),
		t.writer.Append(runs.Intervention{Step: at, Action: runs.ActionRewind, By: byUser, To: to.To, Rows: to.Without, Reason: reason}))
}

// forget makes the best evaluation that of the branch that is left: what was kept
// of a later one is replaced by the next evaluation, or now where the best of the
// branch is the state at hand.
func (t *training) forget(h *runs.History, to int) error {
	t.best, t.last = nil, 0
	t.early.again(h.Evals, data.Eval, to)
	var before *runs.Eval
	for _, e := range h.Evals {
		if e.Step > to {
			continue
		}
		t.last = max(t.last, e.Step)
		if before == nil || e.Better(*before, t.config.Train.BestBy) {
			before = &e
		}
	}
	if before == nil {
		return nil
	}
	if all, ok := h.BestEval(before.Split, t.config.Train.BestBy); ok && all.Step == before.Step {
		t.best = before // the run's adapter is its
		return nil
	}
	if before.Step == to {
		t.best = before
		return t.saveBest()
	}
	return t.log("warning", fmt.Sprintf("the best adapter was of a step that is undone, and that of step %d is not kept: the next evaluation's is", before.Step))
}

// without leaves rows out of all steps after one.
func (t *trainee) without(after int, rows []int) {
	if len(rows) == 0 {
		return
	}
	for step := after + 1; step <= t.trainer.Steps(); step++ {
		var out []int
		for _, e := range t.trainer.Batch(step - 1) {
			if slices.Contains(rows, e.Row) {
				out = append(out, e.Row)
			}
		}
		if out != nil {
			t.trainer.Skip(step, out)
		}
	}
}
