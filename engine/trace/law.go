package trace

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Law is a learning rate as a function of the step.
type Law struct {
	Kind   string  // "constant", "linear", "cosine"
	Peak   float64 // the rate after the warm-up
	Warmup int     // steps of the warm-up
	Steps  int     // steps that the law is stretched over
	// Lag is how many steps the rate is behind at the end: a loss scaler that skips
	// a step skips the schedule's too.
	Lag int
	// Loose says that a warm-up that ended before the first log, with another peak,
	// would have left the same log.
	Loose bool

	form form
}

// form is how a trainer counts: which step's rate it logs at step s.
type form int

const (
	afterStep  form = iota // transformers today: the rate that step s was taken with, k = s-1
	beforeStep             // older ones: the rate of the next step, k = s
	honeForm               // k = s-1, and the warm-up begins at 1/W in place of 0
)

func (l Law) String() string {
	name := map[string]string{"constant": "constant", "linear": "linear decay", "cosine": "cosine decay"}[l.Kind]
	warm := "without warm-up"
	if l.Warmup > 0 {
		warm = fmt.Sprintf("after %d steps of warm-up", l.Warmup)
		if l.Steps > 0 {
			warm += fmt.Sprintf(" (%.3g %% of %d)", 100*float64(l.Warmup)/float64(l.Steps), l.Steps)
		}
	}
	text := fmt.Sprintf("%s %s, peak %s", name, warm, number(l.Peak))
	if l.Kind != "constant" && l.Warmup == 0 {
		text += fmt.Sprintf(", over %d steps", l.Steps)
	}
	if l.Lag > 0 {
		text += fmt.Sprintf(", %d skipped by a loss scaler", l.Lag)
	}
	return text
}

// At is the rate that is logged at a step, if no step was skipped.
func (l Law) At(step int) float64 { return l.Peak * l.shape(step) }

// shape is At for a peak of 1.
func (l Law) shape(step int) float64 {
	k := step
	if l.form != beforeStep {
		k--
	}
	k = max(k, 0)
	if k < l.Warmup {
		if l.form == honeForm {
			k++
		}
		return float64(k) / float64(l.Warmup)
	}
	done := float64(k-l.Warmup) / float64(max(1, l.Steps-l.Warmup))
	switch l.Kind {
	case "linear":
		return max(0, 1-done)
	case "cosine":
		if done >= 1 && l.form == honeForm {
			return 0
		}
		return max(0, (1+math.Cos(math.Pi*done))/2)
	}
	return 1
}

// maxLawPoints is how many points a law is tried on before it is held against all.
const maxLawPoints = 300

// Configured is the law that the arguments ask for; false where they are not known
// or ask for another kind than the three.
func (l *Log) Configured() (Law, bool) {
	lr, ok := l.Args.Number(LearningRate)
	steps := l.lawSteps()
	if !ok || len(steps) == 0 {
		return Law{}, false
	}
	law := Law{Kind: l.Args.Text("lr_scheduler_type"), Peak: lr, Steps: steps[0], form: l.forms()[0]}
	warm, _ := l.Args.Number("warmup_steps")
	if share, ok := l.Args.Number("warmup_ratio"); ok && warm <= 0 {
		warm = math.Ceil(share * float64(law.Steps))
	} else if warm > 0 && warm < 1 { // later versions take a share here too
		warm = math.Ceil(warm * float64(law.Steps))
	}
	if !(warm >= 0 && warm < 1e9) {
		return Law{}, false
	}
	law.Warmup = int(warm)
	switch law.Kind {
	case "linear", "cosine":
		return law, true
	case "constant":
		law.Warmup = 0
		return law, true
	case "constant_with_warmup":
		law.Kind = "constant"
		return law, true
	}
	return Law{}, false
}

func (l *Log) forms() []form {
	if l.Tool == Hone {
		return []form{honeForm}
	}
	return []form{afterStep, beforeStep}
}

