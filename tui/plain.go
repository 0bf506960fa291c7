package tui

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Plain writes what the workbench shows as sentences with numbers, one a line,
// for screen readers and pipes: with a run, what became of it and, while it is
// live, what happens until its end; without, the experiment, what it would cost,
// and the runs of the store. It needs no terminal.
func Plain(ctx context.Context, w io.Writer, o Options) error {
	back := newLive(o.Version)
	p := &plainView{w: w, t: plainTheme(o.ASCII)}
	if o.RunDir == "" {
		p.experiment(ctx, back, o)
		return p.err
	}
	return p.follow(ctx, back, o.RunDir)
}

// plainPoll is how often a live run is looked at.
const plainPoll = 250 * time.Millisecond

// plainView is how much was said.
type plainView struct {
	w   io.Writer
	t   *theme
	err error // of writing

	feed  *trainFeed
	logs  int // lines of the log that were said
	eval  int // step of the last evaluation that was said
	step  int // step of the last step that was said
	begun bool
}

// say writes a sentence.
func (p *plainView) say(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, onlyASCIIIf(p.t.g.ascii, p.t.clean(fmt.Sprintf(format, args...))))
	}
}

func onlyASCIIIf(ascii bool, text string) string {
	if ascii {
		return onlyASCII(text)
	}
	return text
}

// experiment says what would be trained, and on what.
func (p *plainView) experiment(ctx context.Context, back backend, o Options) {
	work, err := back.Open(ctx, o.Config)
	if err != nil {
		p.say("The data cannot be read: %v.", err)
	} else {
		var splits []string
		for _, s := range work.Splits {
			splits = append(splits, fmt.Sprintf("%s %d", s.Name, len(s.Rows)))
		}
		p.say("Data %s, rows: %s.", work.Source, strings.Join(splits, ", "))
		for _, f := range work.Findings {
			p.say("Finding, %s: %s. %s", f.Severity, f.Message, f.Advice)
		}
	}
	plan, err := back.Plan(o.Config)
	if err != nil {
		p.say("What training would cost is not known: %v.", err)
	} else {
		p.say("%s", planSentence(plan))
		for _, n := range plan.Notes {
			p.say("Note: %s.", n)
		}
	}
	store := o.Store
	if store == "" {
		store = "runs"
	}
	rows, err := back.Runs(ctx, store)
	switch {
	case err != nil:
		p.say("The runs in %s cannot be read: %v.", store, err)
	case len(rows) == 0:
		p.say("No runs in %s. hone train begins one; hone --plain --run-dir latest then tells of it.", store)
	}
	for _, r := range rows {
		text := fmt.Sprintf("Run %s: %s at step %d of %d", r.ID, r.State, r.Step, r.Steps)
		if finite(r.Loss) {
			text += ", loss " + figure(r.Loss)
		}
		if finite(r.Exact) {
			text += ", best exact match " + shareText(r.Exact)
		}
		p.say("%s.", text)
	}
}

// planSentence says what training would cost.
func planSentence(plan planView) string {
	text := fmt.Sprintf("Training changes %d of %d parameters (%.3f %%)", plan.TrainableParams, plan.TotalParams, plan.TrainablePercent)
	if plan.Steps != nil {
		text += fmt.Sprintf(" in %d steps", *plan.Steps)
	}
	if plan.MemoryBytes != nil {
		text += ", needs about " + bytesText(float64(*plan.MemoryBytes))
	}
	if plan.Seconds != nil {
		text += " and about " + roughTime(*plan.Seconds)
	}
	return text + "."
}

// follow tells of a run until its end.
func (p *plainView) follow(ctx context.Context, back backend, dir string) error {
	clip := 0.0
	if c, err := back.RunConfig(dir); err == nil {
		clip = c.Train.Clip
	}
	f := back.Follow(dir)
	for {
		snap, changed := f.Poll()
		if snap.Err != nil && len(snap.History.Steps) == 0 {
			return fmt.Errorf("reading the run: %w", snap.Err)
		}
		if snap.Behind {
			continue
		}
		if changed || !p.begun {
			p.tell(snap, clip)
		}
		if !snap.live() || p.err != nil {
			return p.err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(plainPoll):
		}
	}
}

