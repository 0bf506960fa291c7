package trace

import "fmt"

// blanks counts what a log has in place of losses and norms.
type blanks struct {
	zeros        int // losses of exactly 0
	firstZero    int // index of the first; -1: none
	bad          int // losses that are not finite
	firstBad     int
	badNorms     int
	firstBadNorm int
	zeroNorms    int
	norms        int // rows with a norm
	// from is the first row from which on every loss is 0 or no number; len(rows):
	// the last one is neither.
	from int
	// badNormsFrom is the same for norms that are not finite.
	badNormsFrom int
}

func countBlanks(rows []row) blanks {
	b := blanks{firstZero: -1, firstBad: -1, firstBadNorm: -1, from: len(rows), badNormsFrom: len(rows)}
	for i, r := range rows {
		switch {
		case !finite(r.loss):
			if b.bad++; b.firstBad < 0 {
				b.firstBad = i
			}
		case r.loss == 0:
			if b.zeros++; b.firstZero < 0 {
				b.firstZero = i
			}
		}
		if !r.hasNorm {
			continue
		}
		b.norms++
		switch {
		case !finite(r.norm):
			if b.badNorms++; b.firstBadNorm < 0 {
				b.firstBadNorm = i
			}
		case r.norm == 0:
			b.zeroNorms++
		}
	}
	for i := len(rows) - 1; i >= 0 && (!finite(rows[i].loss) || rows[i].loss == 0); i-- {
		b.from = i
	}
	for i := len(rows) - 1; i >= 0 && rows[i].hasNorm && !finite(rows[i].norm); i-- {
		b.badNormsFrom = i
	}
	return b
}

// blankLoss looks at losses of exactly 0.0, and at runs without a number from the
// first log on.
func blankLoss(v *view) []Finding {
	b, rows := v.blank, v.rows
	var out []Finding
	if b.zeros > 0 {
		out = append(out, v.zeros()...)
	}
	if b.from == 0 && (b.zeros > 0 || b.bad > 0) && !v.rounded() {
		out = append(out, v.neverTrained(rows[0], rows[len(rows)-1])...)
	}
	return out
}

// rounded reports whether the zeros are small losses without their digits: finite
// norms that are not zero beside them.
func (v *view) rounded() bool {
	for _, r := range v.rows {
		if r.loss == 0 && (!r.hasNorm || !finite(r.norm) || r.norm == 0) {
			return false
		}
	}
	return v.blank.zeros > 0
}

// zeros says what a printed 0.0 is.
func (v *view) zeros() []Finding {
	b, rows := v.blank, v.rows
	where := fmt.Sprintf("%d of %d logged losses are exactly 0.0, the first at step %d%s", b.zeros, len(rows), rows[b.firstZero].step, v.place(rows[b.firstZero]))
	if v.rounded() {
		return []Finding{finding(LogRound, Note, 0.8, "", where, "the gradient norms beside them are finite and not zero: the losses were rounded to four decimals")}
	}
	if v.Tool == Hone {
		return []Finding{finding(MaskAll, Error, 0.7, "", where)}
	}
	nan, none := 0, 0
	for _, r := range rows {
		switch {
		case r.loss != 0 || !r.hasNorm:
		case !finite(r.norm):
			nan++
		case r.norm == 0:
			none++
		}
	}
	evidence := []string{where}
	confidence := 0.8
	if nan > 0 {
		evidence = append(evidence, fmt.Sprintf("the gradient norm is NaN or infinite beside %d of them: what was computed was no number, 0.0 is what the trainer's NaN filter puts in its place", nan))
		confidence = 0.99
	}
	if none > 0 {
		evidence = append(evidence, fmt.Sprintf("the gradient norm is exactly 0 beside %d of them: nothing was learned in these windows", none))
		confidence = max(confidence, 0.9)
	}
	if on, known := v.Args.Bool("logging_nan_inf_filter"); known {
		evidence = append(evidence, fmt.Sprintf("logging_nan_inf_filter = %v", on))
		if !on {
			confidence = 0.2 // then it is no substitute
		}
	}
	return []Finding{finding(LogFilter, Warning, confidence, "", evidence...)}
}

