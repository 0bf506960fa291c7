package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hone/data"
	"hone/data/chat"
	"hone/experiments"
)

// workspaceOf makes what screens draw of an opened experiment.
func workspaceOf(w *experiments.Workspace) *workspace {
	d := w.Dataset
	v := &workspace{
		Source: d.Source, Format: string(d.Format), Schema: d.Schema, Findings: w.Findings, Notes: d.Notes,
		Index: data.NewIndex(d, w.Encoded, w.Findings), Trained: trainedOf(w), ModelProblem: w.ModelProblem,
	}
	for _, b := range d.Bad {
		v.Bad = append(v.Bad, b.String())
	}
	names := data.Splits()
	v.Raw = func(split, row int) (string, error) {
		line, err := d.Raw(names[split], row)
		return string(line), err
	}
	if w.Tokenizer != nil {
		v.Tokens, v.Measure = tokensOf(w), measureOf(w, v.Index)
		v.OpenBase = func(ctx context.Context) (prompter, error) {
			p, err := w.OpenBasePrompt(ctx)
			if err != nil {
				return nil, err
			}
			return &livePrompt{p: p}, nil
		}
	}
	for s, name := range names {
		rows, err := d.Split(name)
		if err != nil {
			continue
		}
		sp := splitView{Name: name, Rows: make([]rowView, len(rows))}
		for i := range rows {
			r := &rows[i]
			sp.Rows[i] = rowView{File: r.File, Line: r.Line, Text: r.Text(), Event: r.Event != "", Turns: len(r.Messages), Whole: r.Whole, Prompt: r.Prompt, Target: r.Completion}
		}
		marks := func(row int) *rowMarks {
			r := &sp.Rows[row]
			if r.Marks == nil {
				r.Marks = &rowMarks{}
			}
			return r.Marks
		}
		for _, f := range w.Findings {
			if f.Split != names[s] {
				continue
			}
			for _, r := range f.Rows {
				marks(r).Findings = append(marks(r).Findings, f.ID)
			}
		}
		if e, ok := w.Encoded[name]; ok {
			sp.Encoded, sp.Tokens, sp.Targets, sp.Dropped = true, e.Tokens, e.Targets, len(e.Dropped)
			for _, drop := range e.Dropped {
				marks(drop.Row).Dropped = fmt.Sprintf("its %d tokens are more than data.max_length", drop.Tokens)
			}
		}
		v.Splits = append(v.Splits, sp)
	}
	return v
}

// trainedOf takes rows apart as the model gets them.
func trainedOf(w *experiments.Workspace) func(split, row int) []textPart {
	d, names, end := w.Dataset, data.Splits(), ""
	if w.Tokenizer != nil {
		end = string(w.Tokenizer.Bytes(w.Encoder.EOS()))
	}
	return func(split, row int) []textPart {
		rows, err := d.Split(names[split])
		if err != nil || row < 0 || row >= len(rows) {
			return nil
		}
		if r := rows[row]; len(r.Messages) > 0 && w.Encoder != nil {
			if text, trained, said, err := w.Encoder.Rendered(r); err == nil {
				return turnParts(text, trained, said)
			}
		}
		return trainedParts(d, &rows[row], end)
	}
}

// turnParts are the parts of a rendered conversation: its turns that are trained
// on, and of what stands between them what was said and what the template wrote.
func turnParts(text string, trained, said []chat.Span) []textPart {
	var parts []textPart
	at := 0
	add := func(to int, kind partKind) {
		if at < to {
			parts = append(parts, textPart{Text: text[at:to], Kind: kind})
			at = to
		}
	}
	for _, t := range trained {
		for _, s := range said {
			if s.Start >= at && s.End <= t.Start {
				add(s.Start, partTemplate)
				add(s.End, partEvent)
			}
		}
		add(t.Start, partTemplate)
		add(t.End, partStructure)
	}
	return parts
}

