package optim

import "hone/engine/kernel"

// The optimizers.
const (
	NameAdamW = "adamw"
	NameMuon  = "muon"
)

// Optimizer updates tensors by their gradients. Every call gets the same
// tensors, in the order in which it was made for them.
type Optimizer interface {
	// Update applies one step with the gradients times factor (the clipping factor)
	// at learning rate lr, and says what it did to each tensor. norm is the global
	// norm of the gradients before clipping, +Inf where it is not known. An update
	// that would leave a value or a moment that is not finite is an *UpdateError;
	// then nothing has been changed.
	Update(pool *kernel.Pool, tensors []Tensor, lr, factor, norm float64) ([]Change, error)
	// Moments is the state of the updates before, shared with the optimizer.
	Moments() []Moment
	// Steps is the number of updates done.
	Steps() int
	// Resume continues after a number of updates. Weights and moments have been
	// changed by somebody else.
	Resume(steps int)
}

// Moment is the state that an optimizer keeps of a tensor, of its shape.
type Moment struct {
	What   string // as PyTorch names it: FirstMoment, SecondMoment, MomentumBuffer
	Tensor int
	Data   []float32
}

// New returns the optimizer of tensors by its name, [NameAdamW] or [NameMuon].
func New(name string, tensors []Tensor, weightDecay, beta2 float64) Optimizer {
	if name == NameMuon {
		return NewMuon(tensors, weightDecay, beta2)
	}
	return NewAdamW(tensors, weightDecay, beta2)
}
