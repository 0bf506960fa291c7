package trace

import (
	"fmt"
	"math"
)

// schedule compares the law that the learning rate followed with the one asked for.
func schedule(v *view) []Finding {
	switch {
	case v.hasLaw && v.hasWant:
		return v.compareLaws()
	case v.hasLaw:
		return v.reportLaw()
	case v.hasWant:
		return v.offLaw()
	}
	return nil
}

// lawLine says which law was followed.
func (v *view) lawLine() string {
	text := fmt.Sprintf("the learning rate follows %s, exactly, at all %d logged steps", v.law, len(v.Series[LearningRate]))
	if v.law.Loose {
		text += "; a warm-up that ended before the first log, with another peak, would look the same"
	}
	return text
}

// compareLaws reports a law that is not the one of the arguments.
func (v *view) compareLaws() []Finding {
	worst, at := 0.0, Sample{}
	for _, s := range v.Series[LearningRate] {
		if !finite(s.Value) {
			continue
		}
		want := v.want
		want.form = v.law.form
		d := math.Inf(1)
		for lag := 0; lag <= v.law.Lag; lag++ {
			d = min(d, math.Abs(want.At(s.Step-lag)-s.Value)/want.Peak)
		}
		if finite(d) && d > worst {
			worst, at = d, s
		}
	}
	if !(worst > 1e-5) {
		return v.defaults()
	}
	want := v.want
	want.form = v.law.form
	return []Finding{finding(SchedSilent, Error, 0.95, "",
		v.lawLine(),
		fmt.Sprintf("asked for was %s", v.want),
		fmt.Sprintf("at step %d (%s) the rate is %s where %s was asked for", at.Step, v.At(at.Ref), precise(at.Value), precise(want.At(at.Step))))}
}

// precise writes a rate with the digits that tell laws apart.
func precise(x float64) string { return fmt.Sprintf("%.6g", x) }

// defaults notes a run with nothing but the library's default schedule and no
// evaluation: what a fallback leaves, and also what many people want.
func (v *view) defaults() []Finding {
	if v.Tool == Hone || v.law.Kind != "linear" || v.law.Warmup != 0 || len(v.Series[EvalLoss]) > 0 {
		return nil
	}
	evidence := []string{v.lawLine(), "that is the library's default, and there is no evaluation in the log"}
	if first := v.Series[LearningRate][0]; finite(first.Value) && v.law.Lag == 0 {
		k := first.Step
		if v.law.form != beforeStep {
			k--
		}
		evidence = append(evidence, fmt.Sprintf("step %d: %s = %s*(%d-%d)/%d", first.Step, precise(first.Value), number(v.law.Peak), v.law.Steps, k, v.law.Steps))
	}
	return []Finding{finding(SchedSilent, Note, 0.5, "If your script asks for another schedule, a warm-up or evaluations, a fallback replaced your arguments: look for a caught error around TrainingArguments. If it does not, this is as it should be.", evidence...)}
}

// reportLaw is about a log that does not say what was asked for.
func (v *view) reportLaw() []Finding {
	if f := v.defaults(); f != nil {
		return f
	}
	return []Finding{finding(SchedSilent, Note, 0.1, "Compare it with what your script asks for.", v.lawLine(), "the arguments are not in this log")}
}

// offLaw is about rates that follow none of the laws, and not the one asked for.
func (v *view) offLaw() []Finding {
	bad, first := 0, Sample{}
	points := v.Series[LearningRate]
	for _, s := range points {
		if !finite(s.Value) {
			continue
		}
		for _, form := range v.forms() {
			want := v.want
			want.form = form
			if math.Abs(want.At(s.Step)-s.Value) <= 1e-3*want.Peak {
				goto next
			}
		}
		if bad++; bad == 1 {
			first = s
		}
	next:
	}
	if 2*bad < len(points) {
		return nil
	}
	severity, confidence := Warning, 0.6
	if v.Tool == Hone {
		severity, confidence = Note, 0.5 // changed by hand, as far as is known
	}
	return []Finding{finding(SchedSilent, severity, confidence, "",
		fmt.Sprintf("asked for was %s; %d of %d logged rates differ", v.want, bad, len(points)),
		fmt.Sprintf("at step %d (%s) the rate is %s where %s was asked for", first.Step, v.At(first.Ref), precise(first.Value), precise(v.want.At(first.Step))),
		"they follow no constant, linear or cosine law with any warm-up either")}
}

// defaultEvalSteps is what a trainer's state holds where no evaluation was asked for.
const defaultEvalSteps = 500

// evalEvery is how often the run was to be evaluated in steps, 0 for each epoch;
// false where it was not to be or is not known.
func (v *view) evalEvery() (steps int, how string, ok bool) {
	strategy := v.Args.Text("eval_strategy")
	if strategy == "" {
		strategy = v.Args.Text("evaluation_strategy")
	}
	n, has := v.Number(EvalSteps)
	switch {
	case strategy == "no":
		return 0, "", false
	case strategy == "epoch":
		return 0, "eval_strategy = epoch", true
	case strategy == "steps" && has && n >= 1:
		return int(n), fmt.Sprintf("eval_strategy = steps, eval_steps = %.0f", n), true
	case strategy == "" && has && n >= 1 && n != defaultEvalSteps && v.Tool == Transformers:
		return int(n), fmt.Sprintf("eval_steps = %.0f, which is not the default of %d", n, defaultEvalSteps), true
	}
	return 0, "", false
}

func hasEvalPlan(v *view) bool {
	_, _, ok := v.evalEvery()
	return ok
}

// evaluations finds a run that was to be evaluated and was not.
func evaluations(v *view) []Finding {
	every, how, _ := v.evalEvery()
	for name, s := range v.Series {
		if len(name) > 5 && name[:5] == "eval_" && len(s) > 0 {
			return nil
		}
	}
	done := v.LastStep()
	if every == 0 {
		per, _ := v.epochSteps()
		if per < 1 || per > 1e9 {
			return nil
		}
		every = int(per) + 1
	}
	if done < every {
		return nil
	}
	confidence := 0.6
	if v.Args != nil {
		confidence = 0.9
	}
	return []Finding{finding(SchedSilent, Warning, confidence, "Look for a caught error around TrainingArguments, and check that the trainer was given an evaluation set.",
		fmt.Sprintf("%s, but %d steps have no evaluation in the log", how, done))}
}
