package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hone/data"
	"hone/experiments"
	"hone/runs"
)

// experimentFlags are the flags that say what experiment a command is about.
type experimentFlags struct {
	config, model, data string
	set                 []string
}

// add declares the flags; withData for commands that read the dataset.
func (f *experimentFlags) add(cmd *cobra.Command, withData bool) {
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "", "experiment file (TOML); without it every key has its default")
	flags.StringVar(&f.model, "model", "", "base model: a directory with config.json and safetensors, a .gguf file, a hub id that was pulled, or builtin")
	if withData {
		flags.StringVar(&f.data, "data", "", "dataset: a .jsonl file, a directory with train, eval and test.jsonl, or builtin")
	}
	flags.StringArrayVar(&f.set, "set", nil, "one value of the experiment, as train.lr=1e-4; repeatable")
	_ = cmd.RegisterFlagCompletionFunc("set", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var keys []string
		for _, k := range experiments.Keys() {
			keys = append(keys, cobra.CompletionWithDesc(k.Name+"=", k.Doc))
		}
		return keys, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	})
}

// load reads the experiment: the file, with the other flags over it. Without a
// file the experiment of a run directory takes its place ("" = none).
func (f *experimentFlags) load(runDir string) (experiments.Config, error) {
	file := f.config
	if file == "" && runDir != "" {
		file = runs.ConfigFile(runDir)
	}
	var set []string
	if f.model != "" {
		set = append(set, "model.path="+literal(f.model))
	}
	if f.data != "" {
		set = append(set, "data.path="+literal(f.data))
	}
	c, err := experiments.Load(file, append(set, f.set...)...)
	if errors.Is(err, os.ErrNotExist) {
		return c, usage(err)
	}
	return c, err
}

// literal keeps a path that begins with a quote from being read as a TOML string.
func literal(path string) string {
	if strings.HasPrefix(path, `"`) || strings.HasPrefix(path, "'") {
		return strconv.Quote(path)
	}
	return path
}

// addStore declares the flag for the directory of runs.
func addStore(cmd *cobra.Command, store *string) {
	cmd.Flags().StringVar(store, "store", "runs", "directory that holds the runs")
}

// addSplit declares the flag for a split.
func addSplit(cmd *cobra.Command, split *string, value string) {
	cmd.Flags().StringVar(split, "split", value, "which rows: train, eval or test")
	_ = cmd.RegisterFlagCompletionFunc("split", cobra.FixedCompletions(data.Splits(), cobra.ShellCompDirectiveNoFileComp))
}

// checkSplit refuses what is not the name of a split.
func checkSplit(split string) error {
	if slices.Contains(data.Splits(), split) {
		return nil
	}
	return usagef("--split %s: must be one of %s", split, strings.Join(data.Splits(), ", "))
}

// atLeast refuses a number below a bound.
func atLeast(flag string, value, least int) error {
	if value >= least {
		return nil
	}
	return usagef("--%s %d: must be %d or more", flag, value, least)
}

// flagError says what is wrong with the flags, with the nearest known one.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usage(errorWithHint(err, cmd.CommandPath()+" --help shows the flags"))
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	name := unknown.GetSpecifiedName()
	return usage(errorWithHint(fmt.Errorf("unknown flag --%s of %s; the nearest is --%s", strings.TrimLeft(name, "-"), cmd.CommandPath(), nearest(name, names)),
		cmd.CommandPath()+" --help shows the flags"))
}

// noArgs refuses arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage(errorWithHint(fmt.Errorf("%s takes no argument, not %q", cmd.CommandPath(), args[0]), cmd.CommandPath()+" --help shows what it takes"))
}

// oneArg demands exactly one argument, called what in the error.
func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return usage(errorWithHint(fmt.Errorf("%s takes one argument, %s, not %d", cmd.CommandPath(), what, len(args)), cmd.CommandPath()+" --help shows what it takes"))
	}
}

// adapterDir finds what a flag names: the directory of an adapter, or of a model
// that a run of method full has made; of a run it is the one that the run keeps.
// It also returns the run directory that it belongs to, "" if to none.
func adapterDir(path string) (dir, runDir string, err error) {
	if path == "" {
		return "", "", nil
	}
	if isRun(path) {
		for _, dir := range []string{runs.AdapterDir(path), runs.ModelDir(path)} {
			if isDir(dir) {
				return dir, filepath.Clean(path), nil
			}
		}
		return "", "", usage(fmt.Errorf("--adapter %s: %w", path, experiments.ErrNoAdapter))
	}
	if _, err := os.Stat(path); err != nil {
		return "", "", usage(fmt.Errorf("--adapter: %w", err))
	}
	if abs, err := filepath.Abs(path); err == nil {
		// RUN/adapter, RUN/model, or RUN/checkpoints/step-000050
		for _, dir := range []string{filepath.Dir(abs), filepath.Dir(filepath.Dir(abs))} {
			if isRun(dir) {
				return path, dir, nil
			}
		}
	}
	return path, "", nil
}

// isRun reports whether a directory holds a run with its experiment.
func isRun(dir string) bool {
	for _, file := range []string{runs.ConfigFile(dir), runs.InfoFile(dir)} {
		if _, err := os.Stat(file); err != nil {
			return false
		}
	}
	return true
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
