package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"hone/runs"
)

// shownRun is what `hone runs show --json` writes.
type shownRun struct {
	runs.Summary
	Info        runs.RunInfo `json:"info"` // run.json
	Evals       []runs.Eval  `json:"evals"`
	Checkpoints []int        `json:"checkpoints"` // steps of those that can be used
	Adapter     bool         `json:"adapter"`     // whether the run has one
	Model       bool         `json:"model"`       // the same, of a run that trains every weight
	Notes       []string     `json:"notes,omitempty"`
}

func (a *app) runsShowCommand() *cobra.Command {
	var store string
	cmd := &cobra.Command{
		Use:     "show RUN",
		Short:   "Show one run: state, evaluations, checkpoints",
		Long:    "Show one run, named by its id, the beginning of one, its directory, or latest.",
		Example: "hone runs show latest",
	}
	cmd.RunE = a.command(oneArg("a run"), func(_ context.Context, args []string) error {
		dir, err := resolveRun(store, args[0])
		if err != nil {
			return err
		}
		s, err := readRun(store, dir)
		if err != nil {
			return err
		}
		if a.json {
			return a.out.line(s)
		}
		a.printRun(s)
		return nil
	})
	addStore(cmd, &store)
	return cmd
}

func readRun(store, dir string) (shownRun, error) {
	s := shownRun{Summary: runs.Store{Root: store}.Summarize(dir), Evals: []runs.Eval{}, Checkpoints: []int{}}
	var err error
	if s.Info, err = runs.ReadInfo(dir); err != nil {
		return s, err
	}
	history, err := runs.ReadHistory(dir)
	if err != nil {
		return s, err
	}
	s.Evals, s.Notes = append(s.Evals, history.Evals...), history.Notes
	checkpoints, err := runs.Checkpoints(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	for _, c := range checkpoints {
		if c.Problem == "" {
			s.Checkpoints = append(s.Checkpoints, c.Step)
		} else {
			s.Notes = append(s.Notes, fmt.Sprintf("%s cannot be used: %s", relative(c.Path), c.Problem))
		}
	}
	s.Adapter, s.Model = isDir(runs.AdapterDir(dir)), isDir(runs.ModelDir(dir))
	return s, nil
}

func (a *app) printRun(s shownRun) {
	t := a.table()
	t.row("run", s.ID)
	t.row("name", s.Name)
	if len(s.Tags) > 0 {
		t.row("tags", strings.Join(s.Tags, " "))
	}
	for i, l := range strings.Split(s.Note, "\n") {
		switch {
		case i > 0:
			t.row("", l)
		case l != "":
			t.row("note", l)
		}
	}
	t.row("directory", relative(s.Dir))
	t.row("state", s.State)
	if s.Error != "" {
		t.row("error", s.Error)
	}
	t.row("step", fmt.Sprintf("%d of %d", s.Step, s.Steps))
	t.row("loss", lossText(s.Loss))
	if len(s.Info.Injected) > 0 {
		t.row("planted", strings.Join(s.Info.Injected, ", "), "failures on purpose")
	}
	t.row("started", when(s.Started))
	recording := ""
	if all, records := float64(s.ElapsedSeconds), float64(s.Info.RecordSeconds); all > 0 && records > 0 {
		recording = fmt.Sprintf("%.2f %% of it for records, rules and guard", 100*records/all)
	}
	t.row("time", clock(seconds(float64(s.ElapsedSeconds))), recording)
	t.row("version", s.Info.Version)
	for _, k := range sortedKeys(s.Info.Resolved) {
		t.row("  "+k, valueText(s.Info.Resolved[k]))
	}
	if s.Adapter {
		t.row("adapter", relative(runs.AdapterDir(s.Dir)))
	}
	if s.Model {
		t.row("model", relative(runs.ModelDir(s.Dir)))
	}
	steps := ""
	for i, c := range s.Checkpoints {
		if i > 0 {
			steps += ", "
		}
		steps += fmt.Sprint(c)
	}
	if steps != "" {
		t.row("checkpoints", "step "+steps)
	}
	t.flush()
	if len(s.Evals) > 0 {
		a.out.printf("\n")
		t = a.table()
		t.row("step", "split", "loss", "exact", "valid", "fields", "rows")
		for _, e := range s.Evals {
			cells := []string{share(float64(e.ExactMatch)), share(float64(e.JSONValidity)), share(float64(e.FieldAccuracy))}
			if e.N == 0 { // nothing was generated
				cells = []string{"-", "-", "-"}
			}
			t.row(append(append([]string{fmt.Sprint(e.Step), e.Split, fmt.Sprintf("%.4f", float64(e.Loss))}, cells...), fmt.Sprint(e.N))...)
		}
		t.flush()
	}
	for _, n := range s.Notes {
		a.note("note: %s", oneLine(n))
	}
}

// valueText writes a value of run.json; whole numbers come from JSON as floats.
func valueText(v any) string {
	if n, ok := v.(float64); ok && n == math.Trunc(n) && math.Abs(n) < 1<<53 {
		return count(int64(n))
	}
	return fmt.Sprint(v)
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