// lawSteps are the lengths that a schedule may have, the likeliest first.
func (l *Log) lawSteps() []int {
	var out []int
	add := func(x float64) {
		if x >= 1 && x < 1e9 && !slices.Contains(out, int(math.Round(x))) {
			out = append(out, int(math.Round(x)))
		}
	}
	if x, ok := l.Number(MaxSteps); ok {
		add(x)
		if len(out) > 0 {
			return out
		}
	}
	epochs, hasEpochs := l.Number(NumEpochs)
	if s := l.Series[Epoch]; hasEpochs && len(s) > 0 {
		if e := s[len(s)-1]; finite(e.Value) && e.Value > 0 {
			per := float64(e.Step) / e.Value
			for _, d := range []float64{math.Round(per), math.Ceil(per), math.Floor(per)} {
				add(epochs * d)
			}
		}
	}
	if len(out) > 0 {
		return out
	}
	add(float64(l.LastStep()))
	return out
}

// FitLaw finds the law that the logged rates follow to the last digit; false where
// none of the three kinds does, or where too few rates were logged to tell.
func (l *Log) FitLaw() (Law, bool) {
	points := lawPoints(l.Series[LearningRate])
	if len(points) < 3 {
		return Law{}, false
	}
	f := fitter{log: l, points: thin(points, maxLawPoints), tolerance: 1e-9}
	if l.Single {
		f.tolerance = 3e-7
	}
	for i, p := range f.points {
		if p.Value > f.points[f.top].Value {
			f.top = i
		}
	}
	most := l.mostSkipped()
	lengths := l.lawSteps()
	if _, known := l.Number(MaxSteps); !known {
		lengths = append(lengths, f.linearLength()...)
	}
	want, hasWant := l.Configured()
	// A law without skipped steps explains more than one with them.
	for _, f.mostLag = range []int{0, most} {
		for f.lag = 0; f.lag <= f.mostLag && len(f.found) == 0; f.lag++ {
			for _, steps := range lengths {
				f.try(steps, want, hasWant)
			}
		}
	}
	if len(f.found) == 0 {
		return Law{}, false
	}
	return f.best(points, want, hasWant)
}

// lawPoints are the rates that are numbers, one a step.
func lawPoints(s []Sample) []Sample {
	out := make([]Sample, 0, len(s))
	for _, p := range s {
		if finite(p.Value) && p.Value >= 0 && p.Step >= 0 {
			out = append(out, p)
		}
	}
	return out
}

// thin keeps n points, the first and the last among them.
func thin(points []Sample, n int) []Sample {
	if len(points) <= n {
		return points
	}
	out := make([]Sample, n)
	for i := range out {
		out[i] = points[i*(len(points)-1)/(n-1)]
	}
	return out
}

type fitter struct {
	log       *Log
	points    []Sample
	tolerance float64 // of a rate, relative to the peak
	top       int     // of the largest rate
	lag       int     // skipped steps before the largest rate
	mostLag   int     // skipped steps in all
	found     []Law
}

// linearLength is the length of a linear decay through the last points.
func (f *fitter) linearLength() []int {
	a, b := f.points[len(f.points)/2], f.points[len(f.points)-1]
	if !(a.Value > b.Value) {
		return nil
	}
	k := 1.0 // s-1
	end := (a.Value*(float64(b.Step)-k) - b.Value*(float64(a.Step)-k)) / (a.Value - b.Value)
	if !(end > 1 && end < 1e9) {
		return nil
	}
	n := int(math.Round(end))
	return []int{n, n + 1, n - 1}
}

// maxSkipped bounds how many skipped steps are believed in.
const maxSkipped = 32

// mostSkipped is how many steps a loss scaler may have skipped. The log need not
// show it: only the last norm of a window is logged.
func (l *Log) mostSkipped() int {
	if half, known := l.Args.Bool("fp16"); known && !half || l.Tool == Hone {
		return 0
	}
	return maxSkipped
}

// How many warm-ups are tried, without and with skipped steps.
const (
	maxWarmups        = 20_000
	maxWarmupsSkipped = 200
)

// usualWarmups are shares of the steps that people warm up over.
var usualWarmups = []float64{0.01, 0.02, 0.03, 0.05, 0.06, 0.1, 0.15, 0.2}

