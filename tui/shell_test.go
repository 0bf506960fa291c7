package tui

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"hone/runs"
)

func TestNumbersChangeTheScreen(t *testing.T) {
	b := start(t, full(), 100, 30)
	for i := range screenCount {
		b.press(string(rune('1' + i)))
		if b.active != i {
			t.Errorf("%d shows screen %d", i+1, b.active)
		}
	}
}

// TestTypingTurnsGlobalKeysOff types what would leave and change screens.
func TestTypingTurnsGlobalKeysOff(t *testing.T) {
	b := start(t, full(), 100, 30)
	b.press("/", "text:q2?", "enter")
	if b.quit || b.active != dataScreenID || b.overlay != nil {
		t.Error("a typed letter did what its key does")
	}
	b.sees("/ q2?")
	b.press("esc")
	b.lacks("/ q2?")
}

// TestKeysAreNotTakenTwice holds that no screen binds a key that works
// everywhere, or one key to two rows that can both be run.
func TestKeysAreNotTakenTwice(t *testing.T) {
	b := start(t, full(), 120, 40, func(o *Options) { o.RunDir = "runs/2026-11-23-1530-calendar" })
	global := map[string]bool{"ctrl+c": true}
	for _, g := range b.globalKeys() {
		for _, row := range g.Bindings {
			for _, k := range row.Keys {
				global[k] = true
			}
		}
	}
	for id, sc := range b.screens {
		b.show(screenID(id))
		seen := map[string]string{}
		for _, g := range sc.Keys() {
			for _, row := range g.Bindings {
				for _, k := range row.Keys {
					if global[k] {
						t.Errorf("%s binds %q, which works everywhere", sc.Title(), k)
					}
					if row.enabled() && seen[k] != "" {
						t.Errorf("%s binds %q to %q and %q", sc.Title(), k, seen[k], row.Text)
					}
					if row.enabled() {
						seen[k] = row.Text + row.Help + "-"
					}
				}
			}
		}
	}
}

// TestEveryActionRuns runs each row of every table once: none may panic, whatever
// the state.
func TestEveryActionRuns(t *testing.T) {
	for _, make := range []func() *fakeBackend{full, func() *fakeBackend {
		return &fakeBackend{work: &workspace{}, snap: sampleSnapshot("runs/x", runs.Failed), startErr: errors.New("no room"), ratesErr: errors.New("no room"), exportErr: errors.New("no room")}
	}} {
		for id := range screenCount {
			probe := start(t, make(), 120, 40, func(o *Options) { o.RunDir = "runs/x" })
			probe.show(id)
			for _, g := range probe.screens[id].Keys() {
				for _, row := range g.Bindings {
					if row.Run == nil {
						continue
					}
					for _, k := range row.Keys {
						b := start(t, make(), 120, 40, func(o *Options) { o.RunDir = "runs/x" })
						b.run(b.show(id))
						b.press(k)
						checkFrame(t, k, b.View(), 120, 40)
						if b.crash != nil {
							t.Errorf("screen %d, key %q: %v\n%s", id, k, b.crash.value, b.crash.stack)
						}
					}
				}
			}
		}
	}
}

func TestQuitLeavesAtOnceWithoutARun(t *testing.T) {
	b := start(t, full(), 80, 24)
	b.press("q")
	if !b.quit {
		t.Error("q did not leave")
	}
}

func TestQuitAsksWhileARunIsLive(t *testing.T) {
	b := started(t)
	b.press("q")
	if b.quit {
		t.Fatal("q left a live run")
	}
	b.sees("a run is live", "step 143 of 350.", "stop after this step")
	b.press("esc")
	b.lacks("a run is live")
	b.press("q", "s")
	if got := strings.Join(b.fake.run.calls, " "); got != "stop" {
		t.Fatalf("the run was told %q", got)
	}
	if b.quit {
		t.Error("left before the run had ended")
	}
	b.send(ownDoneMsg{dir: b.fake.run.dir})
	if !b.quit {
		t.Error("did not leave after the run had ended")
	}
}

