package engine

import (
	"cmp"
	"context"
	"math"
	"slices"

	"hone/engine/batch"
	"hone/engine/decode"
	"hone/engine/kernel"
	"hone/engine/loss"
	"hone/engine/optim"
)

// Preflight is what the next step looks like before it is taken: the same examples
// by three ways, and the gradient of every term of the loss. It is on a few of the
// step's shortest examples, without dropout; nothing of it is applied. What comes
// after a first failure is not computed, and zero.
type Preflight struct {
	Tensor  string // trained tensor that holds a value that is not finite; "" where none does
	Element int    // of the first such value in the flat tensor

	// Consumed is the whole batch of the step as the loop would consume it, with no
	// figures: where it was refused, Problem says why.
	Consumed Step

	Rows     []ThreeWays
	Targets  int  // of them together
	Counted  int  // targets that the loop saw of them
	Again    bool // the first of them, computed alone twice, gave the same bits
	Constant bool // every target of theirs has the same probability, to the last bit

	BatchLoss float64 // the weighted loss of the examples packed by hand
	Loop      Step    // the step's own path on these examples
	Terms     []TermGradient
}

// ThreeWays is the cross entropy of one example, in nats a target.
type ThreeWays struct {
	Row, Tokens, Targets int

	Alone float64 // by the forward pass of evaluations, the example by itself
	Batch float64 // by the graph of training, packed behind the others
	Loop  float64 // by the training step, from what it consumed
	// Graph is by the graph of training, the example by itself. It is looked at
	// where Alone and Batch differ, and tells which one is off; else it is NaN.
	Graph float64
}

// TermGradient is what one term of the loss, weighted as in the run, does alone.
type TermGradient struct {
	Name   string // ce, json, field, confidence
	Weight float64
	Fed    int     // tokens, or fields, of the example that feed it; 0 = none, and nothing was computed
	Anyone bool    // some example of the run feeds it
	Value  float64 // the term, unweighted
	Norm   float64 // of its gradient with respect to all that is trained
	Zero   int     // trained tensors that it does not reach
	Of     int     // trained tensors
}

// How far two ways to the same loss may be apart, relative to it or to one nat.
// Sums in another order are within the first; products in bfloat16 round what they
// are given, in another order too: by 1e-3 in a model of 30 layers.
const (
	tolerance     = 1e-4
	toleranceBF16 = 1e-2
)

// Tolerance is how far two ways to the same loss may be apart, relative to it or to
// one nat.
func (t *Trainer) Tolerance() float64 {
	if t.weights.Head.Packed().Format() == kernel.BF16 {
		return toleranceBF16
	}
	return tolerance
}

// Agree reports whether two losses are the same one.
func (t *Trainer) Agree(a, b float64) bool { return Apart(a, b) <= t.Tolerance() }

// Apart is how far two losses are apart, relative to the larger or to one nat; +Inf
// where one is not finite.
func Apart(a, b float64) float64 {
	if !finite(a) || !finite(b) {
		return math.Inf(1)
	}
	return math.Abs(a-b) / max(1, math.Abs(a), math.Abs(b))
}

// preflightRows is how many examples are computed: two are the fewest that can leak
// into each other.
const preflightRows = 2

// Preflight looks at the next step without taking it. Weights, moments, the data
// cursor and what randomness is keyed by are as before: the run has the same bits
// with it and without it. It must not run beside a step of a session.
func (t *Trainer) Preflight(ctx context.Context) (Preflight, error) {
	rt := t.graph.Runtime
	evaluate, weights := rt.Evaluate, rt.Weights
	defer func() { rt.Evaluate, rt.Weights = evaluate, weights }()
	rt.Evaluate = true // dropout would make a number of its own of every way

	p := Preflight{Consumed: t.begin(), Loop: t.begin()}
	for _, x := range t.tensors {
		if i := kernel.FirstNonFinite(x.Data); i >= 0 {
			p.Tensor, p.Element = x.Name, i
			return p, nil
		}
	}
	consumed := t.remaining(t.step)
	p.Consumed.Counts, p.Consumed.Rows = batch.Count(consumed), rowsOf(consumed)
	if len(consumed) == 0 {
		return p, nil
	}
	if t.refuse(consumed, &p.Consumed) == nil {
		p.Consumed.Terms, p.Consumed.GradNorm = nothing()
		for _, micro := range batch.Split(consumed, rt.MaxTokens) {
			p.Consumed.Passes = append(p.Consumed.Passes, describe(t.faultyPack(p.Consumed.Number, micro)))
		}
	}
	chosen, source := t.representative(consumed)
	if len(chosen) == 0 {
		return p, nil
	}
	for _, compute := range []func(context.Context, []batch.Example, []batch.Example, *Preflight) error{t.alone, t.packed, t.looped, t.terms} {
		if err := compute(ctx, chosen, source, &p); err != nil {
			return p, err
		}
	}
	return p, nil
}