// begin says what is told of.
func (p *plainView) begin(snap *snapshot) {
	f := snap.Foreign
	if f == nil {
		p.say("Run %s: %s.", baseName(snap.Dir), stateSentence(snap))
		return
	}
	p.say("Log %s of %s, read only.", baseName(snap.Dir), f.Tool)
	for _, fact := range f.Facts {
		p.say("It says: %s.", fact)
	}
	for _, limit := range f.Limits {
		p.say("It cannot tell: %s.", limit)
	}
}

// tell says what a snapshot has beyond what was said.
func (p *plainView) tell(snap *snapshot, clip float64) {
	if p.feed == nil || !p.feed.take(snap) {
		p.feed = newTrainFeed(snap.Dir, feedSettings{clip: clip}.of(snap), unitOf(0), p.t, time.Local)
		if snap.History.Steps != nil {
			p.feed.unit = unitOf(secondsOf(snap.History.Steps))
		}
		said := 0
		p.feed.said = func(l logLine) {
			// After a resume the whole history is taken anew: what was said is its beginning.
			if said++; said > p.logs {
				p.logs = said
				p.say("%s", logSentence(l))
			}
		}
		if !p.begun {
			p.begin(snap)
		}
		p.feed.take(snap)
		if n := len(p.feed.scores); n == 0 {
			p.eval = 0
		} else {
			p.eval = min(p.eval, p.feed.scores[n-1].step)
		}
		p.step = min(p.step, p.feed.last.step)
	}
	f := p.feed
	for _, e := range f.scores {
		if e.step > p.eval {
			p.eval = e.step
			p.say("%s", evalSentence(e))
		}
	}
	every := max(snap.Info.Steps/20, 1)
	if f.steps > 0 && (f.last.step >= p.step+every || !p.begun) {
		p.step = f.last.step
		p.say("%s", stepSentence(snap, f))
	}
	if !p.begun && snap.live() {
		p.say("Following; an interrupt ends the following, not the run.")
	}
	p.begun = true
	if snap.live() {
		return
	}
	for _, w := range f.watched {
		last := w.outs[len(w.outs)-1]
		p.say("Watched row %d at step %d, field %s: %s", w.row+1, last.step, shareText(last.field), last.text)
	}
	if snap.Info.Error != "" {
		p.say("Error: %s.", snap.Info.Error)
	}
	p.say("Verdict: %s.", f.verdict(snap.State, snap.Info))
}

// stateSentence says where a run stands.
func stateSentence(snap *snapshot) string {
	text := fmt.Sprintf("%s, step %d of %d", snap.State, snap.Info.Step, snap.Info.Steps)
	if snap.live() && snap.Left > 0 {
		text += ", " + clock(snap.Left) + " left"
	}
	return text
}

func logSentence(l logLine) string {
	first, size := utf8.DecodeRuneInString(l.text)
	text := string(unicode.ToUpper(first)) + l.text[size:]
	switch l.kind {
	case logWarn:
		text = "Warning: " + l.text
	case logBad:
		text = "Error: " + l.text
	}
	if l.at != "" {
		text = l.at + " " + text
	}
	if l.undone {
		text += " (undone)"
	}
	return text + "."
}

func evalSentence(p evalPoint) string {
	if p.n == 0 { // nothing was generated
		return fmt.Sprintf("Evaluation at step %d: loss %s.", p.step, figure(p.loss))
	}
	text := fmt.Sprintf("Evaluation at step %d over %s: exact match %s, valid JSON %s, fields %s, loss %s", p.step, plural(p.n, "row"), shareText(p.exact), shareText(p.valid), shareText(p.field), figure(p.loss))
	var worst []string
	for _, f := range p.fields[:min(len(p.fields), 3)] {
		if f.share < 1 {
			worst = append(worst, f.name+" "+shareText(f.share))
		}
	}
	if len(worst) > 0 {
		text += "; worst fields " + strings.Join(worst, ", ")
	}
	return text + "."
}

func stepSentence(snap *snapshot, f *trainFeed) string {
	text := fmt.Sprintf("Step %d of %d: loss %s, gradient norm %s, learning rate %s", f.last.step, snap.Info.Steps, figure(f.last.loss), figure(f.last.norm), rateText(f.last.lr))
	if snap.TokensPerSecond > 0 {
		text += fmt.Sprintf(", %.0f tokens per second", snap.TokensPerSecond)
	}
	if snap.live() && snap.Left > 0 {
		text += ", " + clock(snap.Left) + " left"
	}
	return text + "."
}
