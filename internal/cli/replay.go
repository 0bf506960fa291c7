package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hone/experiments"
	"hone/runs"
	"hone/runs/demo"
	"hone/tui"
)

type replayOptions struct {
	store, speed         string
	plain, ascii         bool
	frame, size, pressed string
	light                bool
	recording            string // name of one that comes with Hone
}

func (a *app) replayCommand() *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use:   "replay RUN",
		Short: "Play a recorded run through the workbench",
		Long: "Play a recorded run through the screens of the workbench as if it were live. RUN is an id, the beginning of one, a directory, or latest; " +
			"demo is a recording that comes with Hone, demo:masked one that ends because all labels of a step were masked. Nothing is written to the run. " +
			"Without a terminal, or with --plain, it prints what hone train printed; with --json, the records.",
		Example: "hone replay demo\nhone replay latest --speed 2x\nhone replay demo --speed max --json\nhone replay demo --frame train@60% --size 120x40",
	}
	cmd.RunE = a.command(oneArg("a run"), func(ctx context.Context, args []string) error {
		speed, err := parseSpeed(o.speed)
		if err != nil {
			return err
		}
		dir := ""
		if demo.Is(args[0]) {
			o.recording = args[0]
			r, err := demo.Open(args[0])
			if err != nil {
				return usage(err)
			}
			defer r.Close()
			dir = r.Dir
		} else if dir, err = resolveRun(o.store, args[0]); err != nil {
			return err
		}
		switch {
		case o.frame != "":
			return a.frame(ctx, dir, speed, o)
		case a.json, a.quiet, o.plain, !isTerminal(os.Stdin), !isTerminal(os.Stdout):
			return a.replay(ctx, args[0], dir, speed)
		}
		w, err := replayWorkbench(a, dir, o)
		if err != nil {
			return err
		}
		w.Replay = speed
		return tui.Run(ctx, w)
	})
	addStore(cmd, &o.store)
	cmd.Flags().StringVar(&o.speed, "speed", "10x", "seconds of the run a second, as 10x or 0.5x; max is everything at once")
	cmd.Flags().BoolVar(&o.plain, "plain", false, "print lines instead of opening the workbench")
	cmd.Flags().BoolVar(&o.ascii, "ascii", false, "draw with ASCII characters only, as HONE_ASCII=1")
	cmd.Flags().StringVar(&o.frame, "frame", "", "print one frame of a screen and end: train, train@60%, trace@120 (a share of the run or a step)")
	cmd.Flags().StringVar(&o.size, "size", "80x24", "size of the frame, in cells")
	cmd.Flags().StringVar(&o.pressed, "press", "", "keys to press before the frame, by their names: down,enter")
	cmd.Flags().BoolVar(&o.light, "light", false, "draw the frame for a light background")
	return cmd
}

// parseSpeed reads "10x", "10" or "max".
func parseSpeed(text string) (float64, error) {
	if text == "max" {
		return math.Inf(1), nil
	}
	v, err := strconv.ParseFloat(strings.TrimSuffix(text, "x"), 64)
	if err != nil || !(v > 0 && v <= 1e6) {
		return 0, usagef("--speed %q: a number above 0, at most 1e6, as 10x or 0.5x; or max", text)
	}
	return v, nil
}

// replayWorkbench opens the workbench on a recorded run and its experiment.
func replayWorkbench(a *app, dir string, o replayOptions) (tui.Options, error) {
	c, err := experiments.LoadRun(dir)
	if err != nil {
		return tui.Options{}, err
	}
	return tui.Options{Config: c, Store: o.store, RunDir: dir, Version: a.versionText(), ASCII: o.ascii, Recording: o.recording}, nil
}

// frame prints one frame with its colours, or without where NO_COLOR is set.
func (a *app) frame(ctx context.Context, dir string, speed float64, o replayOptions) error {
	f := tui.FrameOptions{Light: o.light, Plain: os.Getenv("NO_COLOR") != ""}
	f.Screen, f.At, _ = strings.Cut(o.frame, "@")
	width, height, ok := strings.Cut(o.size, "x")
	var errs [2]error
	f.Width, errs[0] = strconv.Atoi(width)
	f.Height, errs[1] = strconv.Atoi(height)
	if !ok || errors.Join(errs[:]...) != nil {
		return usagef("--size %q: it has to be as 120x40", o.size)
	}
	if o.pressed != "" {
		f.Keys = strings.Split(o.pressed, ",")
	}
	w, err := replayWorkbench(a, dir, o)
	if err != nil {
		return err
	}
	w.Replay = speed
	text, err := tui.Frame(ctx, w, f)
	if err != nil {
		return usage(fmt.Errorf("--frame: %w", err))
	}
	a.out.printf("%s\n", text)
	return nil
}

// replayed is the last line of `hone replay --json`.
type replayed struct {
	Type  string `json:"type"` // "done"
	State string `json:"state"`
	Step  int    `json:"step"`
	Steps int    `json:"steps"`
	Error string `json:"error,omitempty"`
}

// replay prints the records of a run at the speed at which they are played.
func (a *app) replay(ctx context.Context, name, dir string, speed float64) error {
	player, err := runs.OpenPlayer(dir)
	if err != nil {
		return err
	}
	defer player.Close()
	info, err := runs.ReadInfo(dir)
	if err != nil {
		return err
	}
	began := time.Now()
	v := &trainView{app: a, dir: dir, steps: info.Steps, began: began}
	v.print("replay of %s\n", oneLine(name))
	for n := 1; n <= player.Len(); n++ {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Duration(float64(player.Came(n))/speed) - time.Since(began)):
		}
		line, err := player.Line(n)
		if err != nil {
			return err
		}
		if !json.Valid(line) {
			a.note("note: line %d of %s is torn or damaged and was left out", n, runs.MetricsName)
		} else if err := v.record(line); err != nil {
			return err
		}
	}
	if a.json {
		return a.out.line(replayed{"done", info.State, info.Step, info.Steps, info.Error})
	}
	a.out.printf("%s at step %d of %d\n", info.State, info.Step, info.Steps)
	if info.Error != "" {
		a.out.printf("%s\n", oneLine(info.Error))
	}
	return nil
}
