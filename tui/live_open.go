package tui

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"hone/data"
	"hone/experiments"
)

// tokensOf looks the tokens of rows up.
func tokensOf(w *experiments.Workspace) func(split, row int) []tokenView {
	names := data.Splits()
	schema := w.Dataset.Schema
	return func(split, row int) []tokenView {
		if split < 0 || split >= len(names) {
			return nil
		}
		e := w.Encoded[names[split]]
		i, ok := slices.BinarySearch(e.Rows, row) // in the split's order
		if !ok {
			return nil
		}
		ex := e.Examples[i]
		tokens := make([]tokenView, len(ex.IDs))
		for j, id := range ex.IDs {
			class := int(ex.Class[j])
			tokens[j] = tokenView{Text: string(w.Tokenizer.Bytes(id)), Target: class >= 0}
			if class > 0 && class <= len(schema) {
				tokens[j].Field = schema[class-1]
			}
		}
		return tokens
	}
}

// lengthBins is how many bars the histogram of lengths has.
const lengthBins = 60

// openedWorkspace is the last workspace that was opened: a plan for the same
// data does not read it again.
type openedWorkspace struct {
	mu sync.Mutex
	w  *experiments.Workspace
}

// Open reads an experiment's dataset and tokenizer.
func (l live) Open(ctx context.Context, c experiments.Config) (*workspace, error) {
	w, err := experiments.OpenWorkspace(ctx, c)
	if err != nil {
		return nil, err
	}
	l.opened.mu.Lock()
	l.opened.w = w
	l.opened.mu.Unlock()
	return workspaceOf(w), nil
}

// Plan says what training would cost.
func (l live) Plan(c experiments.Config) (planView, error) {
	l.opened.mu.Lock()
	w := l.opened.w
	l.opened.mu.Unlock()
	var p experiments.Plan
	err := c.Validate()
	switch {
	case err != nil:
	case w != nil && w.ModelProblem == nil && sameData(w.Config, c):
		same := *w
		same.Config = c
		p, err = same.Plan()
	default:
		p, err = experiments.MakePlan(c)
	}
	return planView{
		TrainableParams: p.TrainableParams, TotalParams: p.TotalParams, TrainablePercent: p.TrainablePercent,
		Steps: p.Steps, Tokens: p.Tokens, MemoryBytes: p.MemoryBytes, Seconds: p.Seconds, StepSeconds: p.StepSeconds, EOS: p.EOS, Notes: p.Notes, Warnings: p.Warnings,
		Rates: ratesOf(c, p.Steps),
	}, err
}

// Preflight looks at an experiment as a run of it would begin.
func (l live) Preflight(ctx context.Context, c experiments.Config) (experiments.Preflight, error) {
	l.opened.mu.Lock()
	w := l.opened.w
	l.opened.mu.Unlock()
	if err := c.Validate(); err != nil {
		return experiments.Preflight{}, err
	}
	if w == nil || !sameData(w.Config, c) {
		var err error
		if w, err = experiments.OpenWorkspace(ctx, c); err != nil {
			return experiments.Preflight{}, err
		}
	}
	same := *w
	same.Config = c
	return same.Preflight(ctx)
}

// ratePoints are enough to draw a schedule at any width of a terminal.
const ratePoints = 400

// ratesOf samples the learning rate over the whole run.
func ratesOf(c experiments.Config, steps *int) []ratePoint {
	if steps == nil {
		return nil
	}
	var points []ratePoint
	for _, p := range experiments.LearningRates(c, *steps, ratePoints) {
		points = append(points, ratePoint{float64(p.Step), p.LR})
	}
	return points
}

// sameData reports whether two experiments open the same workspace.
func sameData(a, b experiments.Config) bool {
	for _, change := range experiments.Diff(a, b) {
		if touchesData(change.Key) {
			return false
		}
	}
	return true
}

// workspaceOf makes what screens draw of an opened experiment.
func workspaceOf(w *experiments.Workspace) *workspace {
	d := w.Dataset
	v := &workspace{
		Source: d.Source, Format: string(d.Format), Schema: d.Schema, Findings: w.Findings, Notes: d.Notes,
		Find: d.Find, ModelProblem: w.ModelProblem,
	}
	for _, b := range d.Bad {
		v.Bad = append(v.Bad, b.String())
	}
	for _, f := range d.Stats().Fields {
		v.Fields = append(v.Fields, fieldView{Name: f.Name, Share: f.Share})
	}
	if w.Tokenizer != nil {
		v.Tokens = tokensOf(w)
	}
	marks := map[string]map[int][]string{}
	for _, f := range w.Findings {
		if marks[f.Split] == nil {
			marks[f.Split] = map[int][]string{}
		}
		for _, r := range f.Rows {
			marks[f.Split][r] = append(marks[f.Split][r], f.ID)
		}
	}
	for _, name := range data.Splits() {
		rows, err := d.Split(name)
		if err != nil {
			continue
		}
		sp := splitView{Name: name, Rows: make([]rowView, len(rows)), Unit: "characters"}
		lengths := make([]int, len(rows))
		for i, r := range rows {
			sp.Rows[i] = rowView{
				Source: fmt.Sprintf("%s:%d", filepath.Base(r.File), r.Line), Text: r.Text(),
				Prompt: r.Prompt, Target: r.Completion, Marks: marks[name][i],
			}
			lengths[i] = len([]rune(r.Prompt)) + len([]rune(r.Completion))
		}
		dist := data.NewDistribution(lengths)
		if e, ok := w.Encoded[name]; ok {
			sp.Encoded, sp.Tokens, sp.Targets, sp.Dropped, sp.Unit = true, e.Tokens, e.Targets, len(e.Dropped), "tokens"
			dist = e.Lengths
			for _, drop := range e.Dropped {
				sp.Rows[drop.Row].Dropped = fmt.Sprintf("its %d tokens are more than data.max_length", drop.Tokens)
			}
		}
		sp.LengthLo, sp.LengthHi = dist.Min, dist.Max
		for _, b := range dist.Histogram(lengthBins) {
			sp.Lengths = append(sp.Lengths, float64(b.Count))
		}
		v.Splits = append(v.Splits, sp)
	}
	return v
}
