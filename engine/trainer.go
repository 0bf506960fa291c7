package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"hone/engine/batch"
	"hone/engine/kernel"
	"hone/engine/llama"
	"hone/engine/loss"
	"hone/engine/ops"
	"hone/engine/optim"
	"hone/engine/rng"
)

// What to do when a loss or a gradient is not finite. In no case is the update
// applied.
const (
	Halt     = "halt"      // end the run with an error that names the origin
	SkipStep = "skip-step" // drop the step and go on
)

// ErrNonFinite is wrapped by the error of a halted step.
var ErrNonFinite = errors.New("non-finite loss, gradient or update")

// ErrNoTargets is wrapped by the error of a batch without a supervised token:
// its loss would be 0/0.
var ErrNoTargets = errors.New("no supervised tokens")

// Config is what a training run is made of.
type Config struct {
	Seed       uint64
	Epochs     int
	BatchSize  int // examples per optimizer step; the last batch of an epoch may be smaller
	MicroBatch int // tokens per forward pass at most (an example is never cut)
	Shuffle    bool

	LR          float64
	Schedule    string // constant, linear, cosine
	Warmup      float64
	WeightDecay float64 // of matrices; the weights of norms do not decay
	Clip        float64 // global gradient norm; 0 = none
	Loss        loss.Weights

	OnNonfinite string // Halt or SkipStep
}

// StepsPerEpoch is the number of optimizer steps over n examples.
func (c Config) StepsPerEpoch(n int) int { return (n + c.BatchSize - 1) / c.BatchSize }

// Step is what one optimizer step did.
type Step struct {
	Number   int     // from 1
	Epoch    float64 // epochs done after it
	Terms    loss.Terms
	GradNorm float64 // global, before clipping
	LR       float64
	Counts   batch.Counts
	Seconds  float64
	// OptimizerSeconds is the part of it after the gradients: norms, clipping,
	// update.
	OptimizerSeconds float64

	Rows    []int     // dataset rows, in order
	Norms   []float64 // gradient norm of each trained tensor, in the order of Trainer.Names
	Clipped bool
	Changes []optim.Change // what the update did to each trained tensor; nil when not applied
	Applied bool           // false: the update was not finite and was dropped
	Problem error          // why, when not applied
}

// Trainer is the training loop's state between steps.
type Trainer struct {
	Config
	LRFactor float64 // multiplies the schedule; 1 unless somebody intervened

	graph    *llama.Graph
	weights  *llama.Weights
	examples []batch.Example
	tensors  []optim.Tensor
	adamw    *optim.AdamW
	schedule optim.Schedule
	step     int // optimizer steps done

	order   []int // of the examples in epoch ordered-1, once asked for
	ordered int
}

// NewTrainer builds and compiles the graph for training on examples. adapter is
// nil when the weights themselves are trained.
func NewTrainer(pool *kernel.Pool, w *llama.Weights, adapter *llama.Adapter, examples []batch.Example, c Config) (*Trainer, error) {
	if len(examples) == 0 {
		return nil, errors.New("nothing to train on: the train split has no examples")
	}
	t := &Trainer{Config: c, LRFactor: 1, weights: w, examples: examples}
	t.schedule = optim.Schedule{LR: c.LR, Kind: c.Schedule, Warmup: c.Warmup, Steps: t.Steps()}
	if err := t.schedule.Validate(); err != nil {
		return nil, err
	}
	rt := ops.NewRuntime(pool, MaxTokens(examples, c.BatchSize, c.MicroBatch))
	rt.Weights, rt.Seed = c.Loss, c.Seed
	graph, err := llama.Build(rt, w, adapter)
	if err != nil {
		return nil, err
	}
	t.graph = graph
	for _, p := range graph.Params {
		// Weight decay is for matrices: a norm's weights scale, and are not drawn to zero.
		t.tensors = append(t.tensors, optim.Tensor{Name: p.Name, Data: p.Data, Decay: len(p.Shape) > 1})
	}
	t.adamw = optim.NewAdamW(t.tensors, c.WeightDecay)
	return t, nil
}

// MaxTokens is the number of tokens that the largest micro-batch can have: no
// more than the limit (0 = none) unless one example is longer, and no more than
// the batchSize longest examples together.
func MaxTokens(examples []batch.Example, batchSize, limit int) int {
	lengths := make([]int, len(examples))
	for i, e := range examples {
		lengths[i] = len(e.IDs)
	}
	slices.SortFunc(lengths, func(a, b int) int { return b - a })
	all := 0
	for _, n := range lengths[:min(batchSize, len(lengths))] {
		all += n
	}
	if limit > 0 {
		all = min(all, limit)
	}
	return max(all, lengths[0])
}

// Steps is the number of optimizer steps of the whole run.
func (t *Trainer) Steps() int { return t.Epochs * t.StepsPerEpoch(len(t.examples)) }

// Done is the number of optimizer steps done.
func (t *Trainer) Done() int { return t.step }

// Names are the names of the trained tensors.
func (t *Trainer) Names() []string {
	names := make([]string, len(t.tensors))
	for i, p := range t.tensors {
		names[i] = p.Name
	}
	return names
}

