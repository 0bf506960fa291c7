package tui

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/muesli/termenv"

	"hone/data"
	"hone/experiments"
	"hone/runs"
)

// Every screen fills its frame exactly and draws without a panic, whatever it shows
// and however large the terminal is. The product of screens, data and sizes is too
// large for a suite, so TestFramesOfAnyData draws, with each of the data,
//
//   - every screen at every size up to 40x12, by itself (the shell would cut what is
//     too large) and within the shell;
//   - every screen at a quarter of 300 sizes up to 300x100, which come from a fixed
//     seed, without colour and with it, and presses a key before every frame.
//
// Nothing here measures time, but drawing that grew with the run would be seen: a
// million steps and 100,000 rows would take minutes.

// propertySeed chooses sizes and keys; the failures name what was drawn, so that
// another seed is only a change of this line.
const propertySeed = 20261128

// propertyDir is the run that is looked at.
const propertyDir = "runs/2026-11-23-1530-calendar"

// amounts are the data that screens are drawn with.
var amounts = []struct {
	name string
	fake func() *fakeBackend
	tail func() runs.GradientTail
}{
	{"empty", emptyData, func() runs.GradientTail { return runs.GradientTail{} }},
	{"tiny", tinyData, func() runs.GradientTail { return runs.GradientTail{Steps: []runs.Gradients{gradients(1, 1)}} }},
	{"huge", hugeData, func() runs.GradientTail {
		return runs.GradientTail{Steps: []runs.Gradients{gradients(1_000_000, 1000)}}
	}},
	{"odd", oddFigures, oddGradients},
}

// emptyData has a dataset without rows, a run without steps, and no runs.
func emptyData() *fakeBackend {
	cmp := &comparison{From: &experiments.Comparison{}, Split: "test"}
	cmp.count()
	return &fakeBackend{
		rates: &experiments.FoundRate{}, artifact: &experiments.Artifact{}, sides: []experiments.Side{},
		work: &workspace{Splits: []splitView{{Name: "train"}}, Index: data.NewIndex(&data.Dataset{}, nil, nil)},
		cmp:  cmp, snap: &snapshot{Dir: propertyDir, State: runs.Running, History: &runs.History{}},
	}
}

// tinyData has one of everything.
func tinyData() *fakeBackend {
	f := full()
	s := &f.work.Splits[0]
	s.Rows = s.Rows[:1]
	f.work.Splits = f.work.Splits[:1]
	row, _ := sampleRow(0)
	f.work.Findings, f.work.Index = nil, data.NewIndex(&data.Dataset{Schema: sampleSchema[:1], Train: []data.Row{row}}, nil, nil)
	f.rows = f.rows[:1]
	cmp := *f.cmp
	cmp.Pairs = cmp.Pairs[:1]
	cmp.count()
	f.cmp = &cmp
	h := f.snap.History
	f.snap.History = &runs.History{Steps: h.Steps[:1], Evals: h.Evals[:1]}
	return f
}

