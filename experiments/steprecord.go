package experiments

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"hone/data"
	"hone/engine/batch"
	"hone/runs"
)

// StepRecord is a step of a run as its trace has it, for looking at: what it
// consumed, and how far it came.
type StepRecord struct {
	Step      int // 0 = the trace has no such step
	Rows      []StepRow
	Stages    []Stage // from the data to the update
	Suspects  []int   // dataset rows that differ from the rest in what made the step odd
	Loss      float64 // NaN where it was not computed
	GradNorm  float64
	Targets   int
	Tokens    int
	Applied   bool
	Gradients runs.GradientTail // of the step and those before it
	Notes     []string
}

// StepRow is a row of a step as it was consumed.
type StepRow struct {
	Row     int
	Source  string // "train.jsonl:18"; "" where the dataset is not at hand
	Tokens  int
	Targets int
	NLL     float64 // nats over its targets; NaN where it was not computed
	Odd     string  // what the record says is wrong with it
	Text    []StepToken
	From    string // whose tokens Text are: one of the From constants
	Why     string // why Text is not there
}

// What the tokens of a row were read from.
const (
	FromRecord  = "record"  // as they were consumed
	FromDataset = "dataset" // those of the dataset's row, of which the record has the hash
	FromReplay  = "replay"  // as they were consumed again
)

// StepToken is one token of a row.
type StepToken struct {
	ID     int32        `json:"id"`
	Text   string       `json:"text"` // its bytes, which may be a part of a character
	Target bool         `json:"target"`
	Field  string       `json:"field,omitempty"` // the field whose value it is part of
	NLL    *runs.Number `json:"nll,omitempty"`   // nats, of a target
}

// gradientsShown is how many steps of gradients are read with a step.
const gradientsShown = 16

// RunWorkspace opens what a run was trained on, with the failures that were planted
// into its data.
func RunWorkspace(ctx context.Context, dir string) (*Workspace, error) {
	c, err := LoadRun(dir)
	if err != nil {
		return nil, err
	}
	info, err := runs.ReadInfo(dir)
	if err != nil {
		return nil, err
	}
	faults, err := injected(info)
	if err != nil {
		return nil, err
	}
	return openWorkspace(ctx, c, faults)
}

// ReadStep reads a step of a run from its trace, the newest for 0. The texts of its
// tokens are those of the run's workspace; without one, nil, there are none.
func ReadStep(dir string, step int, w *Workspace) (*StepRecord, error) {
	from, err := runs.ReadStep(dir, step, gradientsShown)
	if err != nil {
		return nil, err
	}
	r := &StepRecord{Step: from.Step, Gradients: from.Gradients, Notes: from.Notes, Loss: math.NaN(), GradNorm: math.NaN()}
	if from.Step == 0 {
		return r, nil
	}
	b := stepBuilder{w: w, r: r, consumed: map[int]runs.TraceTokens{}}
	for _, record := range from.Records {
		if t, ok := record.(runs.TraceTokens); ok {
			b.consumed[t.Row] = t
		}
	}
	for _, record := range from.Records {
		b.take(record)
	}
	r.Suspects = b.suspects()
	r.Stages = b.stages()
	return r, nil
}

// stepBuilder puts the records of a step together.
type stepBuilder struct {
	w        *Workspace
	r        *StepRecord
	consumed map[int]runs.TraceTokens

	distinct, foreign, pass int
	losses                  int // passes of which the loss was computed
	terms                   *runs.TraceTerms
	grad                    *runs.TraceGrad
	opt                     *runs.TraceOpt
	alerts                  []runs.TraceAlert
	bad                     *runs.TraceOp // first operation with a value that is not finite
}

func (b *stepBuilder) take(record any) {
	switch r := record.(type) {
	case runs.TraceBatch:
		b.pass = len(b.r.Rows)
		b.distinct = max(b.distinct, r.Distinct)
		b.foreign += len(r.Mismatch)
		b.batch(r)
	case runs.TraceLoss:
		b.losses++
		for i, nll := range r.PerRow {
			if b.pass+i < len(b.r.Rows) {
				b.r.Rows[b.pass+i].NLL = float64(nll)
			}
		}
		if r.Terms != nil {
			b.terms, b.r.Loss = r.Terms, float64(r.Terms.Loss)
		}
	case runs.TraceGrad:
		b.grad, b.r.GradNorm = &r, float64(r.Norm)
	case runs.TraceOpt:
		b.opt, b.r.Applied = &r, r.Applied
	case runs.TraceAlert:
		b.alerts = append(b.alerts, r)
	case runs.TraceOp:
		if b.bad == nil && r.BadIndex >= 0 {
			b.bad = &r
		}
	}
}