// Tensor is the data of the i-th trained tensor, shared with the trainer.
func (t *Trainer) Tensor(i int) []float32 { return t.tensors[i].Data }

// Gradient is the gradient of the i-th trained tensor in the last step, before
// clipping, and its shape. It is valid until the next step.
func (t *Trainer) Gradient(i int) (gradient []float32, shape []int) {
	return t.tensors[i].Grad, t.graph.Params[i].Shape
}

// LR is the learning rate of step s, counted from 0.
func (t *Trainer) LR(s int) float64 { return t.schedule.At(s) * t.LRFactor }

// Runtime gives access to tracing.
func (t *Trainer) Runtime() *ops.Runtime { return t.graph.Runtime }

// Batch is the examples of step s, counted from 0. The order of an epoch is a
// function of the seed and the epoch.
func (t *Trainer) Batch(s int) []batch.Example {
	perEpoch := t.StepsPerEpoch(len(t.examples))
	epoch, i := s/perEpoch, s%perEpoch*t.BatchSize
	n := min(t.BatchSize, len(t.examples)-i)
	out := make([]batch.Example, n)
	if !t.Shuffle {
		copy(out, t.examples[i:])
		return out
	}
	if t.ordered != epoch+1 {
		t.order, t.ordered = rng.New(t.Seed, "order").With(uint64(epoch)).Permutation(len(t.examples)), epoch+1
	}
	for j := range out {
		out[j] = t.examples[t.order[i+j]]
	}
	return out
}

// Step trains on the next batch. A failed or cancelled step changes nothing:
// the same step may be tried again.
func (t *Trainer) Step(ctx context.Context) (Step, error) {
	start := time.Now()
	examples := t.Batch(t.step)
	s := Step{Number: t.step + 1, LR: t.LR(t.step), Counts: batch.Count(examples)}
	s.Epoch = float64(s.Number) / float64(t.StepsPerEpoch(len(t.examples)))
	for _, e := range examples {
		s.Rows = append(s.Rows, e.Row)
	}
	if s.Counts.Targets == 0 {
		return s, fmt.Errorf("step %d, rows %v: %w", s.Number, s.Rows, ErrNoTargets)
	}
	sums, err := t.gradients(ctx, examples, s.Counts)
	if err != nil {
		return s, err
	}
	update := time.Now()
	s.Terms = sums.Terms(s.Counts, t.Loss)
	s.Norms, s.GradNorm = optim.Norms(t.graph.Runtime.Pool, t.tensors)
	if !finite(s.Terms.Loss) || !finite(s.GradNorm) {
		s.Problem = t.origin(ctx, examples, s)
	} else {
		factor := optim.ClipFactor(s.GradNorm, t.Clip)
		s.Clipped = factor < 1
		s.Changes, s.Problem = t.adamw.Update(t.graph.Runtime.Pool, t.tensors, s.LR, factor, s.GradNorm)
		if s.Problem == nil {
			s.Applied = true
			t.weights.Invalidate()
		}
	}
	if s.Problem != nil && t.OnNonfinite != SkipStep {
		s.Seconds = time.Since(start).Seconds()
		return s, fmt.Errorf("step %d: %w: %w", s.Number, ErrNonFinite, s.Problem)
	}
	t.step++
	s.OptimizerSeconds = time.Since(update).Seconds()
	s.Seconds = time.Since(start).Seconds()
	return s, nil
}

// gradients runs forward and backward over the batch, micro-batch by
// micro-batch. The denominators of the loss are those of the whole batch, so
// the accumulated gradient is the batch's own.
func (t *Trainer) gradients(ctx context.Context, examples []batch.Example, counts batch.Counts) (loss.Sums, error) {
	rt := t.graph.Runtime
	rt.Ctx, rt.Counts, rt.Step = ctx, counts, t.step
	rt.ZeroGradients()
	var sums loss.Sums
	for _, micro := range batch.Split(examples, rt.MaxTokens) {
		if err := t.graph.Run(batch.Pack(micro)); err != nil {
			return sums, fmt.Errorf("step %d: %w", t.step+1, err)
		}
		sums = sums.Add(t.graph.Loss.Sums)
	}
	for i := range t.tensors {
		g, err := t.graph.Gradient(i)
		if err != nil {
			return sums, err
		}
		t.tensors[i].Grad = g
	}
	return sums, nil
}

// origin finds where a non-finite value arose: the batch is run again with
// every op's output checked, which names the first bad op; if all outputs are
// finite, the tensors with a bad gradient are named.
func (t *Trainer) origin(ctx context.Context, examples []batch.Example, s Step) error {
	rt := t.graph.Runtime
	rt.CheckFinite = true
	defer func() { rt.CheckFinite = false }()
	if _, err := t.gradients(ctx, examples, s.Counts); err != nil {
		return err
	}
	for i, n := range s.Norms {
		if !finite(n) {
			return fmt.Errorf("gradient of %s has norm %v", t.tensors[i].Name, n)
		}
	}
	return fmt.Errorf("loss %v with finite operations (rows %v)", s.Terms.Loss, s.Rows)
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// Close releases the graph.
func (t *Trainer) Close() error { return t.graph.Close() }
