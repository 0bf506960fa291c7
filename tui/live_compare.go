package tui

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"hone/data"
	"hone/experiments"
)

// ReadComparison reads what was generated before.
func (live) ReadComparison(dir, split string) (*comparison, error) {
	c, err := experiments.ReadComparison(dir, split)
	if errors.Is(err, experiments.ErrNotCompared) {
		return nil, fmt.Errorf("%w: %w", errNotCompared, err)
	}
	if err != nil {
		return nil, err
	}
	return comparisonOf(c), nil
}

// Compare generates what is missing.
func (live) Compare(ctx context.Context, dir, split string, progress func(done, total int)) (*comparison, error) {
	c, err := experiments.Compare(ctx, dir, split, progress)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Canceled
		}
		return nil, err
	}
	return comparisonOf(c), nil
}

// comparisonOf makes what screens draw of a comparison.
func comparisonOf(c *experiments.Comparison) *comparison {
	v := &comparison{Split: c.Split, Schema: c.Schema, Base: scoresOf(c.Base, c.Schema), Tuned: scoresOf(c.Tuned, c.Schema)}
	v.Low, v.High = wilson(c.Tuned.ExactMatch, len(c.Examples))
	for _, p := range c.Examples {
		pair := pairView{Row: p.Row, Event: p.Event, Target: p.Target, Fields: make([]string, len(c.Schema))}
		if o, err := experiments.DecodeObject(p.Target); err == nil {
			pair.Fields = fieldTexts(o.Object, c.Schema)
		}
		pair.Base, pair.Tuned = outputOf(p.Base, c.Schema), outputOf(p.Tuned, c.Schema)
		v.Pairs = append(v.Pairs, pair)
	}
	v.count()
	return v
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
		Text: g.Text, Tokens: g.Tokens, StoppedBy: g.StoppedBy, Valid: o.Valid || o.Text, Exact: o.Exact, Duplicate: o.Duplicate,
		Reason: o.Reason, Fields: fieldTexts(o.Object, schema),
	}
	for _, f := range schema {
		right := o.Fields[f]
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

// wilson is the 95 % score interval of a share of n.
func wilson(share float64, n int) (low, high float64) {
	if n == 0 {
		return 0, 0
	}
	const z = 1.959964
	m := float64(n)
	centre := share + z*z/(2*m)
	half := z * math.Sqrt(share*(1-share)/m+z*z/(4*m*m))
	scale := 1 + z*z/m
	return max((centre-half)/scale, 0), min((centre+half)/scale, 1)
}
