package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hone/experiments"
	"hone/runs"
	"hone/tui"
)

// How fast records are written for a workbench that follows them.
const (
	eventsPerSecond = 10_000
	eventSeconds    = 3
	eventChunk      = 100 // records written at a time
)

// measureEvents is the share of a core, in percent, that a workbench takes to follow
// a run which records eventsPerSecond: what the process uses more than when it
// writes the same alone, up to the frame with the last record.
func measureEvents(ctx context.Context, c experiments.Config, progress func(what string, done, total int)) (percent float64, err error) {
	text, err := stepLines(1, eventsPerSecond*eventSeconds)
	if err != nil {
		return 0, err
	}
	store, err := os.MkdirTemp("", "hone-bench-")
	if err != nil {
		return 0, fmt.Errorf("making room for runs: %w", err)
	}
	defer os.RemoveAll(store)
	var used [2]float64
	for i, shown := range []bool{false, true} {
		progress("following", i, len(used))
		if used[i], err = eventRun(ctx, c, store, text, shown); err != nil {
			return 0, err
		}
	}
	return 100 * (used[1] - used[0]) / eventSeconds, nil
}

// eventRun writes text as the records of a run at eventsPerSecond and returns the
// processor time that this process used.
func eventRun(ctx context.Context, c experiments.Config, store string, text []byte, shown bool) (used float64, err error) {
	w, err := runs.Store{Root: store}.Create("events", time.Now())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	config, err := c.Marshal()
	if err != nil {
		return 0, err
	}
	err = errors.Join(w.WriteConfig(config), w.Update(func(i *runs.RunInfo) { i.Steps = eventsPerSecond * eventSeconds }))
	if err != nil {
		return 0, err
	}
	f, err := os.OpenFile(runs.MetricsFile(w.Dir()), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return 0, fmt.Errorf("writing records: %w", err)
	}
	defer f.Close()
	var watching *watcher
	if shown {
		dir, err := filepath.Abs(w.Dir())
		if err != nil {
			return 0, err
		}
		if watching, err = watch(ctx, tui.Options{Config: c, Store: store, RunDir: dir}); err != nil {
			return 0, err
		}
		defer watching.close()
		if err := watching.settle(ctx); err != nil {
			return 0, err
		}
	}
	used = cpuSeconds()
	tick := time.NewTicker(time.Second * eventChunk / eventsPerSecond)
	defer tick.Stop()
	for len(text) > 0 {
		select {
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-tick.C:
		}
		n := 0
		for range eventChunk {
			n += bytes.IndexByte(text[n:], '\n') + 1
		}
		if _, err := f.Write(text[:n]); err != nil {
			return 0, fmt.Errorf("writing records: %w", err)
		}
		text = text[n:]
	}
	if shown {
		if err := watching.settle(ctx); err != nil {
			return 0, err
		}
	}
	return cpuSeconds() - used, nil
}
