package tui

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
)

// TestOldAnswersAreDropped gives every kind of answer with the generation of an
// older question.
func TestOldAnswersAreDropped(t *testing.T) {
	b := start(t, full(), 100, 30, func(o *Options) { o.RunDir = "runs/x" })
	b.press("5")
	work, plan, snap := b.work, b.plan, b.snap
	c := b.screens[compareScreenID].(*compareScreen)
	cmp := c.cmp
	for _, msg := range []tea.Msg{
		workspaceMsg{gen: b.workGen - 1, err: errors.New("old")},
		planMsg{gen: b.planGen - 1, err: errors.New("old")},
		snapshotMsg{gen: b.polls - 1, snap: sampleSnapshot("runs/y", "failed"), changed: true},
		comparisonMsg{gen: c.gen - 1, err: errors.New("old")},
		promptMsg{on: compareScreenID, owner: c.try.owner - 1, err: errors.New("old")},
		triedMsg{on: compareScreenID, gen: c.try.gen - 1, err: errors.New("old")},
		settleMsg{gen: b.settle - 1},
		foundMsg{gen: -1, err: errors.New("old")},
		runsMsg{gen: -1, err: errors.New("old")},
	} {
		b.send(msg)
	}
	if b.work != work || b.workErr != nil || b.planErr != nil || b.plan.TrainableParams != plan.TrainableParams || b.snap != snap || c.cmp != cmp || c.try.err != nil {
		t.Error("an answer to an older question was taken")
	}
}

func TestEditsAreChecked(t *testing.T) {
	b := start(t, full(), 100, 30)
	b.press("2", "/", "text:lora.r", "enter", "enter", "ctrl+u", "text:99999", "enter")
	b.sees("must be 1 to 1024")
	if b.config.LoRA.R != 16 {
		t.Errorf("r is %d", b.config.LoRA.R)
	}
	b.press("ctrl+u", "text:8", "enter")
	if b.config.LoRA.R != 8 || !b.fake.has("plan r=8") {
		t.Errorf("r is %d, calls %q", b.config.LoRA.R, b.fake.calls)
	}
	b.sees("2 442 240", "--set lora.r=8")
	b.press("right")
	if b.config.LoRA.R != 16 {
		t.Errorf("twice 8 is %d", b.config.LoRA.R)
	}
	b.press("u", "u")
	if b.config.LoRA.R != 16 || len(experiments.Diff(b.config, b.savedAs)) != 0 {
		t.Errorf("after undo: %v", experiments.Diff(b.savedAs, b.config))
	}
}

func TestSwitchesOptionsAndLists(t *testing.T) {
	b := start(t, full(), 100, 30)
	b.press("2", "/", "text:shuffle", "enter", "enter")
	if b.config.Train.Shuffle {
		t.Error("enter did not switch")
	}
	b.press("esc", "/", "text:schedule", "enter", "left", "left")
	if b.config.Train.Schedule != "constant" {
		t.Errorf("two options before cosine: %s", b.config.Train.Schedule)
	}
	b.press("esc", "/", "text:targets", "enter", "enter", "a", "enter")
	b.sees("must be") // at least one
	b.press(" ", "enter")
	if got := strings.Join(b.config.LoRA.Targets, " "); got != "q_proj" {
		t.Errorf("targets: %s", got)
	}
	b.press("x")
	if len(b.config.LoRA.Targets) != 7 {
		t.Errorf("the default has %d targets", len(b.config.LoRA.Targets))
	}
	// A list with an entry that is none of the options is typed, as a table is.
	c := b.config.Clone()
	c.LoRA.Targets = []string{"q_proj", "layers.1.mlp.up_proj"}
	b.run(b.setConfig(c))
	b.press("enter", "ctrl+u", "text:v_proj, layers.2.mlp.up_proj", "enter")
	if got := strings.Join(b.config.LoRA.Targets, " "); got != "v_proj layers.2.mlp.up_proj" {
		t.Errorf("targets: %s", got)
	}
	b.press("esc", "/", "text:rank_pattern", "enter", "enter", "ctrl+u", "text:{ down_proj = 8.5 }", "enter")
	b.sees("whole numbers")
	b.press("ctrl+u", "text:{ down_proj = 8 }", "enter")
	if b.config.LoRA.RankPattern["down_proj"] != 8 {
		t.Errorf("ranks: %v", b.config.LoRA.RankPattern)
	}
}