// hugeData has a million steps and 100,000 rows of whatever comes in rows.
func hugeData() *fakeBackend {
	const rows = 100_000
	f := full()
	d := &data.Dataset{Schema: sampleSchema, Template: sampleTemplate, Format: data.Events}
	splits := []*[]data.Row{&d.Train, &d.Eval, &d.Test}
	for s := range f.work.Splits {
		sp := &f.work.Splits[s]
		few, kept := sp.Rows, make([]data.Row, len(sp.Rows))
		for i := range kept {
			kept[i], _ = sampleRow(i)
		}
		sp.Rows, *splits[s] = make([]rowView, rows), make([]data.Row, rows)
		for i := range sp.Rows {
			sp.Rows[i], (*splits[s])[i] = few[i%len(few)], kept[i%len(few)]
		}
	}
	f.work.Tokens = func(_, row int) []tokenView { _, t := sampleRow(row); return t }
	f.work.Trained = func(split, row int) []textPart { return trainedParts(d, &(*splits[split])[row], "<|im_end|>") }
	f.work.Raw = func(split, row int) (string, error) { return (*splits[split])[row].Prompt, nil }
	all := make([]int, rows)
	for i := range all {
		all[i] = i
	}
	f.work.Findings[0].Rows = all
	for i := range 1000 {
		f.work.Findings = append(f.work.Findings, data.Finding{ID: "DUP", Severity: "warning", Message: "two rows say the same", Split: "train", Rows: []int{i, i + 1}})
	}
	f.work.Index = data.NewIndex(d, nil, f.work.Findings)
	few := f.rows
	f.rows = make([]runRow, rows)
	for i := range f.rows {
		f.rows[i] = few[i%len(few)]
		f.rows[i].ID = fmt.Sprintf("%s-%d", f.rows[i].ID, i)
		f.rows[i].Dir = "runs/" + f.rows[i].ID
	}
	cmp := *f.cmp
	cmp.Pairs = make([]pairView, rows)
	for i := range cmp.Pairs {
		cmp.Pairs[i] = f.cmp.Pairs[i%len(f.cmp.Pairs)]
	}
	cmp.count()
	f.cmp = &cmp

	const steps = 1_000_000
	h := &runs.History{Steps: make([]runs.Step, steps)}
	for i := range h.Steps {
		at := float64(i + 1)
		s := &h.Steps[i]
		loss := 3/math.Log(at+2) + 0.1*math.Sin(at/7)
		*s = runs.Step{
			Step: i + 1, Epoch: runs.Number(at / 4096), Loss: runs.Number(loss), CE: runs.Number(loss * 0.7), JSON: 0.06, Field: 0.09, Confidence: 0.04,
			GradNorm: runs.Number(0.6 + 0.5*math.Cos(at/11)), LR: runs.Number(5e-4 * (1 - at/steps)), Tokens: 950, TargetTokens: 620, Seconds: 0.2,
		}
		switch {
		case i%997 == 0:
			s.Loss, s.GradNorm = runs.Number(math.NaN()), runs.Number(math.Inf(1))
		case i%1009 == 0:
			s.Loss = 0
		}
		if i%500 == 499 {
			h.Evals = append(h.Evals, runs.Eval{Step: i + 1, Split: "eval", Loss: s.Loss, ExactMatch: runs.Number(at / steps), JSONValidity: 1, FieldAccuracy: 0.9, N: 32})
			h.Events = append(h.Events, runs.Event{Type: "checkpoint", Step: i + 1, Record: runs.Checkpoint{Step: i + 1}})
		}
		if i%1000 == 700 {
			h.Events = append(h.Events, runs.Event{Type: "alert", Step: i + 1, Record: runs.Alert{Step: i + 1, ID: "LOSS-SPIKE", Severity: "warning", Message: "the loss is four times its median"}})
		}
	}
	f.snap = &snapshot{
		Dir: propertyDir, Version: 1, State: runs.Running, History: h, StepsPerSecond: 5, TokensPerSecond: 4750, Left: 1e6 * time.Hour,
		Info: runs.RunInfo{ID: "calendar", Name: "calendar", State: runs.Running, Step: steps, Steps: 2 * steps},
	}
	for len(f.models.Models) < 2000 {
		f.models.Models = append(f.models.Models, f.models.Models...)
	}
	for i := range 100_000 {
		f.artifact.Files = append(f.artifact.Files, experiments.ArtifactFile{Name: fmt.Sprint(i), Bytes: int64(i)})
	}
	return f
}

// oddNumbers are what arithmetic and files can hold.
var oddNumbers = []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), -1, 1, math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 0.5}

