package tui

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
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

// sampleStepRow is a row of a step, of which so many tokens are supervised; loss
// gives each of these its nats, nil for none.
func sampleStepRow(row, targets int, loss func(i int) float64) experiments.StepRow {
	_, words := sampleRow(row)
	r := experiments.StepRow{Row: row, Source: fmt.Sprintf("train.jsonl:%d", row+1), Tokens: len(words), From: experiments.FromDataset}
	for i, w := range words {
		x := experiments.StepToken{ID: int32(100 + i), Text: w.Text, Field: w.Field}
		if w.Target && r.Targets < targets {
			x.Target = true
			r.Targets++
			if loss != nil {
				nll := runs.Number(loss(r.Targets))
				x.NLL, r.From = &nll, experiments.FromRecord
				r.NLL += float64(nll)
			}
		}
		r.Text = append(r.Text, x)
	}
	return r
}

// soundStep is a step in which nothing is wrong.
func soundStep(_ context.Context, dir string, step int) (*experiments.StepRecord, error) {
	if step == 0 {
		step = 143
	}
	r := &experiments.StepRecord{Step: step, Loss: 0.0713, GradNorm: 0.31, Targets: 620, Tokens: 950, Applied: true}
	for _, row := range []int{17, 3, 412, 8} {
		x := sampleStepRow(row, 99, nil)
		x.NLL = 1.5 + float64(row)/100
		r.Rows = append(r.Rows, x)
	}
	r.Stages = []experiments.Stage{
		{Name: experiments.StageData, Verdict: experiments.WentWell, Text: "4 rows, 4 distinct, tokens as in the dataset"},
		{Name: experiments.StageMask, Verdict: experiments.WentWell, Text: "620 of 950 tokens supervised"},
		{Name: experiments.StageForward, Verdict: experiments.WentWell, Text: "950 tokens in 1 pass"},
		{Name: experiments.StageLoss, Verdict: experiments.WentWell, Text: "0.0713  ce 0.0481  json 0.061  field 0.094  conf 0.041"},
		{Name: experiments.StageGradient, Verdict: experiments.WentWell, Text: "norm 0.31 of 420 tensors"},
		{Name: experiments.StageUpdate, Verdict: experiments.WentWell, Text: "lr 0.000413, 4884480 values changed in 420 tensors"},
	}
	for i := max(step-15, 1); i <= step; i++ {
		r.Gradients.Steps = append(r.Gradients.Steps, gradients(i, 30))
	}
	return r, nil
}

// oddStep is a step that was halted: a row of it has no targets, another a token
// whose loss is not a number.
func oddStep(ctx context.Context, dir string, step int) (*experiments.StepRecord, error) {
	if step != 0 && step != 41 {
		return soundStep(ctx, dir, step)
	}
	r, err := soundStep(ctx, dir, 41)
	r.Applied, r.Loss, r.GradNorm, r.Targets = false, math.NaN(), math.NaN(), 527
	wave := func(i int) float64 { return 2.2 + 2*math.Sin(float64(i)) }
	r.Rows = []experiments.StepRow{sampleStepRow(17, 99, wave), sampleStepRow(3, 99, wave), sampleStepRow(412, 0, wave), sampleStepRow(8, 99, func(i int) float64 {
		if i > 9 {
			return math.NaN()
		}
		return wave(i)
	})}
	r.Rows[2].Odd, r.Rows[2].NLL = "0 supervised tokens of 93", math.NaN()
	r.Suspects = []int{412, 8}
	r.Stages = []experiments.Stage{
		{Name: experiments.StageData, Verdict: experiments.WentWell, Text: "4 rows, 4 distinct, tokens as in the dataset"},
		{Name: experiments.StageMask, Verdict: experiments.WentWrong, ID: "MASK-ALL", First: true, Text: "1 of 4 rows have no supervised token"},
		{Name: experiments.StageForward, Text: "not looked at: a replay traces every operation"},
		{Name: experiments.StageLoss, Verdict: experiments.WentWrong, Text: "NaN over 527 targets; not finite in 2 of 4 rows"},
		{Name: experiments.StageGradient, Verdict: experiments.WentWrong, Text: "15 of 420 tensors not finite, layers.0.self_attn.q_proj.lora_A first: 9216 values from element 0 on"},
		{Name: experiments.StageUpdate, Text: "not applied: the weights are as they were"},
	}
	r.Gradients = oddTail()
	return r, err
}

