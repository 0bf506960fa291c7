package tui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
	"hone/internal/hub"
	"hone/runs"
)

// wideSizes are those at which the pickers and the sweep are kept.
var wideSizes = [][2]int{{80, 24}, {120, 40}, {200, 60}}

// failedExport has an export end in an error.
func failedExport(err error) func(*fakeBackend) {
	return func(f *fakeBackend) { f.artifact, f.exportErr = nil, err }
}

func TestGoldenFramesOfModels(t *testing.T) {
	finished := func(f *fakeBackend) { f.snap = sampleSnapshot("runs/2026-11-23-1402-calendar", runs.Finished) }
	goldenFrames(t, []goldenState{
		{"models", nil, []string{"2", "m"}},
		{"models-refused", nil, []string{"2", "m", "text:gpt", "enter"}},
		{"models-typed", nil, []string{"2", "m", "text:org/name"}},
		{"models-error", func(f *fakeBackend) {
			f.models.Models, f.modelsErr = f.models.Models[:1], errors.New("reading the cache: open /home/me/.cache/huggingface/hub: permission denied")
		}, []string{"2", "m"}},
		{"sweep", nil, []string{"2", "f"}},
		{"sweep-nothing", func(f *fakeBackend) {
			f.rates.Trials = f.rates.Trials[:4]
			f.rates.Suggestion, f.rates.Steepest = runs.Number(math.NaN()), runs.Number(math.NaN())
			f.rates.Rule, f.rates.Ended = "none: the smoothed loss did not fall; begin the sweep lower", "loss, gradients or update were not finite"
		}, []string{"2", "f"}},
		{"sweep-failed", func(f *fakeBackend) {
			f.rates, f.ratesErr = nil, fmt.Errorf("%w: it needs at least 2.1 GB, it may use 1.0 GB", experiments.ErrMemory)
		}, []string{"2", "f"}},
		{"export", nil, []string{"6", "down", "X"}},
		{"export-checkpoint", finished, []string{"6", "down", "enter", "X", "tab"}},
		{"export-path", nil, []string{"6", "down", "X", "text:ollama", "enter"}},
		{"export-done", nil, []string{"6", "down", "X", "text:ollama", "enter", "enter"}},
		{"export-differs", failedExport(fmt.Errorf("exporting to runs/x: %w: on 96 positions of the eval split its logits differ by up to 3.1, this format by no more than 0.28", experiments.ErrArtifactDiffers)), []string{"6", "down", "X", "text:ollama", "enter", "enter"}},
		{"export-exists", failedExport(fmt.Errorf("runs/x: %w", fs.ErrExist)), []string{"6", "down", "X", "text:ollama", "enter", "enter"}},
	}, wideSizes)
}

func TestModelIsChosen(t *testing.T) {
	b := start(t, full(), 120, 40)
	b.press("2", "m")
	if !b.fake.has("models beside models/SmolLM2-135M and in runs") {
		t.Fatal(b.fake.calls)
	}
	b.sees("models (6 of 8)", "in use", "▸ models/SmolLM2-135M") // the present one is selected
	b.press("text:huggingface 135", "enter")
	if b.config.Model.Path != "HuggingFaceTB/SmolLM2-135M" || b.overlay != nil {
		t.Fatalf("model.path is %q", b.config.Model.Path)
	}
	b.sees("model.path models/SmolLM2-135M → HuggingFaceTB/SmolLM2-135M")
	b.press("u")
	if b.config.Model.Path != "models/SmolLM2-135M" {
		t.Errorf("after undo: %q", b.config.Model.Path)
	}
	// What cannot be trained is not taken, and says why.
	for _, refused := range []struct{ typed, why string }{
		{"360", "hone pull HuggingFaceTB/SmolLM-360M"}, {"gpt2", `model_type "gpt2"`}, {"evil", "not a GGUF file"},
	} {
		b.press("m", "text:"+refused.typed, "enter")
		b.sees("models (1 of 1)", refused.why)
		if b.config.Model.Path != "models/SmolLM2-135M" {
			t.Errorf("%s was taken", refused.typed)
		}
		b.press("esc")
	}
	b.press("m", "text:8B")
	b.sees("34.6 GB !", "training needs about 34.6 GB, more than the 10.7 GB")
	b.press("ctrl+u", "text:nothing")
	b.sees("no model has these words")
	b.press("enter", "ctrl+u", "text:far/away/x.gguf", "enter") // as it is typed
	if b.config.Model.Path != "far/away/x.gguf" {
		t.Errorf("model.path is %q", b.config.Model.Path)
	}
}

// A hub id that the cache has not says how to fetch it, beside its field at any size.
func TestModelToFetch(t *testing.T) {
	for _, size := range wideSizes {
		f := full()
		b := start(t, f, size[0], size[1])
		w := sampleWorkspace()
		w.ModelProblem = fmt.Errorf("model org/name: %w (/home/me/.cache/huggingface/hub): fetch it with hone pull org/name", hub.ErrNotCached)
		f.work = w
		b.press("2", "m", "text:org/name", "enter")
		b.sees("✗ not in the cache: hone pull org/name", "✗ no model")
	}
}

