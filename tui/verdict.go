package tui

import (
	"fmt"
	"strings"
	"time"

	"hone/runs"
)

// verdict sums a run up in one sentence with numbers: how it ended, its best
// evaluation and whether that was still rising, how often gradients were clipped,
// what was found, and how long it took.
func (f *trainFeed) verdict(state string, info runs.RunInfo) string {
	var parts []string
	switch state {
	case runs.Finished:
		n := max(info.Step, f.last.step)
		if info.Early != "" {
			parts = append(parts, fmt.Sprintf("finished, early, after %d of %s", n, plural(info.Steps, "step")), info.Early)
		} else {
			parts = append(parts, fmt.Sprintf("finished after %s", plural(n, "step")))
		}
	case runs.Stopped, runs.Failed:
		parts = append(parts, fmt.Sprintf("%s after step %d of %d", state, info.Step, info.Steps))
	default:
		parts = append(parts, fmt.Sprintf("%s at step %d of %d", state, info.Step, info.Steps))
	}
	if best, ok := f.best(); ok {
		parts = append(parts, f.bestText(best))
	} else if f.steps > 0 {
		parts = append(parts, "loss "+figure(f.last.loss)+", no evaluation")
	}
	if f.clip > 0 && f.steps > 0 {
		if f.clipped == 0 {
			parts = append(parts, "gradients never clipped")
		} else {
			parts = append(parts, "gradients clipped in "+percent(f.clipped, f.steps)+" of steps")
		}
	}
	if f.nonFinite > 0 {
		parts = append(parts, plural(f.nonFinite, "step")+" not finite")
	}
	if f.alerts == 0 {
		parts = append(parts, "no alerts")
	} else {
		parts = append(parts, plural(f.alerts, "alert"))
	}
	if sec := float64(info.ElapsedSeconds); finite(sec) && sec > 0 && sec < 1e9 {
		parts = append(parts, "took "+clock(time.Duration(sec*float64(time.Second))))
	}
	return strings.Join(parts, "; ")
}

// bestText is the best evaluation, what it began from, and whether more training
// was still making it better.
func (f *trainFeed) bestText(best evalPoint) string {
	if best.n == 0 { // nothing was generated
		return fmt.Sprintf("lowest loss %s at step %d", figure(best.loss), best.step)
	}
	text := fmt.Sprintf("best %s %s at step %d", f.bestName(), f.bestFigure(best), best.step)
	first, last := f.scores[0], f.scores[len(f.scores)-1]
	if first.step < best.step && f.better(best, first) {
		text += fmt.Sprintf(" (%s at step %d)", f.bestFigure(first), first.step)
	}
	if f.by != "" && f.by != runs.ScoreExact {
		text += ", exact " + shareText(best.exact)
	}
	text += fmt.Sprintf(", valid %s, field %s", shareText(best.valid), shareText(best.field))
	switch {
	case len(f.scores) == 1:
	case best.step == last.step && f.better(last, f.scores[len(f.scores)-2]):
		text += ", still " + f.bestVerb() + " at the end"
	case best.step == last.step:
		text += ", no longer " + f.bestVerb() + " at the end"
	default:
		text += fmt.Sprintf(", not better in the %s after it", plural(len(f.scores)-1-f.indexOf(best), "evaluation"))
	}
	return text
}

// indexOf is the place of an evaluation among all.
func (f *trainFeed) indexOf(p evalPoint) int {
	for i := range f.scores {
		if f.scores[i].step == p.step {
			return i
		}
	}
	return len(f.scores) - 1
}
