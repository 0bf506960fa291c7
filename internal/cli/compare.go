package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hone/data"
	"hone/experiments"
)

func (a *app) compareCommand() *cobra.Command {
	var run, against, store, split string
	var exports []string
	cmd := &cobra.Command{
		Use:   "compare",
		Short: "Compare a run's adapter with the base model",
		Long: "Compare the outputs of a run's adapter with those of its base model, per field and per row. " +
			"Outputs that the run directory lacks are generated first and kept in it. " +
			"Any two models can be compared: RUN@base is what a run started from, RUN@50 its checkpoint of step 50.",
		Example: "hone compare --run-dir latest\nhone compare --run-dir runs/slow --split eval --json\n" +
			"hone compare --run-dir latest --against runs/slow\nhone compare --run-dir latest --against latest@50\nhone compare --run-dir latest --export report.html",
	}
	cmd.RunE = a.command(noArgs, func(ctx context.Context, _ []string) error {
		if err := checkSplit(split); err != nil {
			return err
		}
		if run == "" {
			return usage(errorWithHint(fmt.Errorf("compare needs a run"), "--run-dir latest is the last one; hone runs list shows them all"))
		}
		for _, path := range exports {
			if !slices.Contains([]string{".md", ".csv", ".html"}, strings.ToLower(filepath.Ext(path))) {
				return usage(fmt.Errorf("--export %s: %w", path, experiments.ErrFormat))
			}
		}
		right, err := resolveSide(store, run)
		if err != nil {
			return err
		}
		left := experiments.BaseOf(right.RunDir)
		if against != "" {
			if left, err = resolveSide(store, against); err != nil {
				return err
			}
		}
		return a.compareSides(ctx, left, right, split, exports)
	})
	cmd.Flags().StringVar(&run, "run-dir", "", "the run: a directory, an id, the beginning of one, or latest; @STEP names a checkpoint")
	cmd.Flags().StringVar(&against, "against", "", "compare with this run, RUN@base or RUN@STEP instead of the run's own base model")
	cmd.Flags().StringArrayVar(&exports, "export", nil, "also write the comparison to a file: .md, .csv or .html; repeatable")
	addStore(cmd, &store)
	addSplit(cmd, &split, data.Test)
	return cmd
}

// compareSides compares two models and shows the result.
func (a *app) compareSides(ctx context.Context, left, right experiments.Side, split string, exports []string) error {
	a.progress.show("loading the model", 0, 0, 0)
	c, err := experiments.CompareSides(ctx, left, right, split, func(done, total int) { a.progress.count("generating", done, total) })
	if err != nil {
		return err
	}
	for _, path := range exports {
		if err := c.Export(path); err != nil {
			return err
		}
		a.note("wrote %s", path)
	}
	if a.json {
		return a.out.line(c)
	}
	a.printComparison(c)
	return nil
}

// resolveSide finds the model that RUN or RUN@MODEL names.
func resolveSide(store, ref string) (experiments.Side, error) {
	model := ""
	if at := strings.LastIndexByte(ref, '@'); at >= 0 && !isRun(ref) {
		ref, model = ref[:at], ref[at+1:]
	}
	dir, err := resolveRun(store, ref)
	if err != nil {
		return experiments.Side{}, err
	}
	side, err := experiments.ParseSide(dir, model)
	if err != nil {
		return side, usage(err)
	}
	return side, nil
}

// printComparison shows scores with their differences, the mistakes in words, then
// every row.
func (a *app) printComparison(c *experiments.Comparison) {
	a.out.printf("%s split, %s\n", c.Split, plural(len(c.Examples), "row"))
	if c.Unpaired > 0 {
		a.out.printf("%s on one side only\n", plural(c.Unpaired, "row"))
	}
	t := a.table()
	t.row("", c.Labels[0], c.Labels[1], "change", "95 % interval")
	for _, s := range c.Difference.Scores {
		name := experiments.ScoreName(s.Score)
		if strings.HasPrefix(s.Score, "fields.") {
			name = "  " + name
		}
		t.row(name, share(float64(s.Base)), share(float64(s.Tuned)), fmt.Sprintf("%+.3f", s.Change), fmt.Sprintf("%+.3f to %+.3f", s.Low, s.High))
	}
	for _, p := range []struct {
		name string
		part *experiments.Part
	}{{"exact, words of the train rows only", c.Seen}, {"exact, unseen words", c.Unseen}} {
		if p.part != nil {
			t.row(p.name, share(p.part.Base), share(p.part.Tuned), fmt.Sprintf("%+.3f", p.part.Tuned-p.part.Base), plural(p.part.N, "row"))
		}
	}
	t.flush()
	a.out.printf("intervals: paired bootstrap over n = %d rows, %d resamples, seed %d\n", len(c.Examples), c.Difference.Resamples, c.Difference.Seed)
	if a.quiet {
		return
	}
	if len(c.Mistakes.Tuned) > 0 {
		a.out.printf("\n")
		t = a.table()
		t.row("mistakes of " + c.Labels[1])
		for _, f := range c.Mistakes.Tuned {
			t.row("  "+f.Field, f.Sentence())
		}
		t.flush()
	}
	a.out.printf("\n")
	t = a.table()
	t.row("row", "result", "wrong in "+c.Labels[1], "loss", "event")
	for _, p := range c.Examples {
		loss := "-"
		if l := p.Tuned.Loss; l != nil {
			loss = share(float64(l.Nats))
		}
		t.row(fmt.Sprint(p.Row), verdict(p), wrongFields(p.Tuned.Output, c.Schema), loss, cut(p.Event, 60))
	}
	t.flush()
}

// verdict says what the adapter changed about a row.
func verdict(p experiments.Pair) string {
	switch o := p.Tuned.Output; {
	case p.Verdict != experiments.VerdictStillWrong:
		return p.Verdict
	case !o.Valid && !o.Text:
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
