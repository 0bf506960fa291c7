package experiments

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"hone/data"
	"hone/data/chat"
	"hone/engine/decode"
	"hone/engine/llama"
	"hone/runs"
)

// Generated is what a model made of one row, with its score.
type Generated struct {
	Row       int    `json:"row"` // index in the split
	Text      string `json:"text"`
	Tokens    int    `json:"tokens"`     // generated, EOS included
	StoppedBy string `json:"stopped_by"` // eos, closed (the object was complete), max_new
	Output    Output `json:"score"`
	// Loss is how unlikely the model finds the target; nil where that was not
	// measured.
	Loss *TargetLoss `json:"target_loss,omitempty"`
	// Mistakes are the kinds of what is wrong, by field, see [MistakeWords]; only in
	// a comparison.
	Mistakes map[string]string `json:"mistakes,omitempty"`
}

// Evaluation is a model's outputs on a split, scored.
type Evaluation struct {
	Split string `json:"split"`
	Scores
	// Constrained says that the outputs could only be objects of the schema: their
	// scores are not those of the model left to itself.
	Constrained bool `json:"constrained,omitempty"`
	// Loss and Perplexity are of rows of text, of which nothing else is measured: the
	// mean of -log p over all tokens but each row's first, and exp of it.
	Loss         runs.Number `json:"loss,omitempty"`
	Perplexity   runs.Number `json:"perplexity,omitempty"`
	SchemaFields []string    `json:"-"`
	Examples     []Generated `json:"-"`
}

// outputs generates the completions of rows of a split. A generation ends at
// EOS, when the object that it opened closes, or at eval.max_new tokens. Of texts
// that are learned as a whole nothing is generated: what would be right is not
// known.
func (l *loaded) outputs(ctx context.Context, m *decode.Model, split string, rows []int, progress func(done, total int)) ([]Generated, error) {
	return l.constrainedOutputs(ctx, m, nil, split, rows, progress)
}

// constrainedOutputs is outputs under a constraint, if there is one.
func (l *loaded) constrainedOutputs(ctx context.Context, m *decode.Model, c *decode.Constraint, split string, rows []int, progress func(done, total int)) ([]Generated, error) {
	all, err := l.Dataset.Split(split)
	if err != nil {
		return nil, err
	}
	out := make([]Generated, len(rows))
	if l.Dataset.Format == data.Text {
		for i, r := range rows {
			out[i] = Generated{Row: r, Output: Output{Text: true, Unscored: true}}
		}
		return out, nil
	}
	prompts := make([][]int32, len(rows))
	for i, r := range rows {
		if prompts[i], err = l.Encoder.PromptOf(all[r]); err != nil {
			return nil, fmt.Errorf("rendering %s: %w", all[r].Position(), err)
		}
	}
	texts, err := m.Generate(ctx, prompts, decode.Options{
		MaxNew: l.Config.Eval.MaxNew, Batch: l.Config.Eval.Batch, EOS: l.EOS, Stop: l.stopper(len(rows)), Progress: progress,
		Constraint: c,
	})
	if err != nil {
		return nil, fmt.Errorf("generating: %w", err)
	}
	for i, r := range rows {
		text := l.text(texts[i].IDs)
		out[i] = Generated{
			Row: r, Text: text, Tokens: len(texts[i].IDs), StoppedBy: texts[i].Stopped,
			Output: ScoreText(text, all[r].Completion, l.Dataset.Schema),
		}
	}
	return out, nil
}

// stopper ends a text when its object closes. Texts that are not objects end at
// EOS only.
func (l *loaded) stopper(n int) func(i int, id int32) bool {
	if !l.Dataset.JSON() {
		return nil
	}
	closers := make([]Closer, n)
	return func(i int, id int32) bool { return closers[i].Write(l.Tokenizer.Bytes(id)) }
}

// text is the text of generated ids, without the EOS that ended it.
func (l *loaded) text(ids []int32) string {
	if n := len(ids); n > 0 && l.ends(ids[n-1]) {
		ids = ids[:n-1]
	}
	return l.Tokenizer.Decode(ids)
}

