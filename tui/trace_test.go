package tui

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
	"hone/runs"
)

// traceBench opens the workbench on a run, on the Trace screen.
func traceBench(t *testing.T, snap *snapshot, read stepReader, width, height int, change ...func(*Options)) *bench {
	t.Helper()
	f := full()
	f.snap, f.replay = snap, sampleReplay()
	b := start(t, f, width, height, append(change, func(o *Options) { o.RunDir = storyDir })...)
	sc := b.screens[traceScreenID].(*traceScreen)
	sc.read = read
	b.send(snapshotMsg{gen: b.polls, snap: snap, changed: true})
	b.press("4")
	return b
}

func unreadableStep(context.Context, string, int) (*experiments.StepRecord, error) {
	return nil, errors.New("reading the trace: permission denied")
}

func noSuchStep(context.Context, string, int) (*experiments.StepRecord, error) {
	return &experiments.StepRecord{Loss: math.NaN(), GradNorm: math.NaN()}, nil
}

var traceStates = []struct {
	name string
	snap func() *snapshot
	read stepReader
	keys []string
}{
	{"sound", func() *snapshot { return story(143, runs.Running) }, soundStep, nil},
	{"odd", oddStory, oddStep, nil},
	{"batch", oddStory, oddStep, []string{"tab", "down"}},
	{"masked", oddStory, oddStep, []string{"tab", "home", "down", "down"}},
	{"replay", oddStory, oddStep, []string{"r"}},
	{"changed", oddStory, oddStep, []string{"R", "enter"}},
	{"rewind", oddStory, oddStep, []string{"w"}},
	{"doctor", oddStory, oddStep, []string{"d", "end"}},
	{"tensors", oddStory, oddStep, []string{"tab", "tab", "tab", "down"}},
	{"filter", oddStory, oddStep, []string{"tab", "tab", "tab", "/", "text:layers.7. lora_b", "enter", "o"}},
	{"matrix", oddStory, oddStep, []string{"shift+tab", "right", "right", "right", "down"}},
	{"span", oddStory, oddStep, []string{"shift+tab", "v", "right"}},
	{"bare", func() *snapshot { return story(3, runs.Running) }, noSuchStep, []string{"tab"}},
	{"unreadable", func() *snapshot { return story(3, runs.Running) }, unreadableStep, []string{"tab", "tab"}},
	{"foreign", foreignSnapshot, noSuchStep, nil},
}

func TestTraceGolden(t *testing.T) {
	for _, s := range traceStates {
		for _, size := range trainSizes {
			name := fmt.Sprintf("trace-%s-%dx%d", s.name, size[0], size[1])
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := traceBench(t, s.snap(), s.read, size[0], size[1])
				b.press(s.keys...)
				b.note = nil
				checkFrame(t, name, b.View(), size[0], size[1])
				b.golden(name)
			})
		}
	}
}

func TestTraceBodyIsExactAtEverySize(t *testing.T) {
	for i, s := range traceStates {
		b := traceBench(t, s.snap(), s.read, 100, 30, func(o *Options) { o.ASCII = i%2 == 1 })
		b.press(s.keys...)
		everySize(t, "trace "+s.name, b.screens[traceScreenID])
	}
}

func TestTraceFindings(t *testing.T) {
	b := traceBench(t, oddStory(), oddStep, 120, 40)
	b.sees("MASK-ALL", "LOSS-NONFINITE", "LOSS-ZERO", "NO-TARGETS", "3 errors, 1 warning", "halted before its update", "first cause")
	sc := b.screens[traceScreenID].(*traceScreen)
	if n := sc.found[sc.findings.visible[0]]; n.id != "MASK-ALL" {
		t.Errorf("the likeliest cause is %s", n.id)
	}
	b.press("o", "home")
	b.sees("step 37", "was supervised", "chain of step 37")
	b.press("enter")
	if b.active != trainScreenID || b.screens[trainScreenID].(*trainScreen).charts.cross != 37 {
		t.Errorf("enter went to screen %d with the crosshair at %g", b.active, b.screens[trainScreenID].(*trainScreen).charts.cross)
	}
}

