package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hone/internal/bench"
)

func (a *app) benchUICommand() *cobra.Command {
	var (
		f     benchFlags
		steps int
	)
	cmd := &cobra.Command{
		Use:   "ui",
		Short: "Measure what the workbench costs a run",
		Long: "Draw every screen anew at 200 by 60 on a run of 100,000 steps; follow a run that records 10,000 events a second; " +
			"then train the same steps with the workbench looking at the run and without it, in turn, and compare the processor time of a step. " +
			"The workbench draws in a pseudo-terminal of 120 by 40 that nobody looks at.",
		Example: "hone bench ui --model DIR --data D --repeat 3",
	}
	cmd.RunE = a.command(noArgs, func(ctx context.Context, _ []string) error {
		o, err := a.benchOptions(&f, "")
		if err != nil {
			return err
		}
		r, err := bench.MeasureUI(ctx, bench.UIOptions{Options: o, Steps: steps})
		if err != nil {
			return benchError(err)
		}
		return a.measured(r, r.Setting, func(t table) {
			t.row(fmt.Sprintf("frame %dx%d", r.FrameSize[0], r.FrameSize[1]), "median ms", "worst ms", "CPU ms")
			for _, f := range r.Frames {
				t.row(f.Screen, fmt.Sprintf("%.2f", f.Median), fmt.Sprintf("%.2f", f.Worst), fmt.Sprintf("%.2f", f.CPU))
			}
			t.row("")
			t.row(fmt.Sprintf("%d events/s", r.Events), fmt.Sprintf("%.1f %% of a core", r.EventShare))
			t.row("")
			t.row("", "CPU seconds a step", "seconds a step")
			t.row("headless", fmt.Sprintf("%.4f", r.Headless), fmt.Sprintf("%.4f", r.HeadlessWall))
			t.row("workbench", fmt.Sprintf("%.4f", r.Workbench), fmt.Sprintf("%.4f", r.ShownWall))
			t.row("more", fmt.Sprintf("%.2f %%", r.Overhead), fmt.Sprintf("%s drawn", size(r.Drawn)))
		})
	})
	f.add(cmd, true)
	f.defaultRepeat(cmd, 3)
	cmd.Flags().IntVar(&steps, "steps", 12, "optimizer steps of each run, of which the first two are not measured")
	return cmd
}
