package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"hone/engine/trace"
	"hone/experiments/doctor"
)

// errFindings says that the doctor found something: the report was the result, the
// exit code is the rest.
var errFindings = errors.New("the doctor found something")

func (a *app) doctorCommand() *cobra.Command {
	var o doctor.Options
	cmd := &cobra.Command{
		Use:   "doctor PATH",
		Short: "Find out what is wrong with a run, a log, a dataset, a model or an adapter",
		Long: "Diagnose a run directory, an output directory or trainer_state.json of Hugging Face, a TensorBoard event file or a directory of them, " +
			"a dataset (.jsonl or its directory), a model (directory or .gguf), or an adapter. The likeliest cause comes first, with what it rests on and what to do. " +
			"Files in Python's pickle format are never read. Exit code: 0 nothing above a note, 1 findings, 2 unreadable.",
		Example: "hone doctor out/checkpoint-200/trainer_state.json\nhone doctor runs/2026-11-23-1530-calendar --json\nhone doctor data.jsonl --model DIR",
	}
	cmd.RunE = a.command(oneArg("a path"), func(ctx context.Context, args []string) error {
		r, err := doctor.Diagnose(ctx, args[0], o)
		if err != nil {
			return usage(err)
		}
		if a.json {
			err = a.out.line(r)
		} else {
			a.printReport(r)
		}
		if err == nil && r.Worst() != trace.Note {
			err = reportedError{errFindings}
		}
		return err
	})
	cmd.Flags().StringVar(&o.Model, "model", "", "base model, for token counts of a log, tokens of a dataset and shapes of an adapter: a directory, a .gguf file or builtin")
	cmd.Flags().StringVar(&o.Prompt, "prompt", "", "template that the model is asked with, to compare with the one it was trained with")
	return cmd
}

// printReport writes a diagnosis for people.
func (a *app) printReport(r doctor.Report) {
	a.out.printf("%s (%s)\n%s\n", oneLine(r.Path), r.Kind, oneLine(r.Verdict))
	var limits *trace.Finding
	for i, f := range r.Findings {
		if f.ID == trace.LogLimits {
			limits = &r.Findings[i]
			continue
		}
		title := f.ID
		if m, ok := trace.ByID(f.ID); ok {
			title += ": " + m.Title
		}
		a.out.printf("\n%s %s (confidence %.2f)\n", f.Severity, oneLine(title), f.Confidence)
		if a.quiet {
			continue
		}
		for _, e := range f.Evidence {
			a.out.printf("  %s\n", oneLine(e))
		}
		if f.Advice != "" {
			a.out.printf("  do: %s\n", oneLine(f.Advice))
		}
	}
	if limits == nil || a.quiet {
		return
	}
	a.out.printf("\nthe log says\n")
	for _, e := range limits.Evidence {
		if !strings.HasPrefix(e, "cannot tell: ") && !strings.HasPrefix(e, "note: ") {
			a.out.printf("  %s\n", oneLine(e))
		}
	}
	a.out.printf("\nit cannot tell\n")
	for _, e := range limits.Evidence {
		if text, ok := strings.CutPrefix(e, "cannot tell: "); ok {
			a.out.printf("  %s\n", oneLine(text))
		}
	}
	for _, e := range limits.Evidence {
		if text, ok := strings.CutPrefix(e, "note: "); ok {
			a.out.printf("  note: %s\n", oneLine(text))
		}
	}
	a.out.printf("\nnext\n  %s\n", oneLine(limits.Advice))
}