// The picker is open while models are looked for; closing it ends the search, and
// what comes then is dropped.
func TestModelsAreAwaited(t *testing.T) {
	b := start(t, full(), 120, 40)
	b.press("2")
	sc := b.screens[experimentScreenID].(*experimentScreen)
	cmd := sc.askModel()
	b.adopt()
	b.sees("looking through the cache")
	b.press("text:smol")
	msg := cmd()
	b.send(msg)
	b.sees("models (1 of 4)", "smol█")
	b.lacks("looking through the cache")
	b.press("esc")
	sc.askModel()
	b.adopt()
	b.send(msg) // of the picker before
	b.sees("looking through the cache")
}

func TestSweepSuggestsARate(t *testing.T) {
	b := start(t, full(), 120, 40)
	b.press("2", "f")
	b.sees("suggested 2.1e-3", "smallest at a rate of 0.021, fell fastest at 3.3e-3", "4 times its smallest", "the form has 5e-4", "88 of 100", "1e-6")
	b.press("enter")
	if b.config.Train.LR != 2.1e-3 || !b.fake.has("sweep r=16") {
		t.Fatalf("rate %g, calls %q", b.config.Train.LR, b.fake.calls)
	}
	b.sees("train.lr 5e-4 → 0.0021", "what it costs")
	b.press("u")
	if b.config.Train.LR != 5e-4 {
		t.Errorf("after undo: %g", b.config.Train.LR)
	}
	b.press("f", "esc")
	b.sees("what it costs")
	b.press("f", "f", "f") // again and again
	b.sees("suggested 2.1e-3")

	b = start(t, newcomer(), 120, 40) // who is led by the guide
	b.press("2", "f")
	b.sees("it falls, then it explodes.  enter takes the rate that is suggested")
}

func TestSweepWithNothingToSuggest(t *testing.T) {
	f := full()
	nan := runs.Number(math.NaN())
	f.rates = &experiments.FoundRate{Ended: "loss, gradients or update were not finite", Suggestion: nan, Lowest: nan, Steepest: nan, Rule: "no step was finite"}
	b := start(t, f, 80, 24)
	b.press("2", "f")
	b.sees("nothing to suggest", "no step was finite", "were not finite", "no step was taken")
	b.press("enter") // takes nothing
	if b.config.Train.LR != 5e-4 {
		t.Errorf("rate %g", b.config.Train.LR)
	}
	f.rates, f.ratesErr = nil, errors.New("the run does not fit in memory: it needs 2 GB")
	b.press("f")
	b.sees("✗ failed", "it needs 2 GB")
	b.press("esc")
	b.sees("trainable")
}

// endless starts a command of a key whose work does not end by itself; ended gives
// its last message.
func endless(b *bench, run func() tea.Cmd) (ended chan tea.Msg) {
	cmds := run()().(tea.BatchMsg)
	b.adopt()
	ended = make(chan tea.Msg, 1)
	go func() { ended <- cmds[0]() }()
	b.shell.Update(cmds[1]()) // the first progress; the next is waited for until the end
	return ended
}

func TestSweepIsStopped(t *testing.T) {
	f := full()
	f.endless = true
	b := start(t, f, 120, 40)
	b.press("2")
	sc := b.screens[experimentScreenID].(*experimentScreen)
	ended := endless(b, sc.findRate)
	b.sees("sweeping", "of 100", "is written", "esc stop")
	// Nothing is trained beside it, from wherever it is asked for.
	b.press("6", "down", "down", "r")
	b.sees("a sweep of the learning rate is under way")
	b.press("X")
	b.sees("a sweep of the learning rate is under way")
	if f.started != nil {
		t.Fatal("a run was started beside a sweep")
	}
	b.press("2", "f", "esc")
	b.sees("stopping")
	b.send(<-ended)
	b.sees("stopped", "there is nothing to suggest")
	b.press("esc")
	b.sees("what it costs")

	// Another experiment ends it: its curve would say nothing of that one.
	ended = endless(b, sc.findRate)
	b.run(b.setConfig(experiments.Default()))
	b.sees("what it costs")
	b.press("f")
	b.sees("still ending")
	b.send(<-ended)
	f.endless = false
	b.press("f")
	b.sees("suggested 2.1e-3")
}

func TestSweepWaitsForARun(t *testing.T) {
	b := started(t)
	b.press("2", "f")
	b.sees("a sweep would take its time and memory")
	if b.fake.has("sweep r=16") {
		t.Error("it swept beside a run")
	}
	f := full()
	noModel(f)
	b = start(t, f, 120, 40)
	b.press("2", "f")
	b.sees("this version has no built-in model")
}