// representative are the shortest examples of a batch that feed what the others
// feed: as the loop has them, and as they were encoded.
func (t *Trainer) representative(consumed []batch.Example) (chosen, source []batch.Example) {
	encoded := make(map[int]batch.Example, len(t.examples))
	for _, e := range t.examples {
		encoded[e.Row] = e
	}
	var pool []batch.Example
	seen := map[int]bool{}
	outside := func(id int32) bool { return id < 0 || int(id) >= t.weights.Config.Vocab }
	for _, e := range consumed {
		s, ok := encoded[e.Row]
		if ok && !seen[e.Row] && batch.Count([]batch.Example{s}).Targets > 0 && !slices.ContainsFunc(s.IDs, outside) {
			seen[e.Row] = true
			pool = append(pool, e)
		}
	}
	slices.SortStableFunc(pool, func(a, b batch.Example) int {
		x, y := encoded[a.Row], encoded[b.Row]
		return cmp.Or(cmp.Compare(feeds(y), feeds(x)), cmp.Compare(len(x.IDs), len(y.IDs)))
	})
	chosen = pool[:min(len(pool), preflightRows)]
	for _, e := range chosen {
		source = append(source, encoded[e.Row])
	}
	return chosen, source
}

// feeds counts the kinds of terms that an example feeds.
func feeds(e batch.Example) int {
	c := batch.Count([]batch.Example{e})
	return min(1, c.Structure) + min(1, c.Fields)
}

// alone computes every example by itself, as evaluations do, the first one twice.
func (t *Trainer) alone(ctx context.Context, _, source []batch.Example, p *Preflight) error {
	longest := 0
	for _, e := range source {
		longest = max(longest, len(e.IDs))
	}
	m := decode.New(t.graph.Runtime.Pool, t.weights, t.adapter, longest)
	_, stats, err := m.Loss(ctx, source, t.Loss)
	if err != nil {
		return err
	}
	_, again, err := m.Loss(ctx, source[:1], t.Loss)
	if err != nil {
		return err
	}
	p.Again, p.Constant = slices.Equal(again[0], stats[0]), true
	for i, e := range source {
		nll := 0.0
		for _, s := range stats[i] {
			nll -= s.LogP
			p.Constant = p.Constant && s.LogP == stats[0][0].LogP
		}
		n := len(stats[i])
		p.Targets += n
		p.Rows = append(p.Rows, ThreeWays{Row: e.Row, Tokens: len(e.IDs), Targets: n, Alone: nll / float64(n), Batch: math.NaN(), Loop: math.NaN(), Graph: math.NaN()})
	}
	p.Constant = p.Constant && p.Targets > 1
	return nil
}

// packed computes the encoded examples packed by hand, the last one first: the loop
// has them the other way round.
func (t *Trainer) packed(ctx context.Context, _, source []batch.Example, p *Preflight) error {
	reversed := slices.Clone(source)
	slices.Reverse(reversed)
	losses, terms, err := t.byHand(ctx, reversed)
	if err != nil {
		return err
	}
	p.BatchLoss = terms.Loss
	for i := range p.Rows {
		row := &p.Rows[i]
		row.Batch = losses[len(losses)-1-i]
		if t.Agree(row.Alone, row.Batch) {
			continue
		}
		single, _, err := t.byHand(ctx, source[i:i+1])
		if err != nil {
			return err
		}
		row.Graph = single[0]
	}
	return nil
}

