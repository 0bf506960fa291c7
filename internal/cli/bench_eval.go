package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hone/data"
	"hone/internal/bench"
)

func (a *app) benchEvalCommand() *cobra.Command {
	var (
		f              benchFlags
		adapter, split string
		limit, batch   int
		constrained    bool
	)
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "Measure a greedy evaluation",
		Long: "Generate and score a split as hone eval does, and report seconds without loading, rows and generated tokens a second and the peak memory. " +
			"The scores stand beside them: a fast evaluation of wrong outputs shows.",
		Example: "hone bench eval --adapter runs/first\nhone bench eval --model DIR --data D --limit 16 --batch 4 --json",
	}
	cmd.RunE = a.command(noArgs, func(ctx context.Context, _ []string) error {
		if err := checkSplit(split); err != nil {
			return err
		}
		if err := atLeast("limit", limit, 0); err != nil {
			return err
		}
		dir, runDir, err := adapterDir(adapter)
		if err != nil {
			return err
		}
		if cmd.Flags().Changed("batch") {
			f.set = append(f.set, fmt.Sprintf("eval.batch=%d", batch))
		}
		o, err := a.benchOptions(&f, runDir)
		if err != nil {
			return err
		}
		r, err := bench.MeasureEval(ctx, bench.EvalOptions{Options: o, Adapter: dir, Split: split, Limit: limit, Constrained: constrained})
		if err != nil {
			return benchError(err)
		}
		return a.measured(r, r.Setting, func(t table) {
			t.row(r.Split+" split", plural(r.N, "row"), fmt.Sprintf("%.2f s, batch %d, loaded in %.2f s", r.Seconds, r.Batch, r.LoadSeconds))
			t.row("rows a second", fmt.Sprintf("%.2f", r.RowsPerSecond), "")
			t.row("tokens a second", fmt.Sprintf("%.1f", r.TokensPerSecond), fmt.Sprintf("%s generated", count(r.Tokens)))
			t.row("peak memory", size(r.PeakBytes), "")
			t.row("scores", fmt.Sprintf("exact %s", share(r.ExactMatch)), fmt.Sprintf("valid %s, fields %s", share(r.JSONValidity), share(r.FieldAccuracy)))
		})
	})
	f.add(cmd, true)
	addAdapter(cmd, &adapter)
	addSplit(cmd, &split, data.Test)
	cmd.Flags().IntVar(&limit, "limit", 0, "only so many rows, the first; 0 = all")
	cmd.Flags().IntVar(&batch, "batch", 0, "sequences side by side, as eval.batch")
	cmd.Flags().BoolVar(&constrained, "constrained", false, "let the model write only objects with the schema's keys in order")
	return cmd
}
