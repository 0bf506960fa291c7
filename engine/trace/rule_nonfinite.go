package trace

import (
	"fmt"
	"math"
	"slices"
)

// blowUp is about a run that was sane and has no numbers any more from some row to
// its end: losses that are NaN or filtered to 0, or norms that are not finite.
func blowUp(v *view) []Finding {
	b, rows := v.blank, v.rows
	at := b.from
	if b.badNormsFrom < at && b.badNormsFrom > 0 && len(rows)-b.badNormsFrom >= 3 {
		// A finite loss beside norms that are NaN to the end.
		at = b.badNormsFrom
	}
	if at == 0 || at >= len(rows) || v.rounded() {
		return nil
	}
	r := rows[at]
	switch {
	case b.from == at && v.stickyAt(at):
		return nil
	case r.hasNorm && finite(r.norm) && r.norm != 0 && r.loss == 0:
		return nil // a single window at the end
	case finite(r.loss) && r.loss != 0 && b.from > at:
		if v.backwardOnly() {
			return nil
		}
	}
	evidence := []string{fmt.Sprintf("%d logged windows are sane, then none is: from step %d%s on the loss is %s and the gradient norm %s", at, r.step, v.place(r), shown(r.loss), normText(r))}
	if len(rows)-at == 1 {
		evidence = append(evidence, "it is the last log: the run may have ended there, or been stopped")
	}
	evidence = append(evidence, fmt.Sprintf("the first bad step lies between %d and %d", rows[at-1].step+1, r.step))
	if v.Tool != Hone {
		evidence = append(evidence, "whatever was saved after that is suspect: scan it with hone doctor")
	}
	half, known := v.Args.Bool("fp16")
	rise, words := v.risingBefore(at)
	if words != "" {
		evidence = append(evidence, words)
	}
	var out []Finding
	switch {
	case rise:
		out = append(out, finding(LRDiverge, Error, 0.75, "", evidence...))
		if half {
			out = append(out, finding(FP16Overflow, Warning, 0.5, "", "fp16 = true"))
		}
	case half:
		out = append(out, finding(FP16Overflow, Error, 0.65, "", append(evidence, "fp16 = true, and no rise came before it")...))
	default:
		more := "no rise of loss or norm came before it: one batch or one operation did it"
		if known {
			more += " (fp16 = false)"
		}
		out = append(out, finding(ActInf, Error, 0.5, "Look at the batch of the first bad step and at what was computed from it: set logging_steps=1 and logging_nan_inf_filter=False and run up to it again.", append(evidence, more)...),
			finding(MaskAll, Warning, 0.35, "", "one batch without a target is enough where its gradient is NaN: the update spreads it to every weight"))
		if !known {
			out = append(out, finding(FP16Overflow, Warning, 0.3, "", "the dtype is not in this log"))
		}
	}
	return out
}

// shown is a logged value as the log shows it.
func shown(x float64) string {
	switch {
	case math.IsNaN(x):
		return "NaN"
	case math.IsInf(x, 1):
		return "+Inf"
	case math.IsInf(x, -1):
		return "-Inf"
	case x == 0:
		return "0.0"
	}
	return number(x)
}

func normText(r row) string {
	if !r.hasNorm {
		return "not logged"
	}
	return shown(r.norm)
}

// risingBefore reports whether loss or norm rose before a row, and says how.
func (v *view) risingBefore(at int) (bool, string) {
	var losses, norms []float64
	for _, r := range v.rows[max(0, at-12):at] {
		if finite(r.loss) && r.loss != 0 {
			losses = append(losses, r.loss)
		}
		if r.hasNorm && finite(r.norm) {
			norms = append(norms, r.norm)
		}
	}
	if rose(losses, 1.3) {
		return true, fmt.Sprintf("before it the loss rose from %s to %s", number(slices.Min(losses)), number(losses[len(losses)-1]))
	}
	if rose(norms, 4) {
		return true, fmt.Sprintf("before it the gradient norm rose from %s to %s", number(slices.Min(norms)), number(norms[len(norms)-1]))
	}
	return false, ""
}

// rose reports whether values end above factor times their least, having grown at
// most steps since.
func rose(x []float64, factor float64) bool {
	if len(x) < 3 {
		return false
	}
	low := slices.Index(x, slices.Min(x))
	tail := x[low:]
	if len(tail) < 3 || !(tail[len(tail)-1] > factor*tail[0]) {
		return false
	}
	up := 0
	for i := 1; i < len(tail); i++ {
		if tail[i] > tail[i-1] {
			up++
		}
	}
	return 3*up >= 2*(len(tail)-1)
}

// stickyAt reports whether losses are NaN from a row to the end while the norms
// after it are finite and not zero.
func (v *view) stickyAt(at int) bool {
	sound := 0
	for _, r := range v.rows[at:] {
		if finite(r.loss) {
			return false
		}
		if r.hasNorm && finite(r.norm) && r.norm > 0 {
			sound++
		}
	}
	rest := len(v.rows) - at
	return rest >= 2 && 2*sound >= rest
}