// ends reports whether a token ends a text.
func (l *loaded) ends(id int32) bool { return slices.Contains(l.EOS, id) }

func (l *loaded) scores(outputs []Generated) Scores {
	scored := make([]Output, len(outputs))
	for i, o := range outputs {
		scored[i] = o.Output
	}
	return Summarize(scored, l.Dataset.Schema)
}

// Generator is a model, with an adapter or without, opened for evaluation and
// generation. It is not safe for concurrent use.
type Generator struct {
	*loaded
	model      *decode.Model
	constrain  bool
	constraint *decode.Constraint // made when first needed
}

// OpenGenerator loads an experiment's model and an adapter directory ("" = the
// base model).
func OpenGenerator(ctx context.Context, c Config, adapterDir string) (*Generator, error) {
	l, err := loadModel(ctx, c, llama.Frozen)
	if err != nil {
		return nil, err
	}
	a, err := l.readAdapter(adapterDir)
	if err != nil {
		l.close()
		return nil, err
	}
	return &Generator{loaded: l, model: l.decoder(a, max(l.positions(), l.Model.MaxPositions))}, nil
}

// Close releases the workers.
func (g *Generator) Close() { g.close() }

// Constrain says whether outputs of Evaluate can only be objects with exactly
// the schema's keys in order. Texts of Generate stay free.
func (g *Generator) Constrain(on bool) { g.constrain = on }

// constraintOf is the constraint that Evaluate decodes under: nil if none.
func (g *Generator) constraintOf() (*decode.Constraint, error) {
	switch {
	case !g.constrain:
		return nil, nil
	case g.constraint != nil:
		return g.constraint, nil
	case !g.Dataset.JSON():
		return nil, fmt.Errorf("%w: the dataset's completions are not JSON objects, so there is no schema", decode.ErrConstraint)
	}
	c, err := decode.NewConstraint(g.Tokenizer, g.Dataset.Schema, g.EOS)
	if err != nil {
		return nil, err
	}
	g.constraint = c
	return c, nil
}

// Evaluate generates and scores the first limit rows of a split (0 = all). With
// [Generator.Constrain] its error may wrap [decode.ErrConstraint].
func (g *Generator) Evaluate(ctx context.Context, split string, limit int, progress func(done, total int)) (*Evaluation, error) {
	rows, err := g.Dataset.Split(split)
	if err != nil {
		return nil, err
	}
	n := len(rows)
	if limit > 0 {
		n = min(n, limit)
	}
	if n == 0 {
		return nil, fmt.Errorf("the %s split has no rows", split)
	}
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i
	}
	constraint, err := g.constraintOf()
	if err != nil {
		return nil, err
	}
	if g.Dataset.Format == data.Text {
		return g.perplexity(ctx, split, n, progress)
	}
	outputs, err := g.constrainedOutputs(ctx, g.model, constraint, split, indices, progress)
	if err != nil {
		return nil, err
	}
	return &Evaluation{Split: split, Constrained: constraint != nil, Scores: g.scores(outputs), SchemaFields: g.Dataset.Schema, Examples: outputs}, nil
}

// perplexity measures the first n rows of a split of texts.
func (g *Generator) perplexity(ctx context.Context, split string, n int, progress func(done, total int)) (*Evaluation, error) {
	losses, err := g.targetLosses(ctx, g.model, split, n, func(done int) {
		if progress != nil {
			progress(done, n)
		}
	})
	if err != nil {
		return nil, err
	}
	e := &Evaluation{Split: split}
	nats, tokens := 0.0, 0
	for i, l := range losses {
		e.Examples = append(e.Examples, Generated{Row: i, Output: Output{Text: true, Unscored: true}, Loss: l})
		if l != nil {
			nats, tokens = nats+float64(l.Nats)*float64(l.Tokens), tokens+l.Tokens
			e.N++
		}
	}
	if tokens == 0 {
		return nil, fmt.Errorf("every row looked at of the %s split is longer than data.max_length %d", split, g.Config.Data.MaxLength)
	}
	e.Loss = runs.Number(nats / float64(tokens))
	e.Perplexity = runs.Number(math.Exp(float64(e.Loss)))
	return e, nil
}

