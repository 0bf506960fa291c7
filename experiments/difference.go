package experiments

import (
	"math"
	"slices"

	"hone/engine/rng"
	"hone/runs"
)

// Difference is what went from base to tuned, each score with the interval of its
// paired difference: rows are drawn again with replacement, both outputs of a row
// together, and the difference is formed of each draw (percentile bootstrap).
type Difference struct {
	Level     float64       `json:"level"` // of the intervals, 0.95
	Resamples int           `json:"resamples"`
	Seed      uint64        `json:"seed"`
	Scores    []ScoreChange `json:"scores"`
}

// ScoreChange is one score of both sides.
type ScoreChange struct {
	// Score is exact_match, json_validity, schema, field_accuracy, a field as
	// fields.date, or target_loss in nats and, of rows of text, perplexity, of which
	// less is better.
	Score  string      `json:"score"`
	N      int         `json:"n"` // rows that it is over
	Base   runs.Number `json:"base"`
	Tuned  runs.Number `json:"tuned"`
	Change runs.Number `json:"change"` // tuned - base
	Low    runs.Number `json:"low"`    // interval of the change
	High   runs.Number `json:"high"`
}

// Less reports whether less of a score is better.
func Less(score string) bool { return score == scoreLoss || score == scorePerplexity }

const (
	scoreLoss       = "target_loss"
	scorePerplexity = "perplexity"
)

// Sure reports whether the interval leaves out zero.
func (s ScoreChange) Sure() bool { return s.Low > 0 || s.High < 0 }

const (
	bootstrapSeed  = 1
	mostResamples  = 2000
	leastResamples = 200
	// resampledRows bounds the work: of very many rows the interval is narrow and
	// needs fewer draws.
	resampledRows = 20_000_000
)

// resamplesOf is how often n rows are drawn again.
func resamplesOf(n int) int {
	return min(mostResamples, max(leastResamples, resampledRows/max(n, 1)))
}

// difference measures every score.
func (c *Comparison) difference() Difference {
	out := Difference{Level: 0.95, Resamples: resamplesOf(len(c.Examples)), Seed: bootstrapSeed}
	var exact, objects, losses pairedScores
	exact.names = []string{"exact_match"}
	objects.names = []string{"json_validity", "schema", "field_accuracy"}
	for _, f := range c.Schema {
		objects.names = append(objects.names, "fields."+f)
	}
	losses.names = []string{scoreLoss}
	var texts perplexities
	share := func(ok bool) float64 {
		if ok {
			return 1
		}
		return 0
	}
	for i := range c.Examples {
		p := &c.Examples[i]
		b, t := &p.Base.Output, &p.Tuned.Output
		scored := !b.Unscored && !t.Unscored
		if scored {
			exact.add([]float64{share(b.Exact)}, []float64{share(t.Exact)})
		}
		if scored && !b.Text && !t.Text {
			values := func(o *Output) []float64 {
				v := []float64{share(o.Valid), share(o.Schema), o.FieldAccuracy}
				for _, f := range c.Schema {
					v = append(v, share(o.Fields[f]))
				}
				return v
			}
			objects.add(values(b), values(t))
		}
		if x, y := p.Base.Loss, p.Tuned.Loss; x != nil && y != nil && isFinite(float64(x.Nats)) && isFinite(float64(y.Nats)) {
			losses.add([]float64{float64(x.Nats)}, []float64{float64(y.Nats)})
			if !scored {
				texts = append(texts, [2]TargetLoss{*x, *y})
			}
		}
	}
	for _, s := range []*pairedScores{&exact, &objects, &losses} {
		out.Scores = append(out.Scores, s.changes(out.Resamples, out.Seed)...)
	}
	if len(texts) > 0 {
		out.Scores = append(out.Scores, texts.change(out.Resamples, out.Seed))
	}
	return out
}

func isFinite(x float64) bool { return x-x == 0 }

// Score returns one score's change; false where it was not measured.
func (d Difference) Score(name string) (ScoreChange, bool) {
	for _, s := range d.Scores {
		if s.Score == name {
			return s, true
		}
	}
	return ScoreChange{}, false
}

// pairedScores are several scores of the same rows.
type pairedScores struct {
	names       []string
	n           int
	base, tuned []float64 // sums
	differences []float64 // [rows, scores]
}

func (p *pairedScores) add(base, tuned []float64) {
	if p.n == 0 {
		p.base, p.tuned = make([]float64, len(base)), make([]float64, len(base))
	}
	p.n++
	for i := range base {
		p.base[i] += base[i]
		p.tuned[i] += tuned[i]
		p.differences = append(p.differences, tuned[i]-base[i])
	}
}

// changes draws the rows again and again; nothing of no rows.
func (p *pairedScores) changes(resamples int, seed uint64) []ScoreChange {
	if p.n == 0 {
		return nil
	}
	width, n := len(p.names), float64(p.n)
	draws := make([][]float64, width) // by score
	for i := range draws {
		draws[i] = make([]float64, resamples)
	}
	sums := make([]float64, width)
	stream := rng.New(seed, "bootstrap")
	for r := range resamples {
		clear(sums)
		draw := stream.With(uint64(r))
		for k := range p.n {
			row := int(draw.Float64(uint64(k)) * n)
			for i, d := range p.differences[row*width : (row+1)*width] {
				sums[i] += d
			}
		}
		for i, s := range sums {
			draws[i][r] = s / n
		}
	}
	out := make([]ScoreChange, width)
	for i, name := range p.names {
		slices.Sort(draws[i])
		out[i] = ScoreChange{
			Score: name, N: p.n, Base: runs.Number(p.base[i] / n), Tuned: runs.Number(p.tuned[i] / n), Change: runs.Number((p.tuned[i] - p.base[i]) / n),
			Low: runs.Number(quantile(draws[i], 0.025)), High: runs.Number(quantile(draws[i], 0.975)),
		}
	}
	return out
}

// quantile interpolates between the sorted values, as NumPy's default does.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	lo := int(at)
	hi := min(lo+1, len(sorted)-1)
	return sorted[lo] + (at-float64(lo))*(sorted[hi]-sorted[lo])
}
