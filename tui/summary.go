package tui

import (
	"fmt"
	"io"
	"time"

	"hone/experiments"
	"hone/runs"
)

// writeSummary says on the normal screen, after the workbench, what became of the
// run that this process trained and of the one that was looked at.
func writeSummary(w io.Writer, own ownRun, looked string, t *theme) {
	dirs := []string{looked}
	if own != nil && own.Dir() != looked {
		dirs = []string{own.Dir(), looked}
	}
	for _, dir := range dirs {
		for _, line := range summaryLines(dir, own != nil && own.Dir() == dir, t) {
			fmt.Fprintln(w, line)
		}
	}
}

// summaryLines sum a run directory up; none for a directory that holds no run.
func summaryLines(dir string, own bool, t *theme) []string {
	if dir == "" {
		return nil
	}
	h, err := runs.ReadHistory(dir)
	if err != nil {
		return nil
	}
	info, err := runs.ReadInfo(dir)
	if err != nil {
		return nil
	}
	snap := &snapshot{Dir: dir, State: info.StateAt(time.Now()), Info: info, History: h}
	snap.measure()
	with := feedSettings{}
	if c, err := experiments.LoadRun(dir); err == nil {
		with.clip, with.by = c.Train.Clip, c.Train.BestBy
	}
	f := builtFeed(snap, with, t, time.Local)
	lines := []string{t.clean(dir) + ": " + f.verdict(snap.State, snap.Info)}
	name := t.clean(experiments.ShellWord(dir))
	switch {
	case snap.State == runs.Finished:
		return append(lines, "hone compare --run-dir "+name+" shows base against tuned")
	case snap.live() && !own:
		return append(lines, "it goes on in another process; hone --run-dir "+name+" follows it")
	case snap.State == runs.Stopped || snap.State == runs.Stale:
		return append(lines, "hone train --run-dir "+name+" goes on with it")
	case snap.State == runs.Failed && info.Error != "":
		return append(lines, t.clean(info.Error))
	}
	return lines
}
