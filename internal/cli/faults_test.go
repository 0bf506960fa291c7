//go:build unix

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hone/runs"
)

// training opens the workbench of the program with mistakes and starts a run that
// would take long. What it says on standard error goes to the file errors.
func training(t *testing.T) (x *terminal, dir string) {
	t.Helper()
	dir = workDir(t)
	x = openTerminal(t, "100", "30", dir)
	x.press("XDG_CACHE_HOME="+filepath.Join(dir, "cache")+" HOME="+dir+
		" hone-faulty --model model --data events --store runs --set train.epochs=2000 --set train.eval_every=0 2>errors; echo code:$?", "Enter")
	x.see("1 Data", "train 24")
	x.press("2")
	x.see("what it costs", "trainable  14 848")
	x.press("s")
	x.see("/ 6000", "epoch ") // which stands there from the first step on
	return x, dir
}

// whole fails unless the run in dir/runs has the given state and every record and
// checkpoint that it names.
func whole(t *testing.T, dir, state string) (run string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "runs", "*-calendar"))
	if err != nil || len(found) != 1 {
		t.Fatalf("runs %q, %v", found, err)
	}
	run = found[0]
	info, err := runs.ReadInfo(run)
	if err != nil || info.State != state {
		t.Errorf("run.json says %q, want %q: %v", info.State, state, err)
	}
	h, err := runs.ReadHistory(run)
	if err != nil || len(h.Notes) > 0 {
		t.Fatalf("the records are not whole: %q, %v", h.Notes, err)
	}
	last, ok := h.LastStep()
	if !ok {
		t.Fatal("no step was recorded")
	}
	if state != runs.Stopped {
		return run
	}
	if saved, ok, err := runs.LatestCheckpoint(run); err != nil || !ok || saved.Step != last.Step {
		t.Errorf("checkpoint %+v %v %v after step %d", saved, ok, err, last.Step)
	}
	return run
}

// said fails unless the file has every text.
func said(t *testing.T, file string, texts ...string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range texts {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s does not say %q:\n%s", file, want, text)
		}
	}
}

// A panic of the workbench itself gives the terminal back, with the trace on
// standard error and in a file; the run under way is stopped with a checkpoint.
func TestPanicOfTheWorkbench(t *testing.T) {
	for key, where := range map[string]string{"C-x": "Update", "C-v": "View"} {
		t.Run(where, func(t *testing.T) {
			x, dir := training(t)
			x.press(key)
			x.see(fmt.Sprint("code:", ExitPanic))
			x.sane()
			said(t, filepath.Join(dir, "errors"), "panic: provoked in "+where, "(*shell)."+where, "the trace is kept in ", "hone: the workbench has a fault")
			var logs []string
			for _, caches := range []string{"cache", filepath.Join("Library", "Caches")} { // the latter on macOS
				found, err := filepath.Glob(filepath.Join(dir, caches, "hone", "faults", "*.log"))
				if err != nil {
					t.Fatal(err)
				}
				logs = append(logs, found...)
			}
			if len(logs) != 1 {
				t.Fatalf("traces that are kept: %q", logs)
			}
			said(t, logs[0], "provoked in "+where, "(*shell)."+where)
			whole(t, dir, runs.Stopped)
		})
	}
}

// A panic of the training is an error on the screen, and its trace is kept with the
// run; the workbench goes on.
func TestPanicOfTheTraining(t *testing.T) {
	x, dir := training(t)
	x.press("C-o")
	x.see("failed after step", "unexpected panic: provoked in training", runs.PanicName)
	x.reach("1", "train.jsonl") // it still answers
	x.press("q")
	x.see(fmt.Sprint("code:", ExitPanic))
	x.sane()
	run := whole(t, dir, runs.Failed)
	said(t, runs.PanicFile(run), "provoked in training", "goroutine ", "engine.(*Session)")
}

// Suspended in the middle of training, the shell has a sane terminal; in the
// foreground again the run goes on and can be stopped.
func TestSuspendWhileTraining(t *testing.T) {
	x, dir := training(t)
	x.press("C-z")
	x.sane()
	x.press("clear; fg", "Enter")
	x.see("3 Train", "/ 6000")
	x.press("q")
	x.see("a run is live")
	x.press("s")
	x.until("no summary", func(string) bool { return strings.Contains(x.joined(), "stopped after step") })
	x.sane()
	whole(t, dir, runs.Stopped)
}