// oddFigures is oddComparison and hostileRuns with figures of which most are not
// numbers.
func oddFigures() *fakeBackend {
	r := rand.New(rand.NewPCG(propertySeed, 1))
	odd := func() float64 { return oddNumbers[r.IntN(len(oddNumbers))] }
	number := func() runs.Number { return runs.Number(odd()) }
	count := func() int { return []int{0, -1, 1, math.MaxInt, math.MinInt}[r.IntN(5)] }
	f := oddComparison()
	f.rows = hostileRuns().rows
	for i := range f.rows {
		run := &f.rows[i]
		run.Loss, run.Exact, run.FieldAccuracy, run.Valid, run.Seconds = odd(), odd(), odd(), odd(), odd()
		run.Step, run.Steps = count(), count()
		for j := range run.Curve {
			run.Curve[j] = odd()
		}
	}
	f.work = oddData().work
	for s := range f.work.Splits {
		sp := &f.work.Splits[s]
		sp.Tokens, sp.Targets = count(), count()
	}
	cmp := f.cmp
	for _, s := range []*scoresView{&cmp.Base, &cmp.Tuned} {
		s.Exact, s.Valid, s.FieldAccuracy, s.Schema = odd(), odd(), odd(), odd()
		for i := range s.Fields {
			s.Fields[i] = odd()
		}
	}
	for i := range cmp.Changes {
		c := &cmp.Changes[i]
		c.Base, c.Tuned, c.Change, c.Low, c.High = number(), number(), number(), number(), number()
	}
	steps, tokens, memory, seconds, step := math.MaxInt, math.MinInt, int64(math.MinInt64), math.Inf(1), math.NaN()
	f.plan = planView{TrainableParams: math.MaxInt64, TotalParams: -1, TrainablePercent: math.NaN(), Steps: &steps, Tokens: &tokens, MemoryBytes: &memory, Seconds: &seconds, StepSeconds: &step}
	h := &runs.History{}
	for i := range 3000 {
		h.Steps = append(h.Steps, runs.Step{
			Step: i + 1, Epoch: number(), Loss: number(), CE: number(), JSON: number(), Field: number(), Confidence: number(),
			GradNorm: number(), LR: number(), Tokens: count(), TargetTokens: count(), Seconds: number(),
		})
		if i%10 == 9 {
			h.Evals = append(h.Evals, runs.Eval{
				Step: i + 1, Split: "eval", Loss: number(), ExactMatch: number(), JSONValidity: number(), FieldAccuracy: number(), N: count(),
				Fields: map[string]runs.Number{"date": number(), "\x1b[2J\u4f1a\u8bae": number()},
			})
			h.Events = append(h.Events,
				runs.Event{Step: i + 1, Record: runs.Intervention{Step: i + 1, Action: runs.ActionSetLR, Previous: number(), Value: number()}},
				runs.Event{Step: i + 1, Record: runs.Alert{Step: i + 1, ID: "LOSS-NONFINITE", Severity: "error", Message: "\x1b[31m\u4f1a", Confidence: number()}},
				runs.Event{Step: i + 1, Record: runs.Sample{Step: i + 1, Split: "eval", Row: count(), Text: strings.Repeat("\u4f1a\t", 300), FieldAccuracy: number()}})
		}
	}
	f.snap = &snapshot{
		Dir: propertyDir, Version: 1, State: runs.Running, History: h, StepsPerSecond: odd(), TokensPerSecond: math.Inf(1), Left: math.MaxInt64,
		Info: runs.RunInfo{Name: "\x1b[2J\u4f1a\u8bae", State: runs.Running, Step: math.MaxInt, Steps: 3},
	}
	text := "\x1b[2J\u4f1a\u8bae\t" + strings.Repeat("\u4f1a", 300) + "\n\u202e"
	f.models, f.artifact = sampleModels(), sampleArtifact()
	for i := range f.models.Models {
		m := &f.models.Models[i]
		m.Path, m.Revision, m.Architecture = text+fmt.Sprint(i), text, text
		m.Parameters, m.Bytes, m.Needs, m.Layers, m.Vocab = int64(count()), int64(count()), int64(count()), count(), count()
		if m.Problem != nil {
			m.Problem = errors.New(text)
		}
	}
	f.models.Memory, f.models.Tokens, f.modelsErr = int64(count()), count(), errors.New(text)
	f.rates = &experiments.FoundRate{Ended: text, Rule: text, Suggestion: number(), Lowest: number(), Steepest: number()}
	for i := range 500 {
		f.rates.Trials = append(f.rates.Trials, experiments.RateTrial{Step: count(), LR: number(), Loss: number(), Smoothed: number()})
		f.rates.Trials[i].LR = runs.Number(max(f.rates.Trials[i].LR, runs.Number(i)*1e-5))
	}
	a := f.artifact
	a.Path, a.Format, a.Notes, a.Checks = text, text, []string{text, ""}, []string{text}
	a.Files = []experiments.ArtifactFile{{Name: text, Bytes: math.MinInt64}, {}}
	a.Probe = &experiments.LogitCheck{Split: text, Rows: count(), Positions: count(), Largest: odd(), Range: odd(), Tolerance: odd(), SameBest: odd()}
	c := experiments.Default()
	f.rows[0].Config = &c
	return f
}

