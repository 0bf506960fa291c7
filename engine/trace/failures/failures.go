// Package failures writes docs/failures.md from the catalogue, with a table of what
// the doctor says about look-alike logs, made by running it.
package failures

import (
	"bytes"
	"fmt"
	"strings"

	"hone/engine/trace"
	"hone/engine/trace/foreign"
	"hone/internal/lookalike"
)

//go:generate go run ./gen ../../../docs/failures.md

// Seeds is how many healthy runs the table counts.
const Seeds = 20

// Markdown is the whole page.
func Markdown() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(intro)
	for _, c := range []struct {
		class trace.Class
		title string
		text  string
	}{
		{trace.InHone, "A: can happen in Hone", "A rule finds each of them, and an injector makes each of them on purpose."},
		{trace.InLogs, "B: shows in the logs of other tools", "`hone doctor` looks for their signs in `trainer_state.json` and in event files."},
		{trace.InOthers, "C: bugs of other engines", "Hone is built so that they cannot happen."},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", c.title, c.text)
		for _, m := range trace.Catalogue {
			if m.Class == c.class {
				writeMode(&b, m)
			}
		}
	}
	if err := writeLogs(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

const intro = `# How training fails

What you see, why, how Hone finds it, what to do. The ids are those that preflight, alerts and ` + "`hone doctor`" + ` use; a number is the mode's place in the list of 42 that the rules were made from.
What is said of Apple MPS is inferred from source code, not measured. This page is generated: edit ` + "`engine/trace/catalogue*.go`" + ` and run ` + "`go generate ./engine/trace/failures`" + `.
`

func writeMode(b *bytes.Buffer, m trace.Mode) {
	name := m.ID
	for _, a := range m.Also {
		name += " / " + a
	}
	fmt.Fprintf(b, "\n### %s: %s\n\n", name, m.Title)
	var marks []string
	if m.Number > 0 {
		marks = append(marks, fmt.Sprintf("no. %d", m.Number))
	}
	if m.Normal {
		marks = append(marks, "normal by itself")
	}
	if m.Artefact {
		marks = append(marks, "of the log only")
	}
	if len(marks) > 0 {
		fmt.Fprintf(b, "(%s)\n\n", strings.Join(marks, ", "))
	}
	fmt.Fprintf(b, "- **You see:** %s\n- **Why:** %s\n- **How Hone finds it:** %s\n- **What to do:** %s\n", m.See, m.Why, m.Find, m.Do)
}

// Row is what the doctor says about one look-alike log.
type Row struct {
	Run, Format, Want string
	First             trace.Finding // the zero Finding: nothing above a note
	Law, Tokens       string
}

// Right reports whether the first cause is the one that was put there.
func (r Row) Right() bool { return r.First.ID == r.Want }

// Logs diagnoses the look-alikes of failing runs in both formats.
func Logs() ([]Row, error) {
	var rows []Row
	for _, run := range lookalike.Failing() {
		for _, format := range []string{"trainer_state.json", "event file"} {
			row, err := diagnose(run, format)
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func diagnose(run *lookalike.Run, format string) (Row, error) {
	var l *trace.Log
	var err error
	if format == "event file" {
		l, err = foreign.ReadEvents(bytes.NewReader(run.Events()), "events")
	} else {
		l, err = foreign.ReadTrainerState(bytes.NewReader(run.TrainerState(0)), format)
	}
	if err != nil {
		return Row{}, err
	}
	row := Row{Run: run.Name, Format: format, Want: run.Cause, Law: "not enough rates", Tokens: "not known"}
	if found := trace.Diagnose(l); len(found) > 0 {
		row.First = found[0]
	}
	if law, ok := l.FitLaw(); ok {
		row.Law = law.String()
	}
	if c, ok := l.CountTokens(); ok {
		switch {
		case c.Whole > 0:
			row.Tokens = fmt.Sprintf("%d each", c.Whole)
		case c.Exact:
			row.Tokens = fmt.Sprintf("%.3f", c.Low)
		default:
			row.Tokens = fmt.Sprintf("at most %.1f", c.High)
		}
	}
	return row, nil
}

// Healthy counts findings above a note over healthy runs, in both formats.
func Healthy() (alarms int, err error) {
	for seed := range uint64(Seeds) {
		for _, format := range []string{"trainer_state.json", "event file"} {
			row, err := diagnose(lookalike.Healthy(seed), format)
			if err != nil {
				return 0, err
			}
			if row.First.Severity == trace.Error || row.First.Severity == trace.Warning {
				alarms++
			}
		}
	}
	return alarms, nil
}

func writeLogs(b *bytes.Buffer) error {
	rows, err := Logs()
	if err != nil {
		return err
	}
	b.WriteString("\n## Look-alike logs\n\nLogs of runs that never were, written by the trainer's own formulas (`internal/lookalike`), and what the doctor says first about each.\n\n")
	b.WriteString("| run | log | put there | said first | severity | confidence | learning rate | tokens a sequence |\n|---|---|---|---|---|---|---|---|\n")
	right := 0
	for _, r := range rows {
		if r.Right() {
			right++
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %.2f | %s | %s |\n", r.Run, r.Format, r.Want, r.First.ID, r.First.Severity, r.First.Confidence, r.Law, r.Tokens)
	}
	alarms, err := Healthy()
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "\nRight at rank one: %d of %d. Healthy runs of %d seeds in both formats: %d findings above a note.\n", right, len(rows), Seeds, alarms)
	return nil
}