// sticky finds a log that stays NaN though the run went on.
func sticky(v *view) []Finding {
	at := v.blank.from
	if at >= len(v.rows) || v.blank.bad == 0 || !v.stickyAt(at) {
		return nil
	}
	r := v.rows[at]
	before := 0
	if at > 0 {
		before = v.rows[at-1].step
	}
	evidence := []string{
		fmt.Sprintf("the loss is NaN in all %d windows from step %d%s on", len(v.rows)-at, r.step, v.place(r)),
		fmt.Sprintf("the gradient norms there are finite, the last is %s: the weights were not poisoned", normText(v.rows[len(v.rows)-1])),
		fmt.Sprintf("one step between %d and %d was NaN; the trainer's running sum stayed NaN after it (NaN - NaN)", before+1, r.step),
	}
	confidence := 0.95
	if on, known := v.Args.Bool("logging_nan_inf_filter"); known {
		evidence = append(evidence, fmt.Sprintf("logging_nan_inf_filter = %v", on))
		if on {
			confidence = 0.7
		}
	}
	return []Finding{
		finding(LogSticky, Warning, confidence, "", evidence...),
		finding(MaskAll, Warning, 0.5, "Look at the batches of these steps: one of them probably has no target.", fmt.Sprintf("a step whose loss is NaN and whose gradient is not has a batch without targets (0/0), steps %d to %d", before+1, r.step)),
	}
}

// backwardOnly reports whether the losses are plausible and every norm is NaN.
func (v *view) backwardOnly() bool {
	b := v.blank
	return b.norms >= 2 && b.badNorms == b.norms && b.zeros == 0 && b.bad == 0
}

// scalerSteps is how long a loss scaler may look for its scale.
const scalerSteps = 25

// badNorms looks at norms that are not finite beside losses that are.
func badNorms(v *view) []Finding {
	b, rows := v.blank, v.rows
	if v.backwardOnly() {
		return []Finding{finding(Log0, Error, 0.6, "", fmt.Sprintf("the losses of all %d windows are plausible, and every gradient norm is NaN or infinite: it arises in the backward pass", b.norms),
			"a masked logarithm or a root of zero does that; so does a filter that hides losses which are NaN in part of every window")}
	}
	// Those beside plausible losses, apart from a blow-up to the end.
	end := min(b.from, len(rows))
	if b.badNormsFrom > 0 && len(rows)-b.badNormsFrom >= 3 {
		end = min(end, b.badNormsFrom)
	}
	var bad []row
	for _, r := range rows[:end] {
		if r.hasNorm && !finite(r.norm) {
			bad = append(bad, r)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	half, known := v.Args.Bool("fp16")
	early := max(scalerSteps, rows[0].step)
	last := bad[len(bad)-1]
	plausible := !slices.ContainsFunc(bad, func(r row) bool { return !finite(r.loss) || r.loss == 0 })
	where := fmt.Sprintf("the gradient norm is not finite in %d of %d windows, %s", len(bad), b.norms, v.span(bad[0], last))
	if v.Tool != Hone && plausible && (half || !known) && (last.step <= early || half && 50*len(bad) <= b.norms) {
		evidence := []string{where, "the losses there are finite and the run goes on: the loss scaler skipped these steps"}
		confidence := 0.95
		if !known {
			evidence, confidence = append(evidence, "the dtype is not in this log; with bf16 or float32 this would be no scaler"), 0.7
		}
		return []Finding{finding(FP16ScalerWarmup, Note, confidence, "", evidence...)}
	}
	if v.Tool == Hone {
		return []Finding{finding(NonFinite, Warning, 0.9, "", where)}
	}
	evidence := []string{where, "the losses beside them look plausible: where a window is NaN only in part, the filter prints a mean of the rest, which is too low"}
	if dip, text := v.dips(bad); dip {
		evidence = append(evidence, text)
	}
	if known {
		evidence = append(evidence, fmt.Sprintf("fp16 = %v", half))
	}
	if on, known := v.Args.Bool("logging_nan_inf_filter"); known {
		evidence = append(evidence, fmt.Sprintf("logging_nan_inf_filter = %v", on))
	}
	out := []Finding{
		finding(LogFilter, Warning, 0.9, "Do not trust the losses of these windows. Set logging_nan_inf_filter=False and logging_steps=1 to see which steps are NaN.", evidence...),
		finding(MaskAll, Warning, 0.5, "Look at the batches of these steps: rows without a target give NaN now and then.", "a few batches without a target make some windows NaN and leave the others alone"),
	}
	if half {
		out = append(out, finding(FP16Overflow, Warning, 0.45, "", "fp16 = true, and the scaler has had time to find its scale"))
	}
	return out
}

// dips compares the losses of bad windows with their neighbours.
func (v *view) dips(bad []row) (bool, string) {
	low, n := 0, 0
	for _, b := range bad {
		i := slices.IndexFunc(v.rows, func(r row) bool { return r.step == b.step })
		if i < 1 || i+1 >= len(v.rows) {
			continue
		}
		x, y := v.rows[i-1], v.rows[i+1]
		if finite(x.loss) && finite(y.loss) && finite(b.loss) {
			if n++; b.loss < min(x.loss, y.loss) {
				low++
			}
		}
	}
	return n > 0 && 2*low > n, fmt.Sprintf("%d of %d of these windows have a loss below both neighbours", low, n)
}
