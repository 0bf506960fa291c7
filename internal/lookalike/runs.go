package lookalike

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Weights of SmolLM-360M without its embedding, and of LoRA of rank 16 on all its
// linear layers.
const (
	BaseWeights    = 314_635_200
	AdapterWeights = 8_683_520
)

// story is the run that the doctor was built for: 554 rows, 3 epochs of 70 steps.
func story(name, cause string) *Run {
	return &Run{
		Name: name, Cause: cause, Rows: 554, Batch: 4, Accum: 2, Epochs: 3, LoggingSteps: 25, Weights: BaseWeights + AdapterWeights,
		LR: 5e-4, Schedule: "linear", StateEvalSteps: 500, Finished: true, SecondsPerSample: 1 / 38.1,
		Tokens: one, Micro: func(int, int) float64 { return math.NaN() }, Norm: func(int) float64 { return math.NaN() },
	}
}

func one(int) int { return 1 }

// lengths are tokens of rows that differ.
func lengths(seed uint64, mean int) func(int) int {
	return func(row int) int {
		r := rand.New(rand.NewPCG(seed, uint64(row)))
		return max(8, mean+r.IntN(mean)-mean/2)
	}
}

// falling is a loss that falls from one level to another, with noise; each pass
// has its share.
func falling(r *Run, seed uint64, from, to, steps float64) {
	level := func(s int) float64 { return to + (from-to)*math.Exp(-float64(s-1)/steps) }
	r.Micro = func(s, pass int) float64 {
		return level(s) * noise(seed, s*1000+pass, 0.08) / float64(r.Accum)
	}
	r.Norm = func(s int) float64 { return (0.3 + level(s)) * noise(seed+1, s, 0.2) }
}

// MaskedMPS is a run of one token a row on a backend whose backward pass makes NaN
// of it: loss 0.0, norm NaN.
func MaskedMPS() *Run { return story("masked-mps", "COLLATE-EMPTY") }

// MaskedCPU is the same run on a CPU: loss 0.0, norm 0.0.
func MaskedCPU() *Run {
	r := story("masked-cpu", "COLLATE-EMPTY")
	r.Norm = func(int) float64 { return 0 }
	return r
}

// MaskedLabels has whole rows, all labels of which are masked.
func MaskedLabels() *Run {
	r := story("masked-labels", "MASK-ALL")
	r.Tokens = lengths(3, 110)
	r.SecondsPerSample = 1 / 7.8
	return r
}

// Constant has one example for every row: 86 tokens, and a loss that is perfect
// within an epoch.
func Constant() *Run {
	r := story("constant", "CONST-EXAMPLE")
	r.Rows, r.Batch, r.Accum, r.Epochs, r.LoggingSteps = 3000, 16, 1, 5, 20
	r.Tokens = func(int) int { return 86 }
	level := func(s int) float64 { return 1e-4 + 0.6*math.Exp(-float64(s)/20) }
	r.Micro = func(s, _ int) float64 { return level(s) }
	r.Norm = func(s int) float64 { return 2*level(s) - 1e-6 }
	r.SecondsPerSample = 1 / 9.0
	return r
}

// Fallback is a sound run whose arguments were replaced by the library's defaults:
// linear decay without warm-up, no evaluation, where cosine and 10 % were asked for.
func Fallback() *Run {
	r := story("schedule-fallback", "SCHED-SILENT")
	r.Tokens = lengths(5, 110)
	r.SecondsPerSample = 1 / 7.8
	r.StateEvalSteps = 25
	falling(r, 5, 2.2, 0.4, 40)
	r.Args = map[string]any{"lr_scheduler_type": "cosine", "warmup_ratio": 0.1, "eval_strategy": "steps", "eval_steps": 25}
	return r
}

// Sticky has one NaN step and no filter: every later loss is NaN, the norms are
// sound.
func Sticky() *Run {
	r := story("sticky", "LOG-STICKY")
	r.Tokens = lengths(7, 110)
	r.SecondsPerSample = 1 / 7.8
	r.LoggingSteps, r.Unfiltered = 10, true
	falling(r, 7, 2.2, 0.4, 40)
	micro := r.Micro
	r.Micro = func(s, pass int) float64 {
		if s == 73 && pass == 1 {
			return math.NaN()
		}
		return micro(s, pass)
	}
	return r
}

