package experiments

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"hone/data"
	"hone/engine/kernel"
	"hone/engine/trace"
	"hone/engine/weights"
)

// maskIDs and weightIDs are the findings about data that belong to the stages after
// it.
var (
	maskIDs   = []string{data.MaskAll, data.MaskEarly, data.MaskLate, data.MaskGap, data.EOSMasked, data.LengthOne, data.TurnsUntold, data.BoundaryMerge, data.FieldGap}
	weightIDs = []string{data.VocabMismatch}
)

// firstStages are those that need no weights: what figures will rest on, the rows,
// and what of them is trained. It reports whether the flow goes on.
func (w *Workspace) firstStages(p *Preflight) bool {
	return p.add(w.triage()) && p.add(w.dataText(), w.found(stageData)...) && (w.Encoded == nil || p.add(w.maskText(), w.found(stageMask)...))
}

// Stages that findings about data belong to.
const (
	stageData = 1
	stageMask = 2
)

// found are the findings about data of a stage. What is wrong with rows that are not
// trained on does not keep a run from training.
func (w *Workspace) found(stage int) []trace.Finding {
	var out []trace.Finding
	for _, f := range w.Findings {
		of := stageData
		switch {
		case slices.Contains(maskIDs, f.ID):
			of = stageMask
		case slices.Contains(weightIDs, f.ID):
			of = stageWeights
		}
		if of != stage {
			continue
		}
		severity := trace.Severity(f.Severity)
		if severity == trace.Error && f.Split != data.Train && f.Split != "" {
			severity = trace.Warning
		}
		out = append(out, trace.Finding{ID: f.ID, Severity: severity, Confidence: 1, Evidence: append([]string{f.Message}, f.Evidence...), Advice: f.Advice})
	}
	return out
}

// triage says which numbers can be trusted: before a run there is no symptom yet.
func (w *Workspace) triage() string {
	return fmt.Sprintf("nothing has run yet; figures will be computed in %s by %s, unrounded, and none is put in another's place", DType(w.Config), kernel.Active())
}

func (w *Workspace) dataText() string {
	d := w.Dataset
	text := fmt.Sprintf("%d train, %d eval and %d test rows", len(d.Train), len(d.Eval), len(d.Test))
	if n := len(w.Encoded[data.Train].Dropped); n > 0 {
		text += fmt.Sprintf("; %d train rows are left out, longer than %d tokens", n, w.Config.Data.MaxLength)
	}
	return text
}

func (w *Workspace) maskText() string {
	e := w.Encoded[data.Train]
	if w.Dataset.Format == data.Text {
		return fmt.Sprintf("%d of %d train tokens are targets, all but each row's first, to %s", e.Targets, e.Tokens, w.Tokenizer.Bytes(w.EOS[0]))
	}
	return fmt.Sprintf("%d of %d train tokens are targets, each row's from its completion's first to %s", e.Targets, e.Tokens, w.Tokenizer.Bytes(w.EOS[0]))
}

// missing is true of an error about weights that are not there.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrNoBuiltin)
}

// unreadable is the finding of weights that cannot be used; false for an error about
// something else.
func unreadable(err error) (trace.Finding, bool) {
	f := trace.Finding{Severity: trace.Error, Confidence: 1, Evidence: []string{firstLine(err)}}
	switch {
	case errors.Is(err, weights.ErrNonFinite):
		f.ID = trace.WeightNaNFile
	case errors.Is(err, weights.ErrCorrupt):
		f.ID = trace.Unreadable
	default:
		return f, false
	}
	m, _ := trace.ByID(f.ID)
	f.Advice = m.Do
	return f, true
}
