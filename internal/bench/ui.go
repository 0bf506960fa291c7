package bench

import (
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

// UIOptions say how the workbench's cost is measured.
type UIOptions struct {
	Options
	Steps int // of each run, the first two not measured
}

// UI is what showing a run costs it.
type UI struct {
	Setting
	Steps  int    `json:"steps"`
	Repeat int    `json:"repeat"`
	Size   [2]int `json:"size"` // of the terminal: columns, rows

	Headless     float64 `json:"headless_cpu_seconds"` // a step
	Workbench    float64 `json:"workbench_cpu_seconds"`
	Overhead     float64 `json:"overhead_percent"`
	HeadlessWall float64 `json:"headless_seconds"` // a step
	ShownWall    float64 `json:"workbench_seconds"`
	Drawn        int64   `json:"drawn_bytes"` // that the workbench wrote while it was measured

	Frames     []FrameCost `json:"frames"` // of every screen
	FrameSize  [2]int      `json:"frame_size"`
	FrameSteps int         `json:"frame_steps"` // of the run that they show
	Events     int         `json:"events_per_second"`
	EventShare float64     `json:"events_core_percent"` // of a core, to follow a run that records so many
}

// ErrNoTerminal says that the workbench cannot be measured here.
var ErrNoTerminal = errors.New("the workbench is measured in a pseudo-terminal, which this system does not have as Linux has them")

// uiSize is the terminal that the workbench is shown in.
var uiSize = [2]int{120, 40}

// MeasureUI trains the same steps with and without the workbench looking at the
// run, in turn, and compares the processor time of a step. The workbench draws
// in a pseudo-terminal that nobody looks at: until MeasureUI returns, it stands in
// for standard input and output of this process.
func MeasureUI(ctx context.Context, o UIOptions) (*UI, error) {
	if o.Steps <= warmSteps {
		return nil, fmt.Errorf("%w: %d, of which the first %d are not measured", ErrSteps, o.Steps, warmSteps)
	}
	t, err := o.resolve(ctx)
	if err != nil {
		return nil, err
	}
	defer t.close()
	c, err := longEnough(t.config, o.Steps)
	if err != nil {
		return nil, err
	}
	store, err := os.MkdirTemp("", "hone-bench-")
	if err != nil {
		return nil, fmt.Errorf("making room for runs: %w", err)
	}
	defer os.RemoveAll(store)
	r := &UI{
		Setting: t.setting("ui"), Steps: o.Steps, Repeat: max(1, o.Repeat), Size: uiSize,
		FrameSize: frameSize, FrameSteps: frameSteps, Events: eventsPerSecond,
	}
	if r.Frames, err = measureFrames(ctx, o.progress); err != nil {
		return nil, err
	}
	if r.EventShare, err = measureEvents(ctx, c, o.progress); err != nil {
		return nil, err
	}
	var cpu, wall [2][]float64 // headless, workbench
	for i := range 2 * r.Repeat {
		shown := i%4 == 1 || i%4 == 2 // each goes first as often as the other
		o.progress("training", i, 2*r.Repeat)
		m, err := uiRun(ctx, c, filepath.Join(store, fmt.Sprint(i)), o.Steps, shown)
		if err != nil {
			return nil, err
		}
		which := 0
		if shown {
			which, r.Drawn = 1, m.drawn
		}
		cpu[which], wall[which] = append(cpu[which], m.cpu), append(wall[which], m.wall)
	}
	r.Headless, r.Workbench = median(cpu[0]), median(cpu[1])
	r.HeadlessWall, r.ShownWall = median(wall[0]), median(wall[1])
	r.Overhead = 100 * (r.Workbench/r.Headless - 1)
	return r, nil
}

// longEnough is the experiment without evaluations and checkpoints on the way,
// with as many epochs as the steps need.
func longEnough(c experiments.Config, steps int) (experiments.Config, error) {
	c.Train.EvalEvery, c.Train.CheckpointEvery = 0, 0
	c.Train.Epochs = 1
	plan, err := experiments.MakePlan(c)
	if err != nil {
		return c, err
	}
	if plan.Steps == nil {
		return c, fmt.Errorf("%w: the length of the run is not known: %v", ErrSteps, plan.Notes)
	}
	c.Train.Epochs = (steps + *plan.Steps - 1) / *plan.Steps
	return c, nil
}

// uiCost is what a step of one run took.
type uiCost struct {
	cpu, wall float64
	drawn     int64
}

// uiRun trains in dir and measures from the end of the first steps to the last.
func uiRun(ctx context.Context, c experiments.Config, dir string, steps int, shown bool) (cost uiCost, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	run, err := experiments.Start(ctx, c, experiments.StartOptions{RunDir: dir, MaxSteps: steps})
	if err != nil {
		return cost, err
	}
	defer func() {
		run.Abandon()
		<-run.Done()
		if err == nil {
			err = run.Err()
		}
	}()
	var w *watcher
	if shown {
		run.Pause() // until the workbench is there
		w, err = watch(ctx, tui.Options{Config: c, Store: filepath.Dir(dir), RunDir: run.Dir()})
		if err != nil {
			return cost, err
		}
		defer w.close()
		if err := w.settle(ctx); err != nil {
			return cost, err
		}
		run.Resume()
	}
	follower := runs.Follow(run.Dir())
	from, begun, used, drawn := 0, time.Now(), 0.0, int64(0)
	for over := false; ; over = closed(run.Done()) {
		step, err := stepOf(follower)
		if err != nil {
			return cost, err
		}
		if step >= warmSteps && from == 0 {
			from, begun, used, drawn = step, time.Now(), cpuSeconds(), w.drawn()
		}
		if step >= steps {
			if n := float64(step - from); n > 0 {
				return uiCost{(cpuSeconds() - used) / n, time.Since(begun).Seconds() / n, w.drawn() - drawn}, nil
			}
			return cost, fmt.Errorf("%w: the run was over before it could be measured; ask for more", ErrSteps)
		}
		if over {
			if err := errors.Join(context.Cause(ctx), run.Err()); err != nil {
				return cost, err
			}
			return cost, fmt.Errorf("%w: the run ended at step %d", ErrSteps, step)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// closed reports whether a channel is closed.
func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// stepOf is the last step that a run has recorded.
func stepOf(f *runs.Follower) (int, error) {
	if _, err := f.Poll(); err != nil {
		return 0, err
	}
	last, _ := f.History().LastStep()
	return last.Step, nil
}
