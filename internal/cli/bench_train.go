package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hone/internal/bench"
)

func (a *app) benchTrainCommand() *cobra.Command {
	var (
		f       benchFlags
		steps   int
		profile bool
	)
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Measure training steps",
		Long: "Take training steps as hone train does, with a fresh adapter and nothing written, and report tokens a second (the median over the steps after the first two), " +
			"the share of the speed that the same matrix products reach by themselves, and the peak memory.",
		Example: "hone bench train --model DIR --data D\nhone bench train --shape smollm-360m --tokenizer tokenizer.json --data D --set model.dtype=bf16 --json\nhone bench train --model DIR --data D --profile",
	}
	cmd.RunE = a.command(noArgs, func(ctx context.Context, _ []string) error {
		o, err := a.benchOptions(&f, "")
		if err != nil {
			return err
		}
		r, err := bench.MeasureTrain(ctx, bench.TrainOptions{Options: o, Steps: steps, Profile: profile})
		if err != nil {
			return benchError(err)
		}
		return a.measured(r, r.Setting, func(t table) { trainRows(t, r) })
	})
	f.add(cmd, true)
	cmd.Flags().IntVar(&steps, "steps", 8, "optimizer steps, of which the first two are not timed")
	cmd.Flags().BoolVar(&profile, "profile", false, "show the time of every operation")
	return cmd
}

func trainRows(t table, r *bench.Train) {
	t.row("tokens a second", fmt.Sprintf("%.1f", r.TokensPerSecond), fmt.Sprintf("best %.1f", r.Best))
	t.row("step", fmt.Sprintf("%.3f s", r.StepSeconds), fmt.Sprintf("batch %d, micro-batch %d tokens, %d steps", r.Batch, r.MicroBatch, r.Steps))
	t.row("useful work", fmt.Sprintf("%.1f GFLOP/s", r.GFlops), "")
	t.row("matrix products alone", fmt.Sprintf("%.1f GFLOP/s", r.GemmBound), "")
	t.row("share of that bound", fmt.Sprintf("%.1f %%", 100*r.ShareOfBound), "")
	t.row("peak memory", size(r.PeakBytes), fmt.Sprintf("%.2f of the estimated %s", r.PeakOfMemory, size(r.MemoryBytes)))
	t.row("loss", fmt.Sprintf("%.4f", r.Losses[0]), fmt.Sprintf("%.4f at step %d", r.Losses[len(r.Losses)-1], len(r.Losses)))
	if r.Ops == nil {
		return
	}
	t.row("")
	t.row("operation", "phase", "calls", "ms", "% of step")
	calls, sum := 0, 0.0
	for _, o := range r.Ops {
		t.row(o.Name, o.Phase, fmt.Sprint(o.Calls), fmt.Sprintf("%.1f", 1e3*o.Seconds), fmt.Sprintf("%.1f", 100*o.Share))
		calls, sum = calls+o.Calls, sum+o.Seconds
	}
	t.row("step", "", fmt.Sprint(calls), fmt.Sprintf("%.1f", 1e3*sum), "100.0")
}
