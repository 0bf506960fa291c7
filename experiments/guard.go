package experiments

import (
	"context"
	"errors"
	"fmt"

	"hone/data"
	"hone/engine"
	"hone/runs"
)

// onFailed records a step that ends the run or has it go back.
func (t *training) onFailed(ctx context.Context, s engine.Step, err error) error {
	errs := []error{t.happened(s.Number)}
	if !engine.Refused(err) { // of a batch that was refused the rules say why
		errs = append(errs, t.writer.Append(runs.Alert{
			Step: s.Number, ID: "NONFINITE", Severity: data.SeverityError, Message: firstLine(err), Confidence: 1,
			Advice: "the update was not applied; lower train.lr, look at the rows of this step, or set train.on_nonfinite = \"skip-row\"",
		}))
	}
	errs = append(errs, t.recorder.step(s), t.recorder.operations(ctx, s, err),
		t.writer.Sync()) // whatever happens next, this is what it will be asked about
	return errors.Join(errs...)
}

// onRewind takes the run back to its newest checkpoint.
func (t *training) onRewind(_ context.Context, s engine.Step) error {
	checkpoint, ok, err := runs.LatestCheckpoint(t.writer.Dir())
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("there is no checkpoint")
	}
	if err := t.backTo(checkpoint.Path); err != nil {
		return fmt.Errorf("restoring %s: %w", checkpoint.Path, err)
	}
	if err := t.writer.DropCheckpoints(checkpoint.Step); err != nil {
		return err
	}
	reason := firstLine(s.Problem)
	return errors.Join(
		t.writer.AppendTrace(runs.TraceAct{K: "act", Step: s.Number, Action: runs.ActionRewind, To: checkpoint.Step, Rows: s.Bad, Reason: reason}),
		t.writer.Append(runs.Intervention{Step: s.Number, Action: runs.ActionRewind, By: byRule, To: checkpoint.Step, Rows: s.Bad, Reason: reason}))
}

// onGuarded records what was done about a step that was not finite at first, and
// did not end the run.
func (t *training) onGuarded(s engine.Step) error {
	what, action, rows := fmt.Sprintf("step %d was not applied", s.Number), runs.ActionSkipStep, s.Rows
	if len(s.Skipped) > 0 {
		what, action, rows = fmt.Sprintf("step %d was taken without rows %v", s.Number, s.Skipped), runs.ActionSkipRow, s.Skipped
	}
	reason := firstLine(s.Problem)
	return errors.Join(
		t.writer.Append(runs.Alert{
			Step: s.Number, ID: "NONFINITE", Severity: data.SeverityWarning, Confidence: 1, Message: what + ": " + reason,
			Advice: "lower train.lr, or look at these rows",
		}),
		t.writer.AppendTrace(runs.TraceAct{K: "act", Step: s.Number, Action: action, Rows: rows, Reason: reason}),
		t.writer.Append(runs.Intervention{Step: s.Number, Action: action, By: byRule, Rows: rows, Reason: reason}))
}

// recall tells the trainer which rows were left out of which steps before, and
// returns how often the rule went back.
func (t *training) recall() (rewinds int, err error) {
	h, err := runs.ReadHistory(t.writer.Dir())
	if err != nil {
		return 0, err
	}
	for _, e := range h.Events {
		i, ok := e.Record.(runs.Intervention)
		switch {
		case !ok:
		case i.By == byRule && i.Action == runs.ActionRewind:
			rewinds++
			t.trainer.Skip(i.Step, i.Rows)
		case i.By == byRule && i.Action == runs.ActionSkipRow:
			t.trainer.Skip(i.Step, i.Rows)
		case i.By == byUser && i.Action == runs.ActionRewind:
			t.without(i.To, i.Rows)
		}
	}
	return rewinds, nil
}