// neverTrained is about a run without a real loss from its first log to its last.
func (v *view) neverTrained(first, last row) []Finding {
	b, n := v.blank, len(v.rows)
	evidence := []string{fmt.Sprintf("no real loss in any of %d logged windows, %s", n, v.span(first, last))}
	how := 0.8
	switch {
	case b.norms > 0 && b.badNorms == b.norms:
		evidence = append(evidence, "the gradient norm is NaN from the first log on: 0/0 where the backward pass multiplies by it, as on Apple MPS or with a hand-written sum/count (inferred from source code; the log does not name the device)")
		how = 0.85
	case b.norms > 0 && b.zeroNorms == b.norms:
		evidence = append(evidence, "the gradient norm is exactly 0 from the first log on: a batch without targets on a CPU or CUDA, which skip ignored rows")
		how = 0.85
	case b.norms == 0:
		evidence = append(evidence, "gradient norms were not logged")
	}
	if b.norms > 0 && b.badNorms != b.norms && b.zeroNorms != b.norms {
		evidence, how = append(evidence, fmt.Sprintf("the gradient norm is NaN in %d and 0 in %d of %d windows", b.badNorms, b.zeroNorms, b.norms)), 0.6
	}
	if n < 2 {
		how -= 0.2
	}
	advice := "Print one batch from the training dataloader, decode it, and count the labels that are not -100: there will be none. Compare the loss of that very batch with what the loop reports."
	short := v.hasCount && v.count.High < fewTokens
	known := v.hasCount && v.count.Low >= fewTokens
	out := []Finding{}
	switch {
	case short:
		// shortSequences names the cause; this is what follows from it.
		out = append(out, finding(MaskAll, Error, 0.8, advice, evidence...))
	case known:
		evidence = append(evidence, fmt.Sprintf("sequences have %s: the text arrives, its labels do not", v.count.each()))
		out = append(out, finding(MaskAll, Error, how+0.05, advice, evidence...),
			finding(TemplateMiss, Warning, 0.4, "", "a response marker that is not found masks whole rows"))
	default:
		out = append(out, finding(MaskAll, Error, how, advice, evidence...),
			finding(CollateEmpty, Warning, v.columnsDropped(0.5), "", v.columnsEvidence("tokens per sequence are not known: dropped columns are the commonest reason for a batch without targets")...))
	}
	if b.norms > 0 && b.zeroNorms == b.norms {
		out = append(out, finding(LoRABoth0, Warning, 0.3, "", "loss and norm of 0 are also what a model gives whose trained weights are not in the graph"))
	}
	if b.norms == 0 || b.badNorms > 0 {
		out = append(out, finding(WeightNaNFile, Note, 0.15, "", "weights that are NaN in the file give NaN from the first step too: look at the base model with hone doctor"))
	}
	return out
}

// columnsDropped is how likely it is that the trainer dropped the columns.
func (v *view) columnsDropped(base float64) float64 {
	if on, known := v.Args.Bool("remove_unused_columns"); known {
		if on {
			return min(base+0.15, 0.97)
		}
		return base / 3
	}
	return base
}

func (v *view) columnsEvidence(first string) []string {
	out := []string{first}
	if on, known := v.Args.Bool("remove_unused_columns"); known {
		out = append(out, fmt.Sprintf("remove_unused_columns = %v", on))
	} else {
		out = append(out, "remove_unused_columns is not in this log; its default is True")
	}
	return out
}

// fewTokens is the number of tokens per sequence under which no row can be whole.
const fewTokens = 4

// each says how many tokens a sequence has.
func (t TokenCount) each() string {
	switch {
	case t.Whole == 1:
		return "exactly one token each"
	case t.Whole > 0:
		return fmt.Sprintf("exactly %d tokens each", t.Whole)
	case t.Low > 0 && t.High-t.Low < 0.05:
		return fmt.Sprintf("%.1f tokens on average", t.Low)
	case t.Low > 0:
		return fmt.Sprintf("%.1f to %.1f tokens on average", t.Low, t.High)
	}
	return fmt.Sprintf("at most %.1f tokens on average", t.High)
}

// shortSequences finds sequences too short to hold a row.
func shortSequences(v *view) []Finding {
	t := v.count
	if !(t.High < fewTokens) {
		return nil
	}
	about := ""
	if !t.Exact {
		about = "about "
	}
	evidence := v.columnsEvidence(fmt.Sprintf("the run consumed %s%s tokens for %s: %s", about, grouped(t.Tokens), t.Sequences, t.each()))
	evidence = append(evidence, "tokens from "+t.How)
	confidence := 0.9
	if v.blank.from == 0 && v.blank.zeros+v.blank.bad > 0 {
		confidence = 0.97
		if v.blank.badNorms > 0 {
			evidence = append(evidence, "one token leaves no target after the causal shift, the mean is 0/0; a backend such as Apple MPS only turned that into NaN gradients")
		} else {
			evidence = append(evidence, "one token leaves no target after the causal shift, so nothing is learned")
		}
	}
	if on, known := v.Args.Bool("remove_unused_columns"); known && !on {
		confidence -= 0.2
	}
	return []Finding{finding(CollateEmpty, Error, confidence, "", evidence...)}
}

// noTargets looks at the targets that a run counted.
func noTargets(v *view) []Finding {
	first, n := Sample{}, 0
	for _, s := range v.Series[Targets] {
		if s.Value == 0 {
			if n == 0 {
				first = s
			}
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return []Finding{finding(MaskAll, Error, 1, "", fmt.Sprintf("%d of %d steps have no supervised token, the first is step %d (%s)", n, len(v.Series[Targets]), first.Step, v.At(first.Ref)))}
}
