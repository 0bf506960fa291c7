package cli

import (
	"context"
	"fmt"
	"strings"

	"hone/engine/trace"
	"hone/experiments"
)

// inspectData shows the whole dataset.
func (a *app) inspectData(ctx context.Context, w *experiments.Workspace) error {
	in := inspect(w)
	if in.Model != nil && w.Config.Train.Preflight {
		a.progress.show("looking at the first step", 0, 0, 0)
		p, err := w.Preflight(ctx)
		a.progress.clear()
		if err != nil {
			return err
		}
		in.Preflight = &p
	}
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
	if in.Preflight != nil {
		a.preflight(*in.Preflight)
	}
	if in.Model == nil {
		a.note("without a model, tokens are not counted or checked: name one with --model DIR or --model FILE.gguf")
	}
	return nil
}

// preflight shows the stages of a preflight. Findings about the data stand above.
func (a *app) preflight(p experiments.Preflight) {
	a.out.printf("\npreflight %s, %.1f s\n", p.Verdict, p.Seconds)
	t := a.table()
	for _, s := range p.Stages {
		text := oneLine(s.Text)
		if len(s.Findings) > 0 && s.State != experiments.PreflightPassed {
			text = s.Findings[0].ID + ": " + oneLine(s.Findings[0].Evidence[0])
		}
		t.row(fmt.Sprintf("%d %s", s.Number, s.Name), s.State, text)
	}
	t.flush()
	if a.quiet {
		return
	}
	for _, s := range p.Stages[min(3, len(p.Stages)):] {
		for _, f := range s.Findings {
			if f.Severity == trace.Note {
				continue
			}
			a.out.printf("%s %s: %s\n", f.Severity, f.ID, oneLine(f.Evidence[0]))
			for _, e := range f.Evidence[1:] {
				a.out.printf("  %s\n", oneLine(e))
			}
			a.out.printf("  advice: %s\n", oneLine(f.Advice))
		}
	}
}
