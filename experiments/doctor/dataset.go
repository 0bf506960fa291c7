package doctor

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"hone/data"
	"hone/engine/trace"
	"hone/experiments"
)

// textIDs are the findings of preflight that need no tokenizer, tokenIDs the rest.
var (
	textIDs = []string{
		trace.CorruptRow, trace.EmptyExample, trace.DupRow, trace.LabelConflict, trace.DupLeak, trace.IdentityLabels, trace.ConstExample, trace.DataNote,
	}
	tokenIDs = []string{
		trace.MaskAll, trace.MaskLate, trace.MaskEarly, trace.MaskGap, trace.BoundaryMerge, trace.EOSMasked, trace.TruncTarget, trace.LengthOne,
		trace.OOVLabel, trace.CollateEmpty, trace.SpecialText, trace.LostText, trace.FieldGap,
	}
)

// dataset runs the data's preflight.
func (e *examination) dataset(ctx context.Context) error {
	abs, err := filepath.Abs(e.path)
	if err != nil {
		return err
	}
	c := experiments.Default()
	c.Data.Path = abs
	if e.options.Model != "" {
		c.Model.Path = e.options.Model
	}
	if e.options.Prompt != "" {
		c.Data.Prompt = e.options.Prompt
	}
	w, err := experiments.OpenWorkspace(ctx, c)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	e.workspace(w, "")
	return nil
}

// workspace takes over what preflight found.
func (e *examination) workspace(w *experiments.Workspace, prefix string) {
	e.could(textIDs...)
	if w.Tokenizer != nil {
		e.could(tokenIDs...)
	} else if p := w.ModelProblem; p != nil && !errors.Is(p, experiments.ErrNoBuiltin) {
		e.find(trace.DataNote, trace.Note, 1, "Name a model with --model to have tokens and masks checked.", prefix+"tokens were not looked at: "+firstLine(p.Error()))
	}
	for _, f := range w.Findings {
		e.add(fromData(f, prefix))
	}
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// fromData is a finding of the data's preflight as one of the doctor: what it says
// was counted, so it is certain.
func fromData(f data.Finding, prefix string) trace.Finding {
	evidence := []string{prefix + f.Message}
	for _, line := range f.Evidence {
		evidence = append(evidence, prefix+line)
	}
	return trace.Finding{ID: f.ID, Severity: trace.Severity(f.Severity), Confidence: 1, Evidence: evidence, Advice: f.Advice}
}
