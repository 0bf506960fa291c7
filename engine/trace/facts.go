package trace

import (
	"fmt"
	"math"
)

// Facts are what a log says for certain, line by line, whatever is wrong with it:
// which numbers are none, the learning rate's law, tokens, speed, evaluations.
func Facts(l *Log) []string { return newView(l).facts() }

func (v *view) facts() []string {
	var out []string
	if n := len(v.rows); n > 0 {
		line := fmt.Sprintf("%d logged losses, steps %d to %d", n, v.rows[0].step, v.rows[n-1].step)
		if total, ok := v.Number(MaxSteps); ok {
			line += fmt.Sprintf(" of %.0f", total)
		}
		if v.blank.zeros+v.blank.bad > 0 {
			line += fmt.Sprintf("; %d of them exactly 0.0, %d NaN or infinite", v.blank.zeros, v.blank.bad)
		}
		if v.blank.badNorms > 0 {
			line += fmt.Sprintf("; %d of %d gradient norms NaN or infinite", v.blank.badNorms, v.blank.norms)
		}
		out = append(out, line)
	}
	switch {
	case v.hasLaw:
		out = append(out, v.lawLine())
	case len(v.Series[LearningRate]) >= 3:
		out = append(out, "the learning rate follows no constant, linear or cosine law with any warm-up")
	}
	if v.hasCount {
		about := ""
		if !v.count.Exact {
			about = "about "
		}
		line := fmt.Sprintf("%s%s tokens, padding included", about, grouped(v.count.Tokens))
		if v.count.Sequences != "" {
			line += fmt.Sprintf(", for %s: %s", v.count.Sequences, v.count.each())
		}
		out = append(out, line+"; "+v.count.How)
	}
	if speed, ok := Speed(v.Log); ok {
		out = append(out, fmt.Sprintf("%s samples a second", number(speed)))
	}
	if len(v.Series[LearningRate]) > 0 {
		if n := len(v.Series[EvalLoss]); n > 0 {
			out = append(out, fmt.Sprintf("%d evaluations", n))
		} else {
			out = append(out, "no evaluation")
		}
	}
	return out
}

// Limits are what a foreign log cannot tell.
func Limits(l *Log) []string { return newView(l).limits() }

func (v *view) limits() []string {
	out := []string{
		"cannot tell: whether the end of the sequence (EOS) is trained, and which tokens are; look at one batch",
		"cannot tell: whether the saved weights are finite; look at the adapter or the model",
	}
	if !v.hasCount {
		out = append(out, "cannot tell: tokens per sequence; that needs total_flos and the base model's configuration (--model)")
	}
	if !v.hasLaw {
		out = append(out, "cannot tell: which law the learning rate followed; that needs three logged rates of one law")
	}
	if v.Args == nil {
		out = append(out, "cannot tell: the arguments of the trainer (remove_unused_columns, the NaN filter, fp16); they are in the event file beside it")
	}
	if len(v.Series[GradNorm]) == 0 {
		out = append(out, "cannot tell: whether gradients were finite; no norms were logged")
	}
	return out
}

// Speed is sequences a second; false where it is not known.
func Speed(l *Log) (float64, bool) {
	if x, ok := l.Number(SamplesPerSecond); ok && x > 0 {
		return x, true
	}
	batch, ok := l.Number(BatchSize)
	s := l.Series[LearningRate]
	if !ok || len(s) < 2 {
		return 0, false
	}
	accum := 1.0
	if a, ok := l.Args.Number("gradient_accumulation_steps"); ok && a >= 1 {
		accum = a
	}
	first, last := s[0], s[len(s)-1]
	seconds := last.Wall - first.Wall
	if first.Wall <= 0 || !(seconds > 0) {
		return 0, false
	}
	x := float64(last.Step-first.Step) * batch * accum / seconds
	return x, finite(x) && x > 0
}

// Siblings compares the speed of runs that lie together: one that is several times
// as fast as another probably consumed less.
func Siblings(logs []*Log) []Finding {
	slow, slowest := math.Inf(1), -1
	for i, l := range logs {
		if x, ok := Speed(l); ok && x < slow {
			slow, slowest = x, i
		}
	}
	var out []Finding
	for _, l := range logs {
		if x, ok := Speed(l); ok && x > 3*slow && len(l.Files) > 0 {
			out = Merge(out, finding(CollateEmpty, Warning, 0.5, "",
				fmt.Sprintf("%s ran at %s samples a second, %s at %s: %.1f times as fast", l.Files[0], number(x), logs[slowest].Files[0], number(slow), x/slow)))
		}
	}
	return out
}

// ComparePrompts compares the template that a model was trained with and the one
// that it is asked with.
func ComparePrompts(trained, asked string) (Finding, bool) {
	if trained == asked {
		return Finding{}, false
	}
	at := 0
	for at < len(trained) && at < len(asked) && trained[at] == asked[at] {
		at++
	}
	return finding(PromptDrift, Warning, 0.95, "",
		fmt.Sprintf("trained with %q", clipText(trained)), fmt.Sprintf("asked with %q", clipText(asked)), fmt.Sprintf("they differ from byte %d on", at)), true
}

func clipText(s string) string {
	const most = 200
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most]) + "..."
}

// Verdict is a log's or a file's diagnosis in a few sentences.
func Verdict(findings []Finding) string {
	worst, ok := Worst(findings)
	if !ok || worst == Note {
		return "nothing above a note was found"
	}
	first := findings[0]
	text := ""
	for _, f := range findings[1:] {
		if f.ID == LogFilter && f.Confidence >= 0.8 && len(f.Evidence) > 0 {
			text = "Loss 0.0 is not a loss: the trainer's NaN filter printed it (" + f.Evidence[0] + "). "
		}
	}
	title := first.ID
	if m, ok := ByID(first.ID); ok {
		title += ", " + m.Title
	}
	text += "Likeliest cause: " + title
	if len(first.Evidence) > 0 {
		text += ": " + first.Evidence[0]
	}
	return text + fmt.Sprintf(". Confidence %.2f.", first.Confidence)
}
