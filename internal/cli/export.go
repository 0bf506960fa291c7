package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hone/experiments"
)

func (a *app) exportCommand() *cobra.Command {
	var store string
	var o experiments.ArtifactOptions
	var formats []string
	var list strings.Builder
	for _, f := range experiments.ArtifactFormats() {
		formats = append(formats, cobra.CompletionWithDesc(f.Name, f.Doc))
		fmt.Fprintf(&list, "\n  %-17s %s", f.Name, f.Doc)
	}
	cmd := &cobra.Command{
		Use:   "export RUN",
		Short: "Write a run's model in a format of other tools",
		Long: "Write what a run has trained, or what belongs to it, in a format of other tools. RUN is an id, the beginning of one, a directory or latest; " +
			"RUN@50 is its checkpoint of step 50, RUN@base what it started from.\n\n" +
			"What was written is read back before it gets its name: its logits on a few rows of the dataset are compared with those of the run, " +
			"the largest difference is shown, and one beyond what the format loses ends the export and leaves nothing.\n\nFormats:\n" + list.String(),
		Example: "hone export latest --to peft\nhone export latest --to gguf-q8_0 --out calendar.gguf\nhone export latest@50 --to safetensors-bf16 --out calendar --force",
	}
	cmd.RunE = a.command(oneArg("a run"), func(ctx context.Context, args []string) error {
		if o.Format == "" {
			return usage(errorWithHint(fmt.Errorf("export needs a format"), "--to peft, or one of those that hone export --help lists"))
		}
		if err := atLeast("rows", o.Rows, 1); err != nil {
			return err
		}
		side, err := resolveSide(store, args[0])
		if err != nil {
			return err
		}
		o.Progress = func(doing string) { a.progress.show(doing, 0, 0, 0) }
		made, err := experiments.ExportArtifact(ctx, side, o)
		if err != nil {
			return err
		}
		if a.json {
			return a.out.line(made)
		}
		a.printArtifact(made)
		return nil
	})
	cmd.Flags().StringVar(&o.Format, "to", "", "the format, see above")
	cmd.Flags().StringVar(&o.Path, "out", "", "where to; without it export/FORMAT in the run's directory")
	cmd.Flags().BoolVar(&o.Overwrite, "force", false, "replace what an earlier export wrote there")
	cmd.Flags().IntVar(&o.Rows, "rows", 4, "rows of the dataset that logits are compared on")
	_ = cmd.RegisterFlagCompletionFunc("to", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	addStore(cmd, &store)
	return cmd
}

// printArtifact says what is where and how it was checked.
func (a *app) printArtifact(made *experiments.Artifact) {
	t := a.table()
	t.row(made.Format, relative(made.Path))
	for _, f := range made.Files {
		t.row("  "+f.Name, count(f.Bytes)+" bytes")
	}
	t.flush()
	if p := made.Probe; p != nil {
		a.out.printf("logits: %s\n", p.Sentence())
	}
	for _, c := range made.Checks {
		a.out.printf("checked: %s\n", c)
	}
	for _, n := range made.Notes {
		a.note("note: %s", n)
	}
}
