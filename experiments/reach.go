package experiments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"hone/engine"
	"hone/engine/loss"
	"hone/runs"
)

// recordedStep is the last word of a trace on a step.
type recordedStep struct {
	records []any // TraceBatch, TraceLoss, TraceGrad, TraceOpt
	opt     *runs.TraceOpt
}

// recordedSteps reads what a run's trace says of steps from..to that nothing later
// has undone.
func recordedSteps(dir string, from, to int) (map[int]*recordedStep, error) {
	f, err := os.Open(runs.TracePath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return map[int]*recordedStep{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the trace: %w", err)
	}
	defer f.Close()
	steps := map[int]*recordedStep{}
	undo := func(after int) {
		maps.DeleteFunc(steps, func(step int, _ *recordedStep) bool { return step > after })
	}
	add := func(step int, record any, first bool) {
		if step < from || step > to {
			return
		}
		if s := steps[step]; s == nil || first || s.opt != nil {
			steps[step] = &recordedStep{}
		}
		s := steps[step]
		s.records = append(s.records, record)
		if o, ok := record.(runs.TraceOpt); ok {
			s.opt = &o
		}
	}
	_, err = runs.ScanTrace(f, func(record any) error {
		switch r := record.(type) {
		case runs.TraceHead:
			undo(r.From)
		case runs.TraceAct:
			if r.Action == runs.ActionRewind {
				undo(r.To)
			}
		case runs.TraceBatch:
			add(r.Step, r, r.Micro == 0)
		case runs.TraceLoss:
			add(r.Step, r, false)
		case runs.TraceGrad:
			add(r.Step, r, false)
		case runs.TraceOpt:
			add(r.Step, r, false)
		}
		return nil
	})
	maps.DeleteFunc(steps, func(_ int, s *recordedStep) bool { return s.opt == nil }) // torn
	return steps, err
}

// Mismatch is something about a step that came out other than it was recorded.
type Mismatch struct {
	Step     int    `json:"step"`
	What     string `json:"what"` // as "loss.terms"
	Recorded string `json:"recorded"`
	Replayed string `json:"replayed"`
}

func (d Mismatch) String() string {
	return fmt.Sprintf("step %d: %s was %s, is %s", d.Step, d.What, d.Recorded, d.Replayed)
}

// telling are the members of records that are there only if something is wrong.
var telling = []string{"mismatch", "source", "no_dropout", "of", "of_ce", "nonfinite", "order", "reason"}

// compare says what differs between the records of a step and those of its
// re-execution. Equal text is equal bits: numbers are written so that they read
// back the same. What an earlier version did not record is not compared.
func compare(step int, recorded, replayed []any) ([]Mismatch, error) {
	var out []Mismatch
	if len(recorded) != len(replayed) {
		out = append(out, Mismatch{step, "records", fmt.Sprint(len(recorded)), fmt.Sprint(len(replayed))})
	}
	skipped := slices.ContainsFunc(recorded, func(r any) bool {
		o, ok := r.(runs.TraceOpt)
		return ok && len(o.Skipped) > 0 && o.Applied
	})
	for i := range min(len(recorded), len(replayed)) {
		a, err := members(recorded[i])
		if err != nil {
			return nil, err
		}
		b, err := members(replayed[i])
		if err != nil {
			return nil, err
		}
		kind := unquoted(a["k"])
		if skipped { // these are of the attempt before the rows were left out
			delete(a, "reason")
			delete(a, "nonfinite")
		}
		keys := slices.Sorted(maps.Keys(a))
		for _, key := range telling {
			if _, ok := a[key]; !ok && b[key] != nil {
				keys = append(keys, key)
			}
		}
		for _, key := range keys {
			if string(a[key]) != string(b[key]) {
				out = append(out, Mismatch{step, kind + "." + key, shortened(a[key]), shortened(b[key])})
			}
		}
	}
	return out, nil
}

func members(record any) (map[string]json.RawMessage, error) {
	text, err := json.Marshal(record)
	if err != nil {
		return nil, err
	}
	var m map[string]json.RawMessage
	return m, json.Unmarshal(text, &m)
}

func unquoted(text json.RawMessage) string {
	var s string
	if json.Unmarshal(text, &s) != nil {
		return string(text)
	}
	return s
}

func shortened(text json.RawMessage) string {
	const most = 100
	switch {
	case text == nil:
		return "nothing"
	case len(text) > most:
		return string(text[:most]) + "..."
	}
	return string(text)
}

// reached says how a state was come by.
type reached struct {
	from        int // checkpoint; 0 = the beginning
	state       resumeState
	differences []Mismatch
	unrecorded  []int // steps that could not be compared with a record
	orders      map[int][]runs.Intervention
}

// reach brings a trainee to the state after a step: from the newest checkpoint
// that is not later, by re-executing the steps between, each compared with its
// record. It ends at the first step that comes out otherwise.
func (t *trainee) reach(ctx context.Context, dir string, step int, steps map[int]*recordedStep, r *recorder) (reached, error) {
	var out reached
	checkpoints, err := runs.Checkpoints(dir)
	if err != nil {
		return out, err
	}
	if out.orders, err = settingOrders(dir); err != nil {
		return out, err
	}
	for _, c := range slices.Backward(checkpoints) {
		if c.Problem != "" || c.Step > step {
			continue
		}
		if out.state, err = t.restoreFrom(c.Path); err != nil {
			return out, fmt.Errorf("restoring %s: %w", c.Path, err)
		}
		out.from = c.Step
		break
	}
	for n := out.from + 1; n <= step; n++ {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		if t.progress != nil {
			t.progress(fmt.Sprintf("re-executing step %d", n), n-out.from-1, step-out.from)
		}
		recorded := steps[n]
		t.asOrdered(out.orders[n-1])
		t.asRecorded(n, recorded)
		s, err := t.trainer.Step(ctx)
		if err != nil {
			if !errors.Is(err, engine.ErrNonFinite) && !engine.Refused(err) {
				return out, err
			}
			out.differences = append(out.differences, Mismatch{n, "step", "taken", firstLine(err)})
			return out, nil
		}
		if recorded == nil {
			out.unrecorded = append(out.unrecorded, n)
			continue
		}
		d, err := compare(n, recorded.records, r.records(s))
		if err != nil {
			return out, err
		}
		if out.differences = d; len(d) > 0 {
			return out, nil
		}
	}
	return out, nil
}

// asRecorded gives the next step what interventions had given it: the rows that it
// was taken without, and the factor of its learning rate.
func (t *trainee) asRecorded(step int, recorded *recordedStep) {
	if recorded == nil {
		return
	}
	t.trainer.Unskip(step)
	if len(recorded.opt.Skipped) > 0 {
		t.trainer.Skip(step, recorded.opt.Skipped)
	}
	t.trainer.LRFactor = lrFactor(*recorded.opt)
}

// settingOrders are the changes of loss weights and batch size that stand, by the
// number of steps that had been taken.
func settingOrders(dir string) (map[int][]runs.Intervention, error) {
	h, err := runs.ReadHistory(dir)
	if err != nil {
		return nil, err
	}
	orders := map[int][]runs.Intervention{}
	for _, e := range h.Events {
		i, ok := e.Record.(runs.Intervention)
		if ok && !e.Undone && (i.Action == runs.ActionSetLoss && i.Weights != nil || i.Action == runs.ActionSetBatchSize) {
			orders[i.Step] = append(orders[i.Step], i)
		}
	}
	return orders, nil
}

// asOrdered changes loss weights and batch size as they were changed before the
// next step. What a checkpoint has of it already comes to the same.
func (t *trainee) asOrdered(orders []runs.Intervention) {
	for _, i := range orders {
		switch n := float64(i.Value); {
		case i.Action == runs.ActionSetLoss:
			w := i.Weights
			t.trainer.SetLoss(loss.Weights{CE: float64(w.CE), JSON: float64(w.JSON), Field: float64(w.Field), Confidence: float64(w.Confidence)})
		case n >= 1 && n <= engine.MaxBatchSize:
			t.trainer.SetBatchSize(int(n))
		}
	}
}
