package trace

import (
	"fmt"
	"math"
	"slices"
)

// Below these a loss in nats and a gradient norm are too good to be true within
// the first epoch.
const (
	tooLowLoss = 1e-3
	tooLowNorm = 5e-3
)

// tooGood finds runs that look perfect.
func tooGood(v *view) []Finding {
	soon, ever, at := v.perfect()
	same := v.hasCount && v.count.Whole >= fewTokens
	sameUnknown, checkpoints := false, 0
	if !v.hasCount {
		checkpoints, sameUnknown = v.SameLength()
	}
	if !soon && !same && !sameUnknown {
		return nil
	}
	var evidence []string
	if soon || ever {
		evidence = append(evidence, at)
	}
	length := ""
	switch {
	case same:
		t := v.count
		length = fmt.Sprintf("%s tokens for %s: %s, to the last token", grouped(t.Tokens), t.Sequences, t.each())
		if t.Checkpoints > 1 {
			length += fmt.Sprintf(", at each of %d checkpoints", t.Checkpoints)
		}
		evidence = append(evidence, length, "tokens from "+t.How)
	case sameUnknown:
		length = fmt.Sprintf("total_flos is in exact proportion to the sequences at %d checkpoints: all have the same length", checkpoints)
		evidence = append(evidence, length)
	}
	padded := same && v.paddedTo(v.count.Whole)
	switch {
	case soon && (same || sameUnknown) && !padded:
		return []Finding{finding(ConstExample, Error, 0.95, "", evidence...)}
	case ever && (same || sameUnknown) && !padded:
		return []Finding{finding(ConstExample, Error, 0.85, "", evidence...)}
	case soon:
		why := "the length of the sequences is not known"
		confidence := 0.6
		if padded {
			why, confidence = fmt.Sprintf("sequences of %d tokens are padded or packed to that length, which says nothing about their content", v.count.Whole), 0.55
		} else if v.hasCount {
			why, confidence = fmt.Sprintf("sequences have %s, so they are not all the same", v.count.each()), 0.35
		}
		out := []Finding{
			finding(ConstExample, Warning, confidence, "", append(evidence, why)...),
			finding(ShiftTwice, Warning, 0.4, "Check that labels are not equal to the inputs at the same position after the shift: a model that sees its answer has no loss.", "labels that are not shifted are learned as fast: the answer is in the input"),
		}
		if padded {
			out = append(out, finding(PadTrained, Warning, 0.45, "", fmt.Sprintf("padding up to %d tokens, if it is trained, is most of the loss and learned at once", v.count.Whole)))
		}
		return out
	case padded:
		return []Finding{finding(PadID, Note, 0.3, "Nothing, if padding is masked by length and labelled -100.", length, "padding to a fixed length or packing does that: normal by itself")}
	}
	if v.blank.from == 0 {
		return nil // there are no losses to look at, and a better explanation
	}
	// A length that nobody chooses is a sign of one constant row even if the loss is
	// not perfect yet. At one checkpoint the mean may be a whole number by chance.
	severity, confidence := Note, 0.3
	if v.count.Checkpoints > 1 && v.count.Exact || checkpoints > 2 {
		severity, confidence = Warning, 0.6
	}
	return []Finding{finding(ConstExample, severity, confidence, "Decode two rows of a batch and compare them. If you pad to this length, it is normal.", evidence...)}
}

// paddedTo reports whether a length is one that people pad or pack to.
func (v *view) paddedTo(n int) bool {
	for _, key := range []string{"max_length", "max_seq_length", "block_size", "model_max_length", "generation_max_length"} {
		if x, ok := v.Args.Number(key); ok && int(x) == n {
			return true
		}
	}
	return n >= 32 && n%32 == 0 || n >= 100 && n%50 == 0
}

// perfect reports whether loss and norm are next to nothing at some step, and
// whether that is within the first epoch.
func (v *view) perfect() (soon, ever bool, text string) {
	first, ok := v.firstReal()
	for i, r := range v.rows {
		if !finite(r.loss) || r.loss < 0 || !(r.loss < tooLowLoss) || r.hasNorm && !(finite(r.norm) && r.norm > 0 && r.norm < tooLowNorm) {
			continue
		}
		if !r.hasNorm && r.loss == 0 {
			continue // more likely a substitute
		}
		if !ok || first.loss < 20*r.loss && i > 0 {
			return false, false, ""
		}
		where := fmt.Sprintf("at step %d", r.step)
		if r.hasE {
			where += fmt.Sprintf(", epoch %.2f", r.epoch)
			soon = r.epoch <= 1.001
		} else {
			soon = v.LastStep() > 0 && 3*r.step <= v.LastStep()
		}
		text = fmt.Sprintf("the loss goes from %s to %s%s %s", number(first.loss), number(r.loss), v.place(r), where)
		if r.hasNorm {
			text += fmt.Sprintf(", the gradient norm is %s there", number(r.norm))
		}
		if soon {
			text += ": nothing is left to learn before every row was seen once"
		}
		return soon, true, text
	}
	return false, false, ""
}

