// Package cli is the command line of Hone: one command a file, each of which
// turns flags into calls of the other packages and their results into text.
//
// What goes where:
//
//   - Results go to standard output: readable text, or with --json one object a
//     line, of which the last is the result. There are no escape codes in it.
//   - Progress, notes and errors go to standard error. A progress line is drawn
//     only on a terminal. Errors read "hone: what: why", with hints below; with
//     --json an error is also the last object on standard output.
//   - The exit code says how it went, see the Exit constants.
//
// A command is interrupted by a signal: training stops after the step in
// flight, with a checkpoint; a second signal abandons that step. All else ends
// at the first.
package cli

import (
	"context"
	"io"
	"os"
	"slices"

	"github.com/charmbracelet/fang"
	"github.com/spf13/cobra"

	"hone/engine/kernel"
)

// Exit codes. Stopped by a signal, it is 128 plus the signal's number: 129, 130,
// 143; 141 if whoever read standard output went away.
const (
	ExitDone   = 0
	ExitFailed = 1
	ExitUsage  = 2  // bad flags, experiment, data or model
	ExitPanic  = 70 // a mistake in Hone
)

// app is what the commands share.
type app struct {
	version  string
	out      *output
	stderr   io.Writer
	progress *progress
	signals  *signals
	json     bool
	quiet    bool
	failure  error // of the command that ran
}

// Main runs the command line of this process and returns its exit code. version
// is the release, "" for a build from source.
func Main(version string) int { return run(version, os.Args[1:]) }

// run is Main with the arguments given, and with further commands.
func run(version string, args []string, more ...*cobra.Command) (code int) {
	a := newApp(version, args)
	defer func() {
		if v := recover(); v != nil {
			code = a.panicked(v)
		}
	}()
	ctx, release := a.signals.watch(context.Background())
	defer release()

	root := a.root()
	root.AddCommand(more...)
	root.SetArgs(args)
	err := fang.Execute(ctx, root, fang.WithVersion(a.versionText()), fang.WithErrorHandler(func(io.Writer, fang.Styles, error) {}))
	if a.failure != nil {
		err = a.failure
	}
	return a.finish(err)
}

func newApp(version string, args []string) *app {
	a := &app{version: version, stderr: os.Stderr, signals: newSignals()}
	a.progress = newProgress(os.Stderr)
	a.out = newOutput(os.Stdout, a.progress.clear)
	// An error in the flags is also reported as JSON, though they were not parsed.
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	a.json = slices.Contains(args, "--json")
	return a
}

// command makes RunE of a command's work. Its error is kept for finish and not
// returned: before it prints an error, fang asks the terminal for its colours.
func (a *app) command(args cobra.PositionalArgs, work func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, given []string) error {
		a.progress.allow(!a.quiet && !(a.json && isTerminal(os.Stdout)))
		a.failure = kernel.StartError()
		if a.failure != nil {
			a.failure = usage(a.failure)
		} else if a.failure = args(cmd, given); a.failure == nil {
			a.failure = work(cmd.Context(), given)
		}
		a.progress.clear()
		return nil
	}
}
