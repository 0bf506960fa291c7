package engine

import (
	"fmt"
	"maps"
	"slices"

	"hone/engine/loss"
	"hone/engine/weights"
)

// State is what a run needs to go on bit for bit, apart from the trained
// tensors themselves: dropout masks and the order of the data are functions of
// the seed and the step.
type State struct {
	Step          int     `json:"step"`           // optimizer steps done: the data cursor
	OptimizerStep int     `json:"optimizer_step"` // updates applied, for AdamW's bias correction
	LRFactor      float64 `json:"lr_factor"`
	Seed          uint64  `json:"seed"`
	// Loss are the weights of the loss; nil in a checkpoint of before they could
	// be changed. Cuts are the changes of the batch size.
	Loss *loss.Weights `json:"loss,omitempty"`
	Cuts []Cut         `json:"cuts,omitempty"`
	// Skipped are the dataset rows left out of steps, counted from 1.
	Skipped map[int][]int `json:"skipped,omitempty"`
}

// State is the trainer's state after the last finished step.
func (t *Trainer) State() State {
	w := t.Loss
	return State{
		Step: t.step, OptimizerStep: t.updates.Steps(), LRFactor: t.LRFactor, Seed: t.Seed, Skipped: maps.Clone(t.skipped),
		Loss: &w, Cuts: slices.Clone(t.cuts),
	}
}

// Moments are the optimizer's moments as tensors named exp_avg.X, exp_avg_sq.X
// and momentum_buffer.X. They share memory with the optimizer.
func (t *Trainer) Moments() []weights.Tensor {
	var out []weights.Tensor
	for _, m := range t.updates.Moments() {
		out = append(out, weights.Tensor{Name: m.What + "." + t.tensors[m.Tensor].Name, Shape: t.graph.Params[m.Tensor].Shape, Data: m.Data})
	}
	return out
}

// Restore continues from a saved state. The trained tensors must have been
// restored before. Rows that were left out of a step stay left out of it.
func (t *Trainer) Restore(s State, moments []weights.Tensor) error {
	if s.Seed != t.Seed {
		return fmt.Errorf("the checkpoint was trained with seed %d, not %d", s.Seed, t.Seed)
	}
	if s.Loss != nil {
		if err := checkLoss(*s.Loss); err != nil {
			return fmt.Errorf("the checkpoint has %w", err)
		}
		t.SetLoss(*s.Loss)
	}
	if err := t.restoreCuts(s.Cuts); err != nil {
		return err
	}
	if s.Step < 0 || s.Step > t.Steps() {
		return fmt.Errorf("the checkpoint is at step %d of a run of %d", s.Step, t.Steps())
	}
	have := map[string][]float32{}
	for _, m := range moments {
		have[m.Name] = m.Data
	}
	for _, m := range t.Moments() {
		data, ok := have[m.Name]
		if !ok || len(data) != len(m.Data) {
			return fmt.Errorf("the checkpoint has no fitting %s", m.Name)
		}
		copy(m.Data, data)
	}
	t.step, t.LRFactor = s.Step, s.LRFactor
	t.updates.Resume(s.OptimizerStep)
	for step, rows := range s.Skipped {
		t.Skip(step, rows)
	}
	t.Forget()
	return nil
}

// Forget says that trained tensors or moments were changed from outside: the next
// update looks at every value, and weights are packed again.
func (t *Trainer) Forget() {
	t.updates.Resume(t.updates.Steps())
	t.weights.Invalidate()
}
