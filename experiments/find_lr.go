package experiments

import (
	"context"
	"errors"
	"fmt"
	"math"

	"hone/data"
	"hone/engine"
	"hone/runs"
)

// Bounds of a learning-rate sweep that is not told otherwise.
const (
	FindLow   = 1e-6
	FindHigh  = 1.0
	FindSteps = 100
)

// FindOptions say how the learning rate is swept.
type FindOptions struct {
	Low, High float64         // learning rates of the first and the last step
	Steps     int             // optimizer steps
	Seen      func(RateTrial) // hears of every step; nil = nobody
}

// RateTrial is one step of a sweep.
type RateTrial struct {
	Step     int         `json:"step"` // from 1
	LR       runs.Number `json:"lr"`
	Loss     runs.Number `json:"loss"`     // of its batch, before the update
	Smoothed runs.Number `json:"smoothed"` // moving average, unbiased from the first step
}

// FoundRate is what a sweep says.
type FoundRate struct {
	Trials     []RateTrial `json:"trials"`
	Ended      string      `json:"ended"`      // why after the last of them
	Suggestion runs.Number `json:"suggestion"` // NaN: none
	Lowest     runs.Number `json:"lowest"`     // learning rate of the smallest smoothed loss
	Steepest   runs.Number `json:"steepest"`   // learning rate at which the smoothed loss fell fastest; NaN: it did not fall
	Rule       string      `json:"rule"`       // how the suggestion follows from these
}

// The sweep's rules. An average over ten steps is about what a batch of a few rows
// needs; a loss four times the smallest is not coming back (Smith 2017, and fastai).
const (
	findSmooth  = 0.9
	findGiveUp  = 4
	findFewest  = 10
	findDivisor = 10
)

// FindLR sweeps the learning rate exponentially over the experiment's own batches,
// one optimizer step each, and says which rate to train with. The model and what
// would be trained exist in memory only: nothing is written, and no run is touched.
func FindLR(ctx context.Context, c Config, o FindOptions) (FoundRate, error) {
	if !(o.Low > 0 && o.Low < o.High && o.High <= 1e3) || o.Steps < findFewest || o.Steps > 100_000 {
		return FoundRate{}, fmt.Errorf("a sweep goes from above 0 up to 1000 at most in %d to 100000 steps, not from %g to %g in %d", findFewest, o.Low, o.High, o.Steps)
	}
	c = c.Clone()
	if err := c.Resolve("."); err != nil {
		return FoundRate{}, err
	}
	// A rate of 1 throughout, of which a factor makes that of a step.
	c.Train.LR, c.Train.Schedule, c.Train.Warmup, c.Train.EvalEvery, c.Train.OnNonfinite = 1, "constant", 0, 0, engine.Halt
	c.Train.EarlyStopping = NoEarlyStopping
	if err := c.Validate(); err != nil {
		return FoundRate{}, err
	}
	t := trainee{config: c}
	restore := func() {}
	defer func() { t.close(); restore() }()
	w, err := openWorkspace(ctx, c, nil)
	if err != nil {
		return FoundRate{}, err
	}
	plan, err := w.Plan()
	if err != nil {
		return FoundRate{}, err
	}
	t.config.Train.Epochs = 1 + o.Steps/max(1, *plan.Steps/c.Train.Epochs)
	restore = LimitGarbage(*plan.MemoryBytes)
	if t.model, err = w.load(ctx, use(c)); err != nil {
		return FoundRate{}, err
	}
	if len(t.model.Encoded[data.Train].Examples) == 0 {
		return FoundRate{}, errors.New("there is nothing to train on")
	}
	if err := t.build(*plan.MicroBatch); err != nil {
		return FoundRate{}, err
	}
	return t.sweep(ctx, o)
}

// sweep takes the steps.
func (t *trainee) sweep(ctx context.Context, o FindOptions) (FoundRate, error) {
	var found FoundRate
	average, best := 0.0, math.Inf(1)
	found.Ended = "the highest learning rate was reached"
	for i := range o.Steps {
		lr := o.Low * math.Pow(o.High/o.Low, float64(i)/float64(o.Steps-1))
		t.trainer.LRFactor = lr
		s, err := t.trainer.Step(ctx)
		if errors.Is(err, engine.ErrNonFinite) {
			found.Ended = "loss, gradients or update were not finite"
			break
		}
		if err != nil {
			return found, err
		}
		average = findSmooth*average + (1-findSmooth)*s.Terms.Loss
		smoothed := average / (1 - math.Pow(findSmooth, float64(i+1)))
		trial := RateTrial{Step: i + 1, LR: runs.Number(lr), Loss: runs.Number(s.Terms.Loss), Smoothed: runs.Number(smoothed)}
		found.Trials = append(found.Trials, trial)
		if o.Seen != nil {
			o.Seen(trial)
		}
		best = min(best, smoothed)
		if i >= findFewest && smoothed > findGiveUp*best {
			found.Ended = fmt.Sprintf("the smoothed loss was more than %d times its smallest", findGiveUp)
			break
		}
	}
	found.suggest()
	return found, nil
}

// suggest reads the curve: a tenth of the rate at which the smoothed loss was
// smallest is below where training becomes unstable, and near where it is fastest.
func (f *FoundRate) suggest() {
	nan := runs.Number(math.NaN())
	f.Suggestion, f.Lowest, f.Steepest = nan, nan, nan
	low := -1
	for i, p := range f.Trials {
		if low < 0 || p.Smoothed < f.Trials[low].Smoothed {
			low = i
		}
	}
	if low < 0 {
		f.Rule = "no step was finite"
		return
	}
	f.Lowest = f.Trials[low].LR
	slope := 0.0
	for i := 1; i <= low; i++ {
		a, b := f.Trials[i-1], f.Trials[i]
		if s := float64(b.Smoothed-a.Smoothed) / math.Log(float64(b.LR/a.LR)); s < slope {
			slope, f.Steepest = s, b.LR
		}
	}
	switch {
	case low < len(f.Trials)/findDivisor || low == 0:
		f.Rule = "none: the smoothed loss did not fall; begin the sweep lower"
		return
	case low == len(f.Trials)-1:
		f.Rule = fmt.Sprintf("1/%d of the highest rate tried, at which the smoothed loss was still falling: a higher one may do", findDivisor)
	default:
		f.Rule = fmt.Sprintf("1/%d of the rate at which the smoothed loss was smallest", findDivisor)
	}
	// Two digits: the curve says no more.
	f.Suggestion = runs.Number(twoDigits(float64(f.Lowest) / findDivisor))
}

func twoDigits(x float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(x))-1)
	return math.Round(x/unit) / math.Round(1/unit)
}
