package bench

import (
	"slices"

	"hone/engine"
)

// Op is one kind of operation in a step: the median over the timed steps. What
// is left of the median step is the operation "rest", so they sum to it.
type Op struct {
	Name    string  `json:"name"`
	Phase   string  `json:"phase"` // forward, backward, or "" for what is no operation
	Calls   int     `json:"calls"`
	Seconds float64 `json:"seconds"`
	Share   float64 `json:"share"` // of the step
}

// rest is what Trainer.ProfileStep calls the time outside all operations.
const rest = "rest"

// summarize takes the median of each operation over steps, and gives the
// difference to the median step to the rest.
func summarize(steps [][]engine.OpTime, seconds float64) []Op {
	type kind struct{ name, phase string }
	times := map[kind][]float64{}
	calls := map[kind]int{}
	for _, s := range steps {
		for _, o := range s {
			k := kind{o.Name, o.Phase}
			times[k] = append(times[k], o.Seconds)
			calls[k] = max(calls[k], o.Calls)
		}
	}
	left := seconds
	var list []Op
	for k, t := range times {
		if k.name == rest {
			continue
		}
		o := Op{Name: k.name, Phase: k.phase, Calls: calls[k], Seconds: median(t)}
		left -= o.Seconds
		list = append(list, o)
	}
	list = append(list, Op{Name: rest, Calls: 1, Seconds: left})
	for i := range list {
		list[i].Share = list[i].Seconds / seconds
	}
	slices.SortFunc(list, func(a, b Op) int {
		switch {
		case a.Seconds > b.Seconds:
			return -1
		case a.Seconds < b.Seconds:
			return 1
		case a.Name+a.Phase < b.Name+b.Phase:
			return -1
		}
		return 1
	})
	return list
}
