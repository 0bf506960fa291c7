package decode

import (
	"context"
	"errors"
	"slices"

	"hone/engine/kernel"
	"hone/engine/rng"
)

// Why a generation ended.
const (
	StopEOS    = "eos"     // the model ended it
	StopLength = "max_new" // MaxNew tokens
	StopClosed = "closed"  // the caller's Stop
)

// Options are how to generate.
type Options struct {
	MaxNew int
	Batch  int     // sequences generated side by side
	EOS    []int32 // any of these ends a text
	// Temperature 0 is greedy decoding. Above it, tokens are drawn from the
	// smallest set of likeliest tokens whose probabilities sum to TopP (0 or 1:
	// from all), by a generator keyed by Seed, the prompt's index and the position.
	Temperature, TopP float64
	Seed              uint64
	// Stop, if set, sees every token of prompt i that is not EOS and ends the
	// text by returning true.
	Stop func(i int, id int32) bool
	// Chosen, if set, sees every token of prompt i before Stop does, EOS included,
	// with its probability and the Top likeliest tokens in its place: those of the
	// model at temperature 1, whatever sampling or a constraint made of them.
	Chosen   func(i int, c Choice)
	Top      int
	Progress func(done, total int)
	// Constraint, if set, makes every text an object of a schema. EOS has to be
	// what it was made with. Tokens that it leaves no choice of are appended and
	// read together: Stop sees them, one by one, before the model does.
	Constraint *Constraint
}

// Output is one generated text.
type Output struct {
	IDs     []int32 // generated ids, EOS included
	Stopped string
}

// Generate continues every prompt. Sequences leave the batch when they end and
// waiting ones take their places; a text does not depend on which others ran
// beside it. On a cancelled context it returns what it has, with the error.
func (m *Model) Generate(ctx context.Context, prompts [][]int32, o Options) ([]Output, error) {
	g, err := m.Begin(ctx, prompts, o)
	for more := err == nil; more; {
		more, err = g.Next(ctx)
	}
	if g == nil {
		return nil, err
	}
	return g.out, err
}

// Begin is Generate up to the first token; [Generation.Next] goes on from there.
// The generations of several models may take turns.
func (m *Model) Begin(ctx context.Context, prompts [][]int32, o Options) (*Generation, error) {
	if o.MaxNew < 1 || o.Batch < 1 {
		return nil, errors.New("generating needs at least one new token and a batch of one")
	}
	for _, p := range prompts {
		if len(p) == 0 {
			return nil, errors.New("generating needs at least one token of prompt")
		}
	}
	if o.Constraint != nil {
		if err := o.Constraint.check(o, m.weights.Config.Vocab); err != nil {
			return nil, err
		}
	}
	g := &Generation{m: m, o: o, prompts: prompts, out: make([]Output, len(prompts))}
	for _, p := range prompts {
		g.longest = max(g.longest, len(p))
	}
	return g, g.readPrefix(ctx)
}

// Next adds a token to every text that is being generated; more is false when
// none is left.
func (g *Generation) Next(ctx context.Context) (more bool, err error) {
	if g.admit(); len(g.live) == 0 {
		return false, nil
	}
	err = g.advance(ctx)
	return err == nil, err
}

// Outputs are the texts as far as they are generated.
func (g *Generation) Outputs() []Output { return g.out }

// Generation is a Generate call that goes token by token.
type Generation struct {
	m       *Model
	o       Options
	prompts [][]int32
	out     []Output
	longest int       // tokens of the longest prompt: caches of one size serve all
	prefix  *sequence // what all prompts begin with; nil where that is nothing
	next    int       // first prompt that waits
	done    int
	live    []*running
}

type running struct {
	index   int
	seq     *sequence
	pending []int32 // tokens to feed: the prompt, then the last token; with what was forced behind them

	// With a constraint: where the text stands in it, and its bytes.
	state state
	text  []byte
}

// readPrefix reads the tokens that all prompts begin with, once for all of them.
// Every prompt keeps one to read itself.
func (g *Generation) readPrefix(ctx context.Context) error {
	if len(g.prompts) < 2 {
		return nil
	}
	n := len(g.prompts[0]) - 1
	for _, p := range g.prompts[1:] {
		n = min(n, len(p)-1)
		for i, id := range p[:n] {
			if id != g.prompts[0][i] {
				n = i
				break
			}
		}
	}
	if n == 0 {
		return nil
	}
	g.prefix = g.m.newSequence(n)
	_, err := g.m.forward(ctx, []chunk{{seq: g.prefix, tokens: g.prompts[0][:n], from: n}})
	return err
}

// shared is how many tokens of a prompt have been read for all.
func (g *Generation) shared() int {
	if g.prefix == nil {
		return 0
	}
	return g.prefix.length
}

// admit fills free places with waiting prompts.
func (g *Generation) admit() {
	for len(g.live) < g.o.Batch && g.next < len(g.prompts) {
		r := &running{index: g.next, pending: slices.Clone(g.prompts[g.next][g.shared():])}
		g.next++
		if g.o.Constraint != nil && g.force(r) {
			g.finish()
			continue
		}
		r.seq = g.m.newSequence(g.longest + g.o.MaxNew)
		if g.prefix != nil {
			r.seq.begin(g.prefix, g.prefix.length)
		}
		g.live = append(g.live, r)
	}
}

