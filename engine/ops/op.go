// Package ops holds the coarse operations that a Llama-architecture model is
// made of, as custom operations of Gorgonia's expression graph: Gorgonia keeps
// the graph, differentiates it and runs it, the kernels do the arithmetic.
//
// Every op owns its output buffer and reuses it from run to run, so a step in
// steady state allocates next to nothing. Outputs that are cheap to compute
// again (norms, SwiGLU) share one buffer over all layers and are restored for
// backward. What backward needs from forward (norms' scales, log-sum-exps,
// LoRA's inner products) stays in fields of the forward op; SymDiff builds the backward op as a closure over it. A backward
// op has the gradient of its first input as its value; further gradients (of
// LoRA factors or weights) are exposed by pick ops.
package ops

import (
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"runtime/debug"
	"strings"
	"time"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"hone/engine/kernel"
)

// ErrNonFinite is wrapped by the error of an op whose output holds a NaN or an
// infinity while Runtime.CheckFinite is set.
var ErrNonFinite = errors.New("non-finite value")

// ErrSameHash is wrapped by the error of a graph in which two nodes have the
// same hash: Gorgonia would take them for one value and silently drop one.
var ErrSameHash = errors.New("the same hash")

// Error is the failure of one op. It names the op as charts and traces do.
type Error struct {
	Op, Phase string
	Row, Col  int  // first bad element of a non-finite output, else -1
	PerToken  bool // the output has a row a token: Row is a position in the packed batch
	Err       error
}

func (e *Error) Error() string { return fmt.Sprintf("%s %s: %v", e.Op, e.Phase, e.Err) }

// Unwrap returns the cause: a context error, ErrNonFinite, a panic.
func (e *Error) Unwrap() error { return e.Err }

var (
	matrix = G.TensorType{Dims: 2, Of: tensor.Float32}
	vector = G.TensorType{Dims: 1, Of: tensor.Float32}
	ids    = G.TensorType{Dims: 1, Of: tensor.Int32}
)

// base implements gorgonia.Op but for Do.
type base struct {
	rt    *Runtime
	name  string
	phase string
	in    []hm.Type
	shape tensor.Shape // of the output; empty for a scalar
	value *tensor.Dense
	out   []float32 // backing of value, [rows, width]
	rows  bool      // the output has one row a token: only the first rt.tokens() count
	// component names the part of a fused output that column col belongs to.
	component func(col int) string
}

// newBase describes an op with an output of its own.
func newBase(rt *Runtime, name, phase string, in []hm.Type, shape ...int) base {
	return makeBase(rt, name, phase, in, make([]float32, tensor.Shape(shape).TotalSize()), shape...)
}

// makeBase is newBase on memory of the caller's: scratch shared between layers,
// or the accumulator of a parameter's gradient.
func makeBase(rt *Runtime, name, phase string, in []hm.Type, backing []float32, shape ...int) base {
	b := base{rt: rt, name: name, phase: phase, in: in, shape: shape, out: backing}
	if len(shape) > 0 {
		b.value = tensor.New(tensor.WithShape(shape...), tensor.WithBacking(b.out))
	}
	b.rows = len(shape) == 2 && shape[0] == rt.MaxTokens
	return b
}

func (b *base) Arity() int { return len(b.in) }

// Type must be a fresh value at every call: Gorgonia's inference returns it to
// a pool.
func (b *base) Type() hm.Type {
	types := append([]hm.Type{}, b.in...)
	switch len(b.shape) {
	case 0:
		types = append(types, tensor.Float32)
	case 1:
		types = append(types, vector)
	default:
		types = append(types, matrix)
	}
	return hm.NewFnType(types...)
}
func (b *base) InferShape(...G.DimSizer) (tensor.Shape, error) { return b.shape, nil }
func (b *base) ReturnsPtr() bool                               { return true }
func (b *base) CallsExtern() bool                              { return false }
func (b *base) OverwritesInput() int                           { return -1 }

// WriteHash carries the unique name: Gorgonia merges nodes of equal hash
// without comparing their children.
func (b *base) WriteHash(h hash.Hash) { fmt.Fprintf(h, "%s/%s", b.phase, b.name) }
func (b *base) Hashcode() uint32      { h := fnv.New32a(); b.WriteHash(h); return h.Sum32() }
func (b *base) String() string        { return b.phase + " " + b.name }

