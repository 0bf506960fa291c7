package foreign

import (
	"math"
	"slices"
	"strings"
	"testing"

	"hone/engine/trace"
)

// A log that is too long is thinned out: series of one entry stay together, short
// ones whole, and where values cease to be numbers is known to the step.
func TestLongLogsAreThinnedOut(t *testing.T) {
	k := newKeeper(trace.Transformers, "log")
	k.most = 1000
	const steps, bad, back = 10_000, 7001, 7010
	for step := 1; step <= steps; step++ {
		loss := 1 / float64(step)
		if step >= bad && step < back {
			loss = math.NaN()
		}
		k.add(trace.Loss, trace.Sample{Step: step, Value: loss})
		k.add(trace.LearningRate, trace.Sample{Step: step, Value: 1e-4})
		if step%1000 == 0 {
			k.add(trace.EvalLoss, trace.Sample{Step: step, Value: 0.5})
		}
	}
	if k.samples > k.most || k.samples < k.most/4 {
		t.Errorf("%d values are kept of %d", k.samples, k.most)
	}
	loss, rates, evals := k.log.Series[trace.Loss], k.log.Series[trace.LearningRate], k.log.Series[trace.EvalLoss]
	if len(loss)+len(rates)+len(evals) != k.samples || len(evals) != steps/1000 {
		t.Errorf("%d + %d + %d values, %d counted", len(loss), len(rates), len(evals), k.samples)
	}
	at := func(series []trace.Sample, step int) int {
		return slices.IndexFunc(series, func(s trace.Sample) bool { return s.Step == step })
	}
	if i := at(loss, bad); i < 0 || !math.IsNaN(loss[i].Value) || math.IsNaN(loss[i-1].Value) {
		t.Error("the first value that is no number was lost")
	}
	if i := at(loss, back); i < 0 || math.IsNaN(loss[i].Value) || !math.IsNaN(loss[i-1].Value) {
		t.Error("the first number after it was lost")
	}
	for _, s := range rates {
		if at(loss, s.Step) < 0 {
			t.Fatalf("the rate of step %d has lost its loss", s.Step)
		}
	}
	if last := rates[len(rates)-1].Step; last < steps-64 {
		t.Errorf("nothing after step %d", last)
	}
	if len(k.log.Notes) != 1 || !strings.Contains(k.log.Notes[0], "more than 1000 values") {
		t.Errorf("%q", k.log.Notes)
	}
}

// What cannot be thinned out is left out.
func TestNothingButTurnsIsLeftOut(t *testing.T) {
	k := newKeeper(trace.Transformers, "log")
	k.most = 100
	for step := range 1000 {
		k.add(trace.Loss, trace.Sample{Step: step, Value: float64(step % 2)})
	}
	if k.samples != len(k.log.Series[trace.Loss]) || k.samples > 100 || k.samples < 50 || len(k.log.Notes) != 2 || !strings.Contains(k.log.Notes[1], "the rest was left out") {
		t.Errorf("%d values, %q", k.samples, k.log.Notes)
	}
}
