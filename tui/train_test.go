package tui

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
	"hone/runs"
)

const storyDir = "runs/2026-11-23-1530-calendar"

// trainSizes are the sizes that the Train and Trace screens are drawn for.
var trainSizes = [][2]int{{80, 24}, {120, 40}, {200, 60}}

// event makes an event of a record as the history reader does.
func event(step int, at time.Time, record any) runs.Event {
	return runs.Event{Step: step, Time: at, Record: record}
}

// story is a run of 350 steps as it stood after `steps` of them: evaluations and
// checkpoints every 25, a halved learning rate at 131, a watched example.
func story(steps int, state string) *snapshot {
	r := rand.New(rand.NewPCG(11, 13))
	begin := time.Date(2026, 11, 23, 15, 30, 0, 0, time.UTC)
	h := &runs.History{}
	lr := 5e-4
	for i := 1; i <= steps; i++ {
		ce := 1.3*math.Exp(-float64(i)/14) + 0.05 + 0.2*math.Exp(-float64(i)/90)
		ce *= math.Exp(r.NormFloat64() * 0.12)
		rate := lr * min(float64(i)/35, 1)
		at := begin.Add(time.Duration(i) * 1840 * time.Millisecond)
		if i == 131 {
			h.Events = append(h.Events, event(131, at, runs.Intervention{Step: 131, Action: runs.ActionSetLR, By: "user", Previous: runs.Number(rate), Value: runs.Number(rate / 2)}))
			lr /= 2
		}
		h.Steps = append(h.Steps, runs.Step{
			Step: i, Epoch: runs.Number(float64(i) / 69.25), CE: runs.Number(ce), JSON: runs.Number(ce * 0.6), Field: runs.Number(min(ce*1.9, 1)), Confidence: runs.Number(ce * 0.4),
			Loss: runs.Number(ce*1.33 + 0.01), GradNorm: runs.Number((0.25 + 1.2*math.Exp(-float64(i)/9)) * math.Exp(r.NormFloat64()*0.2)), LR: runs.Number(rate),
			Tokens: 950, TargetTokens: 630, Seconds: 1.84,
		})
		if i%25 != 0 {
			continue
		}
		x := 1 - math.Exp(-float64(i)/50)
		h.Evals = append(h.Evals, runs.Eval{
			Step: i, Split: "eval", Loss: runs.Number(ce * 1.4), N: 32, ExactMatch: runs.Number(0.69 * x), JSONValidity: runs.Number(min(0.9+float64(i)/500, 1)), FieldAccuracy: runs.Number(0.8 + 0.15*x),
			Fields: map[string]runs.Number{"action": runs.Number(0.85 + 0.1*x), "date": runs.Number(0.6 + 0.2*x), "time": 0.94, "location": 1},
		})
		h.Events = append(h.Events,
			event(i, at, runs.Sample{
				Step: i, Split: "eval", Row: 7, Valid: true, Exact: i >= 125, FieldAccuracy: runs.Number(map[bool]float64{true: 1, false: 0.875}[i >= 125]),
				Text: fmt.Sprintf(` {"action": "Q&A workshop", "date": "18/08/2024", "time": %q, "attendees": null, "location": "Zoom"}`, map[bool]string{true: "17:00", false: "5:00 PM"}[i >= 125]),
			}),
			event(i, at, runs.Checkpoint{Step: i, Path: fmt.Sprintf("checkpoints/step-%06d", i), Best: true, Reason: "every"}))
	}
	s := &snapshot{
		Dir: storyDir, Version: steps, State: state, History: h,
		Info: runs.RunInfo{
			ID: baseName(storyDir), Name: "calendar", State: state, PID: 4711, Started: begin, Updated: begin.Add(time.Duration(steps)*1840*time.Millisecond + 3*time.Second),
			Step: steps, Steps: 350, ElapsedSeconds: runs.Number(float64(steps) * 1.84),
			Resolved: map[string]any{"kernels": "avx2", "dtype": "f32", "memory_bytes": 1.3e9},
		},
	}
	if s.live() && steps > 0 {
		s.StepsPerSecond, s.TokensPerSecond, s.Left = 0.543, 482, time.Duration(350-steps)*1840*time.Millisecond
	}
	return s
}