// exec is the only way a kernel runs: cancellation, panic fence, non-finite
// check and hook around f.
func (b *base) exec(f func()) (value G.Value, err error) {
	at := Error{Op: b.name, Phase: b.phase, Row: -1, Col: -1, PerToken: b.rows}
	defer func() {
		if r := recover(); r != nil {
			// The tape machine runs ops on a goroutine of its own: a panic that
			// left here would end the process.
			err = panicError(r)
		}
		if err != nil {
			at.Err = err
			b.rt.Failed = &at
			err = &at
		}
	}()
	if b.rt.Ctx != nil {
		if err := b.rt.Ctx.Err(); err != nil {
			return nil, err
		}
	}
	start := time.Now()
	f()
	active, width := b.active()
	record := Record{Name: b.name, Phase: b.phase, Output: active, Width: width, PerToken: b.rows, Part: b.component}
	if b.rt.Fault != nil {
		b.rt.Fault(record)
	}
	if b.rt.CheckFinite {
		if i := kernel.FirstNonFinite(active); i >= 0 {
			at.Row, at.Col = i/width, i%width
			if b.component != nil {
				at.Op = b.component(at.Col)
			}
			return nil, fmt.Errorf("%w %v at row %d, column %d", ErrNonFinite, active[i], at.Row, at.Col)
		}
	}
	b.rt.traced(record, start)
	return b.value, nil
}

// active is the part of the output that this micro-batch fills, and its width.
func (b *base) active() ([]float32, int) {
	width := 1
	if len(b.shape) > 0 {
		width = b.shape[len(b.shape)-1]
	}
	if b.rows {
		return b.out[:b.rt.tokens()*width], width
	}
	return b.out, width
}

func panicError(r any) error {
	var p *kernel.TaskPanic
	if e, ok := r.(error); ok && errors.As(e, &p) {
		return fmt.Errorf("panic: %v\n%s", p.Value, p.Stack)
	}
	if p, ok := r.(*kernel.TaskPanic); ok {
		return fmt.Errorf("panic: %v\n%s", p.Value, p.Stack)
	}
	return fmt.Errorf("panic: %v\n%s", r, debug.Stack())
}

// floats is the backing of a value.
func floats(v G.Value) []float32 { return v.Data().([]float32) }

func matrices(n int) []hm.Type {
	types := make([]hm.Type, n)
	for i := range types {
		types[i] = matrix
	}
	return types
}

// backward is a backward op: f fills base.out with the gradient of the first
// input from the values of the op's inputs.
type backward struct {
	base
	f func(in []G.Value)
}

func (o *backward) Do(in ...G.Value) (G.Value, error) { return o.exec(func() { o.f(in) }) }

// restorer is an op whose output shares its buffer with that of other layers:
// what backward needs it for again is computed again, from the op's kept input.
type restorer interface{ restore() }

// restorable returns how to restore the value of n before it is read in
// backward; for a value that is kept it does nothing.
func restorable(n *G.Node) func() {
	if o, ok := n.Op().(restorer); ok {
		return o.restore
	}
	return func() {}
}

// pick exposes a further output of a backward op (the gradient of a LoRA factor
// or of a weight) as a node. Its only input is the backward op, so it runs
// after it.
type pick struct{ base }

func (o *pick) Do(...G.Value) (G.Value, error) { return o.exec(func() {}) }

// Kind strips the layer from a name: layers.7.mlp.down_proj -> mlp.down_proj.
// Backward ops of one kind share an output buffer.
func Kind(name string) string {
	if rest, ok := strings.CutPrefix(name, "layers."); ok {
		if _, after, ok := strings.Cut(rest, "."); ok {
			return after
		}
	}
	return name
}

// apply adds op to the graph under its own name.
func apply(op G.Op, children ...*G.Node) (*G.Node, error) {
	n, err := G.ApplyOpWithName(op, op.String(), children...)
	if err != nil {
		return nil, fmt.Errorf("building %s: %w", op, err)
	}
	if n.Op() != op { // Gorgonia took it for one that it had
		return nil, fmt.Errorf("building %s: %w as another of the graph", op, ErrSameHash)
	}
	return n, nil
}
