package engine

import (
	"cmp"
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
	Schedule    string // constant, linear, cosine, wsd
	Warmup      float64
	Decay       float64 // of wsd, see optim.Schedule
	DecayShape  string
	WeightDecay float64 // of matrices; the weights of norms do not decay
	Clip        float64 // global gradient norm; 0 = none
	PlusRatio   float64 // LoRA+: the learning rate of B as a multiple of A's; 0 = 1
	Optimizer   string  // optim.NameAdamW or NameMuon; "" = AdamW
	Beta2       float64 // of AdamW; 0 = optim.DefaultBeta2
	Loss        loss.Weights
	Noise       float64 // NEFTune's alpha: noise on the embeddings; 0 = none

	OnNonfinite string // Halt, SkipRow, SkipStep or Rewind; "" = Halt
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
	Factor   float64 // what interventions have multiplied the schedule by; 1 = nothing
	Counts   batch.Counts
	Seconds  float64
	// OptimizerSeconds is the part of it after the gradients: norms, clipping,
	// update.
	OptimizerSeconds float64
	// RecordSeconds is the part of it that describing the passes and looking at
	// loss and gradients took.
	RecordSeconds float64

	Rows    []int          // dataset rows, in order, without those that were skipped
	Passes  []Pass         // the forward passes as they were consumed
	Norms   []float64      // gradient norm of each trained tensor, in the order of Trainer.Names
	Changes []optim.Change // what the update did to each of them; nil when not applied
	Clipped bool
	Applied bool // false: the update was not finite and was dropped

	// Of a step that was not finite, at first or in the end.
	Problem      error         // what was not, an *Origin or an *optim.UpdateError
	BadGradients []BadGradient // the gradients that were not finite
	Skipped      []int         // dataset rows that were left out
	Bad          []int         // dataset rows to leave out when the run goes back (policy Rewind)
}

// Trainer is the training loop's state between steps.
type Trainer struct {
	Config
	LRFactor float64 // multiplies the schedule; 1 unless somebody intervened

	graph    *llama.Graph
	weights  *llama.Weights
	adapter  *llama.Adapter // nil when the weights themselves are trained
	examples []batch.Example
	tensors  []optim.Tensor
	updates  optim.Optimizer
	schedule optim.Schedule
	step     int // optimizer steps done

	order   []int // of the examples in epoch ordered-1, once asked for
	ordered int

	cuts      []Cut                                       // changes of the batch size, by step
	skipped   map[int][]int                               // dataset rows left out of steps, counted from 1
	ring      []Step                                      // the last records
	recording time.Duration                               // of the passes of the last batch, to describe them
	faults    []Faults                                    // planted failures
	probed    func(examples []batch.Example, finite bool) // told of every probe of a bisection
}