// oddGradients are norms of which most are not numbers, and layers without end.
func oddGradients() runs.GradientTail {
	r := rand.New(rand.NewPCG(propertySeed, 2))
	g := gradients(3000, 30)
	for name := range g.Norms {
		g.Norms[name] = oddNumbers[r.IntN(len(oddNumbers))]
	}
	g.Norms["layers.999999999.mlp.up_proj.lora_A"] = 1
	g.Norms["layers.77.\x1b[2J\u4f1a\u8bae"] = 1
	g.Norm, g.Clip = math.Inf(-1), math.NaN()
	return runs.GradientTail{Steps: []runs.Gradients{g}, Notes: []string{"\x1b[2Jtorn"}}
}

// propertyShell is a shell with one of the amounts, everything in it read.
func propertyShell(i int) drawer {
	f := amounts[i].fake()
	tail := amounts[i].tail()
	o := Options{Config: experiments.Default(), Store: "runs", Version: "test", RunDir: propertyDir}
	a := newApp(context.Background(), o, gradientBackend{f, tail}, plainTheme(false))
	a.after = func(time.Duration, tea.Msg) tea.Cmd { return nil }
	clock := time.Date(2026, 11, 23, 15, 30, 0, 0, time.UTC)
	a.now = func() time.Time { clock = clock.Add(time.Second); return clock }
	d := drawer{newShell(a)}
	d.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	d.run(d.Init())
	for id := range screenCount {
		d.run(d.show(id))
	}
	return d
}

// gradientBackend is a fake with a trace.
type gradientBackend struct {
	*fakeBackend
	tail runs.GradientTail
}

func (g gradientBackend) Gradients(string, int) (runs.GradientTail, error) { return g.tail, nil }

func (g gradientBackend) ReadStep(context.Context, string, int) (*experiments.StepRecord, error) {
	r, err := oddStep(context.Background(), "", 0)
	r.Gradients = g.tail
	return r, err
}

// exact fails unless view fills its frame; a panic fails with what was drawn.
func exact(t *testing.T, what string, width, height int, view func() string) {
	t.Helper()
	defer func() {
		if v := recover(); v != nil {
			t.Fatalf("%s at %dx%d: panic: %v\n%s", what, width, height, v, debug.Stack())
		}
	}()
	checkFrame(t, what, view(), width, height)
}

// propertyKeys change what a screen shows, and nothing else.
var propertyKeys = [screenCount][]string{
	dataScreenID:       {"down", "end", "home", "pgdown", "tab", "v", "f", "esc", "J", "K"},
	experimentScreenID: {"down", "end", "home", "pgdown", "tab"},
	trainScreenID:      {"left", "ctrl+left", "home", "end", "x", "]", "[", "+", "-", "shift+left", "0", "y", "z", "m", "t", "v", "g", "g", "right", "down", "esc"},
	traceScreenID:      {"down", "end", "home", "right", "tab", "o", "enter", "esc", "pgdown"},
	compareScreenID:    {"down", "end", "home", "pgdown", "tab", "s", "v", "r", "esc"},
	runsScreenID:       {"down", "end", "home", "pgdown", " ", "s", "esc"},
}

func TestFramesOfAnyData(t *testing.T) {
	const sizes = 300
	for i, amount := range amounts {
		t.Run(amount.name, func(t *testing.T) {
			d := propertyShell(i)
			d.smallFrames(t, amount.name)
			d.largeFrames(t, amount.name, sizes/len(amounts), rand.New(rand.NewPCG(propertySeed, uint64(3+i))))
			for _, mode := range modes {
				d.modeFrames(t, amount.name, mode, rand.New(rand.NewPCG(propertySeed, uint64(7+i))))
			}
		})
	}
}

// smallFrames draws every screen at every size up to 40x12.
func (d drawer) smallFrames(t *testing.T, amount string) {
	t.Helper()
	for id := range screenCount {
		d.run(d.show(id))
		what := amount + ", " + d.screens[id].Title()
		for w := 1; w <= 40 && !t.Failed(); w++ {
			for h := 1; h <= 12; h++ {
				exact(t, what, w, h, func() string { d.screens[id].SetSize(w, h); return d.screens[id].View() })
				exact(t, what+" in the shell", w, h, func() string { d.resize(w, h); return d.View() })
			}
		}
	}
	d.run(d.show(trainScreenID))
	d.send(keyPress("g")) // the gradients in the place of the charts
	for w := 1; w <= 40 && !t.Failed(); w++ {
		for h := 1; h <= 12; h++ {
			exact(t, amount+", gradients of Train", w, h, func() string { d.screens[trainScreenID].SetSize(w, h); return d.screens[trainScreenID].View() })
		}
	}
	d.send(keyPress("g"))
	d.mustBeSound(t, amount)
}

