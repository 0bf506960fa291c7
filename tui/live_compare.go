package tui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hone/data"
	"hone/experiments"
	"hone/runs"
)

// ReadComparison reads what was generated before.
func (live) ReadComparison(sides [2]experiments.Side, split string) (*comparison, error) {
	c, err := experiments.ReadSides(sides[0], sides[1], split)
	if errors.Is(err, experiments.ErrNotCompared) {
		return nil, fmt.Errorf("%w: %w", errNotCompared, err)
	}
	if err != nil {
		return nil, err
	}
	return comparisonOf(c), nil
}

// Compare generates what is missing.
func (live) Compare(ctx context.Context, sides [2]experiments.Side, split string, progress func(done, total int)) (*comparison, error) {
	c, err := experiments.CompareSides(ctx, sides[0], sides[1], split, progress)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Canceled
		}
		return nil, err
	}
	return comparisonOf(c), nil
}

// Sides lists what can be compared with a run's models.
func (live) Sides(ctx context.Context, store, dir string) ([]experiments.Side, error) {
	all, err := experiments.Sides(dir)
	if err != nil {
		return nil, err
	}
	list, err := runs.Store{Root: store}.List()
	if err != nil {
		return nil, err
	}
	for _, s := range list {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		other, err := filepath.Abs(s.Dir)
		if err != nil || other == filepath.Clean(dir) {
			continue
		}
		if sides, err := experiments.Sides(other); err == nil { // what cannot be read cannot be chosen
			all = append(all, sides...)
		}
	}
	return all, nil
}

// SetNote keeps a note on an example.
func (live) SetNote(dir, id, event, text string) error {
	return experiments.SetNote(dir, id, event, text)
}

// Export writes a comparison for others to read.
func (live) Export(c *comparison, path string, overwrite bool) error {
	if _, err := os.Lstat(path); err == nil && !overwrite {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	return c.From.Export(path)
}

// comparisonOf makes what screens draw of a comparison.
func comparisonOf(c *experiments.Comparison) *comparison {
	v := &comparison{
		From: c, Split: c.Split, Labels: c.Labels, Schema: c.Schema, Base: scoresOf(c.Base, c.Schema), Tuned: scoresOf(c.Tuned, c.Schema),
		Changes: c.Difference.Scores, Resamples: c.Difference.Resamples, Unpaired: c.Unpaired,
	}
	for i, side := range [][]experiments.FieldMistakes{c.Mistakes.Base, c.Mistakes.Tuned} {
		for _, f := range side {
			m := mistakesView{Wrong: f.Wrong}
			if _, rest, ok := strings.Cut(f.Sentence(), ", "); ok {
				m.Text = rest
			}
			v.Mistakes[i] = append(v.Mistakes[i], m)
		}
	}
	for _, p := range c.Examples {
		pair := pairView{ID: p.ID, Row: p.Row, Event: p.Event, Target: p.Target, Note: p.Note, Fields: make([]string, len(c.Schema))}
		if o, err := experiments.DecodeObject(p.Target); err == nil {
			pair.Fields = fieldTexts(o.Object, c.Schema)
		}
		if p.Verdict == experiments.VerdictUnscored {
			pair.Verdict = unscored
		}
		pair.Base, pair.Tuned = outputOf(p.Base, c.Schema), outputOf(p.Tuned, c.Schema)
		for _, o := range []*outputView{&pair.Base, &pair.Tuned} {
			o.Words = wordsOf(pair.Fields, o)
		}
		v.Pairs = append(v.Pairs, pair)
	}
	v.count()
	return v
}

// wordsOf aligns every wrong value of an output with its target; nil where there
// is nothing to align.
func wordsOf(target []string, o *outputView) [][]experiments.Word {
	words := make([][]experiments.Word, len(target))
	for f, want := range target {
		if got := at(o.Fields, f); !at(o.Right, f) && got != "" && want != "" {
			words[f] = experiments.DiffWords(want, got)
		}
	}
	return words
}

func scoresOf(s experiments.Scores, schema []string) scoresView {
	v := scoresView{Exact: s.ExactMatch, Valid: s.JSONValidity, FieldAccuracy: s.FieldAccuracy, Schema: s.Schema}
	for _, f := range schema {
		v.Fields = append(v.Fields, s.Fields[f])
	}
	return v
}

func outputOf(g experiments.Generated, schema []string) outputView {
	o := g.Output
	v := outputView{
		Text: g.Text, Tokens: g.Tokens, StoppedBy: g.StoppedBy, Unscored: o.Unscored, Valid: o.Valid || o.Text, Exact: o.Exact, Duplicate: o.Duplicate,
		Reason: o.Reason, Fields: fieldTexts(o.Object, schema),
	}
	if g.Loss != nil {
		v.HasLoss, v.Loss, v.LossTokens, v.Worst, v.WorstLoss = true, float64(g.Loss.Nats), g.Loss.Tokens, g.Loss.Worst, float64(g.Loss.WorstNats)
	}
	for _, f := range schema {
		right := o.Fields[f]
		v.Mistakes = append(v.Mistakes, g.Mistakes[f])
		v.Right = append(v.Right, right)
		if !right {
			v.Wrong++
		}
	}
	return v
}

// fieldTexts are the values of a schema's fields as they are shown; "" where the
// key is missing.
func fieldTexts(object map[string]any, schema []string) []string {
	texts := make([]string, len(schema))
	for i, f := range schema {
		if v, ok := object[f]; ok {
			texts[i] = shownJSON(v)
		}
	}
	return texts
}

// shownJSON writes a decoded value: text without quotes unless it could be taken
// for something else.
func shownJSON(v any) string {
	s, ok := v.(string)
	if !ok {
		return jsonText(v)
	}
	switch s {
	case "", "null", "true", "false":
		return `"` + s + `"`
	}
	return s
}

// jsonText writes what experiments.DecodeObject made, as Python would.
func jsonText(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return data.ValueText(v)
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return strings.NewReplacer("+Inf", "Infinity", "-Inf", "-Infinity").Replace(fmt.Sprint(v))
		}
	case []any:
		items := make([]string, len(v))
		for i, x := range v {
			items[i] = jsonText(x)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]any:
		items := make([]string, 0, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			items = append(items, data.ValueText(k)+": "+jsonText(v[k]))
		}
		return "{" + strings.Join(items, ", ") + "}"
	}
	return fmt.Sprint(v)
}
