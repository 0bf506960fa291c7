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
	Kind   string  // constant, linear, cosine, wsd
	Warmup float64 // fraction of all steps
	Steps  int     // of the whole run, also when it is stopped early
	// Decay and Shape are for wsd: the fraction of all steps at the end over which
	// the rate falls to zero, and how: linear, cosine, 1-sqrt.
	Decay float64
	Shape string
}

// Validate reports an unknown kind or shape.
func (s Schedule) Validate() error {
	switch s.Kind {
	case "constant", "linear", "cosine":
		return nil
	case "wsd":
		switch s.Shape {
		case "linear", "cosine", "1-sqrt":
			return nil
		}
		return fmt.Errorf("unknown shape of decay %q: want linear, cosine or 1-sqrt", s.Shape)
	}
	return fmt.Errorf("unknown schedule %q: want constant, linear, cosine or wsd", s.Kind)
}

// At is the learning rate of step s, counted from 0: warm-up lr*(s+1)/W over
// W = ceil(warmup*steps) steps, then the schedule over the rest. That of wsd
// (warm-up, stable, decay; Hu et al. 2024) stays at the peak until D =
// ceil(decay*steps) steps are left and falls over these.
func (s Schedule) At(step int) float64 {
	warmup := int(math.Ceil(s.Warmup * float64(s.Steps)))
	if step < warmup {
		return s.LR * float64(step+1) / float64(warmup)
	}
	if s.Kind == "wsd" {
		decay := int(math.Ceil(s.Decay * float64(s.Steps)))
		first := max(warmup, s.Steps-decay) // of the decay
		if step < first {
			return s.LR
		}
		return s.LR * s.fall(min(1, float64(step-first)/float64(max(1, s.Steps-first))))
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

// fall is the share of the peak that is left when a share of the decay is done.
func (s Schedule) fall(done float64) float64 {
	switch s.Shape {
	case "cosine":
		return (1 + math.Cos(math.Pi*done)) / 2
	case "1-sqrt":
		return 1 - math.Sqrt(done)
	}
	return 1 - done
}
