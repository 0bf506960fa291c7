package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hone/runs"
)

func (a *app) runsListCommand() *cobra.Command {
	var store string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the runs, newest first",
		Long:  "List the runs of a store, newest first. With --json a run is one object on a line.",
	}
	cmd.RunE = a.command(noArgs, func(context.Context, []string) error {
		list, err := runs.Store{Root: store}.List()
		if err != nil {
			return err
		}
		if a.json {
			for _, s := range list {
				if err := a.out.line(s); err != nil {
					return err
				}
			}
			return nil
		}
		if len(list) == 0 {
			a.note("no runs in %s", store)
			return nil
		}
		t := a.table()
		t.row("run", "state", "step", "loss", "exact", "fields", "started", "time")
		for _, s := range list {
			exact, fields := scores(s.Best)
			t.row(s.ID, s.State, fmt.Sprintf("%d/%d", s.Step, s.Steps), lossText(s.Loss), exact, fields, when(s.Started), clock(seconds(float64(s.ElapsedSeconds))))
		}
		t.flush()
		return nil
	})
	addStore(cmd, &store)
	return cmd
}

func lossText(loss *runs.Number) string {
	if loss == nil {
		return "-"
	}
	return fmt.Sprintf("%.4f", float64(*loss))
}

// scores writes the scores of an evaluation, if there is one.
func scores(e *runs.Eval) (exact, fields string) {
	if e == nil {
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