// trainedParts are the parts of one row; end is what ends its target.
func trainedParts(d *data.Dataset, r *data.Row, end string) []textPart {
	var parts []textPart
	if r.Event == "" {
		parts = append(parts, textPart{Text: r.Prompt, Kind: partPrompt})
	} else {
		for _, p := range data.Parts(d.Template, r.Event) {
			kind := partTemplate
			if p.Event {
				kind = partEvent
			}
			parts = append(parts, textPart{Text: p.Text, Kind: kind})
		}
	}
	text, at := data.AsEncoded(*r, d.Schema)
	from := 0
	for _, f := range at {
		parts = append(parts, textPart{Text: text[from:f.Start], Kind: partStructure}, textPart{Text: text[f.Start:f.End], Kind: partValue, Name: d.Schema[f.Field]})
		from = f.End
	}
	parts = append(parts, textPart{Text: text[from:], Kind: partStructure})
	if end != "" && !(r.Whole && strings.HasSuffix(text, end)) {
		parts = append(parts, textPart{Text: end, Kind: partEnd})
	}
	return slices.DeleteFunc(parts, func(p textPart) bool { return p.Text == "" })
}

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
			tokens[j] = tokenView{ID: id, Text: string(w.Tokenizer.Bytes(id)), Target: class >= 0, End: class >= 0 && j == len(ex.IDs)-1}
			if class > 0 && class <= len(schema) {
				tokens[j].Field = schema[class-1]
			}
		}
		return tokens
	}
}

// maxKeptLosses is of how many models the losses are kept.
const maxKeptLosses = 4

// measureOf measures rows of a workspace and keeps what it found, by model. It is
// used by one command at a time.
func measureOf(w *experiments.Workspace, x *data.Index) func(context.Context, experiments.Side, []int, func(losses, int, int)) error {
	turn, names := make(chan struct{}, 1), data.Splits()
	var kept []losses // the model used last comes last
	return func(ctx context.Context, s experiments.Side, rows []int, seen func(losses, int, int)) error {
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-ctx.Done():
			return ctx.Err()
		}
		source, err := w.LossSource(s)
		if errors.Is(err, experiments.ErrNoAdapter) && s.RunDir != "" {
			s = experiments.BaseOf(s.RunDir)
			source, err = w.LossSource(s)
		}
		if err != nil {
			return err
		}
		known := losses{Source: source}
		if i := slices.IndexFunc(kept, func(l losses) bool { return l.Source == source }); i >= 0 {
			known = kept[i]
			kept = slices.Delete(kept, i, i+1)
		}
		known.Model = modelName(s)
		keep := func() {
			kept = append(kept, known)
			kept = kept[max(len(kept)-maxKeptLosses, 0):]
		}
		has := make(map[int]bool, len(known.Rows))
		for _, r := range known.Rows {
			has[r.Row] = true
		}
		var missing []experiments.Place
		for _, n := range rows {
			split, row := x.Place(n)
			// One that was dropped is never measured.
			if _, kept := slices.BinarySearch(w.Encoded[names[split]].Rows, row); kept && !has[n] {
				missing = append(missing, experiments.Place{Split: split, Row: row})
			}
		}
		done := len(rows) - len(missing)
		seen(known, done, len(rows))
		defer keep()
		if len(missing) == 0 {
			return nil
		}
		m, err := w.OpenMeter(ctx, s)
		if err != nil {
			return err
		}
		defer m.Close()
		return m.Measure(ctx, missing, func(part []experiments.MeasuredRow) {
			for _, r := range part {
				known.Rows = append(known.Rows, rowLoss{x.Number(r.Split, r.Row), r.Nats, r.Tokens})
			}
			done += len(part)
			seen(known, done, len(rows))
		})
	}
}

// modelName names a model beside figures; the zero Side is the experiment's.
func modelName(s experiments.Side) string {
	if s == (experiments.Side{}) {
		return "the base model"
	}
	return s.Name() + " of " + baseName(s.RunDir)
}
