package doctor

import (
	"math"
	"slices"

	"hone/engine/trace"
	"hone/runs"
)

// History is a foreign log as the history of a run, so that its curves can be
// shown like a run's own: a step for every logged step, an evaluation for every
// logged evaluation, the findings as alerts. What the log does not have is NaN, in
// steps and in scores; whether a loss was printed in place of one is among the
// alerts.
func History(l *trace.Log) *runs.History {
	steps := map[int]*runs.Step{}
	nan := runs.Number(math.NaN())
	for _, series := range []struct {
		name string
		set  func(*runs.Step, runs.Number)
	}{
		{trace.Loss, func(s *runs.Step, x runs.Number) { s.Loss, s.CE = x, x }},
		{trace.GradNorm, func(s *runs.Step, x runs.Number) { s.GradNorm = x }},
		{trace.LearningRate, func(s *runs.Step, x runs.Number) { s.LR = x }},
		{trace.Epoch, func(s *runs.Step, x runs.Number) { s.Epoch = x }},
	} {
		for _, x := range l.Series[series.name] {
			s := steps[x.Step]
			if s == nil {
				if series.name == trace.Epoch {
					continue // of an evaluation or the summary
				}
				s = &runs.Step{Type: "step", Step: x.Step, Epoch: nan, Loss: nan, CE: nan, JSON: nan, Field: nan, Confidence: nan, GradNorm: nan, LR: nan, Seconds: nan}
				steps[x.Step] = s
			}
			series.set(s, runs.Number(x.Value))
		}
	}
	h := &runs.History{Notes: slices.Clone(l.Notes)}
	for _, s := range steps {
		h.Steps = append(h.Steps, *s)
	}
	slices.SortFunc(h.Steps, func(a, b runs.Step) int { return a.Step - b.Step })
	for _, e := range l.Series[trace.EvalLoss] {
		h.Evals = append(h.Evals, runs.Eval{Type: "eval", Step: e.Step, Split: "eval", Loss: runs.Number(e.Value), ExactMatch: nan, JSONValidity: nan, FieldAccuracy: nan})
	}
	last := 0
	if n := len(h.Steps); n > 0 {
		last = h.Steps[n-1].Step
	}
	for _, f := range trace.Diagnose(l) {
		a := runs.Alert{Type: "alert", Step: last, ID: f.ID, Severity: string(f.Severity), Advice: f.Advice, Confidence: runs.Number(f.Confidence), Evidence: f.Evidence}
		if m, ok := trace.ByID(f.ID); ok {
			a.Message = m.Title
		}
		h.Events = append(h.Events, runs.Event{Type: "alert", Step: last, Record: a})
	}
	return h
}
