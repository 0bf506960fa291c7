package tui

import (
	"time"

	"hone/runs"
	"hone/tui/chart"
)

// trainTerms are the four terms of the loss, in the order of the loss's formula.
var trainTerms = [4]string{"ce", "json", "field", "conf"}

// trainFeed is what the Train screen draws, kept up to date with a run's history
// by what each snapshot adds to the one before: the history is never walked
// twice, but after a resume or rewind, which changes what was already drawn.
type trainFeed struct {
	cursor
	feedSettings
	zone  *time.Location
	last  stepPoint
	terms bool // the loss has more than its first term

	maxNorm     float64 // largest finite gradient norm; 0 without any
	maxNormStep int
	clipped     int  // steps whose norm was over the limit
	nonFinite   int  // steps whose loss or norm was not finite
	zeroLoss    int  // steps with a loss of exactly zero
	wasOver     bool // the last step was clipped
	unit        timeUnit
	places      []place    // of every step
	stops       []stepMark // what the keys for marks stop at, by step
	fault       int        // step of the last figure or alert that is a fault; 0 = none

	batch  int          // batch size that was set last; 0 = that of the experiment
	losses []lossChange // changes of the weights of the loss, by step
	alerts int          // warnings and errors

	said func(logLine) // hears of every line of the log; nil = nobody

	scores  []evalPoint
	marks   []feedMark
	log     []logLine
	watched []*watchedRow

	loss, norm, lr trainChart
}

// feedSettings are what a run's steps are taken with; others need another feed.
type feedSettings struct {
	clip    float64    // norm above which gradients are scaled down; 0 = not known
	weights [4]float64 // of the terms of the loss; all 0 = not known
	axis    xAxis
	by      string // the score that decides which evaluation is the best; "" = exact match
	foreign bool   // the log of another trainer: it has one term of the loss
	noNorms bool   // and no gradient norms
	noRates bool   // and no learning rates
}

// of says what the snapshot of a log does not have.
func (with feedSettings) of(snap *snapshot) feedSettings {
	if snap != nil && snap.Foreign != nil {
		with.foreign, with.noNorms, with.noRates = true, !snap.Foreign.Norms, !snap.Foreign.Rates
	}
	return with
}

// feedMark is a mark of the charts at a step.
type feedMark struct {
	step int
	chart.Event
}

// trainChart is a chart with the indices of its series.
type trainChart struct {
	*chart.Chart
	main  int
	eval  int
	terms [4]int
	stack [4]int // the terms with their weights, each on those before
}

// maxLog is how many lines of the log are kept.
const maxLog = 400

// newTrainFeed is an empty feed of a run directory, its charts in a theme's
// colours, its clock that of a zone; unit is that of the time axis.
func newTrainFeed(dir string, with feedSettings, unit timeUnit, t *theme, zone *time.Location) *trainFeed {
	f := &trainFeed{cursor: newCursor(dir), feedSettings: with, unit: unit, zone: zone}
	p := chartPalette(t)
	norm, rate := "∇ norm", "learning rate"
	if t.g.ascii {
		norm = "gradient norm"
	}
	opts := func(title string) chart.Options {
		return chart.Options{Title: title, XLabel: f.axisName(), ASCII: t.g.ascii, Palette: p}
	}
	f.loss.Chart = chart.New(opts("loss"))
	f.loss.main = f.loss.Add(chart.Series{Label: "train", Ink: chart.InkS1, Smooth: smoothings, MarkZero: true})
	f.loss.eval = f.loss.Add(chart.Series{Label: "eval", Ink: chart.InkS2, Shape: chart.Points})
	for i, name := range trainTerms {
		f.loss.terms[i] = f.loss.Add(chart.Series{
			Label: name, Ink: chart.InkS3 + chart.Ink(i), Shape: []chart.Shape{chart.Dashed, chart.Dotted, chart.DashDot, chart.Sparse}[i],
			MarkZero: i == 0, Hidden: true,
		})
	}
	for i, name := range trainTerms {
		if i > 0 {
			name = "+" + name
		}
		f.loss.stack[i] = f.loss.Add(chart.Series{
			Label: name, Ink: chart.InkS3 + chart.Ink(i), Shape: []chart.Shape{chart.Line, chart.Dotted, chart.DashDot, chart.Sparse}[i], Fill: true, Hidden: true,
		})
	}
	f.norm.Chart = chart.New(opts(norm))
	f.norm.main = f.norm.Add(chart.Series{Ink: chart.InkS1, MarkZero: true, Limit: f.clip})
	f.lr.Chart = chart.New(opts(rate))
	f.lr.main = f.lr.Add(chart.Series{Ink: chart.InkS1})
	return f
}