// NewTrainer builds and compiles the graph for training on examples. adapter is
// nil when the weights themselves are trained.
func NewTrainer(pool *kernel.Pool, w *llama.Weights, adapter *llama.Adapter, examples []batch.Example, c Config) (*Trainer, error) {
	if len(examples) == 0 {
		return nil, errors.New("nothing to train on: the train split has no examples")
	}
	t := &Trainer{Config: c, LRFactor: 1, weights: w, adapter: adapter, examples: examples}
	t.schedule = optim.Schedule{LR: c.LR, Kind: c.Schedule, Warmup: c.Warmup, Decay: c.Decay, Shape: c.DecayShape, Steps: t.Steps()}
	if err := t.schedule.Validate(); err != nil {
		return nil, err
	}
	rt := ops.NewRuntime(pool, MaxTokens(examples, c.BatchSize, c.MicroBatch))
	rt.Weights, rt.Seed, rt.Noise = c.Loss, c.Seed, c.Noise
	graph, err := llama.Build(rt, w, adapter)
	if err != nil {
		return nil, err
	}
	t.graph = graph
	for _, p := range graph.Params {
		// Weight decay is for matrices: a norm's weights scale, and are not drawn to zero.
		tensor := optim.Tensor{Name: p.Name, Data: p.Data, Decay: len(p.Shape) > 1}
		if len(p.Shape) == 2 && !llama.Vocabulary(p.Name) {
			tensor.Rows = p.Shape[0]
		}
		if llama.FactorB(p.Name) {
			tensor.Rate = c.PlusRatio
		}
		t.tensors = append(t.tensors, tensor)
	}
	t.updates = optim.New(c.Optimizer, t.tensors, c.WeightDecay, cmp.Or(c.Beta2, optim.DefaultBeta2))
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
func (t *Trainer) LR(s int) float64 { return t.schedule.At(t.planned(s)) * t.LRFactor }

// ScheduledLR is the learning rate of step s, counted from 0, if nobody had
// changed it.
func (t *Trainer) ScheduledLR(s int) float64 { return t.schedule.At(t.planned(s)) }

// Runtime gives access to tracing.
func (t *Trainer) Runtime() *ops.Runtime { return t.graph.Runtime }

// Batch is the examples of step s, counted from 0. The order of an epoch is a
// function of the seed and the epoch.
func (t *Trainer) Batch(s int) []batch.Example {
	epoch, i := t.Place(s)
	n := min(t.BatchSizeAt(s), len(t.examples)-i)
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
// the same step may be tried again. Beside an error that wraps ErrNonFinite the
// record of the failed step is returned, and beside one of a batch that was
// refused (see [Refused]) what it held.
func (t *Trainer) Step(ctx context.Context) (Step, error) {
	start := time.Now()
	t.faultsBefore(t.step + 1)
	s := t.begin()
	err := t.attempt(ctx, t.remaining(t.step), &s)
	if err == nil && !s.Applied && !errors.Is(s.Problem, ErrAllSkipped) {
		err = t.guard(ctx, &s)
	}
	s.Seconds = time.Since(start).Seconds()
	if err == nil || errors.Is(err, ErrNonFinite) || Refused(err) {
		t.remember(s)
	}
	if err == nil {
		t.step++
	}
	return s, err
}

// begin is the record of the next step before anything is known of it.
func (t *Trainer) begin() Step {
	n := t.step + 1
	epoch, at := t.Place(n)
	return Step{
		Number: n, Epoch: float64(epoch) + float64(at)/float64(len(t.examples)),
		LR: t.faultyLR(n, t.LR(t.step)), Factor: t.LRFactor, Skipped: t.skipped[n],
	}
}

// guard does what the policy says about a step that is not finite.
func (t *Trainer) guard(ctx context.Context, s *Step) error {
	switch t.OnNonfinite {
	case SkipStep:
		return nil
	case SkipRow:
		return t.withoutBadRows(ctx, s)
	case Rewind:
		bad, err := t.badRows(ctx, s)
		switch {
		case errors.Is(err, ErrNotRows):
			s.Bad = s.Rows
		case err != nil:
			return err
		default:
			s.Bad = bad
		}
	}
	return fmt.Errorf("step %d: %w: %w", s.Number, ErrNonFinite, s.Problem)
}

// gradients runs forward and backward over the batch, micro-batch by
// micro-batch. The denominators of the loss are those of the whole batch, so
// the accumulated gradient is the batch's own.
func (t *Trainer) gradients(ctx context.Context, examples []batch.Example, counts batch.Counts) ([]Pass, error) {
	rt := t.graph.Runtime
	t.recording = 0
	rt.Ctx, rt.Counts, rt.Step = ctx, counts, t.step
	rt.ZeroGradients()
	var passes []Pass
	for _, micro := range batch.Split(examples, rt.MaxTokens) {
		restore := t.faultySettings(t.step + 1)
		err := t.graph.Run(t.faultyPack(t.step+1, micro))
		if err == nil {
			start := time.Now()
			passes = append(passes, t.consumed(len(passes)))
			t.recording += time.Since(start)
		}
		restore()
		if err != nil {
			return nil, fmt.Errorf("step %d: %w", t.step+1, err)
		}
	}
	for i := range t.tensors {
		g, err := t.graph.Gradient(i)
		if err != nil {
			return nil, err
		}
		t.tensors[i].Grad = g
	}
	return passes, nil
}

// total is the sum over all passes.
func total(passes []Pass) loss.Sums {
	var sums loss.Sums
	for _, p := range passes {
		sums = sums.Add(p.Sums)
	}
	return sums
}

// nothing are the figures of a step that computed none.
func nothing() (loss.Terms, float64) {
	nan := math.NaN()
	return loss.Terms{Loss: nan, CE: nan, JSON: nan, Field: nan, Confidence: nan}, nan
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// Close releases the graph.
func (t *Trainer) Close() error { return t.graph.Close() }
