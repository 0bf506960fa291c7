package experiments

import (
	"errors"
	"fmt"
	"math"

	"hone/runs"
)

// NoEarlyStopping is the value of train.early_stopping of a run that goes on to its
// last step.
const NoEarlyStopping = "off"

// earlyStop decides from the evaluations of the schedule whether a run has been
// trained enough: when its score has not risen (of the loss: fallen) by more than a
// threshold for so many evaluations in a row. What it is compared with is the last
// score that had done so, as in Keras and Lightning; with transformers it is the
// best, so that a score which creeps up by less than the threshold for ever ends
// the run there and here does not. It is a function of the run's history.
type earlyStop struct {
	by        string // a score of runs, or NoEarlyStopping
	patience  int
	threshold float64
	every     int // steps between evaluations of the schedule: others do not count

	best  float64 // NaN before the first number
	at    int     // step of it
	stale int     // evaluations since
}

func newEarlyStop(c TrainConfig) earlyStop {
	return earlyStop{by: c.EarlyStopping, patience: c.Patience, threshold: c.MinDelta, every: c.EvalEvery, best: math.NaN()}
}

// see takes an evaluation of the eval split.
func (s *earlyStop) see(e runs.Eval) {
	if s.by == NoEarlyStopping || s.every <= 0 || e.Step%s.every != 0 {
		return
	}
	score, more := e.Score(s.by)
	now := float64(score)
	gain := now - s.best
	if !more {
		gain = -gain
	}
	if gain > s.threshold || math.IsNaN(s.best) && !math.IsNaN(now) {
		s.best, s.at, s.stale = now, e.Step, 0
		return
	}
	s.stale++
}

// again forgets what it has seen and takes the evaluations up to a step.
func (s *earlyStop) again(evals []runs.Eval, split string, upTo int) {
	s.best, s.at, s.stale = math.NaN(), 0, 0
	for _, e := range evals {
		if e.Split == split && e.Step <= upTo {
			s.see(e)
		}
	}
}

// reason says why the run has been trained enough; "" if it has not.
func (s *earlyStop) reason() string {
	if s.by == NoEarlyStopping || s.stale < s.patience {
		return ""
	}
	what := ofRows(s.stale, "evaluation")
	if math.IsNaN(s.best) {
		return fmt.Sprintf("%s was no number in %s", s.by, what)
	}
	verb, by := "risen above", ""
	if s.by == runs.ScoreLoss {
		verb = "fallen below"
	}
	if s.threshold > 0 {
		by = " by more than " + formatNumber(s.threshold)
	}
	return fmt.Sprintf("%s has not %s %.4g of step %d%s in %s", s.by, verb, s.best, s.at, by, what)
}

// endEarly records that the run is trained enough.
func (t *training) endEarly(step int) error {
	return errors.Join(
		t.writer.AppendTrace(runs.TraceAct{K: "act", Step: step, Action: runs.ActionEarlyStop, Reason: t.early.reason()}),
		t.writer.Append(runs.Intervention{Step: step, Action: runs.ActionEarlyStop, By: byRule, Reason: t.early.reason()}))
}
