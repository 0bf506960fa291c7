package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"time"

	"hone/data"
	"hone/engine"
	"hone/engine/llama"
	"hone/engine/weights"
	"hone/experiments"
)

// warmSteps are steps that are taken but not timed.
const warmSteps = 2

// ErrSteps is wrapped by errors about a number of steps that cannot be measured.
var ErrSteps = errors.New("bad number of steps")

// TrainOptions say how training is measured.
type TrainOptions struct {
	Options
	Steps   int  // of each repetition, the first two untimed
	Profile bool // time every operation
}

// Train is the speed and memory of training steps. Rates are medians over the
// timed steps of all repetitions.
type Train struct {
	Setting
	Batch      int `json:"batch"`
	MicroBatch int `json:"micro_batch"` // tokens a forward pass at most
	Rank       int `json:"lora_r"`
	Steps      int `json:"steps"`
	Repeat     int `json:"repeat"`

	TokensPerSecond float64   `json:"tokens_per_second"` // real tokens: there is no padding
	Best            float64   `json:"best_tokens_per_second"`
	StepSeconds     float64   `json:"step_seconds"`
	GFlops          float64   `json:"gflops"`     // useful operations (llama.TrainingFlops) by the step's time
	GemmBound       float64   `json:"gemm_bound"` // GFLOP/s of the step's matrix products by themselves
	GemmBounds      []float64 `json:"gemm_bounds"`
	ShareOfBound    float64   `json:"share_of_bound"`
	CPUShare        float64   `json:"cpu_share,omitempty"` // processor time of the timed steps by what the threads could use; below 0.95 others were at work
	PeakBytes       int64     `json:"peak_bytes"`          // of the process, while it loaded and trained
	MemoryBytes     int64     `json:"memory_bytes"`
	PeakOfMemory    float64   `json:"peak_of_memory"` // measured by estimated
	Losses          []float64 `json:"losses"`         // of each step of a repetition
	Ops             []Op      `json:"ops,omitempty"`
}

// MeasureTrain trains a fresh adapter on the experiment's model and data for a
// few steps. Matrix products alone are measured before and after in the same
// sitting.
func MeasureTrain(ctx context.Context, o TrainOptions) (*Train, error) {
	if o.Steps <= warmSteps {
		return nil, fmt.Errorf("%w: %d, of which the first %d are not timed", ErrSteps, o.Steps, warmSteps)
	}
	s, err := open(ctx, o.Options)
	if err != nil {
		return nil, err
	}
	defer s.close()
	s.Config.Train.EvalEvery = 0 // nothing is evaluated here, and no memory planned for it
	plan, err := s.Plan()
	if err != nil {
		return nil, err
	}
	defer experiments.LimitGarbage(*plan.MemoryBytes)()
	c := s.Config
	r := &Train{
		Setting: s.setting("train"), Batch: c.Train.BatchSize, MicroBatch: *plan.MicroBatch, Rank: c.LoRA.R,
		Steps: o.Steps, Repeat: max(1, o.Repeat), MemoryBytes: *plan.MemoryBytes,
	}
	if o.Steps > *plan.Steps {
		return nil, fmt.Errorf("%w: %d, but the whole run has %d; raise train.epochs", ErrSteps, o.Steps, *plan.Steps)
	}
	train := s.Encoded[data.Train]
	share := float64(min(c.Train.BatchSize, len(train.Examples))) / float64(len(train.Examples))
	tokens, targets := float64(train.Tokens)*share, float64(train.Targets)*share
	micros := int(math.Ceil(tokens / float64(r.MicroBatch)))
	measureBound := func() error {
		o.progress("matrix products", 0, 0)
		rate, err := boundOf(ctx, s, tokens, targets, micros)
		r.GemmBounds = append(r.GemmBounds, rate/1e9)
		return err
	}
	if err := measureBound(); err != nil {
		return nil, err
	}
	forgetPeak()
	o.progress("loading the model", 0, 0)
	packed, err := s.load(ctx, llama.Frozen)
	if err != nil {
		return nil, err
	}
	m := &steps{total: r.Repeat * o.Steps}
	for range r.Repeat {
		if err := m.run(ctx, s, packed, r.MicroBatch, o); err != nil {
			return nil, err
		}
		r.PeakBytes = max(r.PeakBytes, peakBytes())
		if err := measureBound(); err != nil {
			return nil, err
		}
		forgetPeak()
	}
	r.Losses = m.losses[:o.Steps]
	r.TokensPerSecond, r.Best, r.StepSeconds, r.GFlops = median(m.rates), m.best, median(m.seconds), median(m.flops)/1e9
	r.GemmBound = median(r.GemmBounds)
	r.CPUShare = m.cpu / (m.wall * float64(r.Threads))
	r.ShareOfBound = r.GFlops / r.GemmBound
	r.PeakOfMemory = float64(r.PeakBytes) / float64(r.MemoryBytes)
	if o.Profile {
		r.Ops = summarize(m.ops, r.StepSeconds)
	}
	return r, nil
}

// steps collects what was measured of the timed steps.
type steps struct {
	done, total           int
	losses                []float64 // of all steps
	rates, seconds, flops []float64
	best                  float64
	cpu, wall             float64 // seconds of the timed steps
	ops                   [][]engine.OpTime
}

// run trains a fresh adapter for o.Steps steps.
func (m *steps) run(ctx context.Context, s *subject, packed *llama.Weights, micro int, o TrainOptions) error {
	t, err := newTrainer(s, packed, micro)
	if err != nil {
		return err
	}
	defer t.Close()
	for i := range o.Steps {
		o.progress("training", m.done, m.total)
		var step engine.Step
		var ops []engine.OpTime
		start, used := time.Now(), cpuSeconds()
		if o.Profile {
			step, ops, err = t.ProfileStep(ctx)
		} else {
			step, err = t.Step(ctx)
		}
		seconds := time.Since(start).Seconds()
		if err != nil {
			return err
		}
		m.done++
		m.losses = append(m.losses, step.Terms.Loss)
		rate := float64(step.Counts.Tokens) / seconds
		m.best = max(m.best, rate)
		if i < warmSteps {
			continue
		}
		m.cpu, m.wall = m.cpu+cpuSeconds()-used, m.wall+seconds
		m.rates, m.seconds, m.ops = append(m.rates, rate), append(m.seconds, seconds), append(m.ops, ops)
		m.flops = append(m.flops, llama.TrainingFlops(s.Model, experiments.AdapterSettings(s.Config), step.Counts.Tokens, step.Counts.Targets)/seconds)
	}
	return nil
}

// newTrainer is the trainer that a run of the experiment would have.
func newTrainer(s *subject, packed *llama.Weights, micro int) (*engine.Trainer, error) {
	c := s.Config
	debug.FreeOSMemory()
	a, err := llama.NewAdapter(s.Model, experiments.AdapterSettings(c), c.Seed)
	if err != nil {
		return nil, err
	}
	if dir := c.LoRA.InitAdapter; dir != "" {
		file, err := weights.ReadAdapter(dir)
		if err == nil {
			err = a.Import(file)
		}
		if err != nil {
			return nil, fmt.Errorf("lora.init_adapter %s: %w", dir, err)
		}
	}
	return engine.NewTrainer(s.pool, packed, a, s.Encoded[data.Train].Examples, experiments.EngineConfig(c, micro, s.Dataset.JSON()))
}
