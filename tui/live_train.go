package tui

import (
	"context"
	"sync"

	"hone/experiments"
)

var _ ownRun = (*experiments.Run)(nil)

// Start trains in this process; it returns when the run's directory exists.
func (l live) Start(ctx context.Context, c experiments.Config, store, dir string) (ownRun, error) {
	run, err := experiments.Start(ctx, c, experiments.StartOptions{RunDir: dir, Store: store, Version: l.version})
	if err != nil {
		return nil, err
	}
	return run, nil
}

// livePrompt lets one text at a time be tried, and is closed only between them.
type livePrompt struct {
	mu     sync.Mutex
	p      *experiments.Prompt
	closed bool
}

// OpenPrompt loads base and adapter of a run.
func (live) OpenPrompt(ctx context.Context, dir string) (prompter, error) {
	p, err := experiments.OpenPrompt(ctx, dir)
	if err != nil {
		return nil, err
	}
	return &livePrompt{p: p}, nil
}

// Try generates from an event's text.
func (l *livePrompt) Try(ctx context.Context, text string, tuned bool, grown func(string)) (generated, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || ctx.Err() != nil {
		return generated{}, context.Canceled
	}
	out, err := l.p.Try(ctx, text, tuned, grown)
	if err != nil {
		return generated{}, err
	}
	g := generated{Text: out.Text, Tokens: out.Tokens, StoppedBy: out.StoppedBy}
	o, err := experiments.DecodeObject(out.Text)
	if err != nil {
		g.Reason = err.Error()
		return g, nil
	}
	g.Valid, g.Keys, g.Values = true, o.Keys, make(map[string]string, len(o.Keys))
	for _, k := range o.Keys {
		g.Values[k] = shownJSON(o.Object[k])
	}
	return g, nil
}

// Close releases the model when nothing is being tried any more.
func (l *livePrompt) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		l.p.Close()
	}
}