func TestTraceJoinsStepsInARow(t *testing.T) {
	snap := story(60, runs.Running)
	for _, i := range []int{10, 11, 12, 13, 30, 40, 41} {
		snap.History.Steps[i-1].Loss = runs.Number(math.NaN())
	}
	b := traceBench(t, snap, soundStep, 120, 40)
	sc := b.screens[traceScreenID].(*traceScreen)
	var got []string
	for _, i := range orderOf(sc.feed.found, true) {
		got = append(got, sc.feed.found[i].steps())
	}
	if strings.Join(got, " ") != "10-13 30 40-41" {
		t.Errorf("steps %q", got)
	}

	// The same steps in pieces, and a resume that takes some back.
	for _, n := range []int{5, 11, 12, 30, 40, 60} {
		part := story(n, runs.Running)
		copy(part.History.Steps, snap.History.Steps)
		part.Dir, part.Version = "other", n
		b.runDir = "other"
		b.send(snapshotMsg{gen: b.polls, snap: part, changed: true})
	}
	if len(sc.feed.found) != 3 || sc.feed.found[0].to != 13 {
		t.Errorf("in pieces: %+v", sc.feed.found)
	}
	back := story(35, runs.Running)
	copy(back.History.Steps, snap.History.Steps)
	back.Dir, back.Version = "other", 99
	back.History.Events = append(back.History.Events, snap.History.Events[:0]...)
	back.History.Events = append(back.History.Events, event(20, back.Info.Updated, runs.Resume{From: 20}))
	b.send(snapshotMsg{gen: b.polls, snap: back, changed: true})
	if len(sc.feed.found) != 2 {
		t.Errorf("after a resume: %+v", sc.feed.found)
	}
}

func TestTraceFilterOrderAndCell(t *testing.T) {
	b := traceBench(t, story(143, runs.Running), soundStep, 120, 40)
	sc := b.screens[traceScreenID].(*traceScreen)
	name := func(i int) string { return sc.grads().tensors[sc.tensors.visible[i]].name }
	if n := len(sc.tensors.visible); n != 420 {
		t.Fatalf("%d tensors", n)
	}
	if !strings.HasSuffix(name(0), "lora_B") {
		t.Errorf("the largest is %s", name(0))
	}
	b.press("tab", "tab", "tab", "o")
	if name(0) != "layers.0.self_attn.q_proj.lora_A" || name(419) != "layers.29.mlp.down_proj.lora_B" {
		t.Errorf("by name: %s to %s", name(0), name(419))
	}
	b.press("/", "text:layers.12. down")
	if len(sc.tensors.visible) != 2 {
		t.Errorf("the filter left %d", len(sc.tensors.visible))
	}
	b.press("esc")
	if len(sc.tensors.visible) != 420 {
		t.Errorf("esc left %d", len(sc.tensors.visible))
	}
	b.press("tab", "right", "right", "down", "enter")
	if len(sc.tensors.visible) != 2 || !strings.HasPrefix(name(0), "layers.2.self_attn.k_proj") {
		t.Errorf("the cell's tensors: %d, %s", len(sc.tensors.visible), name(0))
	}
	b.press("esc")
	if len(sc.tensors.visible) != 420 {
		t.Error("esc did not take the filter away")
	}
}

