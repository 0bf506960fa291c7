// Package loss is the entity extraction loss: cross entropy plus three
// differentiable expectations under teacher forcing.
//
//	L       = CE*L_ce + JSON*L_json + Field*L_field + Confidence*L_conf
//	L_ce    = mean over target tokens of      -log p_t(y_t)
//	L_json  = mean over structure tokens of   1 - p_t(y_t)
//	L_field = mean over (example, field) of   1 - Π_{t in field} p_t(y_t)
//	L_conf  = 1 - mean over target tokens of  max_v p_t(v)
//
// Every mean is over the whole optimizer batch, so [Rows] takes the
// denominators and may be called for one part of the batch at a time, as long
// as an example is not cut.
package loss

import (
	"math"

	"hone/engine/batch"
	"hone/engine/kernel"
)

// Weights are the factors of the four terms.
type Weights struct {
	CE         float64 `json:"ce"`
	JSON       float64 `json:"json"`
	Field      float64 `json:"field"`
	Confidence float64 `json:"confidence"`
}

// Sums are the terms before division by their counts, over the rows seen.
type Sums struct {
	NLL        float64 // Σ -log p_t(y_t) over target tokens
	Structure  float64 // Σ 1 - p_t(y_t) over structure tokens
	Field      float64 // Σ 1 - Π p over (example, field) pairs
	Confidence float64 // Σ max p over target tokens
}

// Add returns the sum of both.
func (s Sums) Add(o Sums) Sums {
	return Sums{s.NLL + o.NLL, s.Structure + o.Structure, s.Field + o.Field, s.Confidence + o.Confidence}
}

// Terms are the four means and their weighted sum.
type Terms struct{ Loss, CE, JSON, Field, Confidence float64 }

// Terms divides the sums by the counts. A term without tokens is zero: a batch
// without structure tokens has no structural error.
func (s Sums) Terms(c batch.Counts, w Weights) Terms {
	t := Terms{
		CE:         mean(s.NLL, c.Targets),
		JSON:       mean(s.Structure, c.Structure),
		Field:      mean(s.Field, c.Fields),
		Confidence: 1 - mean(s.Confidence, c.Targets),
	}
	t.Loss = w.CE*t.CE + w.JSON*t.JSON + w.Field*t.Field + w.Confidence*t.Confidence
	return t
}

func mean(sum float64, n int) float64 {
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

// Stats is what one row of logits yields.
type Stats struct {
	LogP float64 // log-probability of the target
	MaxP float32 // largest probability
	Best int32   // its token

	inverse float32 // 1 / Σ exp(z - max)
}

// Rows computes the sums over rows whose logits [len(rows), vocab] are given,
// and fills stats [len(rows)]. The logits are overwritten: with gradient set by
// dL/dlogits, else by exp(z - max). rows must hold whole examples.
//
// With p the softmax of a row, y its target and m its most likely token, every
// term's gradient is a multiple of (p - 1_y), but for the confidence term's,
// which is a multiple of (p - 1_m):
//
//	ce         CE/N_target       (p - 1_y)
//	json       JSON/N_structure  p_y (p - 1_y)
//	field      Field/N_field     Π p (p - 1_y)
//	confidence Conf/N_target     p_m (p - 1_m)
func Rows(pool *kernel.Pool, logits []float32, vocab int, rows []batch.LossRow, stats []Stats, c batch.Counts, w Weights, gradient bool) Sums {
	Measure(pool, logits, vocab, rows, stats)
	sums, correct := reduce(rows, stats)
	if !gradient {
		return sums
	}
	ce, structure := mean(w.CE, c.Targets), mean(w.JSON, c.Structure)
	field, confidence := mean(w.Field, c.Fields), mean(w.Confidence, c.Targets)
	pool.Run(len(rows), func(i int) {
		s, r := stats[i], rows[i]
		onTarget := ce
		if r.Class == batch.Structure {
			onTarget += structure * math.Exp(s.LogP)
		} else {
			onTarget += field * correct[i]
		}
		onBest := confidence * float64(s.MaxP)
		z := logits[i*vocab : (i+1)*vocab]
		kernel.Scale(z, z, float32(onTarget+onBest)*s.inverse)
		z[r.Target] -= float32(onTarget)
		z[s.Best] -= float32(onBest)
	})
	return sums
}

// Measure fills stats [len(rows)] from logits [len(rows), vocab], which it
// overwrites with exp(z - max).
func Measure(pool *kernel.Pool, logits []float32, vocab int, rows []batch.LossRow, stats []Stats) {
	pool.Run(len(rows), func(i int) {
		z := logits[i*vocab : (i+1)*vocab]
		largest, best := kernel.Max(z)
		target := z[rows[i].Target]
		sum := kernel.ExpSum(z, z, 1, -largest)
		stats[i] = Stats{LogP: float64(target-largest) - math.Log(float64(sum)), MaxP: 1 / sum, Best: int32(best), inverse: 1 / sum}
	})
}

// Reduce sums the statistics of rows, which hold whole examples.
func Reduce(rows []batch.LossRow, stats []Stats) Sums {
	sums, _ := reduce(rows, stats)
	return sums
}

// reduce sums the statistics in row order. correct[i] is, for a row of a field,
// the probability that its whole field is right.
func reduce(rows []batch.LossRow, stats []Stats) (Sums, []float64) {
	var sums Sums
	correct := make([]float64, len(rows))
	for first := 0; first < len(rows); {
		last := first
		logProducts := map[int32]float64{}
		var classes []int32 // in order of appearance, so that sums are reproducible
		for ; last < len(rows) && rows[last].Example == rows[first].Example; last++ {
			r, s := rows[last], stats[last]
			sums.NLL -= s.LogP
			sums.Confidence += float64(s.MaxP)
			if r.Class == batch.Structure {
				sums.Structure += 1 - math.Exp(s.LogP)
				continue
			}
			if _, seen := logProducts[r.Class]; !seen {
				classes = append(classes, r.Class)
			}
			logProducts[r.Class] += s.LogP
		}
		for _, class := range classes {
			sums.Field += 1 - math.Exp(logProducts[class])
		}
		for i := first; i < last; i++ {
			if rows[i].Class != batch.Structure {
				correct[i] = math.Exp(logProducts[rows[i].Class])
			}
		}
		first = last
	}
	return sums, correct
}