// oddStory is a run that stopped at a step whose loss is not a number, after one
// whose loss was exactly zero.
func oddStory() *snapshot {
	s := story(41, runs.Failed)
	s.Info.Error = "halted at step 41, before the update: the loss is 0/0, row 412 has 0 supervised tokens of 93"
	steps := s.History.Steps
	steps[36].Loss, steps[36].CE = 0, 0
	steps[40].Loss, steps[40].CE, steps[40].GradNorm = runs.Number(math.NaN()), runs.Number(math.NaN()), runs.Number(math.NaN())
	steps[40].TargetTokens = 0
	s.History.Events = append(s.History.Events, event(41, s.Info.Updated, runs.Alert{
		Step: 41, ID: "MASK-ALL", Severity: "error", Message: "all labels are masked in row 412", Confidence: 0.98,
		Advice: "Drop the row or fix its completion; 3 more rows look alike.", Evidence: []string{"row 412: 0 targets of 93", "loss 0/0 at step 41"},
	}))
	return s
}

// spikeStory is a sound run with one step whose loss and norm are absurd.
func spikeStory() *snapshot {
	s := story(143, runs.Running)
	s.History.Steps[89].Loss, s.History.Steps[89].GradNorm = 3e9, 7e12
	return s
}

// trainBench opens the workbench on a run, on the Train screen.
func trainBench(t *testing.T, snap *snapshot, own string, width, height int, change ...func(*Options)) *bench {
	t.Helper()
	f := full()
	f.snap = snap
	b := start(t, f, width, height, append(change, func(o *Options) { o.RunDir = storyDir })...)
	if own != "" {
		f.run = newFakeRun(storyDir)
		f.run.state = own
		b.own = f.run
	}
	b.press("3")
	// What commands bring, once more: a busy machine may have dropped it.
	b.send(snapshotMsg{gen: b.polls, snap: snap, changed: true})
	b.send(trainConfigMsg{dir: storyDir, config: experiments.Default()})
	return b
}

// trainStates are the main states of the Train screen.
var trainStates = []struct {
	name string
	snap func() *snapshot
	own  string
	keys []string
}{
	{"running", func() *snapshot { return story(143, runs.Running) }, runs.Running, nil},
	{"following", func() *snapshot { return story(143, runs.Running) }, "", nil},
	{"crosshair", func() *snapshot { return story(143, runs.Running) }, runs.Running, []string{"t", "home", "ctrl+right", "right"}},
	{"linear", func() *snapshot { return story(60, runs.Running) }, runs.Running, []string{"y", "z", "m", "m"}},
	{"stacked", func() *snapshot { return story(143, runs.Running) }, runs.Running, []string{"t", "t", "m"}},
	{"zoomed", func() *snapshot { return story(143, runs.Running) }, runs.Running, []string{"[", "+", "+", "a", "a"}},
	{"spike", spikeStory, "", nil},
	{"examples", func() *snapshot { return story(143, runs.Running) }, runs.Running, []string{"v"}},
	{"paused", func() *snapshot { return story(88, runs.Paused) }, runs.Paused, nil},
	{"evaluating", func() *snapshot { return story(75, runs.Running) }, "evaluating", nil},
	{"starting", func() *snapshot { return story(0, runs.Running) }, "loading the model", nil},
	{"first", func() *snapshot { return story(1, runs.Running) }, runs.Running, nil},
	{"failed", oddStory, "", nil},
	{"stopped", func() *snapshot { return story(143, runs.Stopped) }, "", nil},
	{"stale", func() *snapshot { return story(143, runs.Stale) }, "", nil},
	{"finished", func() *snapshot { return story(350, runs.Finished) }, "", nil},
	{"stop", func() *snapshot { return story(143, runs.Running) }, runs.Running, []string{"s"}},
	{"rate", func() *snapshot { return story(143, runs.Running) }, runs.Running, []string{"l", "text:7", "enter"}},
}

func TestTrainGolden(t *testing.T) {
	for _, s := range trainStates {
		for _, size := range trainSizes {
			name := fmt.Sprintf("train-%s-%dx%d", s.name, size[0], size[1])
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := trainBench(t, s.snap(), s.own, size[0], size[1])
				b.press(s.keys...)
				b.note = nil
				checkFrame(t, name, b.View(), size[0], size[1])
				b.golden(name)
			})
		}
	}
	t.Run("train-ascii-80x24", func(t *testing.T) {
		t.Parallel()
		b := trainBench(t, oddStory(), "", 80, 24, func(o *Options) { o.ASCII = true })
		b.golden("train-ascii-80x24")
		for _, r := range b.View() {
			if r > '~' {
				t.Fatalf("%q in an ASCII frame", r)
			}
		}
	})
	t.Run("train-none-80x24", func(t *testing.T) {
		t.Parallel()
		b := start(t, full(), 80, 24)
		b.press("3")
		b.golden("train-none-80x24")
	})
}

