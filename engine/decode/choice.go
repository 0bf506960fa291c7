package decode

import (
	"math"
	"slices"
)

// Choice is a token that was generated and what stood beside it.
type Choice struct {
	ID  int32
	P   float64     // its probability; NaN where the logits were not finite
	Top []Candidate // the likeliest tokens, the most likely first
	// Forced says that a constraint left no choice: the model was not asked, P and
	// Top are zero.
	Forced bool
}

// Candidate is a token and its probability.
type Candidate struct {
	ID int32
	P  float64
}

// spread is what makes probabilities of one row of logits.
type spread struct {
	largest float64
	sum     float64 // Σ exp(z - largest)
	top     []Candidate
}

// distribution reads the probabilities and the top likeliest tokens of logits
// [vocab]; of equally likely ones the first. Sums are in float64: what is shown
// must not depend on the kernels.
func distribution(logits []float32, top int) spread {
	s := spread{largest: math.Inf(-1)}
	top = max(min(top, len(logits)), 0)
	order := make([]int32, 0, top+1) // the likeliest so far
	for id, z := range logits {
		s.largest = max(s.largest, float64(z))
		if top == 0 || len(order) == top && !(z > logits[order[top-1]]) || z != z {
			continue
		}
		at, _ := slices.BinarySearchFunc(order, z, func(o int32, z float32) int {
			if logits[o] >= z {
				return -1
			}
			return 1
		})
		order = slices.Insert(order, at, int32(id))[:min(len(order)+1, top)]
	}
	for _, z := range logits {
		s.sum += math.Exp(float64(z) - s.largest)
	}
	for _, id := range order {
		s.top = append(s.top, Candidate{id, s.of(logits[id])})
	}
	return s
}

// of is the probability of a logit.
func (s spread) of(z float32) float64 { return math.Exp(float64(z)-s.largest) / s.sum }

// choice is a chosen token among the others.
func (s spread) choice(id int32, logits []float32) Choice {
	return Choice{ID: id, P: s.of(logits[id]), Top: s.top}
}
