package tui

import (
	"cmp"
	"fmt"
	"slices"

	"hone/experiments"
	"hone/runs"
)

// finding is something the trace shows: an alert of the recorder's rules, steps
// with figures that are not numbers, or what was done about them.
type finding struct {
	from, to   int // steps
	kind       logKind
	id         string
	text       string
	advice     string
	evidence   []string
	confidence float64 // 0 = not given
	undone     bool
	symptom    bool   // it follows from some cause
	by         string // who found it: "" = the run's own rules
}

// traceFeed collects findings from what each snapshot adds to the history.
type traceFeed struct {
	cursor
	open  [len(oddKinds)]int // index+1 of the finding that the next odd step may extend
	log   *foreignView       // of the log of another trainer; nil = of a run of Hone
	found []finding
}

// oddKinds are the ways in which a step's figures are odd.
var oddKinds = [...]struct {
	id, text, advice string
	kind             logKind
	is               func(runs.Step) bool
}{
	{
		"LOSS-NONFINITE", "the loss is not a number", "The update of such a step is never applied. Look at the rows of the first one: a row without targets makes 0/0.", logBad,
		func(s runs.Step) bool { return !s.Loss.Finite() },
	},
	{
		"GRAD-NONFINITE", "the gradient norm is not a number", "See which tensor was the first below; an overflow in bf16 or a learning rate far too high are the usual causes.", logBad,
		func(s runs.Step) bool { return s.Loss.Finite() && !s.GradNorm.Finite() },
	},
	{
		"LOSS-ZERO", "the loss is exactly zero", "A loss of exactly zero is no good fit: nothing was supervised. Look at the mask of these rows on 1 Data.", logWarn,
		func(s runs.Step) bool { return s.Loss == 0 },
	},
	{
		"NO-TARGETS", "no token was a target", "All completion tokens of the batch are masked, or the completions are empty.", logBad,
		func(s runs.Step) bool { return s.Tokens > 0 && s.TargetTokens == 0 },
	},
}

// maxFindings bounds the list; the first ones say most.
const maxFindings = 1000

// take adds what a snapshot has beyond what was consumed. It reports false when
// the history was cut back, so that a new feed has to be made from it.
func (f *traceFeed) take(snap *snapshot) bool {
	return f.advance(snap, f.event, f.step, func(runs.Eval) {})
}

// step looks for odd figures; those of steps in a row are one finding.
func (f *traceFeed) step(s runs.Step) {
	for i, odd := range oddKinds {
		if !odd.is(s) || f.log != nil && !f.log.Norms && odd.id == "GRAD-NONFINITE" {
			f.open[i] = 0
			continue
		}
		if at := f.open[i]; at > 0 && f.lastStep == f.found[at-1].to {
			f.found[at-1].to = s.Step
			continue
		}
		if f.add(finding{from: s.Step, to: s.Step, kind: odd.kind, id: odd.id, text: odd.text, advice: odd.advice, symptom: true}) {
			f.open[i] = len(f.found)
		}
	}
}

// event takes alerts and what was done about non-finite updates.
func (f *traceFeed) event(e runs.Event) {
	switch r := e.Record.(type) {
	case runs.Alert:
		_, symptom := experiments.FailureTitle(r.ID)
		by := ""
		if f.log != nil {
			by = "log"
		}
		f.add(finding{
			by: by, from: r.Step, to: r.Step, kind: alertKind(r.Severity), id: r.ID, text: alertText(r), advice: r.Advice,
			evidence: r.Evidence, confidence: float64(r.Confidence), undone: e.Undone, symptom: symptom,
		})
	case runs.Intervention:
		if r.Action == runs.ActionSkipStep || r.Action == runs.ActionSkipRow || r.Action == runs.ActionRewind {
			n := finding{from: r.Step, to: r.Step, kind: logNote, id: r.Action, text: doneText(r), undone: e.Undone}
			if len(r.Rows) > 0 {
				n.evidence = []string{fmt.Sprintf("rows: %v", r.Rows[:min(len(r.Rows), 64)])}
			}
			f.add(n)
		}
	}
}

func (f *traceFeed) add(n finding) bool {
	if len(f.found) >= maxFindings {
		return false
	}
	f.found = append(f.found, n)
	return true
}

// orderOf are the indices of findings as they are listed: by step, or the likeliest
// cause first.
func orderOf(found []finding, bySteps bool) []int {
	rows := make([]int, len(found))
	for i := range rows {
		rows[i] = i
	}
	slices.SortStableFunc(rows, func(a, b int) int {
		x, y := &found[a], &found[b]
		if bySteps {
			return x.from - y.from
		}
		return cmp.Or(x.rank()-y.rank(), cmp.Compare(y.confidence, x.confidence), x.from-y.from)
	})
	return rows
}

// rank orders findings: what was undone last, the worst first, causes before what
// follows from them.
func (n *finding) rank() int {
	rank := map[logKind]int{logBad: 0, logWarn: 2}
	r, ok := rank[n.kind]
	if !ok {
		r = 4
	}
	if n.symptom {
		r++
	}
	if n.undone {
		r += 8
	}
	return r
}

// steps writes the range of steps of a finding.
func (n *finding) steps() string {
	if n.from == n.to {
		return fmt.Sprint(n.from)
	}
	return fmt.Sprintf("%d-%d", n.from, n.to)
}
