package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hone/internal/bench"
)

func (a *app) benchDecodeCommand() *cobra.Command {
	var (
		f       benchFlags
		adapter string
		tokens  int
	)
	cmd := &cobra.Command{
		Use:     "decode",
		Short:   "Measure the generation of one text",
		Long:    "Continue the prompt of the first test row greedily by a fixed number of tokens, one at a time, whether or not the text ends, and report tokens a second for the prompt and after it.",
		Example: "hone bench decode --model DIR --data D --set model.dtype=bf16",
	}
	cmd.RunE = a.command(noArgs, func(ctx context.Context, _ []string) error {
		if tokens < 1 || tokens > 1<<16 {
			return usagef("--new %d: must be 1 to %d", tokens, 1<<16)
		}
		dir, runDir, err := adapterDir(adapter)
		if err != nil {
			return err
		}
		o, err := a.benchOptions(&f, runDir)
		if err != nil {
			return err
		}
		r, err := bench.MeasureDecode(ctx, bench.DecodeOptions{Options: o, Adapter: dir, New: tokens})
		if err != nil {
			return benchError(err)
		}
		return a.measured(r, r.Setting, func(t table) {
			t.row("tokens a second", fmt.Sprintf("%.1f", r.TokensPerSecond), fmt.Sprintf("%d tokens, one at a time", r.New))
			t.row("prompt", fmt.Sprintf("%.1f", r.PromptTokensPerSecond), fmt.Sprintf("%d tokens in one pass", r.Prompt))
			t.row("peak memory", size(r.PeakBytes), "")
		})
	})
	f.add(cmd, true)
	f.defaultRepeat(cmd, 3)
	addAdapter(cmd, &adapter)
	cmd.Flags().IntVar(&tokens, "new", 128, "tokens to generate after the prompt")
	return cmd
}