// batch takes the rows of a pass.
func (b *stepBuilder) batch(r runs.TraceBatch) {
	same := b.w != nil && b.w.Tokenizer != nil && b.sourceHash(r) == r.SrcHash
	for i, row := range r.Rows {
		if i >= len(r.Len) || i >= len(r.Targets) || i >= len(r.First) || i >= len(r.Last) {
			break // of another writer
		}
		x := StepRow{Row: row, Tokens: r.Len[i], Targets: r.Targets[i], NLL: math.NaN()}
		foreign := slices.Contains(r.Mismatch, row)
		switch {
		case foreign:
			x.Odd = "its tokens are not those of the dataset's row"
		case x.Targets == 0:
			x.Odd = fmt.Sprintf("0 supervised tokens of %d", x.Tokens)
		}
		for _, s := range r.Source {
			if s.Row == row && x.Odd == "" {
				x.Odd = fmt.Sprintf("%d of %d tokens supervised, from %d on; the dataset's row has %d of %d, from %d on", x.Targets, x.Tokens, r.First[i].At, s.Targets, s.Len, s.First.At)
			}
		}
		b.r.Tokens += x.Tokens
		b.r.Targets += x.Targets
		encoded, known := b.encoded(row)
		if known {
			x.Source = b.w.source(row)
		}
		consumed, recorded := b.consumed[row]
		switch {
		case b.w == nil:
			x.Why = "the run's dataset is not at hand"
		case b.w.Tokenizer == nil:
			x.Why = "the run's model is not at hand, so its tokenizer is not"
		case recorded:
			x.From, x.Text = FromRecord, b.w.tokens(consumed.IDs, consumed.Targets, consumed.NLL, encoded)
		case foreign:
			x.Why = "the record has not the tokens, and the dataset's are others: a replay shows them"
		case !same || !known:
			x.Why = "the dataset is not the one that was trained on"
		default:
			x.From, x.Text = FromDataset, b.w.tokens(encoded.IDs, maskOf(r, i, encoded), nil, encoded)
		}
		b.r.Rows = append(b.r.Rows, x)
	}
}

// maskOf are the positions that were supervised. The record has their number, the
// first and the last: where they lie without a gap that is all of them, else they
// are the dataset's.
func maskOf(r runs.TraceBatch, i int, encoded batch.Example) []int {
	var out []int
	first, last := r.First[i].At, r.Last[i].At
	for at := 1; at < len(encoded.IDs); at++ {
		gapless := r.Targets[i] == last-first+1
		if r.Targets[i] > 0 && (gapless && at >= first && at <= last || !gapless && encoded.Class[at] != batch.NotTarget) {
			out = append(out, at)
		}
	}
	return out
}

// sourceHash is the hash of a pass's rows as the workspace has them.
func (b *stepBuilder) sourceHash(r runs.TraceBatch) string {
	var rows []uint64
	for _, row := range r.Rows {
		e, ok := b.encoded(row)
		if !ok {
			return ""
		}
		rows = append(rows, batch.Hash(e.IDs))
	}
	return rowsHash(rows)
}

// encoded is a row of the train split as it was encoded.
func (b *stepBuilder) encoded(row int) (batch.Example, bool) {
	if b.w == nil {
		return batch.Example{}, false
	}
	e := b.w.Encoded[data.Train]
	i, ok := slices.BinarySearch(e.Rows, row)
	if !ok || i >= len(e.Examples) {
		return batch.Example{}, false
	}
	return e.Examples[i], true
}

// source names the place of a train row in its file.
func (w *Workspace) source(row int) string {
	rows := w.Dataset.Train
	if row < 0 || row >= len(rows) {
		return ""
	}
	return fmt.Sprintf("%s:%d", filepath.Base(rows[row].File), rows[row].Line)
}

// tokens gives ids their texts, their place in the schema where they are those of
// the encoded row, and the loss of targets.
func (w *Workspace) tokens(ids []int32, targets []int, nll []runs.Number, encoded batch.Example) []StepToken {
	out := make([]StepToken, len(ids))
	same := slices.Equal(ids, encoded.IDs)
	for i, id := range ids {
		out[i] = StepToken{ID: id, Text: string(w.Tokenizer.Bytes(id))}
		if same && encoded.Class[i] > 0 && int(encoded.Class[i]) <= len(w.Dataset.Schema) {
			out[i].Field = w.Dataset.Schema[encoded.Class[i]-1]
		}
	}
	for i, at := range targets {
		if at < 0 || at >= len(out) {
			continue // of another writer
		}
		out[at].Target = true
		if i < len(nll) {
			out[at].NLL = &nll[i]
		}
	}
	return out
}

// suspects are the rows to leave out: those without which the step was taken, else
// those whose loss is not finite, else those that were consumed oddly. Where that
// is true of every row, none is to blame.
func (b *stepBuilder) suspects() []int {
	if b.opt != nil && len(b.opt.Skipped) > 0 {
		return b.opt.Skipped
	}
	for _, suspicious := range []func(StepRow) bool{
		func(x StepRow) bool { return b.losses > 0 && !finite(x.NLL) },
		func(x StepRow) bool { return x.Odd != "" },
	} {
		var rows []int
		for _, x := range b.r.Rows {
			if suspicious(x) {
				rows = append(rows, x.Row)
			}
		}
		if n := len(rows); n > 0 && (n < len(b.r.Rows) || n == 1) {
			return rows
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