func TestExportOfARun(t *testing.T) {
	f := full()
	b := start(t, f, 120, 40)
	b.press("6", "down", "X")
	for _, format := range experiments.ArtifactFormats() {
		b.sees(format.Name, format.Doc)
	}
	b.sees("export tuned of 2026-11-23-1402-calendar")
	b.press("text:ollama", "enter")
	path, err := experiments.ArtifactPath(experiments.TunedOf("runs/2026-11-23-1402-calendar"), "ollama")
	if err != nil {
		t.Fatal(err)
	}
	b.sees(path)
	b.press("enter")
	if !b.fake.has("export tuned of runs/2026-11-23-1402-calendar to ollama at " + path + ", overwrite false") {
		t.Fatal(b.fake.calls)
	}
	b.sees("✓ tuned of 2026-11-23-1402-calendar", "runs/2026-11-23-1402-calendar/export/ollama", "model.gguf", "7 612 448 bytes",
		"largest difference 0.0214 (at most 0.283) of a range of 28.3", "100.0 % of 96 positions (4 rows, eval split)", "byte for byte", "ollama create")
	b.press("esc")
	b.lacks("largest difference")

	// A checkpoint, and what the run began with.
	b.press("X", "tab")
	b.sees("export step 100 of")
	b.press("tab", "tab")
	b.sees("export base of")
	b.press("shift+tab", "text:peft", "enter", "ctrl+u", "text:out/here", "enter")
	if !b.fake.has("export step-000050 of runs/2026-11-23-1402-calendar to peft at out/here, overwrite false") {
		t.Fatal(b.fake.calls)
	}
}

func TestExportAsksBeforeItOverwrites(t *testing.T) {
	f := full()
	f.exportErr = fmt.Errorf("here: %w", fs.ErrExist)
	b := start(t, f, 120, 40)
	b.press("6", "down", "X", "text:card", "enter", "ctrl+u", "text:here", "enter")
	b.sees("there is something already", "here exists")
	b.press("esc")
	if b.fake.has("export tuned of runs/2026-11-23-1402-calendar to card at here, overwrite true") {
		t.Fatal("it did not ask")
	}
	b.press("X", "text:card", "enter", "ctrl+u", "text:here", "enter", "o")
	if !b.fake.has("export tuned of runs/2026-11-23-1402-calendar to card at here, overwrite true") {
		t.Fatal(b.fake.calls)
	}
	b.sees("largest difference")
}

func TestExportIsStopped(t *testing.T) {
	f := full()
	f.endless = true
	b := start(t, f, 120, 40)
	b.press("6", "down")
	o := experiments.ArtifactOptions{Format: "gguf-f16", Path: "out.gguf"}
	side := experiments.TunedOf("runs/2026-11-23-1402-calendar")
	ended := endless(b, func() tea.Cmd { return b.exportTo(side, o) })
	b.sees("to out.gguf", "writing gguf-f16", "enter hide")
	b.press("enter")
	b.lacks("writing gguf-f16")
	b.sees("it goes on")
	b.press("2", "f")
	b.sees("an export is under way: a sweep would take its time and memory")
	b.press("6", "X")
	b.sees("writing gguf-f16")
	b.press("esc")
	b.sees("stopping; nothing of it will be left")
	msg := <-ended
	if end, ok := msg.(exportEndMsg); !ok || !errors.Is(end.err, context.Canceled) {
		t.Fatalf("it ended with %+v", msg)
	}
	b.send(msg)
	b.sees("stopped; nothing of it is left")
	b.press("esc")
	b.lacks("nothing of it is left  ")

	// Leaving stops one too, and waits for it.
	ended = endless(b, func() tea.Cmd { return b.exportTo(side, o) })
	b.endExport()
	if end := (<-ended).(exportEndMsg); !errors.Is(end.err, context.Canceled) {
		t.Errorf("it ended with %v", end.err)
	}
}

func TestExportInWords(t *testing.T) {
	f := full()
	f.artifact, f.exportErr = nil, fmt.Errorf("exporting to x: %w: on 96 positions its logits differ by up to 3.1", experiments.ErrArtifactDiffers)
	b := start(t, f, 100, 30)
	b.press("6", "down", "X", "enter", "enter")
	b.sees("not exported to "+experiments.ArtifactFormats()[0].Name, "what was written is not the model", "nothing of it is left")
	f.sidesErr = errors.New("reading runs/x: it is damaged")
	b.press("esc", "X")
	b.sees("it is damaged")
	f.sidesErr, f.sides = nil, []experiments.Side{experiments.BaseOf("runs/2026-11-23-1402-calendar")}
	b.press("esc", "X")
	b.sees("export base of", "nothing of it is kept yet")
}

// Train offers an export of a run that has ended, and only of that.
func TestExportFromTrain(t *testing.T) {
	for state, offered := range map[string]bool{runs.Finished: true, runs.Stopped: true, runs.Failed: true, runs.Running: false} {
		f := full()
		f.snap = sampleSnapshot("runs/2026-11-23-1402-calendar", state)
		b := start(t, f, 120, 40)
		b.press("6", "down", "enter")
		if got := strings.Contains(b.View(), "X export"); got != offered {
			t.Errorf("%s: offered %v", state, got)
		}
		b.press("X")
		if got := strings.Contains(b.View(), "export tuned of"); got != offered {
			t.Errorf("%s: opened %v", state, got)
		}
	}
	b := started(t) // beside a live run it asks
	b.press("6", "down", "X")
	b.sees("export beside a live run")
	b.press("y")
	b.sees("export tuned of")
}