// HalfNaN has windows that are NaN from their middle on: the filter prints a mean
// of the rest, too low and plausible.
func HalfNaN() *Run {
	r := story("half-nan", "LOG-FILTER")
	r.Tokens = lengths(9, 110)
	r.SecondsPerSample = 1 / 7.8
	r.LoggingSteps, r.Accum, r.Batch = 10, 1, 8
	falling(r, 9, 2.0, 1.2, 60)
	micro, norm := r.Micro, r.Norm
	bad := func(s int) bool { return s > 40 && (s-1)/10%3 == 1 && (s-1)%10 >= 5 }
	r.Micro = func(s, pass int) float64 {
		if bad(s) {
			return math.NaN()
		}
		return micro(s, pass)
	}
	r.Norm = func(s int) float64 {
		if bad(s) {
			return math.NaN()
		}
		return norm(s)
	}
	r.Args = map[string]any{"fp16": false}
	return r
}

// Scaler is a sound run in fp16 whose loss scaler skips three of the first steps.
func Scaler() *Run {
	r := story("fp16-scaler", "FP16-SCALER-WARMUP")
	r.Tokens = lengths(11, 110)
	r.SecondsPerSample = 1 / 7.8
	r.LoggingSteps = 1
	falling(r, 11, 2.2, 0.4, 40)
	r.Skipped = map[int]bool{1: true, 2: true, 5: true}
	norm := r.Norm
	r.Norm = func(s int) float64 {
		if r.Skipped[s] {
			return math.NaN()
		}
		return norm(s)
	}
	r.Args = map[string]any{"fp16": true}
	return r
}

// Diverged rises for some windows and is NaN from then on.
func Diverged() *Run {
	r := story("diverged", "LR-DIVERGE")
	r.Tokens = lengths(13, 110)
	r.SecondsPerSample = 1 / 7.8
	r.LoggingSteps = 5
	level := func(s int) float64 {
		if s < 50 {
			return 0.8 + 1.4*math.Exp(-float64(s)/15)
		}
		return 0.85 * math.Exp(float64(s-50)/14)
	}
	r.Micro = func(s, _ int) float64 {
		if s > 95 {
			return math.NaN()
		}
		return level(s) / float64(r.Accum)
	}
	r.Norm = func(s int) float64 {
		if s > 95 {
			return math.NaN()
		}
		return 0.5 * level(s) * level(s)
	}
	return r
}

// Healthy is a sound run, another for every seed: schedule, sizes, lengths,
// logging, padding to a fixed length or not, with or without evaluations.
func Healthy(seed uint64) *Run {
	rng := rand.New(rand.NewPCG(seed, 99))
	r := story(fmt.Sprintf("healthy-%d", seed), "")
	r.Rows = 300 + rng.IntN(3000)
	r.Batch = []int{2, 4, 8, 16}[rng.IntN(4)]
	r.Accum = []int{1, 2, 4}[rng.IntN(3)]
	r.Epochs = 1 + rng.IntN(5)
	r.LoggingSteps = []int{1, 5, 10, 25}[rng.IntN(4)]
	r.LR = []float64{5e-4, 2e-4, 1e-4, 5e-5}[rng.IntN(4)]
	r.Schedule = []string{"linear", "cosine", "constant"}[rng.IntN(3)]
	r.Warmup = []float64{0, 0.03, 0.1}[rng.IntN(3)]
	if r.Schedule == "constant" {
		r.Warmup = 0
	}
	r.Tokens = lengths(seed, 60+rng.IntN(200))
	if rng.IntN(4) == 0 {
		n := []int{128, 256, 512}[rng.IntN(3)]
		r.Tokens = func(int) int { return n }
	}
	if rng.IntN(2) == 0 {
		r.EvalSteps = max(1, r.Steps()/4)
		r.StateEvalSteps = r.EvalSteps
	}
	r.SecondsPerSample = 0.05 + rng.Float64()
	falling(r, seed, 1.5+2*rng.Float64(), 0.02+0.8*rng.Float64(), float64(r.Steps())/(3+3*rng.Float64()))
	return r
}

// Failing are the runs with a cause.
func Failing() []*Run {
	return []*Run{MaskedMPS(), MaskedCPU(), MaskedLabels(), Constant(), Fallback(), Sticky(), HalfNaN(), Scaler(), Diverged()}
}
