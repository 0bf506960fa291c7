package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hone/experiments"
	"hone/runs"
)

func (a *app) runsListCommand() *cobra.Command {
	var store, text string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the runs, newest first",
		Long: "List the runs of a store, newest first. With --json a run is one object on a line.\n\n" +
			"--query takes " + experiments.QueryHelp + ". Numbers of a run are loss, exact, valid, fields, step, steps and minutes; " +
			"every key of the experiment can be compared, by its full name or its last part. The workbench's filter reads the same.",
		Example: "hone runs list --query 'lr>=1e-4 tag:good state:failed exact>0.6'\nhone runs list --query 'calendar -state:failed'",
	}
	cmd.RunE = a.command(noArgs, func(context.Context, []string) error {
		query, err := experiments.ParseQuery(text)
		if err != nil {
			return usage(errorWithHint(fmt.Errorf("--query: %w", err), "a query is "+experiments.QueryHelp))
		}
		all, err := runs.Store{Root: store}.List()
		if err != nil {
			return err
		}
		list := matching(all, query)
		if a.json {
			for _, s := range list {
				if err := a.out.line(s); err != nil {
					return err
				}
			}
			return nil
		}
		if len(list) == 0 {
			if len(all) > 0 {
				a.note("none of %d runs in %s matches", len(all), store)
			} else {
				a.note("no runs in %s", store)
			}
			return nil
		}
		t := a.table()
		t.row("run", "state", "step", "loss", "exact", "fields", "started", "time", "name", "tags")
		for _, s := range list {
			exact, fields := scores(s.Best)
			t.row(s.ID, s.State, fmt.Sprintf("%d/%d", s.Step, s.Steps), lossText(s.Loss), exact, fields, when(s.Started), clock(seconds(float64(s.ElapsedSeconds))), s.Name, strings.Join(s.Tags, " "))
		}
		t.flush()
		return nil
	})
	addStore(cmd, &store)
	cmd.Flags().StringVar(&text, "query", "", "list only runs for which this holds, as 'lr>=1e-4 tag:good'")
	return cmd
}

// matching are the runs for which a query holds. Their experiments are read where
// it asks for settings.
func matching(list []runs.Summary, q experiments.Query) []runs.Summary {
	var out []runs.Summary
	for _, s := range list {
		var c *experiments.Config
		if q.NeedsConfig() {
			if read, err := experiments.LoadRun(s.Dir); err == nil {
				c = &read
			}
		}
		if q.Match(experiments.FactsOf(s, c)) {
			out = append(out, s)
		}
	}
	return out
}

func lossText(loss *runs.Number) string {
	if loss == nil {
		return "-"
	}
	return fmt.Sprintf("%.4f", float64(*loss))
}

// scores writes the scores of an evaluation, if there is one.
func scores(e *runs.Eval) (exact, fields string) {
	if e == nil || e.N == 0 {
		return "-", "-"
	}
	return share(float64(e.ExactMatch)), share(float64(e.FieldAccuracy))
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04")
}
