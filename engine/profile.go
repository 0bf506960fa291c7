package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"hone/engine/ops"
)

// OpTime is the time of one kind of operation in a step, summed over layers and
// micro-batches.
type OpTime struct {
	Name    string  `json:"name"`  // mlp.gate_up_proj, lm_head, optimizer, rest
	Phase   string  `json:"phase"` // forward, backward, or "" for what is no operation
	Calls   int     `json:"calls"`
	Seconds float64 `json:"seconds"`
}

// ProfileStep takes a step and says where its time went. The times sum to the
// step's: what is neither in an operation nor in the optimizer is "rest".
func (t *Trainer) ProfileStep(ctx context.Context) (Step, []OpTime, error) {
	times := map[[2]string]*OpTime{}
	rt := t.graph.Runtime
	before := rt.Hook
	defer func() { rt.Hook = before }()
	rt.Hook = func(r ops.Record) {
		key := [2]string{ops.Kind(r.Name), r.Phase}
		if r.Phase == ops.Gradient {
			return // a view of what a backward op computed
		}
		if times[key] == nil {
			times[key] = &OpTime{Name: key[0], Phase: key[1]}
		}
		times[key].Calls++
		times[key].Seconds += r.Seconds
	}
	start := time.Now()
	s, err := t.Step(ctx)
	if err != nil {
		return s, nil, err
	}
	rest := time.Since(start).Seconds() - s.OptimizerSeconds
	list := []OpTime{{Name: "norms, clipping, optimizer", Calls: 1, Seconds: s.OptimizerSeconds}}
	for _, o := range times {
		list = append(list, *o)
		rest -= o.Seconds
	}
	list = append(list, OpTime{Name: "rest", Calls: 1, Seconds: rest})
	slices.SortFunc(list, func(a, b OpTime) int {
		switch {
		case a.Seconds > b.Seconds:
			return -1
		case a.Seconds < b.Seconds:
			return 1
		}
		return strings.Compare(a.Name+a.Phase, b.Name+b.Phase)
	})
	return s, list, nil
}
