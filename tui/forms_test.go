package tui

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"hone/experiments"
	"hone/runs"
)

func TestUndoAndRedo(t *testing.T) {
	b := start(t, full(), 120, 40)
	b.press("2", "/", "text:lora.r", "enter", "right", "right")
	if b.config.LoRA.R != 64 {
		t.Fatalf("r is %d", b.config.LoRA.R)
	}
	b.press("u")
	b.sees("lora.r 64 → 32")
	b.press("u", "U")
	if b.config.LoRA.R != 32 {
		t.Errorf("after undo, undo, redo: %d", b.config.LoRA.R)
	}
	b.press("ctrl+r")
	if b.config.LoRA.R != 64 {
		t.Errorf("after another redo: %d", b.config.LoRA.R)
	}
	b.press("u", "left", "U") // a change of another kind ends what can be redone
	if b.config.LoRA.R != 16 {
		t.Errorf("redone over a change: %d", b.config.LoRA.R)
	}
	b.press("u", "u", "u", "u", "u")
	if d := experiments.Diff(experiments.Default(), b.config); len(d) != 2 { // the paths of the start
		t.Errorf("after undoing all: %v", d)
	}
}

func TestComparedWithAPreset(t *testing.T) {
	b := start(t, full(), 120, 60)
	b.press("2", "d", "text:quick", "enter")
	e := b.screens[experimentScreenID].(*experimentScreen)
	b.sees("from preset quick", "quick 4", "quick q_proj v_proj", "quick 0.001")
	b.press("D")
	if n := len(e.rows.visible); n != len(e.changed()) || n < 5 {
		t.Errorf("%d settings are listed, %d differ", n, len(e.changed()))
	}
	b.lacks("weight_decay")
	b.press("home", "t")
	if b.config.LoRA.R != 4 {
		t.Errorf("t did not take r: %d", b.config.LoRA.R)
	}
	for range 20 { // takes all of them; then there is nothing to take
		b.press("t")
	}
	b.sees("nothing differs from preset quick", "D shows all settings")
	b.press("D", "u")
	b.sees("max_length", "1 from preset quick")
}

func TestComparedWithARun(t *testing.T) {
	f := full()
	b := start(t, f, 120, 60)
	b.press("2", "d", "text:earlier", "enter")
	b.sees("compare the form with a run", "2026-11-23-1402-calendar", "#good")
	b.lacks("2026-11-21-2200-other") // its experiment cannot be read
	b.press("text:1402", "enter")
	b.sees("from 2026-11-23-1402-calendar", "run 8", "run 1e-4", "run builtin")

	f.rows = nil
	b.press("d", "text:earlier", "enter")
	b.sees("there is no run with an experiment in runs")
	f.rowsErr = errors.New("listing runs: permission denied")
	b.press("d", "text:earlier", "enter")
	b.sees("permission denied")
}

func TestComparedWithTheFile(t *testing.T) {
	b := start(t, full(), 120, 40, func(o *Options) { o.ConfigPath = "calendar.toml" })
	b.press("2", "/", "text:lora.r", "enter", "right", "d", "text:came from", "enter")
	b.sees("file 16", "1 from calendar.toml")
	b.press("w", "enter")
	b.sees("saved calendar.toml", "0 from calendar.toml")
}

func TestPresetsSayWhatTheyChange(t *testing.T) {
	b := start(t, full(), 120, 40)
	b.press("2", "p")
	b.sees("nothing.", "alpha 32.0 → 8.0", "epochs 5 → 1", "lr 5e-4 → 2e-4")
}

func TestWarningsStandBesideTheirFields(t *testing.T) {
	f := full()
	f.plan.Warnings = []experiments.Warning{{Key: "train.lr", Message: "above the usual 5e-05 to 0.002"}}
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}} {
		b := start(t, f, size[0], size[1])
		b.press("2", "/", "text:train.lr", "enter")
		b.sees("! 1 warning", "! above the usual 5e-05 to 0.002")
	}
}

