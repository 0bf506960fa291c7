package cli

import (
	"fmt"
	"strings"

	"hone/experiments"
)

// inspectData shows the whole dataset.
func (a *app) inspectData(w *experiments.Workspace) error {
	in := inspect(w)
	if a.json {
		return a.out.line(in)
	}
	a.out.printf("%s, %s, %s\n", oneLine(in.Source), in.Format, plural(w.Dataset.Rows(), "row"))
	if len(in.Schema) > 0 {
		a.out.printf("schema %s\n", oneLine(strings.Join(in.Schema, ", ")))
	}
	a.out.printf("\n")
	t := a.table()
	if in.Model == nil {
		t.row("split", "rows")
	} else {
		t.row("split", "rows", "examples", "tokens", "targets", "shortest", "median", "longest")
	}
	for _, s := range in.Splits {
		cells := []string{s.Name, count(s.Rows)}
		if s.Lengths != nil {
			cells = append(cells, count(*s.Examples), count(*s.Tokens), count(*s.Targets), count(s.Lengths.Min), count(s.Lengths.Median), count(s.Lengths.Max))
		}
		t.row(cells...)
	}
	t.flush()
	if len(in.Fields) > 0 {
		a.out.printf("\n")
		t = a.table()
		t.row("field", "filled", "share", "distinct")
		for _, f := range in.Fields {
			t.row(f.Name, count(f.Filled), fmt.Sprintf("%3.0f %%", 100*f.Share), count(f.Distinct))
		}
		t.flush()
	}
	a.out.printf("\n")
	if len(in.Findings) == 0 {
		a.out.printf("no findings\n")
	}
	for _, f := range in.Findings {
		a.out.printf("%s %s: %s\n", f.Severity, f.ID, oneLine(f.Message))
		if a.quiet {
			continue
		}
		for _, e := range f.Evidence[:min(len(f.Evidence), 5)] {
			a.out.printf("  %s\n", oneLine(e))
		}
		if f.Advice != "" {
			a.out.printf("  advice: %s\n", oneLine(f.Advice))
		}
	}
	if in.Model == nil {
		a.note("without a model, tokens are not counted or checked: name one with --model DIR or --model FILE.gguf")
	}
	return nil
}
