package steprules

import (
	"fmt"
	"math"
	"strings"

	"hone/engine/trace"
)

func mode(r *Rules, s *Step, _ []trace.Finding) *trace.Finding {
	if !s.NoDropout || !(r.run.Dropout > 0) {
		return nil
	}
	return &trace.Finding{
		ID: "MODE", Severity: trace.Error, Confidence: 1, Evidence: []string{fmt.Sprintf("step %d ran without dropout; the experiment says %g", s.Number, r.run.Dropout)},
		Advice: "The model was left in evaluation mode: set it to training before every step.",
	}
}

// worseThanGuessing is how many times the cross entropy of guessing a first loss
// is that of a model that is not computed as it was trained. One of random weights
// may be above guessing; that is a note.
const worseThanGuessing = 2

// wiring: a model that was trained does not begin worse than guessing.
func wiring(r *Rules, s *Step, found []trace.Finding) *trace.Finding {
	guess := math.Log(float64(r.run.Vocabulary))
	if s.Number != 1 || r.run.Vocabulary < 2 || !finite(s.CE) || s.CE <= guess+1 || cause(found) {
		return nil
	}
	f := &trace.Finding{ID: "MODEL-WIRING", Severity: trace.Error, Confidence: 0.7, Evidence: []string{
		fmt.Sprintf("step 1: cross entropy %.3f; guessing among %d tokens is %.3f", s.CE, r.run.Vocabulary, guess),
	}, Advice: "The model is not computed as it was trained: check rope_theta and scaling, norm eps, tied embeddings and the tokenizer. A loss that grows with the position points at rope_theta."}
	if s.CE < worseThanGuessing*guess {
		f.Severity, f.Confidence = trace.Note, 0.3
	}
	return f
}

// nonFinite names the cause of what the guard stopped.
func nonFinite(_ *Rules, s *Step, _ []trace.Finding) *trace.Finding {
	c := s.Cause
	if c == nil || c.Kind == NotInModel || c.Kind == NothingToDo {
		return nil
	}
	f := &trace.Finding{Severity: trace.Error, Confidence: 0.9, Evidence: []string{fmt.Sprintf("step %d: %s", s.Number, c.Text)}}
	switch c.Kind {
	case BadWeight:
		f.ID, f.Confidence = "WEIGHT-NAN-FILE", 0.98
		f.Advice = "The weight itself is not finite: go back to a checkpoint, or repair the file it came from. No row is to blame."
	case BadMoment:
		f.ID, f.Confidence = "OPT-POISON", 0.98
		f.Advice = "The optimizer's moment was not finite before the update: go back with weights and moments, or reset the optimizer."
	case BadUpdate:
		f.ID = "LR-DIVERGE"
		f.Advice = "Gradient and moments are finite, the update overflows: lower the learning rate and go back to a checkpoint."
	case BadGradient:
		f.ID = "CLIP-SPREAD"
		f.Advice = "The gradient of one tensor was not finite although every operation was. Clipping by its norm would have made all of them NaN; it was not applied."
	case BadOp:
		badOp(c, f)
	default:
		f.ID, f.Confidence, f.Advice = "NONFINITE", 0.5, "Replay the step with every operation traced."
	}
	return f
}

func badOp(c *Cause, f *trace.Finding) {
	switch {
	case c.Phase == "gradient":
		f.ID = "CLIP-SPREAD"
		f.Advice = "The gradient of one tensor was not finite. Clipping by its norm would have made all of them NaN; it was not applied."
	case c.Phase == "backward" && strings.Contains(c.Op, "norm"):
		f.ID, f.Advice = "SQRT0", "A norm of zeros has no finite gradient: check norm eps, and the tokens of this row."
	case c.Phase == "backward" && c.Op == "lm_head":
		f.ID, f.Advice = "LOG0", "The loss is finite and its gradient is not: clamp inside a logarithm, or use log-softmax. Choosing with where() does not stop the backward pass."
	case c.Phase == "forward" && (strings.HasSuffix(c.Op, ".v_proj") || strings.HasSuffix(c.Op, ".k_proj")):
		f.ID, f.Confidence = "MASKED-NAN-LEAK", 0.8
		f.Advice = "Keys and values reach other tokens of the row through attention, masked ones too: masking multiplies, it does not select. Look at this row."
	default:
		f.ID, f.Advice = "ACT-INF", "Its inputs are finite: look at the row and token, and replay the step with every operation traced."
	}
}

// sameLoss is how far sums over passes may be from the reported loss, relatively.
const sameLoss = 1e-6

func differs(of, reported float64) bool {
	return finite(of) && finite(reported) && math.Abs(of-reported) > sameLoss*max(math.Abs(reported), 1)
}

