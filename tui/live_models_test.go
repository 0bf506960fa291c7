package tui

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
	"hone/runs"
)

// toyRun trains a toy model in a store of its own, in a working directory of its own,
// and opens the workbench on real files beside it.
func toyRun(t *testing.T) (b *bench, run ownRun) {
	t.Helper()
	toy, err := filepath.Abs("../engine/testdata/toy")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HF_HUB_CACHE", t.TempDir())
	t.Chdir(t.TempDir())
	if err := os.Symlink(toy, "models"); err != nil {
		t.Fatal(err)
	}
	c, err := experiments.Load("", "name=toy", "model.path=models/tied", "data.path="+filepath.Join(toy, "events"),
		"train.epochs=1", "train.batch_size=6", "train.eval_every=0", "train.checkpoint_every=2", "train.lr=2e-2", "lora.r=4", "threads=1")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(stop)
	l := newLive("test")
	if run, err = l.Start(ctx, c, experiments.StartOptions{Store: "runs"}); err != nil {
		t.Fatal(err)
	}
	if <-run.Done(); run.Err() != nil {
		t.Fatal(run.Err())
	}
	a := newApp(ctx, Options{Config: c, Store: "runs", Version: "test"}, l, plainTheme(false))
	a.after = func(_ time.Duration, msg tea.Msg) tea.Cmd {
		if _, ok := msg.(settleMsg); ok {
			return func() tea.Msg { return msg }
		}
		return nil
	}
	b = &bench{shell: newShell(a), t: t, clock: time.Date(2026, 11, 23, 15, 30, 0, 0, time.UTC)}
	a.now = func() time.Time { return b.clock }
	b.send(tea.WindowSizeMsg{Width: 120, Height: 40})
	b.run(b.Init())
	return b, run
}

// A model is chosen, the rate swept and the run exported on real files, by keys.
func TestLiveModelSweepAndExport(t *testing.T) {
	b, run := toyRun(t)
	b.press("2", "m")
	b.sees("models/tied", "models/untied", "llama", "103 kB", "in use", " MB or more (a row of 384 tokens at a time)")
	b.press("text:untied", "enter")
	if b.config.Model.Path != "models/untied" || b.work == nil || b.work.ModelProblem != nil {
		t.Fatalf("model.path is %q: %+v", b.config.Model.Path, b.work)
	}
	b.press("u")

	// Data has the same list: what is chosen there shows its tokens.
	b.press("1", "m")
	b.sees("models/tied", "models/untied", "in use")
	b.press("text:untied", "enter")
	if b.config.Model.Path != "models/untied" {
		t.Fatalf("model.path is %q", b.config.Model.Path)
	}
	b.press("2", "u")

	b.press("f")
	sc := b.screens[experimentScreenID].(*experimentScreen)
	found := sc.sweep.found
	if found == nil || len(found.Trials) < 20 || len(sc.sweep.trials) != len(found.Trials) || sc.sweep.chart.Len(sweepSmoothed) != len(found.Trials) {
		t.Fatalf("the sweep: %+v, %v", found, sc.sweep.err)
	}
	rate, ok := sc.sweep.suggestion()
	if !ok {
		t.Fatal(found.Rule)
	}
	b.sees("suggested "+rateText(rate), found.Rule, found.Ended)
	b.press("enter")
	if b.config.Train.LR != rate {
		t.Errorf("the form has %g, suggested was %g", b.config.Train.LR, rate)
	}
	b.press("u")

	b.press("6", "X", "text:safetensors-f32", "enter", "enter")
	out := filepath.Join(run.Dir(), "export", "safetensors-f32")
	b.sees("exported to safetensors-f32", "model.safetensors", "read back, logits: largest difference", "4 rows, eval split")
	if _, err := os.Stat(filepath.Join(out, "model.safetensors")); err != nil {
		t.Error(err)
	}
	b.press("esc", "X", "text:safetensors-f32", "enter", "enter")
	b.sees("there is something already")
	b.press("o")
	b.sees("exported to safetensors-f32", "read back")
	b.press("esc", "2", "m")
	b.sees("/export/safetensors-f32") // it can be trained on
}

// What is stopped ends at once and leaves nothing.
func TestLiveSweepAndExportAreStopped(t *testing.T) {
	b, run := toyRun(t)
	ctx, stop := context.WithCancel(context.Background())
	steps := 0
	_, err := b.back.FindRate(ctx, b.config, func(experiments.RateTrial) {
		if steps++; steps == 2 {
			stop()
		}
	})
	if !errors.Is(err, context.Canceled) || steps != 2 {
		t.Errorf("the sweep ended after %d steps: %v", steps, err)
	}
	sides, err := b.back.RunModels(run.Dir())
	if err != nil || len(sides) < 3 || sides[len(sides)-1] != experiments.TunedOf(run.Dir()) {
		t.Fatalf("models of the run: %v, %v", sides, err)
	}
	for _, at := range []string{"opening", "computing", "writing", "reading"} {
		ctx, stop := context.WithCancel(context.Background())
		o := experiments.ArtifactOptions{Format: "safetensors-f32", Progress: func(doing string) {
			if strings.HasPrefix(doing, at) {
				stop()
			}
		}}
		if _, err := b.back.ExportModel(ctx, sides[1], o); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped while %s: %v", at, err)
		}
		stop()
		if left, err := os.ReadDir(filepath.Join(run.Dir(), "export")); len(left) > 0 {
			t.Errorf("stopped while %s, it left %v: %v", at, left, err)
		}
	}

	// A run that is played is left as it is.
	player, err := runs.OpenPlayer(run.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer player.Close()
	r := newReplay(player, 1, time.Now)
	if _, err := (replaying{b.back, r}).ExportModel(context.Background(), sides[1], experiments.ArtifactOptions{Format: "peft"}); !errors.Is(err, errReplay) {
		t.Errorf("of a replay: %v", err)
	}
}
