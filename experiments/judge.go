package experiments

import (
	"errors"
	"math"
	"slices"
	"strings"

	"hone/engine"
	"hone/engine/optim"
	"hone/engine/trace"
	"hone/engine/trace/steprules"
	"hone/runs"
)

// ruleRun is what the rules about steps know of a run. vocabulary is 0 where the
// model is not at hand.
func ruleRun(c Config, steps, vocabulary int) steprules.Run {
	return steprules.Run{
		Steps: steps, Vocabulary: vocabulary, Dropout: AdapterSettings(c).Dropout,
		Fresh:  c.Method == LoRA && c.LoRA.InitAdapter == "",
		Random: c.Method == Full && c.Model.Init == InitRandom,
	}
}

// ruleStep is a step as the rules see it, from its trace records. It is the same
// while the run trains and when its file is read.
func ruleStep(records []any, cause *steprules.Cause) steprules.Step {
	nan := math.NaN()
	s := steprules.Step{Loss: nan, CE: nan, Of: nan, OfCE: nan, Norm: nan, LR: nan, LRExpected: nan, Cause: cause}
	ratios := map[string]runs.Number{}
	for _, record := range records {
		switch r := record.(type) {
		case runs.TraceBatch:
			s.Number = r.Step
			s.Rows = append(s.Rows, ruleRows(r)...)
			s.Distinct = max(s.Distinct, r.Distinct)
			s.NoDropout = s.NoDropout || r.NoDropout
		case runs.TraceLoss:
			first := len(s.Rows) - len(r.PerRow)
			for i, n := range r.PerRow {
				if first+i >= 0 {
					s.Rows[first+i].NLL = float64(n)
				}
			}
			if x := r.Terms; x != nil {
				s.Loss, s.CE = float64(x.Loss), float64(x.CE)
				s.Of, s.OfCE = s.Loss, s.CE
				if x.Of != nil {
					s.Of = float64(*x.Of)
				}
				if x.OfCE != nil {
					s.OfCE = float64(*x.OfCE)
				}
			}
		case runs.TraceGrad:
			s.Norm = float64(r.Norm)
			for name, n := range r.Norms {
				s.Tensors = append(s.Tensors, steprules.Tensor{Name: name, Norm: float64(n)})
			}
		case runs.TraceOpt:
			s.Number, s.Epoch, s.At = r.Step, r.Cursor.Epoch, r.Cursor.At
			s.LR, s.LRExpected = float64(r.LR), float64(r.LRExpected)*lrFactor(r)
			s.Applied, s.Changed, s.Values, s.Skipped, s.Order = r.Applied, r.Changed, r.Values, r.Skipped, r.Order
			ratios = r.UpdRatio
		}
	}
	slices.SortFunc(s.Tensors, func(a, b steprules.Tensor) int { return strings.Compare(a.Name, b.Name) })
	for i, t := range s.Tensors {
		ratio, ok := ratios[t.Name]
		s.Tensors[i].Ratio, s.Tensors[i].HasRatio = float64(ratio), ok
	}
	return s
}

// lrFactor is what interventions had multiplied the schedule by at a step.
func lrFactor(r runs.TraceOpt) float64 {
	if r.LRFactor == nil {
		return 1
	}
	return float64(*r.LRFactor)
}

// ruleRows are the rows of a pass. What the record does not say of a row's source
// is as it was consumed.
func ruleRows(r runs.TraceBatch) []steprules.Row {
	rows := make([]steprules.Row, 0, len(r.Rows))
	for i, row := range r.Rows {
		if i >= len(r.Len) || i >= len(r.Targets) || i >= len(r.First) || i >= len(r.Last) {
			break // of another writer
		}
		have := steprules.Supervision{Tokens: r.Len[i], Targets: r.Targets[i], First: ruleTarget(r.First[i]), Last: ruleTarget(r.Last[i])}
		source := have
		for _, x := range r.Source {
			if x.Row == row {
				source = steprules.Supervision{Tokens: x.Len, Targets: x.Targets, First: ruleTarget(x.First), Last: ruleTarget(x.Last)}
			}
		}
		out := steprules.Row{Row: row, Supervision: have, NLL: math.NaN(), Source: &source}
		for _, m := range r.Mismatch {
			out.Foreign = out.Foreign || m == row
		}
		rows = append(rows, out)
	}
	return rows
}

func ruleTarget(t runs.TraceTarget) steprules.Target { return steprules.Target{At: t.At, ID: t.ID} }

// causeOf is what the guard said of a step; nil where it had nothing to say.
func causeOf(s engine.Step) *steprules.Cause {
	if s.Problem == nil || errors.Is(s.Problem, engine.ErrAllSkipped) {
		return nil
	}
	c := &steprules.Cause{Kind: steprules.NotUnderstood, Text: firstLine(s.Problem), Row: -1}
	var (
		vocabulary *engine.VocabularyError
		update     *optim.UpdateError
		origin     *engine.Origin
	)
	switch {
	case errors.As(s.Problem, &vocabulary):
		c.Kind, c.Row, c.Text = steprules.NotInModel, vocabulary.Row, vocabulary.Error()
	case errors.Is(s.Problem, engine.ErrNoTargets):
		c.Kind = steprules.NothingToDo
	case errors.As(s.Problem, &update):
		c.Tensor, c.Kind = update.Tensor, steprules.BadUpdate
		if math.IsNaN(update.Before) || math.IsInf(update.Before, 0) {
			if c.Kind = steprules.BadMoment; update.What == optim.Weight {
				c.Kind = steprules.BadWeight
			}
		}
	case errors.As(s.Problem, &origin):
		c.Op, c.Phase, c.Tensor, c.Row = origin.Op, origin.Phase, origin.Tensor, origin.Row
		switch {
		case origin.Weight:
			c.Kind = steprules.BadWeight
		case origin.Op != "":
			c.Kind = steprules.BadOp
		case origin.Tensor != "":
			c.Kind = steprules.BadGradient
		}
	}
	return c
}

// judge has the rules look at a step that was just recorded. What they find is in
// the trace; what is worse than a note is told as an alert, and reported.
func (r *recorder) judge(s engine.Step, records []any) (found bool, err error) {
	if r.rules == nil {
		r.rules = steprules.New(ruleRun(r.t.config, r.t.trainer.Steps(), r.t.model.Model.Vocab))
	}
	return r.tell(s.Number, r.rules.Step(ruleStep(records, causeOf(s))))
}

// tell records findings about a step, 0 is before the first, and says whether one is worse than a note.
func (r *recorder) tell(step int, findings []trace.Finding) (found bool, err error) {
	for _, f := range findings {
		if err := r.writer.AppendTrace(runs.TraceAlert{
			K: "alert", Step: step, ID: f.ID, Severity: string(f.Severity), Confidence: runs.Number(f.Confidence), Evidence: f.Evidence, Advice: f.Advice,
		}); err != nil {
			return found, err
		}
		if f.Severity == trace.Note {
			continue
		}
		found = true
		if err := r.writer.Append(runs.Alert{
			Step: step, ID: f.ID, Severity: string(f.Severity), Message: f.Evidence[0], Advice: f.Advice, Confidence: runs.Number(f.Confidence), Evidence: f.Evidence[1:],
		}); err != nil {
			return found, err
		}
	}
	return found, nil
}
