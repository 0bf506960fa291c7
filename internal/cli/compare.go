package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hone/data"
	"hone/experiments"
)

func (a *app) compareCommand() *cobra.Command {
	var run, store, split string
	cmd := &cobra.Command{
		Use:   "compare",
		Short: "Compare a run's adapter with the base model",
		Long: "Compare the outputs of a run's adapter with those of its base model, per field and per row. " +
			"Outputs that the run directory lacks are generated first and kept in it.",
		Example: "hone compare --run-dir latest\nhone compare --run-dir runs/slow --split eval --json",
	}
	cmd.RunE = a.command(noArgs, func(ctx context.Context, _ []string) error {
		if err := checkSplit(split); err != nil {
			return err
		}
		if run == "" {
			return usage(errorWithHint(fmt.Errorf("compare needs a run"), "--run-dir latest is the last one; hone runs list shows them all"))
		}
		dir, err := resolveRun(store, run)
		if err != nil {
			return err
		}
		a.progress.show("loading the model", 0, 0, 0)
		c, err := experiments.Compare(ctx, dir, split, func(done, total int) { a.progress.count("generating", done, total) })
		if err != nil {
			return err
		}
		if a.json {
			return a.out.line(c)
		}
		a.printComparison(c)
		return nil
	})
	cmd.Flags().StringVar(&run, "run-dir", "", "the run: a directory, an id, the beginning of one, or latest")
	addStore(cmd, &store)
	addSplit(cmd, &split, data.Test)
	return cmd
}

// printComparison shows scores with their differences, then every row.
func (a *app) printComparison(c *experiments.Comparison) {
	a.out.printf("%s split, %s\n", c.Split, plural(c.Tuned.N, "row"))
	t := a.table()
	t.row("", "base", "tuned", "")
	score := func(name string, base, tuned float64) {
		t.row(name, share(base), share(tuned), fmt.Sprintf("%+.3f", tuned-base))
	}
	score("exact match", c.Base.ExactMatch, c.Tuned.ExactMatch)
	if len(c.Schema) > 0 {
		score("json validity", c.Base.JSONValidity, c.Tuned.JSONValidity)
		score("field accuracy", c.Base.FieldAccuracy, c.Tuned.FieldAccuracy)
		score("schema", c.Base.Schema, c.Tuned.Schema)
		for _, f := range c.Schema {
			score("  "+f, c.Base.Fields[f], c.Tuned.Fields[f])
		}
	}
	t.flush()
	if a.quiet {
		return
	}
	a.out.printf("\n")
	t = a.table()
	t.row("row", "result", "wrong in tuned", "event")
	for _, p := range c.Examples {
		t.row(fmt.Sprint(p.Row), verdict(p.Base.Output, p.Tuned.Output), wrongFields(p.Tuned.Output, c.Schema), cut(p.Event, 60))
	}
	t.flush()
}

// verdict says what the adapter changed about a row.
func verdict(base, tuned experiments.Output) string {
	switch {
	case tuned.Exact && base.Exact:
		return "right"
	case tuned.Exact:
		return "fixed"
	case base.Exact:
		return "regressed"
	case !tuned.Valid && !tuned.Text:
		return "invalid"
	}
	return "wrong"
}

// wrongFields lists the fields of an output that are not the target's.
func wrongFields(o experiments.Output, schema []string) string {
	if o.Exact || o.Text || !o.Valid {
		return "-"
	}
	list, shown := "", 0
	for _, f := range schema {
		if o.Fields[f] {
			continue
		}
		if shown++; shown == 4 {
			return list + " ..."
		}
		if list != "" {
			list += " "
		}
		list += f
	}
	if list == "" {
		return "-" // the fields are right; a key is too many
	}
	return list
}