// sampleReplay is a replay of a step that is not finite.
func sampleReplay() *experiments.Replay {
	row := 8
	op := func(seq int, name, phase string, bad bool) experiments.ReplayedOp {
		o := experiments.ReplayedOp{Seq: seq, Name: name, Phase: phase, Shape: [2]int{402, 576}, AbsMax: runs.Number(3.1 + float64(seq)), RMS: 0.4}
		if bad {
			o.PosInf = 1
			o.Bad = &experiments.BadPlace{Part: name, Index: 76041, Row: 132, Col: 9, Value: runs.Number(math.Inf(1)), Data: &row, Token: 120, At: 12, Tokens: 61}
		}
		return o
	}
	r := &experiments.Replay{RunDir: storyDir, Step: 41, From: 25, Reproduced: true}
	again := sampleStepRow(8, 99, func(i int) float64 { return float64(i % 5) })
	r.Base = experiments.ReplayedStep{Rows: []int{17, 3, 412, 8}, Loss: runs.Number(math.NaN()), GradNorm: runs.Number(math.NaN()), Update: runs.Number(math.NaN()), PerRow: []experiments.ReplayedRow{
		{Row: 8, Tokens: again.Tokens, Targets: again.Targets, PerToken: again.Text},
	}}
	for i, name := range []string{"embed_tokens", "layers.0.input_layernorm", "layers.0.self_attn.qkv_proj", "layers.0.self_attn", "layers.0.self_attn.o_proj", "layers.0.mlp.act_fn", "layers.0.mlp.down_proj", "norm", "lm_head"} {
		r.Base.Ops = append(r.Base.Ops, op(i, name, "forward", i >= 5))
	}
	r.Base.FirstBad = &r.Base.Ops[5]
	r.Bisection = &experiments.Bisection{Rows: []int{8}, Op: &r.Base.Ops[5], Probes: []experiments.Probe{{Rows: []int{17, 3}, Finite: true}, {Rows: []int{412, 8}}, {Rows: []int{412}, Finite: true}, {Rows: []int{8}}}}
	return r
}

// oddTail is the end of a trace whose last step is not finite.
func oddTail() runs.GradientTail {
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
	return runs.GradientTail{Steps: []runs.Gradients{gradients(39, 30), gradients(40, 30), g}}
}

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

