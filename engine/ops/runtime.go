package ops

import (
	"context"
	"time"

	"hone/engine/batch"
	"hone/engine/kernel"
	"hone/engine/loss"
)

// Runtime is what every op of a graph shares: the workers, the geometry of the
// micro-batch in flight, cancellation and tracing. The graph is declared with
// MaxTokens rows and computes the first Batch.Tokens of them, so one compiled
// graph serves every micro-batch.
type Runtime struct {
	Pool      *kernel.Pool
	MaxTokens int // rows that every node is declared with

	// The micro-batch in flight.
	Batch    batch.Packed
	Counts   batch.Counts // denominators of the loss, over the whole optimizer batch
	Weights  loss.Weights
	Seed     uint64  // of the dropout masks and the noise
	Step     int     // optimizer step, keys the dropout masks and the noise
	Noise    float64 // NEFTune's alpha; 0 = none
	Evaluate bool    // no dropout, no noise

	Ctx         context.Context
	CheckFinite bool         // scan every output; the first bad one ends the run, by name
	Hook        func(Record) // called after every op
	Fault       func(Record) // may change the output of an op before it is checked: for injected failures
	Failed      *Error       // the typed cause of the last failed run (the tape machine's error does not unwrap)

	scratch      map[string][]float32
	packs        map[[2]int]*kernel.Packed
	accumulators [][]float32 // gradients of parameters, summed over micro-batches
	adds         adds
}

// Phases of an op.
const (
	Forward  = "forward"
	Backward = "backward"
	Gradient = "gradient" // a further output of a backward op, as a node
)

// Record tells a hook that an op has run.
type Record struct {
	Name    string    // readable: layers.7.mlp.down_proj
	Phase   string    // Forward, Backward or Gradient
	Output  []float32 // active rows of the output; valid during the call only
	Width   int       // columns of the output
	Seconds float64
	// PerToken says that the output has a row a token of the packed batch.
	PerToken bool
	// Part names the part of a fused output that a column belongs to; nil where
	// the output has no parts.
	Part func(col int) string
}

// NewRuntime returns a runtime for graphs of up to maxTokens rows.
func NewRuntime(pool *kernel.Pool, maxTokens int) *Runtime {
	return &Runtime{Pool: pool, MaxTokens: maxTokens, scratch: map[string][]float32{}, packs: map[[2]int]*kernel.Packed{}}
}

// tokens is the number of active rows.
func (rt *Runtime) tokens() int { return len(rt.Batch.Tokens) }

// buffer returns the scratch buffer of this name with at least n floats. Ops
// run one after the other, so an op may own any scratch for the time of its
// call; backward ops of the same kind in different layers share their outputs
// this way, because backward visits one layer at a time.
func (rt *Runtime) buffer(name string, n int) []float32 {
	b := rt.scratch[name]
	if len(b) < n {
		b = make([]float32, n)
		rt.scratch[name] = b
	}
	return b[:n]
}

// pack returns scratch for a small matrix of this shape, to be filled anew at
// every use.
func (rt *Runtime) pack(n, k int) *kernel.Packed {
	p := rt.packs[[2]int{n, k}]
	if p == nil {
		p = kernel.NewPacked(n, k)
		rt.packs[[2]int{n, k}] = p
	}
	return p
}

// rowGrain is how many rows a task of an element-wise op takes.
const rowGrain = 16

func (rt *Runtime) traced(r Record, start time.Time) {
	if rt.Hook != nil {
		r.Seconds = time.Since(start).Seconds()
		rt.Hook(r)
	}
}