// TestTrainBodyIsExactAtEverySize draws the screens without the shell, which would
// cut what is too long.
func TestTrainBodyIsExactAtEverySize(t *testing.T) {
	for i, s := range trainStates {
		for _, ascii := range []bool{false, true} {
			if ascii && i%5 > 0 {
				continue
			}
			b := trainBench(t, s.snap(), s.own, 100, 30, func(o *Options) { o.ASCII = ascii })
			b.press(s.keys...)
			everySize(t, "train "+s.name, b.screens[trainScreenID])
		}
	}
}

// everySize draws a screen at sizes from 1x1 on, around those where its layout
// changes.
func everySize(t *testing.T, name string, sc screen) {
	t.Helper()
	for _, h := range []int{1, 2, 3, 5, 8, 11, 14, 17, 20, 24, 31, 36, 52, 80} {
		for _, w := range []int{1, 2, 5, 10, 19, 31, 40, 56, 79, 80, 100, 109, 110, 111, 130, 160, 200, 250} {
			sc.SetSize(w, h)
			checkFrame(t, name, sc.View(), w, h)
			if t.Failed() {
				return
			}
		}
	}
}

func (r *fakeRun) did(want ...string) bool { return slices.Equal(r.calls, want) }

func TestTrainSteersItsOwnRun(t *testing.T) {
	b := trainBench(t, story(143, runs.Running), runs.Running, 120, 40)
	run := b.fake.run
	b.press(" ", ".", "e", "c")
	if !run.did("pause", "step", "evaluate", "checkpoint") {
		t.Errorf("calls %q", run.calls)
	}
	run.calls, run.state = nil, runs.Paused
	b.send(snapshotMsg{gen: b.polls, snap: story(143, runs.Paused), changed: true})
	b.press(" ")
	if !run.did("resume") {
		t.Errorf("space on a paused run: calls %q", run.calls)
	}
	run.calls = nil
	b.press("s")
	b.sees("stop this run?")
	b.press("esc")
	if len(run.calls) > 0 {
		t.Errorf("esc stopped the run: %q", run.calls)
	}
	b.press("s", "s")
	if !run.did("stop") {
		t.Errorf("calls %q", run.calls)
	}
}

func TestTrainChangesTheRateAndSetsItBack(t *testing.T) {
	b := trainBench(t, story(143, runs.Running), runs.Running, 120, 40)
	run := b.fake.run
	if _, ok := lookup(b.screens[trainScreenID].Keys(), "u"); ok {
		t.Error("u works before anything was changed")
	}
	b.press("l", "text:nonsense", "enter")
	b.sees("is not a number")
	b.press("ctrl+u", "text:5", "enter")
	b.sees("out of range")
	if len(run.calls) > 0 {
		t.Fatalf("a refused rate was set: %q", run.calls)
	}
	b.press("ctrl+u", "text:/2", "enter")
	if !run.did("lr") {
		t.Fatalf("calls %q", run.calls)
	}
	b.sees("learning rate 1.25e-4 from the next step on")
	b.press("u")
	b.sees("learning rate back to 2.5e-4")
	if !run.did("lr", "lr") {
		t.Errorf("calls %q", run.calls)
	}
}