func TestCostHasStepAndEnd(t *testing.T) {
	b := start(t, full(), 120, 40)
	b.press("2")
	b.sees("about 12 min, until 15:41", "about 1.8 s")
	s := 30 * 3600.0
	f := full()
	f.plan.Seconds = &s
	b = start(t, f, 120, 40)
	b.press("2")
	b.sees("30.0 h, until Tue 24 Nov 21:30")
	for _, odd := range []float64{math.NaN(), math.Inf(1), -1, 1e300} {
		f := full()
		f.plan.Seconds, f.plan.StepSeconds = &odd, &odd
		b = start(t, f, 120, 40)
		b.press("2")
		b.sees("unknown")
		b.lacks("until")
	}
}

func TestRunsQuery(t *testing.T) {
	b := start(t, full(), 120, 40)
	r := b.screens[runsScreenID].(*runsScreen)
	b.press("6", "/", "text:exact>0.6", "enter")
	if n := len(r.rows.visible); n != 2 {
		t.Errorf("exact>0.6: %d runs", n)
	}
	b.press("/", "ctrl+u", "text:lr<=1e-4 tag:good", "enter")
	if n := len(r.rows.visible); n != 1 {
		t.Errorf("lr<=1e-4 tag:good: %d runs", n)
	}
	b.press("/", "text: lr>")
	b.sees("a value is missing after >") // and the list stays
	if n := len(r.rows.visible); n != 1 {
		t.Errorf("a query that cannot be read shows %d runs", n)
	}
	b.press("esc", "esc")
	if n := len(r.rows.visible); n != 4 || r.asked != nil {
		t.Errorf("%d runs after esc, %v", n, r.asked)
	}
}

func TestRunsAreLabelled(t *testing.T) {
	b := start(t, full(), 120, 40)
	b.press("6", "down", "R", "ctrl+u", "text:half the rate", "enter")
	b.sees("renamed 2026-11-23-1402-calendar", "half the rate  2026-11-23-1402-calendar")
	b.press("t", "ctrl+u", "text:bad:tag", "enter")
	b.sees("is no tag")
	b.press("ctrl+u", "text:#best, x", "enter")
	b.sees("#best #x")
	b.lacks("#good")
	b.press("n", "ctrl+u", "text:the one to keep", "enter")
	b.sees("the one to keep")
	if !b.fake.has(`label 2026-11-23-1402-calendar "half the rate" ["best" "x"] "the one to keep"`) {
		t.Errorf("calls %q", b.fake.calls)
	}
}

func TestTwoRunsSideBySide(t *testing.T) {
	b := start(t, full(), 120, 40)
	b.press("6", "=")
	b.lacks("two runs") // nothing is marked
	b.press(" ", "down", "=")
	b.sees("two runs", "-0.0301", "+0.0317", "lora.r", "2 different settings", "+7.5")
	b.press("x")
	b.sees("+0.0301", "-0.0317")
	b.press("down", "pgdown", "up", "esc")
	b.sees("side by side")
	b.press("down", "down", "=") // its experiment cannot be read
	b.sees("the experiment of 2026-11-21-2200-other cannot be read")
}

func TestStaleRunsSaySo(t *testing.T) {
	f := full()
	f.rows[0].State = runs.Stale
	b := start(t, f, 120, 40)
	b.press("6")
	b.sees("1 stale", "its heartbeat has stopped", "r resume")
}

// TestHugeStore: the screen stays whole with very many runs, and filters them.
func TestHugeStore(t *testing.T) {
	f := full()
	f.rows = nil
	for i := range 10000 {
		row := sampleRuns()[i%4]
		row.ID, row.Tags = fmt.Sprintf("run-%05d", i), []string{fmt.Sprint("t", i/4%100)}
		row.Dir = "runs/" + row.ID
		f.rows = append(f.rows, row)
	}
	b := start(t, f, 120, 40)
	b.press("6", "end", "up", "/", "text:tag:t7 lr>1e-9", "enter")
	checkFrame(t, "huge", b.View(), 120, 40)
	if n := len(b.screens[runsScreenID].(*runsScreen).rows.visible); n != 75 { // the fourth of each has no experiment
		t.Errorf("%d runs have the tag", n)
	}
	b.press("esc", "2", "d", "text:earlier", "enter", "text:run-09998", "enter")
	b.sees("  run-09998")
}
