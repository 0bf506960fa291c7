package tui

import (
	"hone/runs"
)

// wrote reports whether evaluations have scores of what was generated: of texts that are
// learned as a whole nothing is, and the loss is all there is.
func (f *trainFeed) wrote() bool { return len(f.scores) == 0 || f.scores[0].n > 0 }

// score is the name of the score that counts.
func (f *trainFeed) score() string {
	if !f.wrote() {
		return runs.ScoreLoss
	}
	return f.by
}

// best is the evaluation with the best score that counts, the lower loss among
// equals; ok is false without any.
func (f *trainFeed) best() (best evalPoint, ok bool) {
	for _, p := range f.scores {
		if !ok || f.better(p, best) || f.scoreOf(p) == f.scoreOf(best) && p.loss < best.loss {
			best, ok = p, true
		}
	}
	return best, ok
}

// scoreOf is the score that counts.
func (f *trainFeed) scoreOf(p evalPoint) float64 {
	switch f.score() {
	case runs.ScoreFields:
		return p.field
	case runs.ScoreValidity:
		return p.valid
	case runs.ScoreLoss:
		return p.loss
	}
	return p.exact
}

// better compares the scores that count.
func (f *trainFeed) better(a, b evalPoint) bool {
	if f.score() == runs.ScoreLoss {
		return a.loss < b.loss
	}
	return f.scoreOf(a) > f.scoreOf(b)
}

// bestName is the score that counts, in words.
func (f *trainFeed) bestName() string {
	switch f.score() {
	case runs.ScoreFields:
		return "field accuracy"
	case runs.ScoreValidity:
		return "validity"
	case runs.ScoreLoss:
		return "eval loss"
	}
	return "exact match"
}

// bestVerb is what the score that counts does while it gets better.
func (f *trainFeed) bestVerb() string {
	if f.score() == runs.ScoreLoss {
		return "falling"
	}
	return "rising"
}

// bestFigure is the score that counts as text.
func (f *trainFeed) bestFigure(p evalPoint) string {
	if f.score() == runs.ScoreLoss {
		return figure(p.loss)
	}
	return shareText(f.scoreOf(p))
}