func TestParseRate(t *testing.T) {
	for in, want := range map[string]float64{"2e-4": 2e-4, " 0.5 ": 0.5, "x0.5": 5e-5, "*2": 2e-4, "/4": 2.5e-5, "/ 2": 5e-5, "1": 1} {
		if got, err := parseRate(in, 1e-4); err != nil || math.Abs(got-want) > 1e-15 {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "0", "-1", "nan", "inf", "x0", "/0", "1.01", "x1e9", "/", "x", "1e-4 2", "fast"} {
		if got, err := parseRate(in, 1e-4); err == nil {
			t.Errorf("%q was taken as %g", in, got)
		}
	}
	if _, err := parseRate("/2", 0); err == nil {
		t.Error("half of an unknown rate was taken")
	}
}

func TestParseRows(t *testing.T) {
	if got, err := parseRows("3 17,3, 118", 118); err != nil || !slices.Equal(got, []int{2, 16, 117}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, in := range []string{"", " , ", "0", "-1", "119", "x", "1.5", strings.Repeat("1 ", 3) + "99999999999999999999"} {
		if got, err := parseRows(in, 118); err == nil {
			t.Errorf("%q was taken as %v", in, got)
		}
	}
	b := trainBench(t, story(143, runs.Running), runs.Running, 120, 40)
	b.press("w")
	b.sees("watched rows", "8") // the one that is watched already
	b.press("text: 17", "enter")
	if !b.fake.run.did("watch") {
		t.Errorf("calls %q", b.fake.run.calls)
	}
	snap := story(143, runs.Running)
	snap.Version = 500
	snap.History.Events = append(snap.History.Events,
		event(143, snap.Info.Updated, runs.Intervention{Step: 143, Action: runs.ActionWatch, By: "user", Rows: []int{2}}),
		event(143, snap.Info.Updated, runs.Sample{Step: 143, Split: "eval", Row: 2, Text: "no object"}))
	b.send(snapshotMsg{gen: b.polls, snap: snap, changed: true})
	b.sees("row 3", "not JSON")
	b.lacks("row 8")
}

func TestTrainDoesNotSteerAnothersRun(t *testing.T) {
	b := trainBench(t, story(143, runs.Running), "", 120, 40)
	for _, k := range []string{" ", ".", "e", "c", "l", "u", "s"} {
		b.press(k)
		b.sees("process 4711 trains this run")
		b.lacks("stop this run?")
	}
	b = trainBench(t, story(143, runs.Stopped), "", 120, 40)
	b.press(" ")
	b.sees("resume it from 6 Runs")
}

// TestTrainFollowsGrowthAndRewind feeds a run in pieces and through a resume: the
// feed must equal one made of the final history at once.
func TestTrainFollowsGrowthAndRewind(t *testing.T) {
	b := trainBench(t, story(1, runs.Running), "", 120, 40)
	sc := b.screens[trainScreenID].(*trainScreen)
	for _, n := range []int{1, 2, 24, 25, 26, 80, 143} {
		b.send(snapshotMsg{gen: b.polls, snap: story(n, runs.Running), changed: true})
		if sc.feed.steps != n || sc.feed.loss.Len(sc.feed.loss.main) != n || len(sc.feed.scores) != n/25 {
			t.Fatalf("after %d steps: %d consumed, %d drawn, %d evaluations", n, sc.feed.steps, sc.feed.loss.Len(sc.feed.loss.main), len(sc.feed.scores))
		}
	}
	grown := b.View()
	b.send(snapshotMsg{gen: b.polls, snap: story(143, runs.Running), changed: true})
	if b.View() != grown {
		t.Error("the same snapshot changed the frame")
	}
	if once := trainBench(t, story(143, runs.Running), "", 120, 40).View(); once != grown {
		t.Errorf("grown in pieces:\n%s\nat once:\n%s", grown, once)
	}

	back := story(60, runs.Running)
	back.Version = 999
	back.History.Events = append(back.History.Events, event(50, back.Info.Updated, runs.Resume{From: 50}))
	b.send(snapshotMsg{gen: b.polls, snap: back, changed: true})
	if sc.feed.steps != 60 || sc.feed.loss.Len(sc.feed.loss.main) != 60 || sc.feed.maxNormStep > 60 {
		t.Errorf("after a resume: %d consumed, %d drawn", sc.feed.steps, sc.feed.loss.Len(sc.feed.loss.main))
	}
	b.sees("resumed after step 50")
}

func TestTrainReadsLongHistoriesInACommand(t *testing.T) {
	snap := story(0, runs.Running)
	snap.Version = 1
	for i := 1; i <= manySteps+500; i++ {
		snap.History.Steps = append(snap.History.Steps, runs.Step{Step: i, Loss: runs.Number(1 / float64(i)), GradNorm: 1, LR: 1e-4})
	}
	sc := newTrain(&app{t: plainTheme(false), snap: snap, runDir: snap.Dir, now: time.Now, back: full()})
	sc.SetSize(100, 30)
	cmd := sc.Update(snapshotMsg{snap: snap, changed: true})
	if sc.feed != nil || cmd == nil {
		t.Fatal("a long history was read in Update")
	}
	var built tea.Msg
	for _, c := range cmd().(tea.BatchMsg) {
		if msg, ok := c().(trainBuiltMsg); ok {
			built = msg
		}
	}
	sc.Update(built)
	if sc.feed == nil || sc.feed.steps != manySteps+500 {
		t.Fatal("what was read in the command is not shown")
	}
}

func TestTrainCrosshair(t *testing.T) {
	b := trainBench(t, oddStory(), "", 120, 40)
	b.press("left")
	b.sees("step 40 ")
	b.press("right")
	b.sees("step 41 ", "NaN")
	b.press("home")
	b.sees("step 1 ")
	b.press("ctrl+right")
	b.sees("step 11 ")
	for _, want := range []string{"checkpoint of step 25", "the loss is exactly zero", "MASK-ALL", "no mark there"} {
		b.press("]")
		b.sees(want)
	}
	b.sees("step 41 ", "MASK-ALL")
	b.press("[")
	b.sees("step 37 ", "the loss is exactly zero")
	sc := b.screens[trainScreenID].(*trainScreen)
	b.press("esc")
	if !math.IsNaN(sc.charts.cross) {
		t.Error("esc left the crosshair")
	}
	b.press("x")
	if sc.charts.cross != 41 {
		t.Errorf("x put the crosshair on %g", sc.charts.cross)
	}
	b.press("x")
	if !math.IsNaN(sc.charts.cross) {
		t.Error("x left the crosshair")
	}
}

// TestTrainMarksClipping jumps to where clipping begins, not to each clipped step.
func TestTrainMarksClipping(t *testing.T) {
	snap := story(60, runs.Running)
	for i := range snap.History.Steps {
		snap.History.Steps[i].GradNorm = 0.5
	}
	for _, i := range []int{29, 30, 31, 49} {
		snap.History.Steps[i].GradNorm = 3
	}
	b := trainBench(t, snap, "", 120, 40)
	sc := b.screens[trainScreenID].(*trainScreen)
	var stops []int
	for from, ok := sc.feed.nextMark(0, true); ok; from, ok = sc.feed.nextMark(from, true) {
		stops = append(stops, from)
	}
	if !slices.Equal(stops, []int{25, 30, 50}) {
		t.Errorf("marks at %v", stops)
	}
	if got := sc.feed.marksAt(50); !strings.Contains(got, "clipped") || !strings.Contains(got, "checkpoint of step 50") {
		t.Errorf("step 50: %q", got)
	}
	b.sees("c 4 clipped")
}

func TestTrainZoomsAndPans(t *testing.T) {
	b := trainBench(t, story(143, runs.Running), "", 120, 40)
	sc := b.screens[trainScreenID].(*trainScreen)
	over := func() [2]float64 {
		lo, hi, _ := sc.charts.window.Over(sc.feed.reach())
		return [2]float64{lo, hi}
	}
	b.press("+")
	if got := over(); got != [2]float64{72, 143} {
		t.Errorf("zoomed at the newest: %v", got)
	}
	b.send(snapshotMsg{gen: b.polls, snap: story(150, runs.Running), changed: true})
	if got := over(); got != [2]float64{79, 150} {
		t.Errorf("after seven more steps: %v", got)
	}
	b.press("shift+left")
	if got := over(); got != [2]float64{61.25, 132.25} {
		t.Errorf("panned: %v", got)
	}
	b.press("home") // the crosshair pulls the window along
	if got := over(); got != [2]float64{1, 72} {
		t.Errorf("crosshair at the first step: %v", got)
	}
	b.press("-", "-")
	if sc.charts.window.On() {
		t.Error("zoomed out four times as far it is not all")
	}
	b.press("+", "0")
	if sc.charts.window.On() {
		t.Error("0 does not show all")
	}
}

// TestTrainAxes puts the same step under the crosshair on every axis.
func TestTrainAxes(t *testing.T) {
	b := trainBench(t, story(143, runs.Running), "", 120, 40)
	b.press("]", "]", "]", "]", "]", "]") // clipping begins, checkpoints, the rate
	sc := b.screens[trainScreenID].(*trainScreen)
	step := sc.charts.cross
	line := sc.crossLine(120)
	for _, axis := range []string{"tokens", "seconds", "step"} {
		b.press("a")
		if sc.charts.cross != step || sc.crossLine(120) != line {
			t.Errorf("on the axis of %s: %s\nbefore: %s", axis, sc.crossLine(120), line)
		}
		b.sees(axis)
	}
}

// TestTrainStacksTheWeightedTerms compares the top of the stack with the weighted sum.
func TestTrainStacksTheWeightedTerms(t *testing.T) {
	b := trainBench(t, story(20, runs.Running), "", 120, 40)
	f := b.screens[trainScreenID].(*trainScreen).feed
	w, last := experiments.Default().Loss, story(20, runs.Running).History.Steps[19]
	want := w.CE*float64(last.CE) + w.JSON*float64(last.JSON) + w.Field*float64(last.Field) + w.Confidence*float64(last.Confidence)
	if _, got, _, _ := f.loss.At(f.loss.stack[3], 20); math.Abs(got-want) > 1e-12 {
		t.Errorf("the stack is %g high, the weighted sum is %g", got, want)
	}
	b.press("t", "t")
	b.sees("+json", "+conf")
	b.press("t")
	b.lacks("+json")
}

func TestTrainMarksWhatIsNotANumber(t *testing.T) {
	b := trainBench(t, oddStory(), "", 80, 24)
	b.sees("✗ NaN", "1 NaN", "0 1 zero", "failed after step 41", "row 412", "MASK-ALL")
	all := story(3, runs.Running)
	for i := range all.History.Steps {
		s := &all.History.Steps[i]
		s.Loss, s.CE, s.JSON, s.GradNorm, s.LR, s.Epoch, s.Seconds = runs.Number(math.NaN()), runs.Number(math.Inf(1)), 0, runs.Number(math.Inf(-1)), runs.Number(math.NaN()), runs.Number(math.NaN()), runs.Number(math.NaN())
	}
	b = trainBench(t, all, "", 120, 40)
	checkFrame(t, "only NaN", b.View(), 120, 40)
	b.sees("✕ 3 NaN", "3 steps not finite")
}

func TestTrainUnreadableRun(t *testing.T) {
	b := trainBench(t, &snapshot{Dir: storyDir, Err: errors.New("reading run.json: damaged \x1b[31mrun directory"), History: &runs.History{}}, "", 80, 24)
	checkFrame(t, "unreadable", b.View(), 80, 24)
	b.sees("damaged")
	if strings.Contains(b.View(), "\x1b") {
		t.Error("an escape of the error reached the frame")
	}
}

func TestObjectFieldsOfOutputs(t *testing.T) {
	for in, want := range map[string]string{
		`{"a": "x", "b": [1, 2], "c": null}`: "a=x b=[1,2] c=null",
		`text {"a": {"b": 1}} more`:          `a={"b":1}`,
		`{"a": "x", "b": "cut of`:            "a=x",
		`{"a": 1, "a": 2}`:                   "a=2",
		`no object`:                          "",
		`{1: 2}`:                             "",
		`{`:                                  "",
	} {
		keys, values := objectFields(in)
		var got []string
		for _, k := range keys {
			got = append(got, k+"="+values[k])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestNumbersInWords(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.07131: "0.0713", 1.45: "1.450", 12345: "12345", 1e-5: "1e-5", -0.5: "-0.5000", 123456: "1.23e5", math.Inf(-1): "-Inf"} {
		if got := figure(v); got != want {
			t.Errorf("figure(%g) = %q, want %q", v, got, want)
		}
	}
	for v, want := range map[float64]string{4.13e-4: "4.13e-4", 5e-4: "5e-4", 0.01: "0.01", 0: "0", 1e-10: "1e-10"} {
		if got := rateText(v); got != want {
			t.Errorf("rateText(%g) = %q, want %q", v, got, want)
		}
	}
	for v, want := range map[float64]string{1: "1.00", 0.9999: "0.99", 0.001: "0.01", 0: "0.00", 0.666: "0.67"} {
		if got := shareText(v); got != want {
			t.Errorf("shareText(%g) = %q, want %q", v, got, want)
		}
	}
}

// BenchmarkTrainView draws frames of an unchanged run, and frames of a run that made
// a step in between.
func BenchmarkTrainView(b *testing.B) {
	a := &app{t: plainTheme(false), snap: story(350, runs.Running), runDir: storyDir, now: time.Now, back: full()}
	sc := newTrain(a)
	sc.SetSize(120, 36)
	sc.Update(snapshotMsg{snap: a.snap, changed: true})
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			_ = sc.View()
		}
	})
	b.Run("stepped", func(b *testing.B) {
		x := 351
		for b.Loop() {
			sc.feed.step(runs.Step{Step: x, Loss: 0.1, GradNorm: 0.2, LR: 1e-4})
			sc.feed.version = x
			x++
			_ = sc.View()
		}
	})
}
