package engine

import (
	"errors"
	"fmt"

	"hone/engine/batch"
	"hone/engine/loss"
	"hone/engine/ops"
)

// Faults plant a failure into a run that is meant to fail: for tests, and for
// people who want to see one. Functions that are nil plant nothing. Steps count
// from 1. A fault is a function of the step and of what it is given, so that a
// step that is run again fails again.
type Faults struct {
	// Before is called once before the first attempt at a step. It may change
	// tensors, moments and LRFactor.
	Before func(step int)
	// Batch returns what a step consumes instead of examples, which it must not
	// change.
	Batch func(step int, examples []batch.Example) []batch.Example
	// Packed may change a forward pass as it is laid out.
	Packed func(step int, p *batch.Packed)
	// Pass may change the settings of a forward pass: denominators, weights of the
	// loss, dropout. They are restored after it.
	Pass func(step int, rt *ops.Runtime)
	// Op may change the output of an operation before it is looked at.
	Op func(step int, r ops.Record)
	// LR returns the learning rate of a step, UpdateLR what the optimizer is given
	// instead of it.
	LR, UpdateLR func(step int, lr float64) float64
}

// Plant adds faults to a trainer. Nothing in a run does it unless somebody asked
// for a failure.
func (t *Trainer) Plant(f Faults) {
	t.faults = append(t.faults, f)
	rt := t.graph.Runtime
	if f.Op == nil {
		return
	}
	before := rt.Fault
	rt.Fault = func(r ops.Record) {
		if before != nil {
			before(r)
		}
		f.Op(rt.Step+1, r)
	}
}

func (t *Trainer) faultsBefore(step int) {
	for _, f := range t.faults {
		if f.Before != nil {
			f.Before(step)
		}
	}
}

func (t *Trainer) faultyBatch(step int, examples []batch.Example) []batch.Example {
	for _, f := range t.faults {
		if f.Batch != nil {
			examples = f.Batch(step, examples)
		}
	}
	return examples
}

func (t *Trainer) faultyPack(step int, examples []batch.Example) batch.Packed {
	p := batch.Pack(examples)
	for _, f := range t.faults {
		if f.Packed != nil {
			f.Packed(step, &p)
		}
	}
	return p
}

// faultySettings changes the settings of the next forward pass and returns how to
// restore them.
func (t *Trainer) faultySettings(step int) (restore func()) {
	rt := t.graph.Runtime
	counts, weights, evaluate := rt.Counts, rt.Weights, rt.Evaluate
	for _, f := range t.faults {
		if f.Pass != nil {
			f.Pass(step, rt)
		}
	}
	return func() { rt.Counts, rt.Weights, rt.Evaluate = counts, weights, evaluate }
}

func (t *Trainer) faultyLR(step int, lr float64) float64 {
	for _, f := range t.faults {
		if f.LR != nil {
			lr = f.LR(step, lr)
		}
	}
	return lr
}

func (t *Trainer) faultyUpdateLR(step int, lr float64) float64 {
	for _, f := range t.faults {
		if f.UpdateLR != nil {
			lr = f.UpdateLR(step, lr)
		}
	}
	return lr
}

// VocabularyError says that a batch holds a token that the model does not have.
type VocabularyError struct {
	Row, Position int // dataset row, and token in it from 0
	ID            int32
	Vocabulary    int
}

func (e *VocabularyError) Error() string {
	return fmt.Sprintf("dataset row %d, token %d: id %d is outside the vocabulary of %d", e.Row, e.Position+1, e.ID, e.Vocabulary)
}

// Refused reports whether an error is about a batch that was refused before
// anything was computed on it.
func Refused(err error) bool {
	var v *VocabularyError
	return errors.Is(err, ErrNoTargets) || errors.As(err, &v)
}

// refuse looks at a batch before it is computed on.
func (t *Trainer) refuse(examples []batch.Example, s *Step) error {
	vocabulary := t.weights.Config.Vocab
	var err error
	for _, e := range examples {
		for at, id := range e.IDs {
			if (id < 0 || int(id) >= vocabulary) && err == nil {
				err = fmt.Errorf("step %d: %w", s.Number, &VocabularyError{Row: e.Row, Position: at, ID: id, Vocabulary: vocabulary})
			}
		}
	}
	if err == nil && s.Counts.Targets == 0 {
		err = fmt.Errorf("step %d, rows %v: %w", s.Number, s.Rows, ErrNoTargets)
	}
	if err == nil {
		return nil
	}
	s.Problem = err
	s.Terms, s.GradNorm = nothing()
	s.Norms, s.Changes, s.Passes = nil, nil, nil
	for _, micro := range batch.Split(examples, t.graph.Runtime.MaxTokens) {
		s.Passes = append(s.Passes, describe(t.faultyPack(s.Number, micro)))
	}
	return err
}

// Differentiated is the loss whose gradient a step has computed, as the graph
// had it: with the weights and the denominators of its passes. It equals the
// reported loss, or one of the two is not what it is said to be.
func (s Step) Differentiated() loss.Terms {
	var sum loss.Terms
	for _, p := range s.Passes {
		sum.Loss += p.Of.Loss
		sum.CE += p.Of.CE
	}
	return sum
}