func TestCtrlCTwiceLeaves(t *testing.T) {
	b := started(t)
	b.press("ctrl+c")
	b.sees("press ctrl+c again")
	if b.quit {
		t.Fatal("one press left")
	}
	b.press("x")
	b.press("ctrl+c")
	if b.quit {
		t.Fatal("a press between does not count as twice")
	}
	b.press("ctrl+c")
	if !b.quit {
		t.Error("two presses did not leave")
	}
}

// started is a shell on the Train screen of a run of its own.
func started(t *testing.T) *bench {
	t.Helper()
	b := start(t, full(), 100, 30)
	b.fake.work.Findings = nil
	b.press("2", "s")
	if b.active != trainScreenID || !b.ownShown() {
		t.Fatalf("the run was not started:\n%s", b.View())
	}
	return b
}

func TestStartOpensTrainAndOneRunAtATime(t *testing.T) {
	b := started(t)
	if !b.fake.has("start runs dir= r=16") || !b.fake.has("follow runs/2026-11-23-1530-calendar") {
		t.Errorf("calls: %q", b.fake.calls)
	}
	b.press("2", "s")
	b.sees("trains 2026-11-23-1530-calendar already")
}

func TestStartThatFailsSaysWhy(t *testing.T) {
	f := full()
	f.work.Findings, f.startErr = nil, errors.New("the run does not fit in memory")
	b := start(t, f, 100, 30)
	b.press("2", "s")
	b.sees("does not fit in memory")
	if b.active != experimentScreenID || b.starting {
		t.Error("a failed start left the form")
	}
}

func TestPaletteFindsAndRuns(t *testing.T) {
	b := start(t, full(), 100, 30)
	b.press("ctrl+p", "text:presets")
	b.sees("actions (1 of ", "Experiment", "presets")
	b.press("enter")
	b.sees("quick: ")
	if b.active != experimentScreenID {
		t.Error("the action's screen is not shown")
	}
	b.press("esc")
	b.press("ctrl+p", "text:zzz")
	b.sees("no action has these letters")
	b.press("enter", "esc")
	b.lacks("actions (")
}

func TestHelpNamesEveryKeyOfTheFooter(t *testing.T) {
	for id := range screenCount {
		b := start(t, full(), 200, 60, func(o *Options) { o.RunDir = "runs/2026-11-23-1530-calendar" })
		b.run(b.show(id))
		b.press("?")
		frame := b.View()
		for _, g := range append(b.screens[id].Keys(), b.globalKeys()...) {
			for _, row := range g.Bindings {
				if row.Text != "" && !row.Quiet && !strings.Contains(frame, row.label(b.app.t.g)) {
					t.Errorf("help of %s lacks %q", b.screens[id].Title(), row.Text)
				}
			}
		}
	}
}

// panicky is a screen with a fault.
type panicky struct{ screen }

func (panicky) Update(msg tea.Msg) tea.Cmd {
	if _, ok := msg.(configMsg); ok {
		panic("update")
	}
	return nil
}

func TestPanicsBecomeAScreen(t *testing.T) {
	b := start(t, full(), 80, 24)
	b.run(guard(tea.Batch(nil, func() tea.Msg { panic("in a command") })))
	b.sees("hone has a fault", "in a command", "esc goes on")
	b.press("esc")
	b.lacks("fault")

	b.press("2")
	b.run(guard(func() tea.Msg { panic("in another") }))
	b.press("q")
	if !b.quit {
		t.Error("q does not leave the fault's screen")
	}
}