func TestPresetKeepsDataAndModel(t *testing.T) {
	b := start(t, full(), 100, 30)
	b.press("2", "p", "2")
	if b.config.LoRA.R != 4 || b.config.Data.Path != "calendar.jsonl" {
		t.Errorf("r %d, data %s", b.config.LoRA.R, b.config.Data.Path)
	}
}

func TestNamingDataOpensItAnew(t *testing.T) {
	b := start(t, full(), 100, 30)
	b.press("o", "ctrl+u", "enter")
	b.sees("a path is needed")
	b.press("text:other.jsonl", "enter")
	if b.config.Data.Path != "other.jsonl" || !b.fake.has("open other.jsonl") {
		t.Errorf("calls %q", b.fake.calls)
	}
}

func TestWritingAnExistingFileAsks(t *testing.T) {
	f := full()
	f.files = map[string]experiments.Config{"calendar.toml": {}}
	b := start(t, f, 100, 30)
	b.press("2", "w", "enter")
	b.sees("the file exists")
	b.send(keyPress("o")) // at once: not meant for the dialog
	b.sees("the file exists")
	b.press("o")
	b.sees("saved calendar.toml")
	if b.configPath != "calendar.toml" || !f.has("save calendar.toml true") {
		t.Errorf("path %q, calls %q", b.configPath, f.calls)
	}
	b.press("w", "enter")
	b.lacks("the file exists") // it is ours now
}

func TestStartWarnsOfProblemsInTheData(t *testing.T) {
	b := start(t, full(), 100, 30)
	b.press("2", "s")
	b.sees("the data has problems", "LEAK")
	if b.own != nil {
		t.Fatal("started")
	}
	b.press("s")
	if !b.ownLive() {
		t.Error("s did not start all the same")
	}
}

func TestStartNeedsAModel(t *testing.T) {
	f := full()
	noModel(f)
	b := start(t, f, 120, 40)
	b.press("2", "s")
	if b.own != nil {
		t.Error("started without a model")
	}
	b.sees("name a model with --model DIR")
}

func TestCompareGeneratesWhatIsMissing(t *testing.T) {
	f := full()
	f.cmp, f.cmpErr = nil, errNotCompared
	b := start(t, f, 120, 40, func(o *Options) { o.RunDir = "runs/x" })
	b.press("5")
	b.sees("is not compared on its test split yet")
	b.press("p")
	b.sees("eval split")
	b.press("g")
	b.sees("compared 120 examples", "fixed 79")
	if !f.has("compare runs/x eval") {
		t.Errorf("calls %q", f.calls)
	}
}

func TestCompareThatFailsSaysWhy(t *testing.T) {
	f := full()
	f.cmp, f.cmpErr, f.made = nil, errNotCompared, nil
	b := start(t, f, 100, 30, func(o *Options) { o.RunDir = "runs/x" })
	b.press("5", "g")
	b.sees("cannot be compared", "the adapter is gone")
}

// waiting is a backend whose Compare ends only when it is cancelled.
type waiting struct {
	*fakeBackend
	begun chan struct{}
}

