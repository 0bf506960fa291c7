package experiments

import (
	"math"
	"slices"

	"hone/engine/rng"
	"hone/runs"
)

// perplexities are the losses of texts under two models.
type perplexities [][2]TargetLoss

// sums are what perplexities are made of.
type sums struct{ base, tuned, baseTokens, tunedTokens float64 }

func (s *sums) add(p [2]TargetLoss) {
	n, m := float64(p[0].Tokens), float64(p[1].Tokens)
	s.base, s.tuned, s.baseTokens, s.tunedTokens = s.base+n*float64(p[0].Nats), s.tuned+m*float64(p[1].Nats), s.baseTokens+n, s.tunedTokens+m
}

// of are the perplexities of both sides: exp of the nats of a token, of which a
// long text has more than a short one.
func (s sums) of() (base, tuned float64) {
	return math.Exp(s.base / s.baseTokens), math.Exp(s.tuned / s.tunedTokens)
}

// change draws the rows again and again, as [pairedScores] does.
func (p perplexities) change(resamples int, seed uint64) ScoreChange {
	var all sums
	for _, row := range p {
		all.add(row)
	}
	base, tuned := all.of()
	draws, stream := make([]float64, resamples), rng.New(seed, "bootstrap")
	for r := range draws {
		var s sums
		draw := stream.With(uint64(r))
		for k := range p {
			s.add(p[int(draw.Float64(uint64(k))*float64(len(p)))])
		}
		b, t := s.of()
		draws[r] = t - b
	}
	slices.Sort(draws)
	return ScoreChange{
		Score: scorePerplexity, N: len(p), Base: runs.Number(base), Tuned: runs.Number(tuned), Change: runs.Number(tuned - base),
		Low: runs.Number(quantile(draws, 0.025)), High: runs.Number(quantile(draws, 0.975)),
	}
}
