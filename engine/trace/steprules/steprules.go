// Package steprules looks at one step of a run after the other and says what is
// wrong with it, and why: from the records that every step leaves, while the run
// trains or after it.
//
// [Rules] holds no more than a window of finite numbers. Every rule looks at
// finiteness first, and no number that is not finite enters the window: a NaN
// compares false with everything and would blind it.
//
// Findings of a step come in the order in which causes precede effects: data, mask,
// loss, gradient, optimizer. The first is the first cause.
package steprules

import (
	"math"

	"hone/engine/trace"
)

// Run is what does not change from step to step.
type Run struct {
	Steps      int     // of the whole run
	Vocabulary int     // tokens of the model; 0 = not known
	Dropout    float64 // of the adapter's input while training
	Random     bool    // every weight is trained from random ones, which are small at first
	Fresh      bool    // an adapter of zero effect at step 0: LoRA's A has no gradient at first
}

// Target is a supervised token of a row.
type Target struct {
	At int // its position in the row
	ID int32
}

// Supervision is what a row holds and what of it is trained on.
type Supervision struct {
	Tokens      int
	Targets     int // after the shift
	First, Last Target
}

// Row is a row of the dataset as a step consumed it.
type Row struct {
	Row int
	Supervision
	NLL     float64 // nats over its targets; NaN where it was not computed
	Foreign bool    // its ids are not those of the dataset's row
	// Source is the row as it was encoded; nil where that is not known.
	Source *Supervision
}

// Tensor is a trained tensor in a step.
type Tensor struct {
	Name     string
	Norm     float64 // of its gradient, before clipping
	Ratio    float64 // of its update to itself
	HasRatio bool
}

// Kinds of a Cause.
const (
	BadWeight     = "weight"     // a trained tensor held a value that is not finite
	BadOp         = "op"         // an operation computed one
	BadGradient   = "gradient"   // a gradient held one although operations did not
	BadUpdate     = "update"     // the update would have overflowed
	BadMoment     = "moment"     // a moment held one before the update
	NotInModel    = "vocabulary" // a token that the model does not have
	NothingToDo   = "targets"    // no token of the batch is supervised
	NotUnderstood = "other"
)

// Cause is where the guard saw the first value that is not finite, or why a batch
// was refused.
type Cause struct {
	Kind      string
	Op, Phase string // of BadOp: layers.7.mlp.down_proj, forward
	Tensor    string
	Text      string // as the guard said it
	Row       int    // of the dataset; -1 where it is not known
}

// Step is one step. Numbers that were not computed are NaN.
type Step struct {
	Number     int // from 1
	Epoch, At  int // where its batch begins: epoch from 0, example in its order
	Rows       []Row
	Distinct   int   // different sequences among the rows; 0 = not known
	Order      []int // rows that the order of the epoch has for the step, where it took others; else nil
	Loss, CE   float64
	Of, OfCE   float64 // the loss that was differentiated, and its cross entropy
	Norm       float64
	Tensors    []Tensor
	LR         float64
	LRExpected float64 // of the schedule, interventions included
	NoDropout  bool    // a pass ran without dropout
	Applied    bool
	Changed    int // tensors with other values than before
	Values     int // values that are others
	Cause      *Cause
	Skipped    []int // rows that were left out
}

// Rules looks at the steps of a run in order. Its zero value is not usable, see
// [New].
type Rules struct {
	run     Run
	losses  window
	norms   window
	rows    uint64 // of the last step, see rowsKey
	epoch   int
	last    int
	raised  map[string]int // step at which a rule last fired, of the rules of the table
	started bool
}

// New returns the rules for a run.
func New(run Run) *Rules { return &Rules{run: run, raised: map[string]int{}} }

// rule looks at a step. The findings of those before it in the table are given:
// what follows from them is not found again.
type rule func(r *Rules, s *Step, before []trace.Finding) *trace.Finding

// table is in the order of causes.
var table = []rule{
	vocabulary, collate, constant, length, empty, masked, truncated, shifted, early, late, end, corrupt, order,
	mode, wiring, nonFinite, denominators, penalty,
	noGradient, detached, normalLoRA, spike,
	schedule, diverge, frozen, perfect,
}

// Step looks at the next step, and returns what is new in it: a rule that fires at
// every step is told of once, and again after it was silent. A step of a number
// that was seen already begins the run anew from there.
func (r *Rules) Step(s Step) []trace.Finding {
	if r.started && s.Number <= r.last {
		r.rewind(s.Number)
	}
	var all, fresh []trace.Finding
	for _, rule := range table {
		f := rule(r, &s, all)
		if f == nil {
			continue
		}
		all = append(all, *f)
		if at, ok := r.raised[f.ID]; !ok || at != s.Number-1 {
			fresh = append(fresh, *f)
		}
		r.raised[f.ID] = s.Number
	}
	r.remember(&s, all)
	return fresh
}

// rewind forgets what steps from a number on have left. The windows stay: they
// are of the same run.
func (r *Rules) rewind(number int) {
	for id, at := range r.raised {
		if at >= number {
			delete(r.raised, id)
		}
	}
	r.rows = 0
}

func (r *Rules) remember(s *Step, found []trace.Finding) {
	r.started, r.last = true, s.Number
	r.rows, r.epoch = rowsKey(s.Rows), s.Epoch
	if s.Applied && !cause(found) {
		r.losses.add(s.CE)
		r.norms.add(s.Norm)
	}
}

// cause reports whether anything above a note was found.
func cause(found []trace.Finding) bool {
	for _, f := range found {
		if f.Severity != trace.Note {
			return true
		}
	}
	return false
}

// rowsKey is a hash of the rows of a batch in their order; 0 for none.
func rowsKey(rows []Row) uint64 {
	if len(rows) == 0 {
		return 0
	}
	h := uint64(14695981039346656037)
	for _, row := range rows {
		h = (h ^ uint64(row.Row)) * 1099511628211
	}
	return h
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