func (w *waiting) Compare(ctx context.Context, _ [2]experiments.Side, _ string, progress func(done, total int)) (*comparison, error) {
	progress(30, 240)
	w.begun <- struct{}{}
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestGeneratingCanBeStopped(t *testing.T) {
	f := full()
	f.cmp, f.cmpErr = nil, errNotCompared
	b := start(t, f, 100, 30, func(o *Options) { o.RunDir = "runs/x" })
	b.press("5")
	w := &waiting{f, make(chan struct{}, 1)}
	b.app.back = w
	_, cmd := b.Update(keyPress("g"))
	batch := cmd().(tea.BatchMsg)
	result := make(chan tea.Msg, 1)
	go func() { result <- batch[0]() }()
	<-w.begun
	b.Update(batch[1]()) // the feed's first state
	b.sees("30 of 240", "g stops")
	b.press("g")
	b.send(<-result)
	b.sees("stopped;", "is not compared on its test split yet")
}

func TestCompareFilters(t *testing.T) {
	b := start(t, full(), 120, 40, func(o *Options) { o.RunDir = "runs/x" })
	b.press("5")
	c := b.screens[compareScreenID].(*compareScreen)
	for _, want := range []int{79, 41, 1, 1, 120} { // fixed, still wrong, (none regressed,) invalid, noted, all
		b.press("tab")
		if len(c.rows.visible) != want {
			t.Errorf("%s: %d rows, want %d", showNames[c.show], len(c.rows.visible), want)
		}
	}
	b.press("s")
	if c.cmp.Pairs[c.rows.visible[0]].Tuned.Wrong != 8 {
		t.Error("the most wrong one is not first")
	}
}

func TestTriedTextShowsBothModels(t *testing.T) {
	b := start(t, full(), 120, 40, func(o *Options) { o.RunDir = "runs/x" })
	b.press("5", "t", "text:Dinner", "enter")
	b.sees("Calendar: Dinner", "no JSON object", `{"action": "Dinner"}`, "stopped by eos")
	b.lacks("token 1 of 6")
	b.press("o")
	b.sees("token 1 of 6 of tuned", "p 0.900", "0.040", "NaN")
	b.press("right", "right")
	b.sees("token 3 of 6 of tuned", "p 0.300")
	b.press("tab")
	b.sees("token 3 of 4 of base", `"Dinner"`)
	b.press("tab", "home", "n", "n") // the second and third have less than half
	b.sees("token 3 of 6 of tuned")
	b.press("t", "tab", "enter")
	b.lacks("Calendar: Dinner") // tuned only
	b.press("esc")
	b.sees("target")
}

// A model that is tried writes on while the screen shows what is there.
func TestTriedTextStreams(t *testing.T) {
	b := start(t, full(), 120, 40, func(o *Options) { o.RunDir = "runs/x" })
	b.press("5", "t", "text:Dinner", "enter")
	c := b.screens[compareScreenID].(*compareScreen)
	c.try.busy, c.try.out = true, [2]*generated{}
	one := experiments.TriedToken{Text: "half", P: 0.5}
	b.send(tokenMsg{on: compareScreenID, gen: c.try.gen, tokens: [2][]experiments.TriedToken{{one}, {one, one}}})
	b.sees("half█", "halfhalf█", "2 tokens")
}

func TestCompareWithAnotherModel(t *testing.T) {
	b := start(t, full(), 120, 40, func(o *Options) { o.RunDir = "runs/x" })
	b.press("5", "a")
	b.sees("compare with (5 of 5)", "base", "now", "step 50", "high-·[31mrate")
	b.press("text:step 100", "enter")
	c := b.screens[compareScreenID].(*compareScreen)
	dir := c.dir
	if c.sides[0] != experiments.CheckpointOf(dir, 100) || c.sides[1] != experiments.TunedOf(dir) {
		t.Errorf("sides %v", c.sides)
	}
	if last := b.fake.calls[len(b.fake.calls)-1]; last != "read "+dir+" step-000100 test" {
		t.Errorf("last call %q", last)
	}
	b.press("A", "text:high", "down", "enter")
	if c.sides[1].RunDir == dir || c.sides[1].Model != "tuned" {
		t.Errorf("sides %v", c.sides)
	}
	if want := "--against " + experiments.ShellWord(dir+"@step-000100"); !strings.Contains(c.command(), want) {
		t.Errorf("%s lacks %s", c.command(), want)
	}
	b.fake.sidesErr = errors.New("the run is gone")
	b.press("a")
	b.sees("the run is gone")
}

func TestNotesAreKept(t *testing.T) {
	b := start(t, full(), 120, 40, func(o *Options) { o.RunDir = "runs/x" })
	b.press("5", "n", "text:odd target", "enter")
	c := b.screens[compareScreenID].(*compareScreen)
	if want := "note " + c.dir + " " + c.cmp.Pairs[0].ID + " odd target"; !b.fake.has(want) {
		t.Errorf("no %q in %q", want, b.fake.calls)
	}
	b.sees("* note odd target", "noted 2")
	b.press("/", "text:note: odd", "enter")
	if len(c.rows.visible) != 1 {
		t.Errorf("%d rows have the note", len(c.rows.visible))
	}
	b.press("n", "ctrl+u", "enter")
	b.sees("noted 1")
	b.fake.noteErr = errors.New("the disk is full")
	b.press("esc", "n", "text:x", "enter")
	b.sees("the disk is full", "noted 1")
}

func TestExportAsksForTheFormat(t *testing.T) {
	b := start(t, full(), 100, 30, func(o *Options) { o.RunDir = "runs/x" })
	b.press("5", "x", "h")
	b.sees("compare-x-test.html")
	b.press("ctrl+u", "text:there.md", "enter")
	b.sees("ends in .html")
	b.press("ctrl+u", "text:there.html", "enter")
	b.sees("the file exists")
	b.press("o")
	b.sees("wrote there.html")
	if !b.fake.has("export there.html true") {
		t.Errorf("calls %q", b.fake.calls)
	}
}

func TestCompareFiltersByMistake(t *testing.T) {
	b := start(t, full(), 120, 40, func(o *Options) { o.RunDir = "runs/x" })
	b.press("5", "/", "text:wrong:date=iso", "enter")
	c := b.screens[compareScreenID].(*compareScreen)
	if len(c.rows.visible) != 20 {
		t.Errorf("%d rows have their date as ISO", len(c.rows.visible))
	}
	b.sees("kept as ISO")
}

// Sorting by loss: what is no number is first, what was not measured last.
func TestCompareSortsByLoss(t *testing.T) {
	f := full()
	pairs := f.cmp.Pairs
	pairs[30].Tuned.Loss, pairs[31].Tuned.HasLoss = math.NaN(), false
	b := start(t, f, 120, 40, func(o *Options) { o.RunDir = "runs/x" })
	b.press("5", "s", "s", "home")
	rows := b.screens[compareScreenID].(*compareScreen).rows.visible
	if rows[0] != 30 || rows[119] != 31 || pairs[rows[1]].Tuned.Loss < pairs[rows[118]].Tuned.Loss {
		t.Errorf("order %v", rows)
	}
	b.sees("NaN", "sort loss")
}

// TestRunsOverlay marks runs, lays their curves over each other and comes back.
func TestRunsOverlay(t *testing.T) {
	b := start(t, full(), 120, 40)
	b.press("6", " ", "down", "down", " ", "up", "o", "left")
	b.sees("2026-11-23-1402-calendar", "2026-11-23-1530-calendar", "2026-11-22-0911-high-rate", "o list")
	r := b.screens[runsScreenID].(*runsScreen)
	if len(r.curve.names) != 3 || r.curve.names[0] != "2026-11-23-1402-calendar" {
		t.Errorf("curves of %q", r.curve.names)
	}
	at := r.over.cross
	b.press("H", "+")
	if r.over.cross != at-10 || !r.over.window.On() {
		t.Errorf("crosshair at %g, was at %g", r.over.cross, at)
	}
	b.press("esc")
	b.sees("space mark")
	b.press("esc") // the marks
	if len(r.marks) != 0 || len(r.curve.names) != 1 {
		t.Errorf("marks %q, curves %q", r.marks, r.curve.names)
	}
}

func TestDeletingAsksFirst(t *testing.T) {
	b := start(t, full(), 100, 30)
	b.press("6", "down", "d", "esc")
	if b.fake.has("remove 2026-11-23-1402-calendar") {
		t.Fatal("deleted without a yes")
	}
	b.press("d", "y")
	b.sees("deleted 2026-11-23-1402-calendar", "3 runs")
}

func TestOwnLiveRunIsNotDeleted(t *testing.T) {
	b := started(t)
	b.press("6", "d", "y")
	for _, c := range b.fake.calls {
		if strings.HasPrefix(c, "remove") {
			t.Errorf("the live run was deleted: %s", c)
		}
	}
}