// Sampling is how tokens are drawn; the zero value is greedy.
type Sampling struct {
	Temperature, TopP float64
	Seed              uint64
}

// Generation is a generated text with its ids.
type Generation struct {
	Prompt    string  `json:"prompt"`
	IDs       []int32 `json:"ids"` // generated, EOS included
	Text      string  `json:"text"`
	StoppedBy string  `json:"stopped_by"`
}

// Generate continues a prompt, which is the model's whole input, or with
// asEvent an event text that the experiment's template makes a prompt of. It
// ends at EOS or after maxNew tokens (0 = eval.max_new).
func (g *Generator) Generate(ctx context.Context, prompt string, asEvent bool, maxNew int, s Sampling) (Generation, error) {
	prompt, ids, maxNew, err := g.promptOf(g.model, prompt, asEvent, maxNew)
	if err != nil {
		return Generation{}, err
	}
	return g.generate(ctx, prompt, ids, maxNew, s)
}

// Answer has the assistant answer a conversation, rendered by the experiment's chat
// template whatever the rows of its dataset are. The Prompt of the result is the
// conversation as rendered.
func (g *Generator) Answer(ctx context.Context, messages []chat.Message, maxNew int, s Sampling) (Generation, error) {
	if err := g.rendering(); err != nil {
		return Generation{}, err
	}
	ids, err := g.Encoder.PromptMessages(messages)
	if err != nil {
		return Generation{}, fmt.Errorf("rendering the conversation: %w", err)
	}
	if maxNew, err = g.fits(g.model, ids, maxNew); err != nil {
		return Generation{}, err
	}
	return g.generate(ctx, g.Tokenizer.Decode(ids), ids, maxNew, s)
}

func (g *Generator) generate(ctx context.Context, prompt string, ids []int32, maxNew int, s Sampling) (Generation, error) {
	out, err := g.model.Generate(ctx, [][]int32{ids}, decode.Options{
		MaxNew: maxNew, Batch: 1, EOS: g.EOS, Temperature: s.Temperature, TopP: s.TopP, Seed: s.Seed,
	})
	if err != nil {
		return Generation{}, fmt.Errorf("generating: %w", err)
	}
	return Generation{Prompt: prompt, IDs: out[0].IDs, Text: g.text(out[0].IDs), StoppedBy: out[0].Stopped}, nil
}

// promptOf makes the model's input of a prompt, or of an event text, and checks
// that it fits with what is to be generated (0 = eval.max_new).
func (l *loaded) promptOf(m *decode.Model, prompt string, asEvent bool, maxNew int) (string, []int32, int, error) {
	if asEvent && l.Dataset.Format == data.Text {
		return "", nil, 0, errors.New("the dataset's rows are texts, which no template makes prompts of: give the beginning of a text as it is")
	}
	chatting := asEvent && l.Dataset.Format == data.Chat
	if asEvent && !chatting {
		prompt = data.Render(l.Config.Data.Prompt, prompt)
	}
	var ids []int32
	if chatting {
		var err error
		if ids, err = l.Encoder.PromptMessages([]chat.Message{{Role: chat.User, Content: prompt}}); err != nil {
			return "", nil, 0, err
		}
	} else {
		ids = l.Encoder.Prompt(prompt)
	}
	maxNew, err := l.fits(m, ids, maxNew)
	return prompt, ids, maxNew, err
}

// fits checks that a model has room for a prompt and what is to be generated (0 =
// eval.max_new), and returns how much that is.
func (l *loaded) fits(m *decode.Model, ids []int32, maxNew int) (int, error) {
	if maxNew == 0 {
		maxNew = l.Config.Eval.MaxNew
	}
	if len(ids) == 0 {
		return 0, errors.New("the prompt is empty")
	}
	if limit := m.Positions(); len(ids)+maxNew > limit {
		return 0, fmt.Errorf("a prompt of %d tokens and %d new ones exceed the model's %d positions", len(ids), maxNew, limit)
	}
	return maxNew, nil
}
