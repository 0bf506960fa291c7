package tui

import (
	"hone/runs"
)

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
	switch f.by {
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
	if f.by == runs.ScoreLoss {
		return a.loss < b.loss
	}
	return f.scoreOf(a) > f.scoreOf(b)
}

// bestName is the score that counts, in words.
func (f *trainFeed) bestName() string {
	switch f.by {
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
	if f.by == runs.ScoreLoss {
		return "falling"
	}
	return "rising"
}

// bestFigure is the score that counts as text.
func (f *trainFeed) bestFigure(p evalPoint) string {
	if f.by == runs.ScoreLoss {
		return figure(p.loss)
	}
	return shareText(f.scoreOf(p))
}