// chartPalette writes the inks of a chart in a theme's styles.
func chartPalette(t *theme) chart.Palette {
	var p chart.Palette
	for ink, style := range trainInks(t) {
		p[ink] = chart.PaintOf(style)
	}
	return p
}

// take adds what a snapshot has beyond what was consumed. It reports false when
// the history was cut back or needs another axis, so that a new feed has to be
// made from it.
func (f *trainFeed) take(snap *snapshot) bool {
	before, marked, noted := f.version, len(f.marks), len(f.stops)
	if !f.advance(snap, f.event, f.step, f.eval) {
		return false
	}
	f.order(noted)
	if n := len(f.places); n > 0 && f.axis == xTime && f.places[n-1].seconds > f.unit.upTo {
		return false // another unit
	}
	// On the axis of steps a mark stays where it is; on the others its place is known
	// only with its step.
	if len(f.marks) != marked || f.version != before && f.axis != xSteps {
		marks := make([]chart.Event, len(f.marks))
		for i, m := range f.marks {
			marks[i] = m.Event
			marks[i].X = f.x(float64(m.step))
		}
		f.loss.SetEvents(marks)
		f.norm.SetEvents(marks)
		f.lr.SetEvents(marks)
	}
	return true
}

// step takes one optimizer step.
func (f *trainFeed) step(s runs.Step) {
	p := stepPointOf(s)
	if f.foreign {
		p.terms = [4]float64{p.loss} // what a log does not have is no number there
	}
	var at place
	if n := len(f.places); n > 0 {
		at = f.places[n-1]
	}
	at = at.after(s)
	f.places = append(f.places, at)
	x := f.xOf(at)
	f.loss.Append(f.loss.main, x, p.loss)
	sum, weights := 0.0, f.weightsAt(p.step)
	for i, v := range p.terms {
		f.loss.Append(f.loss.terms[i], x, v)
		f.terms = f.terms || (i > 0 && v != 0)
		if w := weights[i]; w != 0 {
			sum += w * v
		}
		f.loss.Append(f.loss.stack[i], x, sum)
	}
	if !f.noNorms {
		f.norm.Append(f.norm.main, x, p.norm)
	}
	if !f.noRates {
		f.lr.Append(f.lr.main, x, p.lr)
	}
	if finite(p.norm) && p.norm > f.maxNorm {
		f.maxNorm, f.maxNormStep = p.norm, p.step
	}
	if f.clip > 0 && p.norm > f.clip {
		f.clipped++
	}
	if !finite(p.loss) || !finite(p.norm) && !f.noNorms {
		f.nonFinite++
	}
	if p.loss == 0 {
		f.zeroLoss++
	}
	f.odd(p)
	f.last = p
}

// eval takes one evaluation; those of other splits than eval are not drawn.
func (f *trainFeed) eval(e runs.Eval) {
	if e.Split != "eval" && e.Split != "" {
		return
	}
	p := evalPointOf(e)
	f.loss.Append(f.loss.eval, f.x(float64(p.step)), p.loss)
	if n := len(f.scores); n > 0 {
		for i := range p.fields {
			for _, before := range f.scores[n-1].fields {
				if before.name == p.fields[i].name {
					p.fields[i].change = p.fields[i].share - before.share
				}
			}
		}
	}
	f.scores = append(f.scores, p)
}

// write adds a line to the log.
func (f *trainFeed) write(l logLine) {
	if len(f.log) == maxLog {
		f.log = append(f.log[:0], f.log[maxLog/4:]...)
	}
	f.log = append(f.log, l)
	if f.said != nil {
		f.said(l)
	}
}
