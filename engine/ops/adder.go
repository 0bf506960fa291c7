package ops

import (
	"fmt"
	"time"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"hone/engine/kernel"
)

// Adder is the tensor engine that runs the only built-in operation left in the
// graph: the additions by which Gorgonia sums the gradients of a value with
// several consumers (the residual stream, a tied embedding).
type Adder struct {
	G.StandardEngine
	rt *Runtime
}

// NewAdder returns the engine for the tape machine of rt's graph.
func NewAdder(rt *Runtime) *Adder { return &Adder{rt: rt} }

// adds holds the results of additions. A sum of gradients lives until the next
// sum of the same shape has been formed, so two buffers a shape alternate; and
// none of them is ever an operand's own memory, which other layers share.
type adds struct {
	buffers map[string][2]*tensor.Dense
	next    map[string]int
}

func (rt *Runtime) sum(shape tensor.Shape) *tensor.Dense {
	if rt.adds.buffers == nil {
		rt.adds.buffers, rt.adds.next = map[string][2]*tensor.Dense{}, map[string]int{}
	}
	key := fmt.Sprint([]int(shape))
	pair, ok := rt.adds.buffers[key]
	if !ok {
		for i := range pair {
			pair[i] = tensor.New(tensor.WithShape(shape...), tensor.WithBacking(make([]float32, shape.TotalSize())))
		}
		rt.adds.buffers[key] = pair
	}
	i := rt.adds.next[key]
	rt.adds.next[key] = 1 - i
	return pair[i]
}

// Add implements tensor.Adder for matrices of float32. Of a matrix with a row a
// token only the active rows are added.
func (e *Adder) Add(a, b tensor.Tensor, _ ...tensor.FuncOpt) (tensor.Tensor, error) {
	start := time.Now()
	x, ok := a.Data().([]float32)
	y, ok2 := b.Data().([]float32)
	if !ok || !ok2 || !a.Shape().Eq(b.Shape()) || a.Dims() != 2 {
		return nil, fmt.Errorf("adding gradients of shapes %v and %v", a.Shape(), b.Shape())
	}
	out := e.rt.sum(a.Shape())
	z := out.Data().([]float32)
	rows, width := a.Shape()[0], a.Shape()[1]
	if rows == e.rt.MaxTokens {
		rows = e.rt.tokens()
	}
	e.rt.Pool.Rows(rows, rowGrain, func(lo, hi int) {
		lo, hi = lo*width, hi*width
		kernel.Add(z[lo:hi], x[lo:hi], y[lo:hi])
	})
	e.rt.traced(Record{Name: "gradient sum", Phase: Backward, Output: z[:rows*width], Width: width, PerToken: a.Shape()[0] == e.rt.MaxTokens}, start)
	return out, nil
}