// A model that has panicked is not gone on with.
func TestPanicsOfTheModelLeave(t *testing.T) {
	b := start(t, full(), 80, 24)
	b.screens[runsScreenID] = panicky{b.screens[runsScreenID]}
	b.send(configMsg{})
	b.sees("hone has a fault", "update")
	if !b.quit || !b.crash.fatal {
		t.Error("the workbench goes on after a panic in Update")
	}

	b = start(t, full(), 80, 24)
	left := 0
	b.leave = func() { left++ }
	b.screens[dataScreenID] = panicky{} // its View is a nil call
	checkFrame(t, "fault", b.View(), 80, 24)
	b.sees("hone has a fault")
	if left == 0 || !b.crash.fatal {
		t.Error("the workbench goes on after a panic in View")
	}

	dir := filepath.Join(t.TempDir(), "faults")
	var out strings.Builder
	err := reportFault(&out, dir, b.crash, "test", b.now(), b.app.t)
	files, _ := filepath.Glob(filepath.Join(dir, "*.log"))
	if !errors.Is(err, ErrPanic) || len(files) != 1 || !strings.Contains(out.String(), files[0]) || !strings.Contains(out.String(), "panicky") {
		t.Errorf("%v, %q, said:\n%s", err, files, out.String())
	}
	if text, err := os.ReadFile(files[0]); err != nil || !strings.Contains(string(text), "panicky") {
		t.Errorf("the trace is not in the file: %v\n%s", err, text)
	}
}

// The trace of a panic in a command is kept while the workbench goes on.
func TestPanicsInCommandsAreKept(t *testing.T) {
	b := start(t, full(), 80, 24)
	b.faults = t.TempDir()
	b.run(guard(func() tea.Msg { panic("in a command") }))
	b.sees("hone has a fault", "It is kept in ")
	if b.crash == nil || b.crash.saved == "" {
		t.Fatal("it is not kept")
	}
	if text, err := os.ReadFile(b.crash.saved); err != nil || !strings.Contains(string(text), "in a command") {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestResumeReadsTheRunsOwnExperiment(t *testing.T) {
	b := start(t, full(), 100, 30)
	b.press("6", "down", "down")
	b.fake.run.dir = b.fake.rows[2].Dir
	b.press("r")
	if !b.fake.has("start runs dir=runs/2026-11-22-0911-high-rate r=8") {
		t.Errorf("calls: %q", b.fake.calls)
	}
	if b.active != trainScreenID {
		t.Error("Train is not shown")
	}
}

func TestForkTakesTheSettingsOver(t *testing.T) {
	b := start(t, full(), 100, 30)
	b.press("6", "f")
	if b.active != experimentScreenID || b.config.LoRA.R != 8 {
		t.Errorf("screen %d, r %d", b.active, b.config.LoRA.R)
	}
	if b.fake.has("start runs dir= r=8") {
		t.Error("a fork was started unasked")
	}
}

// TestPollsEndWithTheRun counts the polls that are planned: one after each of a
// live run, slower when nothing comes, none after its end.
func TestPollsEndWithTheRun(t *testing.T) {
	for _, c := range []struct {
		state string
		want  time.Duration
	}{{runs.Running, pollLive}, {runs.Paused, pollLive}, {runs.Stale, pollLive}, {runs.Finished, 0}, {runs.Failed, 0}, {runs.Stopped, 0}} {
		f := full()
		f.snap = sampleSnapshot("runs/x", c.state)
		b := start(t, f, 100, 30)
		var planned []time.Duration
		b.app.after = func(d time.Duration, msg tea.Msg) tea.Cmd {
			if _, ok := msg.(tickMsg); ok {
				planned = append(planned, d)
			}
			return nil
		}
		b.run(b.lookAt("runs/x"))
		if c.want == 0 {
			if len(planned) != 0 {
				t.Errorf("%s: polls are planned: %v", c.state, planned)
			}
			continue
		}
		if len(planned) != 1 || planned[0] != c.want {
			t.Errorf("%s: planned %v, want %v", c.state, planned, c.want)
		}
		for range calmAfter + 2 {
			b.send(tickMsg{b.polls})
		}
		if got := planned[len(planned)-1]; got != pollCalm {
			t.Errorf("%s: after no news the next poll is in %v", c.state, got)
		}
		n := len(planned)
		b.send(tickMsg{b.polls - 1})
		if len(planned) != n {
			t.Errorf("%s: a tick of an older chain polled", c.state)
		}
	}
}