// foreignSnapshot is the log of another trainer.
func foreignSnapshot() *snapshot {
	h := &runs.History{}
	nan := runs.Number(math.NaN())
	for i := 10; i <= 210; i += 10 {
		h.Steps = append(h.Steps, runs.Step{Step: i, Epoch: runs.Number(float64(i) / 70), JSON: nan, Field: nan, Confidence: nan, GradNorm: nan, LR: runs.Number(5e-4 * float64(210-i) / 210), Seconds: nan})
	}
	h.Events = append(h.Events, event(210, time.Time{}, runs.Alert{
		Step: 210, ID: "COLLATE-EMPTY", Severity: "error", Confidence: 0.97, Message: "columns are dropped before the collator",
		Advice: "Set remove_unused_columns=False, or tokenize before the trainer.", Evidence: []string{"1,662 tokens for 1,662 sequences: 1.000 each (trainer_state.json:12)"},
	}))
	return &snapshot{
		Dir: storyDir, Version: 1, State: foreignState, History: h, Info: runs.RunInfo{Name: "trainer_state.json", State: foreignState, Step: 210, Steps: 210},
		Foreign: &foreignView{
			Tool: "transformers", Norms: true, Rates: true,
			Facts:  []string{"21 logged losses, steps 10 to 210 of 210; 21 of them exactly 0.0, 0 NaN or infinite; 21 of 21 gradient norms NaN or infinite", "no evaluation"},
			Limits: []string{"whether the end of the sequence (EOS) is trained, and which tokens are; look at one batch", "whether the saved weights are finite; look at the adapter or the model"},
			Others: []string{"checkpoint-100/trainer_state.json"},
		},
	}
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

// TestTraceFromChart opens Trace from a mark of the charts with one key: at that
// step, with its batch.
func TestTraceFromChart(t *testing.T) {
	b := traceBench(t, oddStory(), oddStep, 100, 30)
	b.press("3", "enter")
	sc := b.screens[traceScreenID].(*traceScreen)
	if b.active != traceScreenID || sc.shownStep() != 41 || sc.pane != batchPane {
		t.Fatalf("screen %d, step %d, pane %d", b.active, sc.shownStep(), sc.pane)
	}
	b.sees("row 412", "0 supervised tokens", "0/0")
	b.press("down")
	b.sees("as consumed", "loss, 0 to 4 nats", "most surprising", "12:00")
	b.press("3", "end", "[", "enter") // the zero at step 37
	if sc.shownStep() != 37 {
		t.Errorf("the mark opened step %d", sc.shownStep())
	}
	b.press("[")
	if sc.shownStep() != 36 {
		t.Errorf("the step before is %d", sc.shownStep())
	}
	b.press("#", "text:42", "enter")
	b.sees("want a step from 1 to 41")
	b.press("ctrl+u", "text:12", "enter")
	if sc.shownStep() != 12 {
		t.Errorf("# went to %d", sc.shownStep())
	}
}

// TestTraceRewind asks first, and starts the run from the step before, without the
// rows that a bisection found.
func TestTraceRewind(t *testing.T) {
	b := traceBench(t, oddStory(), oddStep, 100, 30)
	b.press("w")
	b.sees("go back before step 41?", "without rows 412, 8")
	b.press("esc", "r")
	if !b.fake.has("replay 41 without [] set []") {
		t.Fatal(b.fake.calls)
	}
	b.sees("the same bits", "layers.0.mlp.act_fn, forward", "element    76041", "dataset row 8", "bisected   row 8")
	b.press("w")
	b.sees("without row 8")
	if b.fake.has("rewind to 40 without [8]") {
		t.Fatal("it did not ask")
	}
	b.press("w")
	if !b.fake.has("rewind to 40 without [8]") || b.active != trainScreenID {
		t.Fatal(b.fake.calls)
	}
	b = traceBench(t, oddStory(), oddStep, 100, 30)
	b.press("w", "o", "ctrl+u", "text:99", "enter")
	b.sees("0 to 41")
	b.press("ctrl+u", "text:20 3 17", "enter")
	if !b.fake.has("rewind to 20 without [3 17]") {
		t.Fatal(b.fake.calls)
	}
	live := traceBench(t, story(143, runs.Running), soundStep, 100, 30)
	live.press("w")
	live.sees("stop it first")
}

// TestTraceReplayIsStopped stops a replay that would last for ever.
func TestTraceReplayIsStopped(t *testing.T) {
	b := traceBench(t, oddStory(), oddStep, 100, 30)
	b.fake.replay = nil
	sc := b.screens[traceScreenID].(*traceScreen)
	cmds := sc.askReplay()().(tea.BatchMsg)
	ended := make(chan tea.Msg, 1)
	go func() { ended <- cmds[0]() }()
	sc.Update(cmds[1]()) // its first progress; the next is waited for until the end
	b.sees("replaying step 41: re-executing step 40", "15 of 16", "x stops")
	b.press("r")
	if sc.jobs != 1 {
		t.Error("a second replay began")
	}
	b.press("x")
	b.send(<-ended)
	b.sees("the replay of step 41 was stopped")
	if sc.job != nil {
		t.Error("the replay is still there")
	}
}

// TestTracePlantsAFailure starts a run of the edited experiment with a failure.
func TestTracePlantsAFailure(t *testing.T) {
	b := traceBench(t, oddStory(), oddStep, 100, 30)
	b.press("i", "text:act-inf", "enter", "ctrl+u", "text:x", "enter")
	b.sees("ACT-INF@x")
	b.press("ctrl+u", "text:7", "enter")
	if !b.fake.has("inject ACT-INF@7") || !b.fake.has("start runs dir= r=16") {
		t.Fatal(b.fake.calls)
	}
}

// TestTraceDoctor takes the doctor's findings over.
func TestTraceDoctor(t *testing.T) {
	b := traceBench(t, oddStory(), oddStep, 120, 40)
	b.press("d")
	b.sees("DUP-ROW", "doctor 0.90", "31 failure modes")
}

// TestForeignLog shows the log of another trainer, read only.
func TestForeignLog(t *testing.T) {
	b := traceBench(t, foreignSnapshot(), noSuchStep, 120, 40)
	b.sees("a log of transformers, read only", "COLLATE-EMPTY", "it cannot tell", "EOS")
	b.press("w", "r")
	if b.fake.has("replay 210 without [] set []") {
		t.Error("a log was replayed")
	}
	b.press("3")
	b.sees("a log of transformers", "loss")
	b.fake.cmp, b.fake.cmpErr = nil, errNotCompared
	b.press("5")
	b.sees("nothing to compare")
	// Without gradient norms in it, there are none to be wrong.
	snap := foreignSnapshot()
	snap.Foreign.Norms = false
	b = traceBench(t, snap, noSuchStep, 120, 40)
	b.lacks("GRAD-NONFINITE")
	b.press("3")
	b.sees("not logged")
}
