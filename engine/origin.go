package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hone/engine/batch"
	"hone/engine/kernel"
	"hone/engine/ops"
)

// Origin is where a non-finite value was first seen: in the order weights,
// operations forward and backward, gradients. It is an error; errors.As finds
// the *ops.Error of an operation in it.
type Origin struct {
	Op, Phase string // first operation with a bad output; "" where all are finite

	Tensor  string // trained tensor that holds a bad value, or whose gradient does; "" for none
	Element int    // of the first one in the flat tensor
	Weight  bool   // the tensor's own value, not its gradient's

	Row      int   // dataset row; -1 where it cannot be told from the operation
	Position int   // token in its example
	Tokens   int   // of the example
	Token    int32 // its id

	Err error // what the operation said, or which figure is not finite
}

func (o *Origin) Error() string {
	var b strings.Builder
	if o.Weight {
		fmt.Fprintf(&b, "%s holds a non-finite value at %d; ", o.Tensor, o.Element)
	}
	b.WriteString(o.Err.Error())
	if o.Row >= 0 {
		fmt.Fprintf(&b, " (dataset row %d, token %d of %d, id %d)", o.Row, o.Position+1, o.Tokens, o.Token)
	}
	return b.String()
}

// Unwrap returns the operation's error.
func (o *Origin) Unwrap() error { return o.Err }

// BadGradient says that a tensor's gradient held values that are not finite.
type BadGradient struct {
	Tensor string
	Count  int
	First  int // index of the first one in the flat tensor
}

// badGradients looks at the gradients of tensors whose norm is not finite.
func (t *Trainer) badGradients(norms []float64) []BadGradient {
	var bad []BadGradient
	for i, n := range norms {
		if finite(n) {
			continue
		}
		g := t.tensors[i].Grad
		b := BadGradient{Tensor: t.tensors[i].Name, First: kernel.FirstNonFinite(g)}
		for _, x := range g {
			if !finite(float64(x)) {
				b.Count++
			}
		}
		bad = append(bad, b)
	}
	return bad
}

// origin finds where a non-finite value arose. Nothing of the step was applied,
// so the batch is run again as it was, with every op's output checked.
func (t *Trainer) origin(ctx context.Context, examples []batch.Example, s Step) error {
	o := &Origin{Row: -1}
	for _, p := range t.tensors {
		if i := kernel.FirstNonFinite(p.Data); i >= 0 {
			o.Tensor, o.Element, o.Weight = p.Name, i, true
			break
		}
	}
	rt := t.graph.Runtime
	rt.CheckFinite = true
	defer func() { rt.CheckFinite = false }()
	_, err := t.gradients(ctx, examples, s.Counts)
	var op *ops.Error
	switch {
	case errors.As(err, &op) && errors.Is(err, ops.ErrNonFinite):
		o.Op, o.Phase, o.Err = op.Op, op.Phase, op
		t.locate(o, op)
	case err != nil:
		return err // cancelled, or a failure of its own
	case len(s.BadGradients) > 0:
		b := s.BadGradients[0]
		o.Err = fmt.Errorf("gradient of %s is not finite: %d of its values, the first at %d", b.Tensor, b.Count, b.First)
		if !o.Weight {
			o.Tensor, o.Element = b.Tensor, b.First
		}
	default:
		o.Err = fmt.Errorf("loss %v, gradient norm %v with finite operations", s.Terms.Loss, s.GradNorm)
	}
	return o
}

// locate finds the example and token of an operation's bad output.
func (t *Trainer) locate(o *Origin, op *ops.Error) {
	p, at := t.graph.Runtime.Batch, -1
	switch {
	case op.PerToken:
		at = op.Row
	case op.Op == t.graph.Loss.Name() && op.Phase == ops.Forward:
		at = t.badTarget()
	case op.Phase == ops.Gradient:
		for i, param := range t.graph.Params {
			if strings.HasSuffix(op.Op, param.Name) && !o.Weight {
				o.Tensor, o.Element = t.tensors[i].Name, op.Row*param.Shape[len(param.Shape)-1]+op.Col
			}
		}
	}
	if row, position, tokens, id, ok := whose(p, at); ok {
		o.Row, o.Position, o.Tokens, o.Token = row, position, tokens, id
	}
}
