package bench

import (
	"context"
	"errors"
	"time"

	"hone/data"
	"hone/experiments"
)

// EvalOptions say how an evaluation is measured.
type EvalOptions struct {
	Options
	Adapter     string // directory; "" = the base model
	Split       string // "" = test
	Limit       int    // rows, the first; 0 = all
	Constrained bool
}

// Eval is the speed of a greedy evaluation, with its scores: a fast evaluation
// of wrong outputs shows.
type Eval struct {
	Setting
	Adapter     bool   `json:"adapter"`
	Split       string `json:"split"`
	Batch       int    `json:"batch"`
	Constrained bool   `json:"constrained,omitempty"`
	Repeat      int    `json:"repeat"`

	Seconds         float64 `json:"seconds"` // without loading
	LoadSeconds     float64 `json:"load_seconds"`
	RowsPerSecond   float64 `json:"rows_per_second"`
	Tokens          int     `json:"tokens"` // generated, EOS included
	TokensPerSecond float64 `json:"tokens_per_second"`
	PeakBytes       int64   `json:"peak_bytes"`
	experiments.Scores
}

// MeasureEval generates and scores a split as hone eval does.
func MeasureEval(ctx context.Context, o EvalOptions) (*Eval, error) {
	t, err := o.resolve(ctx)
	if err != nil {
		return nil, err
	}
	defer t.close()
	if o.Split == "" {
		o.Split = data.Test
	}
	r := &Eval{
		Setting: t.setting("eval"), Adapter: o.Adapter != "", Split: o.Split, Batch: t.config.Eval.Batch,
		Constrained: o.Constrained, Repeat: max(1, o.Repeat),
	}
	o.progress("loading the model", 0, 0)
	start := time.Now()
	g, err := experiments.OpenGenerator(ctx, t.config, o.Adapter)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	if g.Dataset.Format == data.Text {
		return nil, errors.New("rows of text have no answers: nothing is generated that could be timed")
	}
	g.Constrain(o.Constrained)
	r.LoadSeconds = time.Since(start).Seconds()
	var seconds []float64
	for range r.Repeat {
		start := time.Now()
		e, err := g.Evaluate(ctx, o.Split, o.Limit, func(done, total int) { o.progress("generating", done, total) })
		if err != nil {
			return nil, err
		}
		seconds = append(seconds, time.Since(start).Seconds())
		r.Scores, r.Tokens = e.Scores, 0
		for _, x := range e.Examples {
			r.Tokens += x.Tokens
		}
	}
	r.Seconds = median(seconds)
	r.RowsPerSecond, r.TokensPerSecond = float64(r.N)/r.Seconds, float64(r.Tokens)/r.Seconds
	r.PeakBytes = peakBytes()
	return r, nil
}
