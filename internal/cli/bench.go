package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hone/internal/bench"
)

func (a *app) benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure speed and memory on this machine",
		Long: "Measure what Hone does on this machine: training steps, evaluation, generation, matrix products, and what the workbench costs a run. " +
			"Every figure comes with model, type of weights, threads and kernels; docs/performance.md says how each is defined.",
	}
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if a.failure = a.noCommand(cmd, args); a.failure == nil {
			a.failure = usage(errorWithHint(fmt.Errorf("bench needs a command: train, eval, decode, kernel or ui"), "hone bench --help"))
		}
		return nil
	}
	cmd.AddCommand(a.benchTrainCommand(), a.benchEvalCommand(), a.benchDecodeCommand(), a.benchKernelCommand(), a.benchUICommand())
	return cmd
}

// benchFlags are the flags of every measurement.
type benchFlags struct {
	experimentFlags
	shape, tokenizer string
	repeat           int
}

// add declares the flags; withData for measurements that read the dataset.
func (f *benchFlags) add(cmd *cobra.Command, withData bool) {
	f.experimentFlags.add(cmd, withData)
	flags := cmd.Flags()
	flags.IntVar(&f.repeat, "repeat", 1, "measure so many times and report medians")
	flags.StringVar(&f.shape, "shape", "", "random weights of this shape in place of the model's: "+strings.Join(bench.Shapes(), ", "))
	_ = cmd.RegisterFlagCompletionFunc("shape", cobra.FixedCompletions(bench.Shapes(), cobra.ShellCompDirectiveNoFileComp))
	if withData {
		flags.StringVar(&f.tokenizer, "tokenizer", "", "tokenizer.json for --shape; without it that of --model")
	}
}

// defaultRepeat changes the number of repetitions that are made when none is
// asked for.
func (f *benchFlags) defaultRepeat(cmd *cobra.Command, n int) {
	flag := cmd.Flags().Lookup("repeat")
	f.repeat, flag.DefValue = n, fmt.Sprint(n)
}

// benchOptions opens what the flags say.
func (a *app) benchOptions(f *benchFlags, runDir string) (bench.Options, error) {
	if err := atLeast("repeat", f.repeat, 1); err != nil {
		return bench.Options{}, err
	}
	if f.tokenizer != "" && f.shape == "" {
		return bench.Options{}, usagef("--tokenizer is for --shape: a model has its own")
	}
	c, err := f.load(runDir)
	return bench.Options{
		Config: c, Shape: f.shape, Tokenizer: f.tokenizer, Repeat: f.repeat,
		Progress: func(what string, done, total int) {
			if total > 0 {
				a.progress.count(what, done, total)
			} else {
				a.progress.show(what, 0, 0, 0)
			}
		},
	}, err
}

// benchError marks what cannot be measured as asked for as a mistake in asking.
func benchError(err error) error {
	switch {
	case errors.Is(err, bench.ErrTokenizer):
		return usage(errorWithHint(err, "--tokenizer FILE, or --model DIR with a tokenizer.json"))
	case errors.Is(err, bench.ErrShape), errors.Is(err, bench.ErrSteps):
		return usage(err)
	}
	return err
}

// measured writes a result: with --json as it is, else its setting and the rows
// that text gives of it.
func (a *app) measured(result any, s bench.Setting, text func(t table)) error {
	if a.json {
		return a.out.line(result)
	}
	a.out.printf("%s\n", settingText(s))
	t := a.table()
	text(t)
	t.flush()
	return nil
}

// settingText says in one paragraph what was measured on.
func settingText(s bench.Setting) string {
	weights := ""
	if s.Random {
		weights = " with random weights"
	}
	return fmt.Sprintf("%s%s in %s, %s on %s (%s, %s)\nkernels: %s",
		oneLine(s.Model), weights, s.DType, plural(s.Threads, "thread"), oneLine(s.CPU), plural(s.Cores, "core"), s.OS, s.Why)
}