// largeFrames draws every screen at random sizes, each after a key.
func (d drawer) largeFrames(t *testing.T, amount string, sizes int, r *rand.Rand) {
	t.Helper()
	for n := range sizes {
		if n == sizes/2 {
			*d.t = *newTheme(nil, termenv.TrueColor, true, false)
			d.send(themedMsg{})
		}
		width, height := 1+r.IntN(300), 1+r.IntN(100)
		d.resize(width, height)
		for id := range screenCount {
			d.run(d.show(id))
			key := propertyKeys[id][r.IntN(len(propertyKeys[id]))]
			d.send(keyPress(key))
			d.run(d.show(id)) // a key may have gone to another screen
			what := fmt.Sprintf("%s, %s after %q", amount, d.screens[id].Title(), key)
			exact(t, what, width, height, d.View)
			w, h := d.bodySize()
			exact(t, what+", without the shell", w, h, d.screens[id].View)
		}
		if d.mustBeSound(t, amount); t.Failed() {
			return
		}
	}
}

// frameMode is something that is drawn over a screen or in its place.
type frameMode struct {
	name   string
	screen screenID
	keys   []string // by which it is reached
	within []string // that change what it shows
}

// modes are what keys put over a screen or in its place.
var modes = []frameMode{
	{"models", experimentScreenID, []string{"m"}, []string{"down", "up", "pgdown", "pgup", "enter", "/", "x", "backspace"}},
	{"a sweep", experimentScreenID, []string{"f"}, []string{"enter", "u", "f"}},
	{"formats", runsScreenID, []string{"X"}, []string{"down", "up", "tab", "shift+tab", "e", "backspace"}},
	{"an export", runsScreenID, []string{"X", "enter", "enter"}, []string{"x", "?"}},
}

// modeFrames draws a mode at every size up to 40x12, and at some large ones, each
// after a key.
func (d drawer) modeFrames(t *testing.T, amount string, mode frameMode, r *rand.Rand) {
	t.Helper()
	*d.t = *newTheme(nil, termenv.TrueColor, true, false)
	d.send(themedMsg{})
	d.run(d.show(mode.screen))
	for _, k := range append([]string{"esc", "home"}, mode.keys...) {
		d.send(keyPress(k))
	}
	what := amount + ", " + mode.name
	if d.overlay == nil && !d.sweepShown() && amount != "empty" {
		t.Errorf("%s: it was not reached:\n%s", what, d.View())
	}
	frame := func(w, h int) {
		exact(t, what, w, h, func() string { d.resize(w, h); return d.View() })
		exact(t, what+", the screen", w, h, func() string { d.screens[mode.screen].SetSize(w, h); return d.screens[mode.screen].View() })
		if d.overlay != nil {
			for i, l := range d.overlay.Lines(d.t, w, h) {
				if textWidth(l) > w && w > 8 {
					t.Errorf("%s at %dx%d: line %d of the box has %d cells: %q", what, w, h, i, textWidth(l), l)
				}
			}
		}
	}
	for w := 1; w <= 40 && !t.Failed(); w++ {
		for h := 1; h <= 12; h++ {
			frame(w, h)
		}
	}
	for n := 0; n < 20 && !t.Failed(); n++ {
		frame(1+r.IntN(300), 1+r.IntN(100))
		d.send(keyPress(mode.within[r.IntN(len(mode.within))]))
	}
	for range 4 {
		d.send(keyPress("esc"))
	}
	d.mustBeSound(t, what)
}

// mustBeSound fails if the shell has caught a panic.
func (d drawer) mustBeSound(t *testing.T, what string) {
	t.Helper()
	if d.crash != nil {
		t.Fatalf("%s: panic: %v\n%s", what, d.crash.value, d.crash.stack)
	}
}