// TestTraceReadsOnlyWhenLookedAt counts readings of the trace file.
func TestTraceReadsOnlyWhenLookedAt(t *testing.T) {
	reads := 0
	a := &app{ctx: context.Background(), back: full(), t: plainTheme(false), snap: story(10, runs.Running), runDir: storyDir}
	sc := newTrace(a)
	sc.read = func(ctx context.Context, dir string, step int) (*experiments.StepRecord, error) {
		reads++
		return soundStep(ctx, dir, step)
	}
	sc.SetSize(80, 20)
	var run func(msg any)
	run = func(msg any) {
		for cmd := sc.Update(msg); cmd != nil; {
			got := cmd()
			if batch, ok := got.(tea.BatchMsg); ok {
				for _, c := range batch {
					if c != nil {
						run(c())
					}
				}
				return
			}
			if got == nil {
				return
			}
			cmd = sc.Update(got)
		}
	}
	run(snapshotMsg{snap: a.snap, changed: true})
	if reads != 0 {
		t.Fatal("the trace was read while another screen was visible")
	}
	if cmd := sc.Focus(); cmd != nil {
		run(cmd())
	}
	if reads != 1 || sc.grads() == nil {
		t.Fatalf("%d reads after Focus", reads)
	}
	run(snapshotMsg{snap: a.snap})
	if reads != 1 {
		t.Fatalf("%d reads without news", reads)
	}
	a.snap = story(11, runs.Running)
	run(snapshotMsg{snap: a.snap, changed: true})
	if reads != 2 {
		t.Fatalf("%d reads after a new step", reads)
	}
	// A step of the past does not change: it is read once.
	run(sc.goStep(5)())
	for _, n := range []int{12, 13} {
		a.snap = story(n, runs.Running)
		run(snapshotMsg{snap: a.snap, changed: true})
	}
	if reads != 3 || sc.view.record.Step != 5 {
		t.Fatalf("%d reads of step %d", reads, sc.view.record.Step)
	}
	sc.Blur()
	run(sc.goStep(newestStep))
	a.snap = story(14, runs.Running)
	run(snapshotMsg{snap: a.snap, changed: true})
	if reads != 3 {
		t.Fatalf("%d reads while not visible", reads)
	}
}

func TestGradViewOfHostileNames(t *testing.T) {
	g := runs.Gradients{Step: 1, Norm: math.NaN(), Norms: map[string]float64{
		"": 1, "layers": 2, "layers.": 3, "layers.x.q": 4, "layers.-1.q": 5, "layers.99999999999999999999.q": 6, "layers.1000000.mlp.up_proj.lora_A": 7,
		"model.layers.2.mlp.up_proj.lora_A.weight": 8, "embed_tokens.weight": 9, "a\x1b[31m": math.Inf(1), "sublayers.3.q": 10,
	}, NonFinite: []runs.NonFinite{{Tensor: "gone", Count: -5}}}
	v := newGradView(runs.GradientTail{Steps: []runs.Gradients{g}})
	if len(v.tensors) != 12 || v.layers != 3 || len(v.modules) != 1 || v.badTensors != 2 || v.largest != 10 {
		t.Errorf("%d tensors, %d layers, modules %q, %d bad, largest %g", len(v.tensors), v.layers, v.modules, v.badTensors, v.largest)
	}
	b := traceBench(t, story(3, runs.Running), func(context.Context, string, int) (*experiments.StepRecord, error) {
		return &experiments.StepRecord{Step: 1, Gradients: runs.GradientTail{Steps: []runs.Gradients{g}}}, nil
	}, 120, 40)
	b.press("shift+tab", "right", "down", "v")
	checkFrame(t, "hostile names", b.View(), 120, 40)
	if strings.Contains(b.View(), "\x1b") {
		t.Error("an escape of a name reached the frame")
	}
	if newGradView(runs.GradientTail{}) != nil {
		t.Error("a view of nothing")
	}
}

func BenchmarkTraceView(b *testing.B) {
	a := &app{t: plainTheme(false), snap: oddStory(), runDir: storyDir}
	sc := newTrace(a)
	sc.SetSize(120, 36)
	sc.Update(snapshotMsg{snap: a.snap, changed: true})
	r, _ := oddStep(context.Background(), "", 0)
	sc.Update(stepMsg{of: stepAsk{dir: storyDir}, view: newStepView(stepAsk{}, r, a.snap)})
	for b.Loop() {
		_ = sc.View()
	}
}
