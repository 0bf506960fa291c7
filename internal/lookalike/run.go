// Package lookalike writes logs that look like those of transformers' Trainer, of
// runs that never were: for every way of failing that shows in a log, and for
// healthy runs. The numbers follow the Trainer's own formulas for the loss of a
// window, its filter for NaN, the learning rate and total_flos, so that what a
// reader recovers from them is known exactly.
package lookalike

import (
	"math"
	"math/rand/v2"
)

// Run is a run to be written as a log.
type Run struct {
	Name  string
	Cause string // id of the failure mode that a reader should name first; "" of a healthy run

	Rows, Batch, Accum, Epochs, LoggingSteps int
	Weights                                  int64 // non-embedding weights and those of the adapter
	LR                                       float64
	Schedule                                 string  // constant, linear, cosine: what the run followed
	Warmup                                   float64 // share of the steps
	Unfiltered                               bool    // logging_nan_inf_filter = False
	Finished                                 bool    // the log has the summary of a finished run
	EvalSteps                                int     // evaluations every so many steps; 0 = none
	StateEvalSteps                           int     // eval_steps of the trainer's state
	SecondsPerSample                         float64
	Skipped                                  map[int]bool // steps that a loss scaler skipped

	Tokens func(row int) int // padded tokens of a row
	// Micro is the loss of one pass of a step, from 0, as its share of the step's
	// mean; Norm is the gradient norm of a step, from 1.
	Micro func(step, pass int) float64
	Norm  func(step int) float64

	Args map[string]any // arguments in an event file beyond those that follow from the above
}

// Entry is one entry of log_history.
type Entry map[string]float64

// passes is how many batches an epoch has.
func (r *Run) passes() int { return (r.Rows + r.Batch - 1) / r.Batch }

// PerEpoch is how many optimizer steps an epoch has.
func (r *Run) PerEpoch() int { return (r.passes() + r.Accum - 1) / r.Accum }

// Steps is how many optimizer steps the run has.
func (r *Run) Steps() int { return r.Epochs * r.PerEpoch() }

// Rate is the learning rate that step s, from 1, was taken with if no step before
// it was skipped.
func (r *Run) Rate(s int) float64 {
	total := r.Steps()
	warm := int(math.Ceil(r.Warmup * float64(total)))
	k := s - 1
	if k < warm {
		return r.LR * (float64(k) / float64(max(1, warm)))
	}
	done := float64(k-warm) / float64(max(1, total-warm))
	switch r.Schedule {
	case "linear":
		return r.LR * max(0, float64(total-k)/float64(max(1, total-warm)))
	case "cosine":
		return r.LR * max(0, 0.5*(1+math.Cos(math.Pi*done)))
	}
	return r.LR
}

// Log is what the Trainer would have written up to a step, 0 for the whole run.
func (r *Run) Log(upTo int) (entries []Entry, flos float64) {
	if upTo == 0 {
		upTo = r.Steps()
	}
	var sum, total float64 // of the window and of the run, as tr_loss
	lastLogged, lag, seen := 0, 0, 0
	for s := 1; s <= upTo; s++ {
		inEpoch := (s - 1) % r.PerEpoch()
		for pass := range r.Accum {
			first := (inEpoch*r.Accum + pass) * r.Batch
			if first >= r.Rows {
				break
			}
			for row := first; row < min(first+r.Batch, r.Rows); row++ {
				flos += 6 * float64(r.Weights) * float64(r.Tokens(row))
				seen++
			}
			x := r.Micro(s, pass)
			if !r.Unfiltered && (math.IsNaN(x) || math.IsInf(x, 0)) {
				sum += sum / float64(1+s-1-lastLogged)
			} else {
				sum += x
			}
		}
		epoch := float64((s-1)/r.PerEpoch()) + min(1, float64((inEpoch+1)*r.Accum)/float64(r.passes()))
		if s%r.LoggingSteps == 0 {
			entries = append(entries, Entry{
				"epoch": epoch, "grad_norm": r.Norm(s), "learning_rate": r.Rate(s - lag),
				"loss": round(sum/float64(s-lastLogged), 4), "step": float64(s),
			})
			total += sum
			sum -= sum // NaN stays
			lastLogged = s
		}
		if r.Skipped[s] {
			lag++ // the scheduler is not stepped either
		}
		if r.EvalSteps > 0 && s%r.EvalSteps == 0 {
			entries = append(entries, Entry{"epoch": epoch, "eval_loss": 1.05 * r.Micro(s, 0) * float64(r.Accum), "eval_runtime": 2.5, "step": float64(s)})
		}
	}
	if r.Finished && upTo == r.Steps() {
		seconds := round(r.SecondsPerSample*float64(seen), 4)
		entries = append(entries, Entry{
			"epoch": float64(r.Epochs), "step": float64(upTo), "total_flos": flos, "train_loss": (total + sum) / float64(upTo), "train_runtime": seconds,
			"train_samples_per_second": round(float64(seen)/seconds, 3), "train_steps_per_second": round(float64(upTo)/seconds, 3),
		})
	}
	return entries, flos
}

func round(x float64, digits int) float64 {
	p := math.Pow(10, float64(digits))
	return math.RoundToEven(x*p) / p
}

// noise is a factor around 1 that depends on the seed and the step only.
func noise(seed uint64, step int, width float64) float64 {
	return math.Exp(width * rand.New(rand.NewPCG(seed, uint64(step))).NormFloat64())
}
