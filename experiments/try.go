package experiments

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hone/data"
	"hone/engine/decode"
)

// topTokens is how many of the likeliest tokens a tried text tells of.
const topTokens = 10

// Prompt is two models, opened to try texts on.
type Prompt struct {
	models []*runModels
	sides  [2]promptModel // zero where a run has no base model
}

type promptModel struct {
	*loaded
	model *decode.Model
}

// TriedToken is a token that a model wrote.
type TriedToken struct {
	Text string  // its bytes, which may be a part of a character
	P    float64 // the model's probability of it; may be NaN
	Top  []Alternate
	End  bool // ends the text and is not part of it
}

// Alternate is a token that could have stood there.
type Alternate struct {
	Text string
	P    float64
}

// OpenPrompt loads two models. Weights that both have are read once. Where the
// base model of a run from random weights is one of them it is left out.
func OpenPrompt(ctx context.Context, left, right Side) (*Prompt, error) {
	p := &Prompt{}
	sides := [2]Side{left, right}
	for _, i := range []int{1, 0} { // the right one first: without it there is nothing to try
		r, err := p.run(ctx, sides[i].RunDir)
		if err == nil {
			p.sides[i].loaded, p.sides[i].model, err = r.open(ctx, sides[i])
		}
		if err != nil && (i == 1 || !errors.Is(err, ErrNoBase)) {
			p.Close()
			return nil, err
		}
	}
	return p, nil
}

// run opens a run once; the weights of another one with the same model serve it
// too.
func (p *Prompt) run(ctx context.Context, dir string) (*runModels, error) {
	for _, r := range p.models {
		if sameDir(r.dir, dir) {
			return r, nil
		}
	}
	r, err := openRunModels(ctx, dir)
	if err != nil {
		return nil, err
	}
	for _, other := range p.models {
		for path, l := range other.opened {
			if DType(other.config) == DType(r.config) {
				same := *l
				w := *r.workspace
				w.Config.Model.Path = path
				same.Workspace = &w
				r.opened[path], r.borrowed[&same] = &same, true
			}
		}
	}
	p.models = append(p.models, r)
	return r, nil
}

// Close releases the workers.
func (p *Prompt) Close() {
	for _, r := range p.models {
		r.close()
	}
}

// OpenBasePrompt loads the model that a workspace names, untrained, as the right
// one; there is no left one.
func (w *Workspace) OpenBasePrompt(ctx context.Context) (*Prompt, error) {
	r, s, err := w.under(Side{})
	if err != nil {
		return nil, err
	}
	p := &Prompt{models: []*runModels{r}}
	if p.sides[1].loaded, p.sides[1].model, err = r.open(ctx, s); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// Try lets the models asked for write, by turns, token by token: seen, if not nil,
// hears of every token. text is an event text, that the template makes a prompt
// of, or with raw the whole prompt. The result of a side that was not asked for is
// nil. A side that there is not is ErrNoBase.
func (p *Prompt) Try(ctx context.Context, text string, raw bool, sides [2]bool, seen func(side int, t TriedToken)) ([2]*Generated, error) {
	var writing [2]*decode.Generation
	var out [2]*Generated
	for i, on := range sides {
		if !on {
			continue
		}
		if p.sides[i].loaded == nil {
			return out, ErrNoBase
		}
		g, err := p.sides[i].begin(ctx, text, raw, func(t TriedToken) {
			if seen != nil {
				seen(i, t)
			}
		})
		if err != nil {
			return out, err
		}
		writing[i] = g
	}
	for live := true; live; {
		live = false
		for _, g := range writing {
			if g == nil {
				continue
			}
			more, err := g.Next(ctx)
			if err != nil {
				return out, fmt.Errorf("generating: %w", err)
			}
			live = live || more
		}
	}
	for i, g := range writing {
		if g == nil {
			continue
		}
		m, made := p.sides[i], g.Outputs()[0]
		o := Generated{Row: -1, Text: m.text(made.IDs), Tokens: len(made.IDs), StoppedBy: made.Stopped}
		o.Output = ScoreText(o.Text, "", m.Dataset.Schema)
		out[i] = &o
	}
	return out, nil
}

// begin starts to write.
func (m promptModel) begin(ctx context.Context, text string, raw bool, seen func(TriedToken)) (*decode.Generation, error) {
	asEvent := !raw && m.Dataset.Format != data.Text && (m.Dataset.Format != data.PromptCompletion || strings.Contains(m.Config.Data.Prompt, data.Placeholder))
	_, ids, maxNew, err := m.promptOf(m.model, text, asEvent, 0)
	if err != nil {
		return nil, err
	}
	g, err := m.model.Begin(ctx, [][]int32{ids}, decode.Options{
		MaxNew: maxNew, Batch: 1, EOS: m.EOS, Stop: m.stopper(1), Top: topTokens,
		Chosen: func(_ int, c decode.Choice) {
			t := TriedToken{Text: string(m.Tokenizer.Bytes(c.ID)), P: c.P, End: m.ends(c.ID)}
			for _, other := range c.Top {
				t.Top = append(t.Top, Alternate{string(m.Tokenizer.Bytes(other.ID)), other.P})
			}
			seen(t)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("generating: %w", err)
	}
	return g, nil
}
