package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hone/experiments/doctor"
	"hone/tui"
)

// root is the command without a name: the workbench.
func (a *app) root() *cobra.Command {
	var (
		experiment experimentFlags
		store, run string
		ascii      bool
		plain      bool
		theme      string
	)
	cmd := &cobra.Command{
		Use:   "hone [PATH]",
		Short: "Fine-tune small language models on this machine",
		Long: "Hone fine-tunes small language models with LoRA on this machine, without a GPU. " +
			"Without a command it opens the workbench; every action of the workbench is a command too. " +
			"PATH is a run directory to look at, or the log of another trainer: trainer_state.json, an event file, or a directory with such.",
		Example: "hone --model DIR --data FILE.jsonl\nhone train --model DIR --data FILE.jsonl --set train.epochs=3\nhone compare --run-dir latest",
	}
	cmd.RunE = a.command(a.noCommand, func(ctx context.Context, args []string) error {
		if a.json {
			return usage(errorWithHint(fmt.Errorf("the workbench has no --json"), "every screen is a command too; hone help shows them"))
		}
		if err := tui.CheckTheme(theme); err != nil {
			return usage(fmt.Errorf("--theme: %w", err))
		}
		if len(args) > 0 && run != "" {
			return usagef("--run-dir: %s is named already", args[0])
		}
		log := ""
		if len(args) > 0 {
			if run = args[0]; !isRun(run) {
				if _, err := doctor.OpenForeign(run); err != nil {
					return usage(err)
				}
				log, run = run, ""
			}
		}
		dir, err := resolveRun(store, run)
		if err != nil {
			return err
		}
		c, err := experiment.load(dir)
		if err != nil {
			return err
		}
		if log != "" {
			dir = log
		}
		open := tui.Run
		if plain {
			open = func(ctx context.Context, o tui.Options) error { return tui.Plain(ctx, a.out, o) }
		}
		return open(ctx, tui.Options{Config: c, ConfigPath: experiment.config, Store: store, RunDir: dir, Version: a.versionText(), ASCII: ascii, Theme: theme})
	})
	cmd.Args = cobra.ArbitraryArgs // an unknown command comes here: see noCommand
	experiment.add(cmd, true)
	addStore(cmd, &store)
	cmd.Flags().StringVar(&run, "run-dir", "", "run to look at: a directory, an id, or latest")
	cmd.Flags().BoolVar(&ascii, "ascii", false, "draw with ASCII characters only, as HONE_ASCII=1")
	cmd.Flags().BoolVar(&plain, "plain", false, "sentences with numbers instead of screens, for screen readers and pipes")
	cmd.Flags().StringVar(&theme, "theme", "", "colours: "+strings.Join(tui.Themes, ", ")+"; also by HONE_THEME")
	cmd.PersistentFlags().BoolVar(&a.json, "json", a.json, "results as one JSON object a line")
	cmd.PersistentFlags().BoolVar(&a.quiet, "quiet", false, "results and errors only")
	cmd.SetFlagErrorFunc(a.refuseFlags)
	cmd.AddCommand(
		a.trainCommand(), a.evalCommand(), a.compareCommand(), a.generateCommand(), a.inspectCommand(),
		a.traceCommand(), a.tokenizeCommand(), a.runsCommand(), a.replayCommand(), a.doctorCommand(), a.pullCommand(), a.exportCommand(), a.benchCommand(), a.versionCommand(),
	)
	return cmd
}

// refuseFlags keeps the error for finish. cobra is told that help was asked for,
// and the help is empty: an error that it returns makes fang query the terminal.
func (a *app) refuseFlags(cmd *cobra.Command, err error) error {
	a.failure = flagError(cmd, err)
	cmd.SetHelpFunc(func(*cobra.Command, []string) {})
	return pflag.ErrHelp
}

// noCommand names the nearest command of a command that does not exist. What lies
// on the disk is no command, but something to look at.
func (a *app) noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if _, err := os.Stat(args[0]); err == nil && len(args) == 1 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return usage(errorWithHint(fmt.Errorf("unknown command %q of %s; the nearest is %s", args[0], cmd.CommandPath(), nearest(args[0], names)),
		"the commands are "+strings.Join(names, ", ")))
}
