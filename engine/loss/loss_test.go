package loss

import (
	"math"
	"math/rand/v2"
	"testing"

	"hone/engine/batch"
	"hone/engine/kernel"
)

const vocab = 37

// sample is two examples' worth of random logits with structure tokens and two
// fields, one of them in both examples.
func sample(seed uint64) ([]float32, []batch.LossRow, batch.Counts) {
	random := rand.New(rand.NewPCG(seed, 1))
	rows := []batch.LossRow{
		{Target: 3, Class: 0, Example: 0},
		{Target: 5, Class: 1, Example: 0},
		{Target: 9, Class: 1, Example: 0},
		{Target: 2, Class: 2, Example: 0},
		{Target: 3, Class: 0, Example: 0},
		{Target: 30, Class: 1, Example: 1},
		{Target: 31, Class: 0, Example: 1},
		{Target: 7, Class: 1, Example: 1},
	}
	logits := make([]float32, len(rows)*vocab)
	for i := range logits {
		logits[i] = float32(random.NormFloat64() * 2)
	}
	return logits, rows, batch.Counts{Targets: 11, Structure: 4, Fields: 5} // of a larger batch
}

// direct computes the loss in float64 from its definition.
func direct(logits []float64, rows []batch.LossRow, c batch.Counts, w Weights) (total float64, s Sums) {
	products := map[[2]int32]float64{}
	for i, r := range rows {
		z := logits[i*vocab : (i+1)*vocab]
		sum, largest := 0.0, 0.0
		for _, v := range z {
			sum += math.Exp(v)
		}
		for _, v := range z {
			largest = math.Max(largest, math.Exp(v)/sum)
		}
		p := math.Exp(z[r.Target]) / sum
		s.NLL -= math.Log(p)
		s.Confidence += largest
		if r.Class == batch.Structure {
			s.Structure += 1 - p
			continue
		}
		key := [2]int32{r.Example, r.Class}
		if _, ok := products[key]; !ok {
			products[key] = 1
		}
		products[key] *= p
	}
	for _, p := range products {
		s.Field += 1 - p
	}
	return w.CE*s.NLL/float64(c.Targets) + w.JSON*s.Structure/float64(c.Structure) + w.Field*s.Field/float64(c.Fields) +
		w.Confidence*(1-s.Confidence/float64(c.Targets)), s
}

func TestRowsAgainstDefinition(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	for seed := range uint64(20) {
		for _, w := range []Weights{{CE: 1}, {JSON: 1}, {Field: 1}, {Confidence: 1}, {1, 0.2, 0.1, 0.05}} {
			logits, rows, c := sample(seed)
			exact := make([]float64, len(logits))
			for i, v := range logits {
				exact[i] = float64(v)
			}
			want, sums := direct(exact, rows, c, w)
			got := Rows(pool, logits, vocab, rows, make([]Stats, len(rows)), c, w, true)
			if math.Abs(got.Terms(c, w).Loss-want) > 1e-5 {
				t.Errorf("loss %g, want %g", got.Terms(c, w).Loss, want)
			}
			for _, d := range []float64{got.NLL - sums.NLL, got.Structure - sums.Structure, got.Field - sums.Field, got.Confidence - sums.Confidence} {
				if math.Abs(d) > 2e-5 {
					t.Errorf("sums %+v, want %+v", got, sums)
				}
			}
			for i := range exact { // the gradient, against central differences
				const eps = 1e-4
				at := func(d float64) float64 {
					old := exact[i]
					exact[i] += d
					defer func() { exact[i] = old }()
					v, _ := direct(exact, rows, c, w)
					return v
				}
				if g := (at(eps) - at(-eps)) / (2 * eps); math.Abs(g-float64(logits[i])) > 1e-6 {
					t.Fatalf("weights %+v: gradient %d is %g, want %g", w, i, logits[i], g)
				}
			}
		}
	}
}

// Terms of a batch without structure tokens or fields are zero, not NaN.
func TestTermsWithoutTokens(t *testing.T) {
	got := Sums{NLL: 3, Confidence: 1.5}.Terms(batch.Counts{Targets: 3}, Weights{1, 1, 1, 1})
	if want := (Terms{Loss: 1.5, CE: 1, Confidence: 0.5}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A value that is not finite shows in the sums.
func TestNonFiniteShows(t *testing.T) {
	pool := kernel.NewPool(1)
	defer pool.Close()
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
		logits, rows, c := sample(1)
		logits[vocab+8] = bad
		if s := Rows(pool, logits, vocab, rows, make([]Stats, len(rows)), c, Weights{CE: 1}, true); !math.IsNaN(s.NLL) && !math.IsInf(s.NLL, 0) {
			t.Errorf("%v among the logits gives %+v", bad, s)
		}
	}
}