func (f *fitter) try(steps int, want Law, hasWant bool) {
	// The warm-up ends between the rates before and after the largest.
	from, to := 0, f.points[0].Step+1
	if f.top > 0 {
		from = max(0, f.points[f.top-1].Step-f.lag-1)
		to = f.points[min(f.top+1, len(f.points)-1)].Step + 1
	}
	to = min(to, steps)
	most := maxWarmups
	if f.mostLag > 0 {
		most = maxWarmupsSkipped
	}
	extra := []int{0}
	if hasWant {
		extra = append(extra, want.Warmup)
	}
	for _, share := range usualWarmups {
		extra = append(extra, int(math.Ceil(share*float64(steps))))
	}
	extra = slices.DeleteFunc(extra, func(w int) bool { return w >= from && w <= min(to, from+most) })
	to = min(to, from+most)
	for _, form := range f.log.forms() {
		for _, kind := range []string{"constant", "linear", "cosine"} {
			law := Law{Kind: kind, Steps: steps, form: form}
			for _, w := range extra {
				f.check(law, w)
			}
			for w := from; w <= to; w++ {
				f.check(law, w)
			}
		}
	}
}

// check keeps the law if it goes through every point.
func (f *fitter) check(law Law, warmup int) {
	law.Warmup = warmup
	top := f.points[f.top]
	shape := law.shape(top.Step - f.lag)
	if shape <= 0 || top.Value <= 0 {
		return
	}
	law.Peak = top.Value / shape
	var ok bool
	if law.Lag, ok = f.fits(law, f.points); ok {
		f.found = append(f.found, law)
	}
}

// fits reports whether a law goes through every point, and how many steps it is
// behind at the last: a number that only grows.
func (f *fitter) fits(law Law, points []Sample) (lag int, ok bool) {
	most := f.mostLag
	for _, p := range points {
		for !(math.Abs(law.At(p.Step-lag)-p.Value) <= f.tolerance*law.Peak) {
			if lag++; lag > most {
				return 0, false
			}
		}
	}
	return lag, true
}

// best chooses among the laws that fit: the one asked for, then a peak that was
// asked for, then a peak that somebody would write, then the shortest warm-up.
func (f *fitter) best(points []Sample, want Law, hasWant bool) (Law, bool) {
	rank := func(law Law) int {
		n := 0
		if !hasWant || law.Kind != want.Kind || law.Warmup != want.Warmup || !f.near(law.Peak, want.Peak) {
			n += 16
		}
		if !hasWant || !f.near(law.Peak, want.Peak) {
			n += 8
		}
		n += 2 * f.digits(law.Peak)
		if law.Warmup > 0 {
			n++
		}
		return n + 32*law.Lag
	}
	slices.SortStableFunc(f.found, func(a, b Law) int { return rank(a) - rank(b) })
	for _, law := range f.found {
		lag, ok := f.fits(law, points)
		if !ok {
			continue
		}
		law.Lag = lag
		for _, other := range f.found {
			if other.Kind == law.Kind && other.form == law.form && other.Warmup != law.Warmup && !f.near(other.Peak, law.Peak) {
				law.Loose = true
			}
		}
		if f.near(law.Peak, want.Peak) {
			law.Peak, law.Loose = want.Peak, false
		} else if rounded, err := strconv.ParseFloat(strconv.FormatFloat(law.Peak, 'e', 4, 64), 64); err == nil && f.near(law.Peak, rounded) {
			law.Peak = rounded
		}
		return law, true
	}
	return Law{}, false
}

// digits is how many digits a person would have written the rate with, 4 for more
// than three.
func (f *fitter) digits(rate float64) int {
	for n := range 3 {
		if rounded, err := strconv.ParseFloat(strconv.FormatFloat(rate, 'e', n, 64), 64); err == nil && f.near(rate, rounded) {
			return n + 1
		}
	}
	return 4
}

func (f *fitter) near(a, b float64) bool { return math.Abs(a-b) <= f.tolerance*math.Abs(a) }

// number writes a number for people.
func number(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
