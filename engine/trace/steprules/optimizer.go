package steprules

import (
	"fmt"
	"math"
	"strings"

	"hone/engine/trace"
)

func schedule(_ *Rules, s *Step, _ []trace.Finding) *trace.Finding {
	if !finite(s.LR) || !finite(s.LRExpected) || math.Abs(s.LR-s.LRExpected) <= 1e-9*math.Abs(s.LRExpected) {
		return nil
	}
	return &trace.Finding{ID: "SCHED-SILENT", Severity: trace.Error, Confidence: 0.98, Evidence: []string{
		fmt.Sprintf("step %d: the learning rate was %.9g, the schedule and what was ordered say %.9g", s.Number, s.LR, s.LRExpected),
	}, Advice: "Another schedule than the configured one is followed: a fallback may have replaced the settings."}
}

// The ratio of an update to its weights from which training diverges. Random
// weights are small, and grow at first.
const (
	largeRatio       = 0.1
	largeRatioRandom = 1
)

// diverge: updates are as large as what they change. LoRA's B starts at zero and
// is left out: its ratio says nothing at first.
func diverge(r *Rules, s *Step, found []trace.Finding) *trace.Finding {
	if has(found, "LR-DIVERGE") || !s.Applied {
		return nil
	}
	var ratios []float64
	for _, t := range s.Tensors {
		if t.HasRatio && finite(t.Ratio) && !isB(t.Name) {
			ratios = append(ratios, t.Ratio)
		}
	}
	if len(ratios) == 0 {
		return nil
	}
	limit := largeRatio
	if r.run.Random {
		limit = largeRatioRandom
	}
	m := median(ratios)
	if m <= limit {
		return nil
	}
	return &trace.Finding{ID: "LR-DIVERGE", Severity: trace.Warning, Confidence: 0.85, Evidence: []string{
		fmt.Sprintf("step %d: the median update is %.3g times the weights it changes, at learning rate %.3g", s.Number, m, s.LR),
	}, Advice: "The learning rate is far too high: lower it, and go back to the checkpoint before this step."}
}

func isB(name string) bool { return strings.Contains(name, "lora_B") }

// frozen: an update was applied and changed nothing.
func frozen(_ *Rules, s *Step, _ []trace.Finding) *trace.Finding {
	if !s.Applied || len(s.Tensors) == 0 || s.Values != 0 || !(s.Norm > 0) || !(s.LR > 0) {
		return nil
	}
	return &trace.Finding{ID: "FROZEN", Severity: trace.Error, Confidence: 0.97, Evidence: []string{
		fmt.Sprintf("step %d: gradient norm %.3g, learning rate %.3g, and no value of %d tensors changed", s.Number, s.Norm, s.LR, len(s.Tensors)),
	}, Advice: "The optimizer does not have the tensors that are trained, or its updates are below the precision they are kept in."}
}

// Figures under which a loss is too good to be one of the data, in the first epoch.
const (
	tooGoodLoss = 1e-3
	tooGoodNorm = 1e-3
)

// perfect: a loss of nothing within the first epoch, by which time no row was seen
// twice.
func perfect(_ *Rules, s *Step, found []trace.Finding) *trace.Finding {
	if cause(found) || s.Epoch != 0 || len(s.Rows) == 0 || !(s.CE < tooGoodLoss && s.Norm < tooGoodNorm && s.Norm > 0) {
		return nil
	}
	return &trace.Finding{ID: "CONST-EXAMPLE", Severity: trace.Warning, Confidence: 0.6, Evidence: []string{
		fmt.Sprintf("step %d: cross entropy %.2g and gradient norm %.2g within the first epoch", s.Number, s.CE, s.Norm),
	}, Advice: "It looks perfect before any row was seen twice: look whether all rows are the same, repeat the prompt, or leak into it."}
}