func (g *Generation) finish() {
	g.done++
	if g.o.Progress != nil {
		g.o.Progress(g.done, len(g.prompts))
	}
}

// advance feeds what is pending and appends one token to every live sequence.
func (g *Generation) advance(ctx context.Context) error {
	chunks := make([]chunk, len(g.live))
	for i, r := range g.live {
		chunks[i] = chunk{r.seq, r.pending, len(r.pending) - 1}
	}
	hidden, err := g.m.forward(ctx, chunks)
	if err != nil {
		return err
	}
	vocab := g.m.weights.Config.Vocab
	logits := g.m.logits(hidden, len(g.live))
	live := g.live[:0]
	for i, r := range g.live {
		r.pending = r.pending[:0]
		if g.pick(r, logits[i*vocab:(i+1)*vocab]) || g.o.Constraint != nil && g.force(r) {
			g.m.end(r.seq)
			g.finish()
			continue
		}
		live = append(live, r)
	}
	g.live = live
	return nil
}

// pick takes the next token of a text by its logits, which it overwrites, and
// reports whether the text has ended.
func (g *Generation) pick(r *running, logits []float32) bool {
	if g.o.Chosen == nil {
		return g.take(r, g.choose(logits, r))
	}
	among := distribution(logits, g.o.Top)
	saved := slices.Clone(logits)
	id := g.choose(logits, r)
	g.o.Chosen(r.index, among.choice(id, saved))
	return g.take(r, id)
}

// take appends a token to a text and to what is to be fed, and reports whether
// the text has ended.
func (g *Generation) take(r *running, id int32) bool {
	if g.append(r.index, id) {
		return true
	}
	r.pending = append(r.pending, id)
	if c := g.o.Constraint; c != nil {
		r.state, _ = c.read(r.state, id)
		r.text = append(r.text, c.bytes[id]...)
	}
	return false
}

// force takes the tokens that the constraint leaves no choice of, and reports
// whether the text has ended.
func (g *Generation) force(r *running) bool {
	c := g.o.Constraint
	for _, id := range c.forced(r.state, r.text, g.left(r)) {
		if g.forceOne(r, id) {
			return true
		}
	}
	return r.state.mode == modeDone && g.forceOne(r, c.eos[0])
}

// forceOne takes a token that the model was not asked for.
func (g *Generation) forceOne(r *running, id int32) bool {
	if g.o.Chosen != nil {
		g.o.Chosen(r.index, Choice{ID: id, Forced: true})
	}
	return g.take(r, id)
}

// left is how many tokens a text may still have.
func (g *Generation) left(r *running) int { return g.o.MaxNew - len(g.out[r.index].IDs) }

// append adds a token to output i and reports whether the text has ended.
func (g *Generation) append(i int, id int32) bool {
	out := &g.out[i]
	out.IDs = append(out.IDs, id)
	switch {
	case slices.Contains(g.o.EOS, id):
		out.Stopped = StopEOS
	case g.o.Stop != nil && g.o.Stop(i, id):
		out.Stopped = StopClosed
	case len(out.IDs) >= g.o.MaxNew:
		out.Stopped = StopLength
	}
	return out.Stopped != ""
}

// choose picks the next token of a text from its logits, which it overwrites.
func (g *Generation) choose(logits []float32, r *running) int32 {
	c := g.o.Constraint
	if g.o.Temperature <= 0 {
		if c != nil {
			return c.best(logits, r.state, g.left(r))
		}
		_, best := kernel.Max(logits)
		return int32(best)
	}
	if c != nil {
		c.restrict(logits, r.state, g.left(r))
	}
	largest, _ := kernel.Max(logits)
	t := float32(1 / g.o.Temperature)
	sum := kernel.ExpSum(logits, logits, t, -largest*t) // logits are now weights
	draw := rng.New(g.o.Seed, "sample").With(uint64(r.index)).Float64(uint64(len(g.out[r.index].IDs)))
	id := sample(logits, float64(sum), g.o.TopP, draw)
	if c != nil && !c.fits(r.state, id, g.left(r)) {
		return c.best(logits, r.state, g.left(r)) // drawn beyond the last by rounding, or from non-finite weights
	}
	return id
}

// sample draws from weights with the given sum, restricted to the likeliest
// tokens that hold the share topP; draw is uniform in [0,1).
func sample(weights []float32, sum, topP, draw float64) int32 {
	order := make([]int32, len(weights))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		switch {
		case weights[a] > weights[b]:
			return -1
		case weights[a] < weights[b]:
			return 1
		}
		return 0
	})
	kept, mass := len(order), sum
	if topP > 0 && topP < 1 {
		mass = 0
		for i, id := range order {
			mass += float64(weights[id])
			if mass >= topP*sum {
				kept = i + 1
				break
			}
		}
	}
	left := draw * mass
	for _, id := range order[:kept] {
		left -= float64(weights[id])
		if left < 0 {
			return id
		}
	}
	return order[max(0, min(kept, len(order))-1)]
}

// NextLogits are the logits [vocab] after the last token of ids: a copy.
func (m *Model) NextLogits(ctx context.Context, ids []int32) ([]float32, error) {
	seq := m.newSequence(len(ids))
	defer m.end(seq)
	hidden, err := m.forward(ctx, []chunk{{seq, ids, len(ids) - 1}})
	if err != nil {
		return nil, err
	}
	return slices.Clone(m.logits(hidden, 1)), nil
}
