package tui

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"hone/runs"
)

// gradients is a record of a model with so many layers; the norm of a tensor falls
// with its layer and differs by module.
func gradients(step, layers int) runs.Gradients {
	g := runs.Gradients{Step: step, Norms: map[string]float64{}, Clip: 1}
	total := 0.0
	for l := range layers {
		for m, module := range []string{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"} {
			b := 0.05 / float64(1+l/3) * (1 + 0.3*math.Sin(float64(l*7+m*3+step)))
			g.Norms[fmt.Sprintf("layers.%d.%s.lora_B", l, module)] = b
			g.Norms[fmt.Sprintf("layers.%d.%s.lora_A", l, module)] = b / 40
			total += b * b * (1 + 1.0/1600)
		}
	}
	g.Norm = math.Sqrt(total)
	return g
}

// soundTail is the end of a trace in which nothing is wrong.
func soundTail(dir string, steps int) (runs.GradientTail, error) {
	return runs.GradientTail{Steps: []runs.Gradients{gradients(142, 30), gradients(143, 30)}}, nil
}

// oddTail is the end of a trace whose last step is not finite.
func oddTail(dir string, steps int) (runs.GradientTail, error) {
	g := gradients(41, 30)
	g.Norm = math.NaN()
	for name := range g.Norms {
		if strings.Contains(name, "layers.0.") || strings.HasSuffix(name, "layers.7.mlp.down_proj.lora_B") {
			g.Norms[name] = math.NaN()
			g.NonFinite = append(g.NonFinite, runs.NonFinite{Tensor: name, Count: 9216})
		}
	}
	g.Norms["layers.3.self_attn.k_proj.lora_A"] = 0
	g.Norms["layers.3.self_attn.k_proj.lora_B"] = 0
	return runs.GradientTail{Steps: []runs.Gradients{gradients(39, 30), gradients(40, 30), g}}, nil
}

// traceBench opens the workbench on a run, on the Trace screen.
func traceBench(t *testing.T, snap *snapshot, read func(string, int) (runs.GradientTail, error), width, height int, change ...func(*Options)) *bench {
	t.Helper()
	f := full()
	f.snap = snap
	b := start(t, f, width, height, append(change, func(o *Options) { o.RunDir = storyDir })...)
	sc := b.screens[traceScreenID].(*traceScreen)
	sc.read = read
	b.send(snapshotMsg{gen: b.polls, snap: snap, changed: true})
	b.press("4")
	tail, err := read(storyDir, tracedSteps)
	b.send(gradsMsg{owner: sc.owner, dir: storyDir, view: newGradView(tail), err: err}) // should a busy machine have dropped it
	return b
}

var traceStates = []struct {
	name string
	snap func() *snapshot
	read func(string, int) (runs.GradientTail, error)
	keys []string
}{
	{"sound", func() *snapshot { return story(143, runs.Running) }, soundTail, nil},
	{"odd", oddStory, oddTail, []string{"end"}},
	{"tensors", oddStory, oddTail, []string{"tab", "down"}},
	{"filter", oddStory, oddTail, []string{"/", "text:layers.7. lora_b", "enter", "o"}},
	{"matrix", oddStory, oddTail, []string{"shift+tab", "right", "right", "right", "down"}},
	{"bare", func() *snapshot { return story(3, runs.Running) }, func(string, int) (runs.GradientTail, error) { return runs.GradientTail{}, nil }, []string{"tab"}},
	{"unreadable", func() *snapshot { return story(3, runs.Running) }, func(string, int) (runs.GradientTail, error) {
		return runs.GradientTail{}, errors.New("reading the trace: permission denied")
	}, []string{"tab", "tab"}},
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
	b := traceBench(t, oddStory(), oddTail, 120, 40)
	b.sees("MASK-ALL", "LOSS-NONFINITE", "LOSS-ZERO", "NO-TARGETS", "3 errors, 1 warning", "15 tensors not finite since step 41")
	b.press("home")
	b.sees("step 37", "was supervised")
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
	b := traceBench(t, snap, soundTail, 120, 40)
	sc := b.screens[traceScreenID].(*traceScreen)
	var got []string
	for _, i := range sc.feed.order() {
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
	b := traceBench(t, story(143, runs.Running), soundTail, 120, 40)
	sc := b.screens[traceScreenID].(*traceScreen)
	name := func(i int) string { return sc.grads.tensors[sc.tensors.visible[i]].name }
	if n := len(sc.tensors.visible); n != 420 {
		t.Fatalf("%d tensors", n)
	}
	if !strings.HasSuffix(name(0), "lora_B") {
		t.Errorf("the largest is %s", name(0))
	}
	b.press("tab", "o")
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
	a := &app{back: full(), t: plainTheme(false), snap: story(10, runs.Running), runDir: storyDir}
	sc := newTrace(a)
	sc.read = func(string, int) (runs.GradientTail, error) { reads++; return soundTail("", 0) }
	sc.SetSize(80, 20)
	run := func(msg any) {
		for cmd := sc.Update(msg); cmd != nil; {
			got := cmd()
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
	if reads != 1 || sc.grads == nil {
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
	sc.Blur()
	a.snap = story(12, runs.Running)
	run(snapshotMsg{snap: a.snap, changed: true})
	if reads != 2 {
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
	b := traceBench(t, story(3, runs.Running), func(string, int) (runs.GradientTail, error) {
		return runs.GradientTail{Steps: []runs.Gradients{g}}, nil
	}, 120, 40)
	b.press("tab", "tab", "right", "down")
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
	tail, _ := oddTail("", 0)
	sc.Update(gradsMsg{owner: sc.owner, dir: storyDir, view: newGradView(tail)})
	for b.Loop() {
		_ = sc.View()
	}
}