// firstReal is the first row with a loss that is one.
func (v *view) firstReal() (row, bool) {
	for _, r := range v.rows {
		if finite(r.loss) && r.loss > 0 {
			return r, true
		}
	}
	return row{}, false
}

// real are the losses that are numbers above zero, with their rows.
func (v *view) real() []row {
	var out []row
	for _, r := range v.rows {
		if finite(r.loss) && r.loss > 0 {
			out = append(out, r)
		}
	}
	return out
}

// median of finite values; x is sorted by it.
func median(x []float64) float64 {
	slices.Sort(x)
	n := len(x)
	if n == 0 {
		return math.NaN()
	}
	return (x[(n-1)/2] + x[n/2]) / 2
}

// Spikes are measured against this many neighbours on each side.
const spikeReach = 5

// maxSpikes bounds how many spikes are named.
const maxSpikes = 3

// spikes finds single losses far above their neighbours. Ratios are compared, and
// a jump has to matter on the scale of the whole curve: late in a run tiny losses
// jump by themselves.
func spikes(v *view) []Finding {
	rows := v.real()
	if len(rows) < 2*spikeReach+1 {
		return nil
	}
	start := make([]float64, 0, spikeReach)
	for _, r := range rows[:spikeReach] {
		start = append(start, r.loss)
	}
	scale := median(start)
	logs := make([]float64, len(rows))
	for i, r := range rows {
		logs[i] = math.Log(r.loss)
	}
	// The level at a row is that of the neighbours on its higher side, so that a
	// steep fall is none.
	level := make([]float64, len(rows))
	away := make([]float64, 0, len(rows))
	for i := range rows {
		before := median(slices.Clone(logs[max(0, i-spikeReach):i]))
		after := median(slices.Clone(logs[i+1 : min(len(logs), i+1+spikeReach)]))
		level[i] = max(before, after)
		if finite(level[i]) {
			away = append(away, math.Abs(logs[i]-(before+after)/2))
		}
	}
	spread := max(1.4826*median(away), 0.03)
	var evidence []string
	n := 0
	for i := 2; i+2 < len(rows); i++ {
		near := math.Exp(level[i])
		if (logs[i]-level[i])/spread > 8 && rows[i].loss > 2.5*near && rows[i].loss-near > 0.5*scale {
			if n++; n <= maxSpikes {
				evidence = append(evidence, fmt.Sprintf("step %d%s: loss %s among neighbours around %s", rows[i].step, v.place(rows[i]), number(rows[i].loss), number(near)))
			}
		}
	}
	if n == 0 {
		return nil
	}
	if n > maxSpikes {
		evidence = append(evidence, fmt.Sprintf("and %d more", n-maxSpikes))
	}
	return []Finding{finding(Spike, Warning, 0.7, "", evidence...)}
}

// rising finds a loss that leaves its range upwards and stays there.
func rising(v *view) []Finding {
	rows := v.real()
	if len(rows) < 8 || v.blank.from < len(v.rows) {
		return nil
	}
	if every := len(rows) / 1000; every > 1 { // as many are enough to see it
		few := make([]row, 0, 1001)
		for i := len(rows) - 1; i >= 0; i -= every {
			few = append(few, rows[i])
		}
		slices.Reverse(few)
		rows = few
	}
	tail := max(3, len(rows)/8)
	end := make([]float64, 0, tail)
	for _, r := range rows[len(rows)-tail:] {
		end = append(end, r.loss)
	}
	best := math.Inf(1)
	for i := 0; i+tail <= len(rows)-tail; i++ {
		window := make([]float64, 0, tail)
		for _, r := range rows[i : i+tail] {
			window = append(window, r.loss)
		}
		best = min(best, median(window))
	}
	last := median(end)
	first := rows[0].loss
	if !(last > 1.5*best) || !(last-best > 0.25*first) {
		return nil
	}
	evidence := []string{fmt.Sprintf("the loss was down to %s and ends at %s (medians of %d logs)", number(best), number(last), tail)}
	confidence := 0.6
	if last > first {
		evidence = append(evidence, fmt.Sprintf("that is above the first, %s", number(first)))
		confidence = 0.75
	}
	return []Finding{finding(LRDiverge, Warning, confidence, "", evidence...)}
}

// stuck finds a loss that does not move.
func stuck(v *view) []Finding {
	rows := v.real()
	if len(rows) < 8 || len(rows) < len(v.rows) {
		return nil
	}
	low, high := math.Inf(1), 0.0
	norms, zero := 0, 0
	for _, r := range rows {
		low, high = min(low, r.loss), max(high, r.loss)
		if r.hasNorm && finite(r.norm) {
			if norms++; r.norm == 0 {
				zero++
			}
		}
	}
	if norms > 0 && zero == norms {
		return []Finding{finding(LoRABoth0, Error, 0.9, "", fmt.Sprintf("the gradient norm is exactly 0 in all %d windows, and the losses are real, from %s to %s: nothing that is trained has a gradient", norms, number(low), number(high)))}
	}
	if high-low > 1e-3*high || high < 0.01 {
		return nil
	}
	return []Finding{finding(FP16Underflow, Warning, 0.6, "", fmt.Sprintf("the loss stays between %s and %s over %d windows though there is a gradient: the updates do not reach the weights, or the learning rate is next to 0", number(low), number(high), len(rows)))}
}

