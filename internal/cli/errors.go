package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"hone/data"
	"hone/engine"
	"hone/engine/decode"
	"hone/engine/kernel"
	"hone/engine/llama"
	"hone/engine/tokenizer"
	"hone/engine/weights"
	"hone/experiments"
	"hone/internal/hub"
	"hone/runs"
	"hone/tui"
)

// hinted is an error with advice on what to do about it.
type hinted struct {
	error
	hints []string
}

func (e hinted) Unwrap() error { return e.error }

// errorWithHint adds advice to an error: what to type or to look at.
func errorWithHint(err error, hints ...string) error { return hinted{err, hints} }

// usageError is a mistake in what was asked for, not in doing it.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// usage marks an error as a mistake in what was asked for.
func usage(err error) error { return usageError{err} }

func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

// badInput are the errors of flags, experiments, data and models that cannot be
// used.
var badInput = []error{
	experiments.ErrNoBuiltin, experiments.ErrNoBase, hub.ErrID, hub.ErrNotFound, hub.ErrUnsupported, hub.ErrUnsafe, hub.ErrNotCached, hub.ErrSettings, experiments.ErrConfigDiffers, experiments.ErrNoTokenizer, experiments.ErrNoEOS, experiments.ErrMemory,
	experiments.ErrPreflight, experiments.ErrInjected, experiments.ErrRewind, experiments.ErrReplay, experiments.ErrNotRecorded,
	experiments.ErrSameSide, experiments.ErrArtifact, fs.ErrExist, experiments.ErrNoSharedRows,
	data.ErrNoRows, data.ErrOverlong, data.ErrNoPlaceholder, data.ErrDuplicateKey, data.ErrTooDeep, data.ErrUTF8,
	llama.ErrAdapter, weights.ErrUnsupported, weights.ErrCorrupt, weights.ErrNonFinite, tokenizer.ErrUnsupported, decode.ErrConstraint,
	runs.ErrNotFound, runs.ErrAmbiguous, runs.ErrCorrupt, runs.ErrLabel, tui.ErrNotTerminal, fs.ErrNotExist,
}

// exitCode is the exit code of an error.
func exitCode(err error) int {
	var stopped signalError
	var mistake usageError
	var problems *experiments.Problems
	var badRows *data.BadRowsError
	var panicked *kernel.TaskPanic
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &stopped):
		return stopped.code()
	case errors.Is(err, engine.ErrPanic), errors.As(err, &panicked), errors.Is(err, tea.ErrProgramPanic), errors.Is(err, tui.ErrPanic):
		return ExitPanic
	case errors.As(err, &mistake), errors.As(err, &problems), errors.As(err, &badRows):
		return ExitUsage
	}
	for _, known := range badInput {
		if errors.Is(err, known) {
			return ExitUsage
		}
	}
	return ExitFailed
}

// hints is the advice on an error: what came with it, and what is known about
// its kind.
func hints(err error) []string {
	var h hinted
	var locked *runs.LockedError
	var refused *experiments.PreflightError
	switch {
	case errors.As(err, &h):
		return h.hints
	case hub.Hint(err) != "":
		return []string{hub.Hint(err)}
	case errors.As(err, &refused):
		return refused.Advice()
	case errors.Is(err, experiments.ErrConfigDiffers):
		return []string{"give the same settings as then, or another --run-dir", "to go on with the run as it is, give --run-dir and no setting"}
	case errors.As(err, &locked):
		return []string{"another process is training in this directory: wait for it, or stop it"}
	case errors.Is(err, runs.ErrNotFound), errors.Is(err, runs.ErrAmbiguous):
		return []string{"hone runs list shows the runs; --store names another directory of runs"}
	case errors.Is(err, fs.ErrExist):
		return []string{"--out names another place; --force replaces what an earlier export wrote"}
	case errors.Is(err, experiments.ErrNoAdapter):
		return []string{"train on with hone train --run-dir DIR"}
	case errors.Is(err, tui.ErrNotTerminal):
		return []string{"every screen is a command too: train, compare, inspect, runs list; hone help shows them"}
	case errors.Is(err, tui.ErrPanic):
		return []string{"this is a mistake in Hone, please report it with the trace", "a run of this process, if there was one, was stopped with a checkpoint: hone train --run-dir DIR goes on with it"}
	case errors.Is(err, engine.ErrNonFinite):
		return []string{"no update with such values was applied: the last checkpoint is sound"}
	}
	return nil
}

// finish reports how the command line ended and returns the exit code.
func (a *app) finish(err error) int {
	a.progress.clear()
	if a.out.gone() {
		return 128 + 13 // as if by SIGPIPE: nobody reads, so there is nothing to say
	}
	if err == nil && a.out.err != nil {
		err = fmt.Errorf("writing to standard output: %w", a.out.err)
	}
	if stopped := a.signals.err(); stopped != nil && errors.Is(err, context.Canceled) {
		err = stopped
	}
	if err == nil {
		return ExitDone
	}
	var reported reportedError
	if !errors.As(err, &reported) {
		a.report(err)
	}
	return exitCode(err)
}

// reportedError is one of which the command itself has said all there is to say.
type reportedError struct{ error }

func (e reportedError) Unwrap() error { return e.error }

// report writes an error for people and, with --json, for programs.
func (a *app) report(err error) {
	text := message(err)
	advice := hints(err)
	first, rest, _ := strings.Cut(text, "\n")
	fmt.Fprintf(a.stderr, "hone: %s\n", first)
	if rest != "" {
		fmt.Fprintf(a.stderr, "  %s\n", strings.ReplaceAll(rest, "\n", "\n  "))
	}
	for _, h := range advice {
		fmt.Fprintf(a.stderr, "  hint: %s\n", h)
	}
	if a.json {
		_ = a.out.line(struct {
			Type  string `json:"type"`
			Error string `json:"error"`
			Hint  string `json:"hint"`
		}{"error", text, strings.Join(advice, "; ")}) // a failure was reported, or nobody reads
	}
}

// message is an error's text as it is shown.
func message(err error) string {
	var problems *experiments.Problems
	if errors.As(err, &problems) && len(problems.List) > 1 {
		return fmt.Sprintf("the experiment has %d problems:\n%s", len(problems.List), problems)
	}
	text := strings.TrimSpace(err.Error())
	if exitCode(err) == ExitPanic && !debugging() {
		// The trace follows the first line.
		text, _, _ = strings.Cut(text, "\n")
	}
	return text
}

// debugging reports whether the user wants to see traces.
func debugging() bool { return os.Getenv("HONE_DEBUG") == "1" }

// panicked reports a panic on the goroutine of the command.
func (a *app) panicked(v any) int {
	trace := make([]byte, 64<<10)
	trace = trace[:runtime.Stack(trace, false)]
	err := fmt.Errorf("%w: %v", engine.ErrPanic, v)
	if debugging() {
		err = fmt.Errorf("%w\n%s", err, trace)
	}
	a.progress.clear()
	a.report(errorWithHint(err,
		"this is a mistake in Hone, please report it with the command and "+a.versionText(),
		"HONE_DEBUG=1 shows where it happened"))
	return ExitPanic
}
