package runs

// Scores by which evaluations are compared; the names are those of an Eval's line.
const (
	ScoreExact    = "exact_match"
	ScoreFields   = "field_accuracy"
	ScoreValidity = "json_validity"
	ScoreLoss     = "loss"
)

// Scores are the names of the scores, the default first.
func Scores() []string { return []string{ScoreExact, ScoreFields, ScoreValidity, ScoreLoss} }

// Score is a score of the evaluation by its name ("" = exact match), and whether
// more of it is better.
func (e Eval) Score(by string) (value Number, more bool) {
	switch by {
	case ScoreFields:
		return e.FieldAccuracy, true
	case ScoreValidity:
		return e.JSONValidity, true
	case ScoreLoss:
		return e.Loss, false
	}
	return e.ExactMatch, true
}

// Better reports whether e is the better evaluation: by a score ("" = exact
// match), then by loss. NaN is worse than any number.
func (e Eval) Better(than Eval, by string) bool {
	a, more := e.Score(by)
	b, _ := than.Score(by)
	if !more {
		a, b = -a, -b
	}
	switch {
	case a > b, a == a && b != b:
		return true
	case a < b, a != a && b == b:
		return false
	}
	return e.Loss < than.Loss || e.Loss == e.Loss && than.Loss != than.Loss
}

// BestEval returns the best evaluation of a split: by a score ("" = exact match),
// then by loss, then the earlier one; false where there is none.
func (h *History) BestEval(split, by string) (Eval, bool) {
	var best Eval
	found := false
	for _, e := range h.Evals {
		if e.Split == split && (!found || e.Better(best, by)) {
			best, found = e, true
		}
	}
	return best, found
}
