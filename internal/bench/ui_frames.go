package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hone/experiments"
	"hone/runs"
	"hone/runs/demo"
	"hone/tui"
)

// What frames are drawn of: the recording that Hone brings along, whose run is made
// this long, in a terminal of frameSize.
const (
	frameSteps  = 100_000
	frameRepeat = 30
)

var frameSize = [2]int{200, 60}

// FrameCost is how long a screen takes to be drawn anew, nothing of the last frame
// being of use.
type FrameCost struct {
	Screen string  `json:"screen"`
	Median float64 `json:"milliseconds"`
	Worst  float64 `json:"worst_milliseconds"`
	CPU    float64 `json:"cpu_milliseconds"` // processor time, the mean: it says more where others are at work
}

// measureFrames draws every screen again and again.
func measureFrames(ctx context.Context, progress func(what string, done, total int)) (costs []FrameCost, err error) {
	recorded, err := demo.Open("demo")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, recorded.Close()) }()
	if err := lengthen(recorded.Dir, frameSteps); err != nil {
		return nil, err
	}
	c, err := experiments.LoadRun(recorded.Dir)
	if err != nil {
		return nil, err
	}
	canvas, err := tui.NewCanvas(ctx, tui.Options{Config: c, Store: filepath.Dir(recorded.Dir), RunDir: recorded.Dir})
	if err != nil {
		return nil, err
	}
	defer canvas.Close()
	screens := tui.Screens()
	for i, screen := range screens {
		progress("drawing", i, len(screens))
		var took []float64
		used := 0.0
		for range frameRepeat {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			// Another size first: a screen that has not changed costs nothing.
			if _, err := canvas.Draw(screen, frameSize[0], frameSize[1]-1); err != nil {
				return nil, err
			}
			begin, before := time.Now(), cpuSeconds()
			if _, err := canvas.Draw(screen, frameSize[0], frameSize[1]); err != nil {
				return nil, err
			}
			took = append(took, time.Since(begin).Seconds()*1000)
			used += cpuSeconds() - before
		}
		costs = append(costs, FrameCost{Screen: screen, Median: median(took), Worst: slices.Max(took), CPU: used * 1000 / frameRepeat})
	}
	return costs, nil
}

// lengthen adds steps to the records of a run until there are so many.
func lengthen(dir string, steps int) error {
	h, err := runs.ReadHistory(dir)
	if err != nil {
		return err
	}
	last, _ := h.LastStep()
	text, err := stepLines(last.Step+1, steps)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(runs.MetricsFile(dir), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("lengthening a run: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("lengthening a run: %w", err)
	}
	return nil
}

// stepLines are the records of the steps from first to last of a run that falls and
// jitters as runs do.
func stepLines(first, last int) ([]byte, error) {
	var text bytes.Buffer
	for i := first; i <= last; i++ {
		at := float64(i)
		loss := runs.Number(0.05 + 2/math.Log(at+3) + 0.05*math.Sin(at*0.7))
		line, err := json.Marshal(runs.Step{
			Type: "step", Step: i, Epoch: runs.Number(at / 70), Loss: loss, CE: loss * 0.7, JSON: loss * 0.1, Field: loss * 0.2, Confidence: 0.04,
			GradNorm: runs.Number(0.6 + 0.5*math.Cos(at*0.3)), LR: 4e-4, Tokens: 950, TargetTokens: 620, Seconds: 0.2,
		})
		if err != nil {
			return nil, fmt.Errorf("writing a step: %w", err)
		}
		text.Write(line)
		text.WriteByte('\n')
	}
	return text.Bytes(), nil
}
