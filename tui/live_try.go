package tui

import (
	"context"
	"sync"

	"hone/experiments"
)

// livePrompt lets one text at a time be tried, and is closed only between them.
type livePrompt struct {
	mu     sync.Mutex
	p      *experiments.Prompt
	closed bool
}

// OpenPrompt loads two models.
func (live) OpenPrompt(ctx context.Context, sides [2]experiments.Side) (prompter, error) {
	p, err := experiments.OpenPrompt(ctx, sides[0], sides[1])
	if err != nil {
		return nil, err
	}
	return &livePrompt{p: p}, nil
}

// Try generates from an event's text, or from a whole prompt.
func (l *livePrompt) Try(ctx context.Context, text string, raw bool, sides [2]bool, seen func(int, experiments.TriedToken)) ([2]*generated, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var made [2]*generated
	if l.closed || ctx.Err() != nil {
		return made, context.Canceled
	}
	out, err := l.p.Try(ctx, text, raw, sides, seen)
	if err != nil {
		return made, err
	}
	for i, o := range out {
		if o != nil {
			made[i] = generatedOf(o)
		}
	}
	return made, nil
}

// generatedOf makes what screens draw of a generated text.
func generatedOf(o *experiments.Generated) *generated {
	g := &generated{Text: o.Text, Tokens: o.Tokens, StoppedBy: o.StoppedBy}
	d, err := experiments.DecodeObject(o.Text)
	if err != nil {
		g.Reason = err.Error()
		return g
	}
	g.Valid, g.Keys, g.Values = true, d.Keys, make(map[string]string, len(d.Keys))
	for _, k := range d.Keys {
		g.Values[k] = shownJSON(d.Object[k])
	}
	return g
}

// Close releases the models when nothing is being tried any more.
func (l *livePrompt) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		l.p.Close()
	}
}
