package engine

import (
	"context"
	"errors"
	"slices"

	"hone/engine/batch"
	"hone/engine/llama"
	"hone/engine/ops"
	"hone/engine/optim"
)

// OpTrace is what one operation computed in one forward pass of a step.
type OpTrace struct {
	Seq   int    // order of execution, from 0
	Pass  int    // forward pass of the step, from 0
	Name  string // layers.7.mlp.down_proj
	Phase string // ops.Forward, ops.Backward or ops.Gradient
	Shape [2]int // rows that the pass fills, columns
	Stats Stats
	Bad   *Place // the first value that is not finite; nil where there is none
}

// Place is an element of an operation's output, and where it is one of a token,
// that token.
type Place struct {
	Part     string  // name of the operation, or of the part of a fused one
	Index    int     // in the flat output
	Row, Col int     // in the output
	Value    float64 // what was found there

	Dataset  int   // dataset row; -1 where the output is not one a token
	Position int   // of the token in its example, from 0
	Tokens   int   // of the example
	Token    int32 // its id
}

// Traced is a step with every operation, as it was re-executed. Nothing of it
// was applied.
type Traced struct {
	Step  Step
	Ops   []OpTrace
	First int // index in Ops of the first with a value that is not finite; -1
}

// FirstBad is the first operation with a value that is not finite; nil where all
// are.
func (t Traced) FirstBad() *OpTrace {
	if t.First < 0 {
		return nil
	}
	return &t.Ops[t.First]
}

// TraceStep executes the next step with every operation looked at, forward and
// backward, and applies nothing: the step may be taken after it. rows, if any
// are given, are the dataset rows of the batch that it is executed on, with the
// denominators of the whole batch. It must not run beside a step of a session.
func (t *Trainer) TraceStep(ctx context.Context, rows ...int) (Traced, error) {
	out := Traced{Step: t.begin(), First: -1}
	s := &out.Step
	examples := t.remaining(t.step)
	s.Counts, s.Rows = batch.Count(examples), rowsOf(examples)
	if len(examples) == 0 {
		return out, ErrAllSkipped
	}
	if err := t.refuse(examples, s); err != nil {
		return out, err
	}
	if len(rows) > 0 {
		examples = slices.DeleteFunc(examples, func(e batch.Example) bool { return !slices.Contains(rows, e.Row) })
		s.Rows = rowsOf(examples)
	}
	rt := t.graph.Runtime
	before := rt.Hook
	defer func() { rt.Hook = before }()
	pass := -1
	var packed *int32 // tells passes apart: each has tokens of its own
	rt.Hook = func(r ops.Record) {
		if p := &rt.Batch.Tokens[0]; p != packed {
			packed = p
			pass++
		}
		o := OpTrace{Seq: len(out.Ops), Pass: pass, Name: r.Name, Phase: r.Phase, Stats: Measure(rt.Pool, r.Output)}
		o.Shape = [2]int{len(r.Output) / r.Width, r.Width}
		if i := o.Stats.First; i >= 0 {
			o.Bad = t.place(r, i)
			if out.First < 0 {
				out.First = o.Seq
			}
		}
		out.Ops = append(out.Ops, o)
	}
	passes, err := t.gradients(ctx, examples, s.Counts)
	if err != nil {
		return out, err
	}
	s.Passes = passes
	s.Terms = total(passes).Terms(s.Counts, t.Loss)
	s.Norms, s.GradNorm = optim.Norms(rt.Pool, t.tensors)
	if !finite(s.GradNorm) {
		s.BadGradients = t.badGradients(s.Norms)
	}
	s.Clipped = optim.ClipFactor(s.GradNorm, t.Clip) < 1
	return out, nil
}

// place names an element of an operation's output.
func (t *Trainer) place(r ops.Record, index int) *Place {
	p := &Place{Part: r.Name, Index: index, Row: index / r.Width, Col: index % r.Width, Value: float64(r.Output[index]), Dataset: -1}
	if r.Part != nil {
		p.Part = r.Part(p.Col)
	}
	at := -1
	switch {
	case r.PerToken:
		at = p.Row
	case r.Name == t.graph.Loss.Name() && r.Phase == ops.Forward:
		at = t.badTarget()
	}
	if row, position, tokens, id, ok := whose(t.graph.Runtime.Batch, at); ok {
		p.Dataset, p.Position, p.Tokens, p.Token = row, position, tokens, id
	}
	return p
}

// badTarget is the position in the packed batch of the first loss row that is not
// finite; -1 for none.
func (t *Trainer) badTarget() int {
	p := t.graph.Runtime.Batch
	for i, s := range t.graph.Loss.Stats[:len(p.LossRows)] {
		if !finite(s.LogP) || !finite(float64(s.MaxP)) {
			return int(p.LossRows[i].Row)
		}
	}
	return -1
}

// whose finds the example of a position in a packed batch.
func whose(p batch.Packed, at int) (row, position, tokens int, id int32, ok bool) {
	if at < 0 || at >= len(p.Tokens) {
		return 0, 0, 0, 0, false
	}
	for i, row := range p.Rows {
		if at < p.Starts[i+1] {
			return row, at - p.Starts[i], p.Starts[i+1] - p.Starts[i], p.Tokens[at], true
		}
	}
	return 0, 0, 0, 0, false
}

// Probe is one execution on some rows of a batch.
type Probe struct {
	Rows   []int
	Finite bool
}

// Bisection is a failed step narrowed down.
type Bisection struct {
	Probes []Probe // halving of the batch
	Rows   []int   // dataset rows that make it fail; empty where no row is to blame
	NotRow bool    // rows of other batches fail as well: weights or settings are to blame

	Layer  int // of the first bad operation; -1 where it is in none
	Op     *OpTrace
	Traced Traced // of the rows alone, or of the whole batch
}

// Bisect narrows the failure of the next step down: by halving its batch to rows,
// and on these to the first operation, its layer, its element and the token. Of a
// step that does not fail Op is nil. Nothing is applied.
func (t *Trainer) Bisect(ctx context.Context) (Bisection, error) {
	b := Bisection{Layer: -1}
	whole, err := t.TraceStep(ctx)
	if err != nil {
		return b, err
	}
	if b.Traced = whole; whole.First < 0 && finite(whole.Step.Terms.Loss) && finite(whole.Step.GradNorm) {
		return b, nil
	}
	t.probed = func(examples []batch.Example, ok bool) {
		b.Probes = append(b.Probes, Probe{rowsOf(examples), ok})
	}
	defer func() { t.probed = nil }()
	s := whole.Step
	s.Problem = errors.New("not finite")
	b.Rows, err = t.badRows(ctx, &s)
	switch {
	case errors.Is(err, ErrNotRows):
		b.NotRow = true
	case err != nil:
		return b, err
	case len(b.Rows) < len(s.Rows):
		if b.Traced, err = t.TraceStep(ctx, b.Rows...); err != nil {
			return b, err
		}
	}
	if b.Op = b.Traced.FirstBad(); b.Op != nil {
		b.Layer = llama.LayerOf(b.Op.Name)
	}
	return b, nil
}
