package experiments

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"hone/runs"
)

// ErrFormat says that a file's ending names no format of an export.
var ErrFormat = errors.New("the ending of an export is .md, .csv or .html")

// Export writes a comparison to a file, beside its place and renamed, as Markdown,
// CSV or one HTML page by the file's ending, with the notes as they are now. Its
// error may wrap ErrFormat.
func (c *Comparison) Export(path string) error {
	fresh := *c
	fresh.Examples = slices.Clone(c.Examples)
	if err := fresh.readNotes(); err != nil {
		return err
	}
	text, err := fresh.Render(strings.ToLower(filepath.Ext(path)))
	if err != nil {
		return fmt.Errorf("exporting to %s: %w", path, err)
	}
	return runs.WriteFile(path, bytes.ToValidUTF8(text, []byte("\uFFFD")))
}

// Render writes a comparison in the format of an ending: .md, .csv or .html.
func (c *Comparison) Render(ending string) ([]byte, error) {
	switch ending {
	case ".md":
		return c.markdown(), nil
	case ".csv":
		return c.csv()
	case ".html":
		return c.html()
	}
	return nil, ErrFormat
}

// title says what is compared.
func (c *Comparison) title() string {
	return fmt.Sprintf("%s: %s against %s, %s split", filepath.Base(c.RunDir), c.Labels[1], c.Labels[0], c.Split)
}

// ScoreName is a score in words.
func ScoreName(score string) string {
	if field, ok := strings.CutPrefix(score, "fields."); ok {
		return field
	}
	return strings.ReplaceAll(score, "_", " ")
}

// intervalText says how the intervals came about.
func (c *Comparison) intervalText() string {
	return fmt.Sprintf("Intervals are 95 %% of the paired difference over the rows: bootstrap, %d resamples, seed %d.", c.Difference.Resamples, c.Difference.Seed)
}

// markdown has a table of scores, the mistakes in words, and every row that is not
// right on both sides or has a note.
func (c *Comparison) markdown() []byte {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# %s\n", inMarkdown(c.title()))
	line("| score | n | %s | %s | change | 95 %% interval |", inMarkdown(c.Labels[0]), inMarkdown(c.Labels[1]))
	line("|---|---:|---:|---:|---:|---|")
	for _, s := range c.Difference.Scores {
		line("| %s | %d | %.3f | %.3f | %+.3f | %+.3f to %+.3f |", inMarkdown(ScoreName(s.Score)), s.N, s.Base, s.Tuned, s.Change, s.Low, s.High)
	}
	line("\n%s", c.intervalText())
	for i, side := range [][]FieldMistakes{c.Mistakes.Base, c.Mistakes.Tuned} {
		if len(side) == 0 {
			continue
		}
		line("\n## Mistakes of %s\n", inMarkdown(c.Labels[i]))
		for _, f := range side {
			line("- %s: %s", inMarkdown(f.Field), inMarkdown(f.Sentence()))
		}
	}
	line("\n## Rows\n")
	for _, p := range c.Examples {
		if (p.Verdict == VerdictRight || p.Verdict == VerdictUnscored) && p.Note == "" {
			continue
		}
		line("### Row %d: %s\n\n%s\n", p.Row, p.Verdict, inMarkdown(p.Event))
		if p.Note != "" {
			line("Note: %s\n", inMarkdown(p.Note))
		}
		if p.Verdict == VerdictUnscored {
			line("- loss of %s: %s\n- loss of %s: %s\n", inMarkdown(c.Labels[0]), lossText(p.Base.Loss), inMarkdown(c.Labels[1]), lossText(p.Tuned.Loss))
			continue
		}
		if p.object == nil || len(c.Schema) == 0 {
			line("- target: %s\n- %s: %s\n- %s: %s\n", inMarkdown(p.Target), inMarkdown(c.Labels[0]), inMarkdown(p.Base.Text), inMarkdown(c.Labels[1]), inMarkdown(p.Tuned.Text))
			continue
		}
		line("| field | target | %s | %s |\n|---|---|---|---|", inMarkdown(c.Labels[0]), inMarkdown(c.Labels[1]))
		for _, f := range c.Schema {
			line("| %s | %s | %s | %s |", inMarkdown(f), inMarkdown(fieldText(p.object, f)), markdownCell(&p.Base, f), markdownCell(&p.Tuned, f))
		}
		line("")
	}
	return b.Bytes()
}

// markdownCell is a field's value of an output with its mistake in words.
func markdownCell(g *Generated, field string) string {
	text := inMarkdown(fieldText(g.Output.Object, field))
	if g.Output.Fields[field] {
		return text + " (right)"
	}
	return text + " (wrong: " + inMarkdown(MistakeWords(g.Mistakes[field])) + ")"
}

// fieldText is a field's value, "(none)" where the object lacks it.
func fieldText(object map[string]any, field string) string {
	v, ok := object[field]
	if !ok {
		return "(none)"
	}
	return valueText(v)
}

// inMarkdown keeps text from being read as markup; it stays on one line.
func inMarkdown(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			b.WriteByte(' ')
		case r < ' ' || r == 0x7f:
			b.WriteRune('\uFFFD')
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case strings.ContainsRune("\\`*_{}[]()#!|~$", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// csv has a line a row and field; a text row, and what is not about a field, is in
// the line without one.
func (c *Comparison) csv() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	write := func(cells ...string) error {
		for i := range cells {
			cells[i] = inSheet(cells[i])
		}
		return w.Write(cells)
	}
	err := write("row", "id", "verdict", "field", "event", "target", c.Labels[0], c.Labels[1], c.Labels[0]+" right", c.Labels[1]+" right",
		c.Labels[0]+" mistake", c.Labels[1]+" mistake", c.Labels[0]+" target loss", c.Labels[1]+" target loss", "note")
	for _, p := range c.Examples {
		err = errors.Join(err, write(strconv.Itoa(p.Row), p.ID, p.Verdict, "", p.Event, p.Target, p.Base.Text, p.Tuned.Text,
			strconv.FormatBool(p.Base.Output.Exact), strconv.FormatBool(p.Tuned.Output.Exact), p.Base.Output.Failure, p.Tuned.Output.Failure,
			lossText(p.Base.Loss), lossText(p.Tuned.Loss), p.Note))
		if p.object == nil {
			continue
		}
		for _, f := range c.Schema {
			err = errors.Join(err, write(strconv.Itoa(p.Row), p.ID, p.Verdict, f, p.Event, fieldText(p.object, f),
				fieldText(p.Base.Output.Object, f), fieldText(p.Tuned.Output.Object, f),
				strconv.FormatBool(p.Base.Output.Fields[f]), strconv.FormatBool(p.Tuned.Output.Fields[f]), p.Base.Mistakes[f], p.Tuned.Mistakes[f], "", "", ""))
		}
	}
	w.Flush()
	return b.Bytes(), errors.Join(err, w.Error())
}

// inSheet keeps a spreadsheet from taking text of a model or a dataset for a
// formula: it begins with an apostrophe then.
func inSheet(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func lossText(l *TargetLoss) string {
	if l == nil {
		return ""
	}
	return strconv.FormatFloat(float64(l.Nats), 'g', 6, 64)
}