// maxLnVocab is ln of the largest vocabulary in use, about.
const maxLnVocab = 12.5

// firstLoss compares the first loss with that of guessing.
func firstLoss(v *view) []Finding {
	rows := v.real()
	if len(rows) == 0 || v.Tool == Hone {
		return nil
	}
	vocab, known := v.Model.Number("vocab_size")
	guess := maxLnVocab
	if known && vocab > 1 {
		guess = math.Log(vocab)
	} else {
		known = false
	}
	first := rows[0]
	said := fmt.Sprintf("ln(%.0f) = %.2f", vocab, guess)
	if !known {
		said = fmt.Sprintf("%.1f, that of the largest vocabularies", guess)
	}
	_, summed := v.accumulated()
	switch {
	case first.loss > guess+1 && !summed:
		return []Finding{finding(OOVLabel, Warning, 0.5, "", fmt.Sprintf("the first loss is %s%s, worse than guessing: %s", number(first.loss), v.place(first), said),
			"a loss that is multiplied by the accumulated batches looks the same: divide it by gradient_accumulation_steps")}
	case known && len(rows) >= 8 && first.loss > guess-0.7 && rows[len(rows)-1].loss > 0.85*guess:
		return []Finding{finding(ShiftTwice, Warning, 0.5, "", fmt.Sprintf("the loss begins at %s and ends at %s, near that of guessing: %s", number(first.loss), number(rows[len(rows)-1].loss), said))}
	}
	return nil
}

// pair is an evaluation and the training loss logged at or before it.
type pair struct {
	eval  Sample
	train row
}

func (v *view) evalPairs() []pair {
	var out []pair
	real := v.real()
	j := 0
	for _, e := range v.Series[EvalLoss] {
		for j < len(real) && real[j].step <= e.Step {
			j++
		}
		if j > 0 && finite(e.Value) && e.Value > 0 {
			out = append(out, pair{e, real[j-1]})
		}
	}
	return out
}

// accumulated reports whether the training loss is a whole number of times that of
// the evaluation, the same number at the last evaluations: a sum over the
// accumulated batches in place of their mean.
func (v *view) accumulated() (Finding, bool) {
	pairs := v.evalPairs()
	if len(pairs) < 3 {
		return Finding{}, false
	}
	var ratios []float64
	for _, p := range pairs[len(pairs)-3:] {
		ratios = append(ratios, p.train.loss/p.eval.Value)
	}
	low, high := slices.Min(ratios), slices.Max(ratios)
	ratio := median(ratios)
	if !(low > 1.8) || !(high < 1.15*low) {
		return Finding{}, false
	}
	last := pairs[len(pairs)-1]
	evidence := []string{fmt.Sprintf("at the last 3 of %d evaluations the training loss is %s times the evaluation's, as %s%s to %s at step %d",
		len(pairs), number(ratio), number(last.train.loss), v.place(last.train), number(last.eval.Value), last.eval.Step)}
	confidence := 0.0
	if a, known := v.Args.Number("gradient_accumulation_steps"); known {
		if a < 2 || math.Abs(ratio/a-1) > 0.2 {
			return Finding{}, false
		}
		evidence, confidence = append(evidence, fmt.Sprintf("gradient_accumulation_steps = %.0f", a)), 0.9
	} else {
		near := math.Exp2(math.Round(math.Log2(ratio)))
		if near < 4 || math.Abs(ratio/near-1) > 0.15 {
			return Finding{}, false
		}
		evidence, confidence = append(evidence, fmt.Sprintf("that is about %.0f, a usual number of accumulated batches; the arguments are not in this log", near)), 0.65
	}
	return finding(AccumNorm, Warning, confidence, "Read the training loss divided by the accumulated batches; check that the trainer divides the gradient too, or the learning rate is as many times too high. Later versions of transformers do.", evidence...), true
}

// leak compares the evaluation's loss with that of training at the same step.
func leak(v *view) []Finding {
	if f, ok := v.accumulated(); ok {
		return []Finding{f}
	}
	pairs := v.evalPairs()
	if len(pairs) < 2 {
		return nil
	}
	last := pairs[len(pairs)-1]
	if !(last.eval.Value < 0.3*last.train.loss) {
		return nil
	}
	return []Finding{finding(DupLeak, Note, 0.3, "", fmt.Sprintf("at step %d the evaluation's loss is %s, that of training %s%s: rows of the evaluation may be among those trained on; dropout and a mean over a window do less", last.eval.Step, number(last.eval.Value), number(last.train.loss), v.place(last.train)))}
}