// byHand runs the graph on examples without the loop around it, and returns the
// cross entropy of each of them.
func (t *Trainer) byHand(ctx context.Context, examples []batch.Example) ([]float64, loss.Terms, error) {
	rt, head := t.graph.Runtime, t.graph.Loss
	counts := batch.Count(examples)
	rt.Ctx, rt.Counts, rt.Step = ctx, counts, t.step
	rt.ZeroGradients()
	var losses []float64
	var sums loss.Sums
	for _, micro := range batch.Split(examples, rt.MaxTokens) {
		p := batch.Pack(micro)
		if err := t.graph.Run(p); err != nil {
			return nil, loss.Terms{}, err
		}
		sums = sums.Add(head.Sums)
		for _, e := range loss.PerExample(p.LossRows, head.Stats, len(micro)) {
			losses = append(losses, e.NLL/float64(e.Targets))
		}
	}
	return losses, sums.Terms(counts, t.Loss), nil
}

// looped takes the step's own way, up to the gradients.
func (t *Trainer) looped(ctx context.Context, chosen, _ []batch.Example, p *Preflight) error {
	s := &p.Loop
	if p.Consumed.Problem != nil {
		return nil // it would never begin
	}
	s.Counts, s.Rows = batch.Count(chosen), rowsOf(chosen)
	var err error
	if s.Passes, err = t.gradients(ctx, chosen, s.Counts); err != nil {
		return err
	}
	s.Terms = total(s.Passes).Terms(s.Counts, t.Loss)
	s.Norms, s.GradNorm = optim.Norms(t.graph.Runtime.Pool, t.tensors)
	for _, pass := range s.Passes {
		for _, r := range pass.Rows {
			p.Counted += r.Loss.Targets
			for i := range p.Rows {
				if p.Rows[i].Row == r.Row {
					p.Rows[i].Loop = r.Loss.NLL / float64(r.Loss.Targets)
				}
			}
		}
	}
	if finite(s.Terms.Loss) && finite(s.GradNorm) {
		return nil
	}
	s.BadGradients = t.badGradients(s.Norms)
	s.Problem = t.origin(ctx, chosen, *s)
	return ctx.Err()
}

// terms asks every weighted term of the loss for its gradient, on the first
// example, by the step's own way.
func (t *Trainer) terms(ctx context.Context, chosen, _ []batch.Example, p *Preflight) error {
	if p.Consumed.Problem != nil || p.Loop.Problem != nil {
		return nil
	}
	rt := t.graph.Runtime
	first := chosen[:1]
	counts, all := batch.Count(first), batch.Count(t.examples)
	w := t.Loss
	for _, term := range []struct {
		name        string
		only        loss.Weights
		weight      float64
		fed, anyone int
		value       func(loss.Terms) float64
	}{
		{"ce", loss.Weights{CE: w.CE}, w.CE, counts.Targets, all.Targets, func(x loss.Terms) float64 { return x.CE }},
		{"json", loss.Weights{JSON: w.JSON}, w.JSON, counts.Structure, all.Structure, func(x loss.Terms) float64 { return x.JSON }},
		{"field", loss.Weights{Field: w.Field}, w.Field, counts.Fields, all.Fields, func(x loss.Terms) float64 { return x.Field }},
		{"confidence", loss.Weights{Confidence: w.Confidence}, w.Confidence, counts.Targets, all.Targets, func(x loss.Terms) float64 { return x.Confidence }},
	} {
		if !(term.weight > 0) {
			continue
		}
		g := TermGradient{Name: term.name, Weight: term.weight, Fed: term.fed, Anyone: term.anyone > 0, Of: len(t.tensors)}
		if g.Fed > 0 {
			rt.Weights = term.only
			passes, err := t.gradients(ctx, first, counts)
			if err != nil {
				return err
			}
			g.Value = term.value(total(passes).Terms(counts, term.only))
			var norms []float64
			norms, g.Norm = optim.Norms(rt.Pool, t.tensors)
			for _, n := range norms {
				if n == 0 {
					g.Zero++
				}
			}
		}
		p.Terms = append(p.Terms, g)
	}
	return nil
}

// Reaches reports whether a term's gradient is a number and not zero.
func (g TermGradient) Reaches() bool { return finite(g.Norm) && g.Norm > 0 }

// Saturated reports whether a term has no gradient because of where the model
// stands: its probabilities are so small, or so near one, that their product with
// anything is zero in float32.
func (g TermGradient) Saturated() bool {
	const edge = 1e-6
	switch g.Name {
	case "json", "field":
		return g.Value > 1-edge || g.Value < edge
	}
	return g.Value < edge
}