// denominators: the cross entropy that was differentiated is not the one that is
// reported.
func denominators(_ *Rules, s *Step, _ []trace.Finding) *trace.Finding {
	if !differs(s.OfCE, s.CE) || s.CE == 0 {
		return nil
	}
	return &trace.Finding{ID: "ACCUM-NORM", Severity: trace.Error, Confidence: 0.98, Evidence: []string{
		fmt.Sprintf("step %d: the gradient is that of %.4g times the cross entropy that is reported", s.Number, s.OfCE/s.CE),
	}, Advice: "Divide by the counts of the whole batch, not by those of a micro-batch: else loss and gradient scale with accumulation, and short rows weigh more."}
}

func penalty(_ *Rules, s *Step, found []trace.Finding) *trace.Finding {
	if !differs(s.Of, s.Loss) || has(found, "ACCUM-NORM") {
		return nil
	}
	return &trace.Finding{ID: "PENALTY-CONST", Severity: trace.Error, Confidence: 0.98, Evidence: []string{
		fmt.Sprintf("step %d: the loss is %.6g, the gradient that of %.6g; the cross entropy is the same in both", s.Number, s.Loss, s.Of),
	}, Advice: "A term is added to the loss and not differentiated: report it as a metric, or make it a function of the probabilities."}
}

// noGradient: the gradient of everything is zero.
func noGradient(_ *Rules, s *Step, _ []trace.Finding) *trace.Finding {
	if len(s.Tensors) == 0 || s.Norm != 0 {
		return nil
	}
	return &trace.Finding{ID: "LORA-BOTH0", Severity: trace.Error, Confidence: 0.97, Evidence: []string{
		fmt.Sprintf("step %d: the gradient of all %d trained tensors is zero", s.Number, len(s.Tensors)),
	}, Advice: "Nothing can learn: both LoRA factors are zero, what is trained is detached from the loss, or its adapter is off."}
}

// usualSteps is how long LoRA's A may be without a gradient because B is zero.
const usualSteps = 3

func isA(name string) bool { return strings.Contains(name, "lora_A") }

func detached(_ *Rules, s *Step, found []trace.Finding) *trace.Finding {
	if has(found, "LORA-BOTH0") {
		return nil
	}
	var names []string
	for _, t := range s.Tensors {
		if t.Norm == 0 && (!isA(t.Name) || s.Number > usualSteps) {
			names = append(names, t.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return &trace.Finding{ID: "DETACHED", Severity: trace.Warning, Confidence: 0.9, Evidence: []string{
		fmt.Sprintf("step %d: no gradient reached %d of %d trained tensors: %s", s.Number, len(names), len(s.Tensors), strings.Join(names[:min(len(names), maxEvidence)], ", ")),
	}, Advice: "They are not connected to the loss: check target modules, and that nothing cuts the graph."}
}

// normalLoRA knows what looks wrong and is not.
func normalLoRA(r *Rules, s *Step, found []trace.Finding) *trace.Finding {
	if !r.run.Fresh || s.Number > usualSteps || has(found, "LORA-BOTH0") {
		return nil
	}
	zero := 0
	for _, t := range s.Tensors {
		if isA(t.Name) && t.Norm == 0 {
			zero++
		}
	}
	if zero == 0 {
		return nil
	}
	return &trace.Finding{
		ID: "LORA-B0", Severity: trace.Note, Confidence: 1, Evidence: []string{fmt.Sprintf("step %d: %d LoRA A have no gradient, because B is zero", s.Number, zero)},
		Advice: "Expected at the first step. It would be wrong if A still had none after step 3, or if B had none either.",
	}
}

// What is a spike: so many deviations above the median, and so many times the
// largest of the window.
const (
	spikeZ     = 10
	spikeTimes = 5
)

func spike(r *Rules, s *Step, found []trace.Finding) *trace.Finding {
	if cause(found) {
		return nil
	}
	var evidence []string
	for _, x := range []struct {
		what  string
		value float64
		w     *window
	}{{"gradient norm", s.Norm, &r.norms}, {"cross entropy", s.CE, &r.losses}} {
		if z, times, ok := x.w.outlier(x.value); ok && z > spikeZ && times > spikeTimes {
			evidence = append(evidence, fmt.Sprintf("step %d: %s %.4g is %.0f times the largest of the last %d steps", s.Number, x.what, x.value, times, len(x.w.all())))
		}
	}
	if evidence == nil {
		return nil
	}
	return &trace.Finding{
		ID: "SPIKE", Severity: trace.Warning, Confidence: 0.85, Evidence: evidence,
		Advice: "One batch is far from the others: look at its rows; leave them out and go back if the loss does not recover.",
	}
}
