// Package optim updates parameters: AdamW, learning-rate schedules, the global
// gradient norm and its clipping, as PyTorch computes them.
package optim

import (
	"fmt"
	"math"
)

// Schedule is the learning rate as a function of the step.
type Schedule struct {
	LR     float64 // the peak
	Kind   string  // constant, linear, cosine
	Warmup float64 // fraction of all steps
	Steps  int     // of the whole run, also when it is stopped early
}

// Validate reports an unknown kind.
func (s Schedule) Validate() error {
	switch s.Kind {
	case "constant", "linear", "cosine":
		return nil
	}
	return fmt.Errorf("unknown schedule %q: want constant, linear or cosine", s.Kind)
}

// At is the learning rate of step s, counted from 0: warm-up lr*(s+1)/W over
// W = ceil(warmup*steps) steps, then the schedule over the rest.
func (s Schedule) At(step int) float64 {
	warmup := int(math.Ceil(s.Warmup * float64(s.Steps)))
	if step < warmup {
		return s.LR * float64(step+1) / float64(warmup)
	}
	done := 0.0
	if rest := s.Steps - warmup; rest > 0 {
		done = min(1, float64(step-warmup)/float64(rest))
	}
	switch s.Kind {
	case "linear":
		return s.LR * (1 - done)
	case "cosine":
		return s.LR / 2 * (1 + math.Cos(math.Pi*done))
	}
	return s.LR
}
