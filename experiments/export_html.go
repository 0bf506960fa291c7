package experiments

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"path/filepath"
	"strings"
)

//go:embed export.html
var pageText string

// page is parsed once; html/template escapes whatever goes into it by its place.
var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"score":   ScoreName,
	"num":     func(x any) string { return fmt.Sprintf("%.3f", x) },
	"signed":  func(x any) string { return fmt.Sprintf("%+.3f", x) },
	"percent": func(x float64) string { return fmt.Sprintf("%.1f", 100*min(max(x, 0), 1)) },
	"class":   func(s string) string { return strings.ReplaceAll(s, " ", "-") },
}).Parse(pageText))

type pageData struct {
	Title, Run, Intervals string
	C                     *Comparison
	Counts                []pageCount
	Sides                 []pageSide
	Rows                  []pageRow
}

type pageCount struct {
	ID, Name string
	N        int
}

type pageSide struct {
	Label  string
	Fields []pageMistakes
}

type pageMistakes struct {
	Field, Sentence string
	Right           float64 // share of the rows
}

type pageRow struct {
	Pair
	Invalid bool
	Loss    [2]string
	Plain   bool // no fields: the texts as they are
	Fields  []pageField
}

type pageField struct {
	Name, Target string
	Cells        [2]pageCell
}

type pageCell struct {
	Right   bool
	Null    bool
	Words   []pageWord
	Mistake string
}

type pageWord struct {
	Text           string
	Extra, Missing bool
}

// html is one page that needs nothing else: no script, no font, no network.
func (c *Comparison) html() ([]byte, error) {
	d := pageData{Title: c.title(), Run: filepath.Base(c.RunDir), Intervals: c.intervalText(), C: c}
	counts := map[string]int{}
	for i := range c.Examples {
		p := &c.Examples[i]
		r := pageRow{Pair: *p, Invalid: !p.Tuned.Output.Valid && !p.Tuned.Output.Text, Plain: p.object == nil || len(c.Schema) == 0}
		counts[p.Verdict]++
		if r.Invalid {
			counts["invalid"]++
		}
		if p.Note != "" {
			counts["noted"]++
		}
		for side, g := range []*Generated{&p.Base, &p.Tuned} {
			r.Loss[side] = lossText(g.Loss)
		}
		for _, f := range c.Schema {
			field := pageField{Name: f, Target: fieldText(p.object, f)}
			for side, g := range []*Generated{&p.Base, &p.Tuned} {
				field.Cells[side] = pageCellOf(field.Target, g, f)
			}
			r.Fields = append(r.Fields, field)
		}
		d.Rows = append(d.Rows, r)
	}
	d.Counts = []pageCount{
		{"all", "all", len(c.Examples)},
		{"fixed", VerdictFixed, counts[VerdictFixed]},
		{"regressed", VerdictRegressed, counts[VerdictRegressed]},
		{"still-wrong", VerdictStillWrong, counts[VerdictStillWrong]},
		{"invalid", "invalid", counts["invalid"]},
		{"noted", "noted", counts["noted"]},
	}
	for i, side := range [][]FieldMistakes{c.Mistakes.Base, c.Mistakes.Tuned} {
		s := pageSide{Label: c.Labels[i]}
		for _, f := range side {
			s.Fields = append(s.Fields, pageMistakes{f.Field, f.Sentence(), 1 - float64(f.Wrong)/float64(max(len(c.Examples), 1))})
		}
		d.Sides = append(d.Sides, s)
	}
	var b bytes.Buffer
	if err := page.Execute(&b, d); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func pageCellOf(target string, g *Generated, field string) pageCell {
	v, has := g.Output.Object[field]
	cell := pageCell{Right: g.Output.Fields[field], Null: has && v == nil}
	got := fieldText(g.Output.Object, field)
	if cell.Right || !has {
		cell.Words = []pageWord{{Text: got}}
	} else {
		for _, w := range DiffWords(target, got) {
			cell.Words = append(cell.Words, pageWord{w.Text, w.Kind == Extra, w.Kind == Missing})
		}
	}
	if !cell.Right {
		cell.Mistake = MistakeWords(g.Mistakes[field])
	}
	return cell
}
