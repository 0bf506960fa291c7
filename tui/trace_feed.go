package tui

import (
	"fmt"
	"slices"

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
}

// traceFeed collects findings from what each snapshot adds to the history.
type traceFeed struct {
	cursor
	open  [len(oddKinds)]int // index+1 of the finding that the next odd step may extend
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
		if !odd.is(s) {
			f.open[i] = 0
			continue
		}
		if at := f.open[i]; at > 0 && f.lastStep == f.found[at-1].to {
			f.found[at-1].to = s.Step
			continue
		}
		if f.add(finding{from: s.Step, to: s.Step, kind: odd.kind, id: odd.id, text: odd.text, advice: odd.advice}) {
			f.open[i] = len(f.found)
		}
	}
}

// event takes alerts and what was done about non-finite updates.
func (f *traceFeed) event(e runs.Event) {
	switch r := e.Record.(type) {
	case runs.Alert:
		f.add(finding{
			from: r.Step, to: r.Step, kind: alertKind(r.Severity), id: r.ID, text: r.Message, advice: r.Advice,
			evidence: r.Evidence, confidence: float64(r.Confidence), undone: e.Undone,
		})
	case runs.Intervention:
		if r.Action == runs.ActionSkipStep || r.Action == runs.ActionSkipRow || r.Action == runs.ActionRewind {
			_, text := interventionText(r)
			n := finding{from: r.Step, to: r.Step, kind: logWarn, id: r.Action, text: text, undone: e.Undone}
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

// order are the indices of the findings by step, for the list.
func (f *traceFeed) order() []int {
	rows := make([]int, len(f.found))
	for i := range rows {
		rows[i] = i
	}
	slices.SortStableFunc(rows, func(a, b int) int { return f.found[a].from - f.found[b].from })
	return rows
}

// steps writes the range of steps of a finding.
func (n *finding) steps() string {
	if n.from == n.to {
		return fmt.Sprint(n.from)
	}
	return fmt.Sprintf("%d-%d", n.from, n.to)
}
