package tui

import (
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"hone/runs"
)

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
