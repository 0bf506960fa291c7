package trace

import (
	"fmt"
	"slices"
)

// rule recognizes some failure modes in a log.
type rule struct {
	ids []string
	// needs says whether the log has what the rule looks at.
	needs func(*view) bool
	check func(*view) []Finding
}

// view is a log with what several rules ask of it.
type view struct {
	*Log
	rows     []row
	law      Law
	hasLaw   bool
	want     Law
	hasWant  bool
	count    TokenCount
	hasCount bool
	blank    blanks
}

func newView(l *Log) *view {
	v := &view{Log: l, rows: l.rows()}
	v.law, v.hasLaw = l.FitLaw()
	v.want, v.hasWant = l.Configured()
	v.count, v.hasCount = l.CountTokens()
	v.blank = countBlanks(v.rows)
	return v
}

// rules are all that a log is held against.
var rules = []rule{
	{[]string{CollateEmpty, MaskAll, TemplateMiss, LoRABoth0, LogFilter, LogRound}, hasLoss, blankLoss},
	{[]string{LRDiverge, FP16Overflow, ActInf, WeightNaNFile, NonFinite}, hasLoss, blowUp},
	{[]string{LogSticky}, hasLoss, sticky},
	{[]string{FP16ScalerWarmup, Log0}, hasNorm, badNorms},
	{[]string{CollateEmpty}, hasCount, shortSequences},
	{[]string{ConstExample, ShiftTwice, PadTrained}, hasLoss, tooGood},
	{[]string{SchedSilent}, hasRates, schedule},
	{[]string{SchedSilent}, hasEvalPlan, evaluations},
	{[]string{Spike}, hasLoss, spikes},
	{[]string{LRDiverge}, hasLoss, rising},
	{[]string{FP16Underflow, LoRABoth0}, hasLoss, stuck},
	{[]string{OOVLabel, ShiftTwice}, hasLoss, firstLoss},
	{[]string{DupLeak, AccumNorm}, hasEvals, leak},
	{[]string{MaskAll}, hasTargets, noTargets},
}

func hasLoss(v *view) bool    { return len(v.rows) > 0 }
func hasNorm(v *view) bool    { return len(v.Series[GradNorm]) > 0 }
func hasCount(v *view) bool   { return v.hasCount }
func hasRates(v *view) bool   { return len(v.Series[LearningRate]) >= 3 }
func hasEvals(v *view) bool   { return len(v.Series[EvalLoss]) > 0 }
func hasTargets(v *view) bool { return len(v.Series[Targets]) > 0 }

// Analysis is all that can be said of a log.
type Analysis struct {
	Findings []Finding // the likeliest cause first
	Checked  []string  // see [Checked]
	Facts    []string  // see [Facts]
	Limits   []string  // see [Limits]
}

// Analyze holds a log against every rule, and says what else it tells.
func Analyze(l *Log) Analysis {
	v := newView(l)
	return Analysis{Findings: v.diagnose(), Checked: v.checked(), Facts: v.facts(), Limits: v.limits()}
}

// Diagnose holds a log against every rule. The likeliest cause comes first; of
// several findings of one mode the surest stays, with the evidence of all.
func Diagnose(l *Log) []Finding { return newView(l).diagnose() }

func (v *view) diagnose() []Finding {
	var out []Finding
	for _, r := range rules {
		if r.needs(v) {
			out = Merge(out, r.check(v)...)
		}
	}
	Sort(out)
	return out
}

// Checked lists the modes that this log could have shown, found or not, in the
// order of the catalogue. What is not among them cannot be known from it.
func Checked(l *Log) []string { return newView(l).checked() }

func (v *view) checked() []string {
	can := map[string]bool{}
	for _, r := range rules {
		if r.needs(v) {
			for _, id := range r.ids {
				can[id] = true
			}
		}
	}
	return InOrder(can)
}

// InOrder lists ids of the catalogue in its order.
func InOrder(ids map[string]bool) []string {
	out := []string{}
	for _, m := range Catalogue {
		if ids[m.ID] {
			out = append(out, m.ID)
		}
	}
	return out
}

// maxEvidence bounds the lines of evidence of a finding.
const maxEvidence = 12

// Merge adds findings; of several with one id the surest stays, with the evidence
// of all.
func Merge(have []Finding, more ...Finding) []Finding {
	for _, f := range more {
		i := slices.IndexFunc(have, func(h Finding) bool { return h.ID == f.ID })
		if i < 0 {
			have = append(have, f)
			continue
		}
		h := &have[i]
		strong, weak := *h, f
		if f.Severity.Worse(h.Severity) || f.Severity == h.Severity && f.Confidence > h.Confidence {
			strong, weak = f, *h
		}
		for _, e := range weak.Evidence {
			if len(strong.Evidence) < maxEvidence && !slices.Contains(strong.Evidence, e) {
				strong.Evidence = append(slices.Clip(strong.Evidence), e)
			}
		}
		*h = strong
	}
	return have
}

// finding writes a finding; the advice is the catalogue's unless it is given.
func finding(id string, severity Severity, confidence float64, advice string, evidence ...string) Finding {
	if m, ok := ByID(id); ok && advice == "" {
		advice = m.Do
	}
	return Finding{ID: id, Severity: severity, Confidence: confidence, Evidence: evidence, Advice: advice}
}

// place names a row of the log for evidence: " (trainer_state.json:41)".
func (v *view) place(r row) string {
	if at := v.At(r.ref); at != "" {
		return " (" + at + ")"
	}
	return ""
}

// span names the steps of rows first to last.
func (v *view) span(first, last row) string {
	if first.step == last.step {
		return fmt.Sprintf("step %d%s", first.step, v.place(first))
	}
	return fmt.Sprintf("steps %d to %d%s", first.step, last.step, v.place(first))
}
