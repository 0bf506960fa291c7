package inject

import (
	"fmt"
	"math"

	"hone/engine"
	"hone/engine/batch"
	"hone/engine/ops"
	"hone/engine/optim"
)

// planter plants one fault.
type planter struct {
	t *engine.Trainer
	f Fault
}

func (p planter) plant(f engine.Faults) error {
	p.t.Plant(f)
	return nil
}

// victim is the dataset row that faults of operations hit: the middle one of the
// step's batch.
func (p planter) victim() int {
	examples := p.t.Batch(p.f.Step - 1)
	return examples[len(examples)/2].Row
}

// place chooses an element of the victim's rows [tokens, width] of an output.
type place func(tokens, width int) int

func first(int, int) int { return 0 }

func last(tokens, width int) int { return tokens*width - 1 }

// rows calls change with the victim's part of an operation's output at the step.
func (p planter) rows(op, phase string, change func(out []float32, tokens, width int)) error {
	victim, rt := p.victim(), p.t.Runtime()
	return p.plant(engine.Faults{Op: func(step int, r ops.Record) {
		if step != p.f.Step || r.Name != op || r.Phase != phase || !r.PerToken {
			return
		}
		for i, row := range rt.Batch.Rows {
			if row == victim {
				lo, hi := rt.Batch.Starts[i], rt.Batch.Starts[i+1]
				change(r.Output[lo*r.Width:hi*r.Width], hi-lo, r.Width)
			}
		}
	}})
}

// value sets one value of the victim's output.
func (p planter) value(op, phase string, at place, x float64) error {
	return p.rows(op, phase, func(out []float32, tokens, width int) { out[at(tokens, width)] = float32(x) })
}

// flip flips a bit of the exponent of one value, as a particle does: the step goes
// on with a plausible number.
func (p planter) flip() error {
	return p.rows("layers.0.mlp.act_fn", ops.Forward, func(out []float32, tokens, width int) {
		i := tokens / 2 * width
		out[i] = math.Float32frombits(math.Float32bits(out[i]) ^ 1<<25)
	})
}

// scale multiplies the output of an operation.
func (p planter) scale(when func(int) bool, op, phase string, by float32) error {
	return p.plant(engine.Faults{Op: func(step int, r ops.Record) {
		if when(step) && r.Name == op && r.Phase == phase {
			for i := range r.Output {
				r.Output[i] *= by
			}
		}
	}})
}

// gradients changes the gradients of trained tensors at the step, by the name of
// the tensor.
func (p planter) gradients(change func(tensor string, gradient []float32)) error {
	return p.plant(engine.Faults{Op: func(step int, r ops.Record) {
		if step == p.f.Step && r.Phase == ops.Gradient {
			change(r.Name, r.Output)
		}
	}})
}

// before does something once before the first attempt at the step.
func (p planter) before(do func()) error {
	done := false
	return p.plant(engine.Faults{Before: func(step int) {
		if step == p.f.Step && !done {
			done = true
			do()
		}
	}})
}

// weight spoils a value of a trained tensor.
func (p planter) weight() error {
	return p.before(func() {
		w := p.t.Tensor(len(p.t.Names()) / 2)
		w[len(w)/2] = float32(math.NaN())
		p.t.Forget()
	})
}

// moment spoils a value of the optimizer, which then looks at them all as it does
// after a checkpoint was read.
func (p planter) moment() error {
	return p.before(func() {
		m := p.t.Moments()[len(p.t.Names())/2]
		m.Data[len(m.Data)/2] = float32(math.NaN())
		p.t.Forget()
	})
}

// term leaves a term of the loss out of the gradient.
func (p planter) term() error {
	w := p.t.Loss
	if w.JSON == 0 && w.Field == 0 && w.Confidence == 0 {
		return fmt.Errorf("%s: the loss has one term only", p.f)
	}
	return p.plant(engine.Faults{Pass: func(step int, rt *ops.Runtime) {
		if step >= p.f.Step {
			rt.Weights.JSON, rt.Weights.Field, rt.Weights.Confidence = 0, 0, 0
		}
	}})
}

// denominators halves those of the loss, as if two micro-batches were averaged and
// their averages added.
func (p planter) denominators() error {
	return p.plant(engine.Faults{Pass: func(step int, rt *ops.Runtime) {
		if step >= p.f.Step {
			c := &rt.Counts
			c.Targets, c.Structure, c.Fields = max(1, c.Targets/2), max(1, c.Structure/2), max(1, c.Fields/2)
		}
	}})
}

// schedule follows a line without warm-up instead of the schedule, or a constant
// where it is that line already.
func (p planter) schedule() error {
	t := p.t
	other := optim.Schedule{LR: t.Config.LR, Kind: "linear", Steps: t.Steps()}
	if t.Schedule == "linear" && t.Warmup == 0 {
		other.Kind = "constant"
	}
	return p.plant(engine.Faults{LR: func(step int, lr float64) float64 {
		if step < p.f.Step {
			return lr
		}
		return other.At(step - 1)
	}})
}

// batches changes what steps consume.
func (p planter) batches(vocabulary int) error {
	if _, ok := Examples(p.f.ID, nil, nil, vocabulary); !ok {
		return fmt.Errorf("%s has no injector at a step", p.f.ID)
	}
	return p.plant(engine.Faults{Batch: func(step int, examples []batch.Example) []batch.Example {
		if step != p.f.Step {
			return examples
		}
		previous := p.t.Batch((step + p.t.Steps() - 2) % p.t.Steps())
		changed, _ := Examples(p.f.ID, examples, previous, vocabulary)
		return changed
	}})
}
