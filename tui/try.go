package tui

import (
	"context"
	"errors"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
)

// tryLine is the prompt line of Compare: a text, and what base and tuned make of
// it.
type tryLine struct {
	typing bool
	line   lineEdit
	both   bool // base and tuned; else tuned only
	gen    int

	asked   string // the text that was run; "" = none
	model   prompter
	loading bool
	owner   int // generation of the run that the model is of
	busy    bool
	cancel  context.CancelFunc
	tokens  [2][]experiments.TriedToken // what was written so far
	out     [2]*generated
	err     error

	odds bool // the token under the cursor is taken apart
	side int  // the cursor: which model, which token
	at   int
}

// keys are the table while typing.
func (l *tryLine) keys() []keyGroup {
	return []keyGroup{{Title: "try a text", Bindings: []binding{
		{Keys: []string{"enter"}, Text: "run"},
		{Keys: []string{"tab"}, Text: "base and tuned, or tuned only"},
		{Keys: []string{"esc"}, Text: "leave"},
	}}}
}

// stop cancels what is being generated.
func (l *tryLine) stop() {
	if l.cancel != nil {
		l.cancel()
		l.cancel = nil
	}
	l.busy = false
	l.gen++
}

// typeTry is a press in the prompt line.
func (c *compareScreen) typeTry(msg tea.KeyMsg) tea.Cmd {
	l := &c.try
	switch normalKey(msg) {
	case "esc":
		l.typing = false
	case "tab":
		l.both = !l.both
	case "enter":
		text := strings.TrimSpace(l.line.Text())
		if text == "" {
			return nil
		}
		if c.ownLive() {
			return problem(errors.New("this process is training; try texts when the run has ended"))
		}
		return c.runTry(text)
	default:
		l.line.Key(msg)
	}
	return nil
}

// runTry loads the model if that was not done yet, then runs the text.
func (c *compareScreen) runTry(text string) tea.Cmd {
	l := &c.try
	l.stop()
	l.asked, l.out, l.err, l.tokens = text, [2]*generated{}, nil, [2][]experiments.TriedToken{}
	l.busy, l.typing, l.at, l.side = true, false, 0, 1
	c.view = viewExample
	switch {
	case l.model != nil:
		return c.runModels()
	case l.loading:
		return nil // the text runs when the model is there
	}
	l.loading = true
	owner, ctx, sides, back := l.owner, c.ctx, c.sides, c.back
	return func() tea.Msg {
		p, err := back.OpenPrompt(ctx, sides)
		return promptMsg{owner, p, err}
	}
}

// runModels runs the text on the models asked for, which write in turns.
func (c *compareScreen) runModels() tea.Cmd {
	l := &c.try
	ctx, cancel := context.WithCancel(c.ctx)
	l.cancel = cancel
	gen, text, model, sides := l.gen, l.asked, l.model, [2]bool{l.both, true}
	feed := newFeed()
	work := func() tea.Msg {
		defer feed.close()
		defer cancel()
		var tokens [2][]experiments.TriedToken // only ever appended to: what was sent stays as it is
		out, err := model.Try(ctx, text, sides, func(side int, t experiments.TriedToken) {
			tokens[side] = append(tokens[side], t)
			soFar := tokens
			feed.put(func() tea.Msg { return tokenMsg{gen: gen, tokens: soFar, next: feed.next} })
		})
		return triedMsg{gen, tokens, out, err}
	}
	return tea.Batch(work, feed.next)
}

// closePrompt frees a model in a command.
func closePrompt(p prompter) tea.Cmd {
	if p == nil {
		return nil
	}
	return func() tea.Msg { p.Close(); return nil }
}

// tried goes on with what a command of the prompt line brought.
func (c *compareScreen) tried(msg tea.Msg) tea.Cmd {
	l := &c.try
	switch msg := msg.(type) {
	case promptMsg:
		if msg.owner != l.owner {
			return closePrompt(msg.prompt)
		}
		l.loading = false
		if msg.err != nil {
			l.busy, l.err = false, msg.err
			return nil
		}
		l.model = msg.prompt
		if l.asked != "" {
			return c.runModels()
		}
	case tokenMsg:
		if msg.gen != l.gen {
			return nil
		}
		if l.busy {
			l.tokens = msg.tokens
		}
		return msg.next
	case triedMsg:
		if msg.gen == l.gen {
			l.busy, l.err, l.out, l.tokens = false, msg.err, msg.out, msg.tokens
		}
	}
	return nil
}

// triedKeys are the table while a tried text is looked at.
func (c *compareScreen) triedKeys() []keyGroup {
	l := &c.try
	move := func(by int) func() tea.Cmd {
		return do(func() { l.odds = true; l.at = max(min(l.at+by, len(l.tokens[l.side])-1), 0) })
	}
	other := do(func() {
		if l.both {
			l.side = 1 - l.side
		}
		l.at = max(min(l.at, len(l.tokens[l.side])-1), 0)
	})
	return []keyGroup{{Title: "tried text", Bindings: []binding{
		{Keys: []string{"o"}, Text: "probabilities", Help: "the token under the cursor and the likeliest ones in its place", Run: do(func() { l.odds = !l.odds })},
		{Keys: []string{"left", "h"}, Label: "←→", Text: "token", Help: "previous and next token (also h, l)", Moves: true, Run: move(-1)},
		{Keys: []string{"right", "l"}, Quiet: true, Moves: true, Run: move(1)},
		{Keys: []string{"home", "g"}, Label: "home end", Help: "first and last token (also g, G)", Quiet: true, Moves: true, Run: move(-1 << 30)},
		{Keys: []string{"end", "G"}, Quiet: true, Moves: true, Run: move(1 << 30)},
		{Keys: []string{"n"}, Text: "unsure", Help: "the next token that had less than half of the probability", Run: do(l.nextUnsure)},
		{Keys: []string{"tab", "up", "down", "j", "k"}, Label: "tab", Text: "other model", Run: other, When: func() bool { return l.both }},
		{Keys: []string{"t"}, Text: "change the text", Run: do(func() { l.typing = true })},
		{Keys: []string{"J", "shift+down"}, Label: "J K", Help: "scroll down and up", Quiet: true, Moves: true, Run: do(func() { c.scroll++ })},
		{Keys: []string{"K", "shift+up"}, Quiet: true, Moves: true, Run: do(func() { c.scroll = max(c.scroll-1, 0) })},
		{Keys: []string{"esc"}, Text: "back to the examples"},
	}}}
}

// nextUnsure moves to the next token that was not the model's clear choice, round
// to the first.
func (l *tryLine) nextUnsure() {
	l.odds = true
	tokens := l.tokens[l.side]
	for i := range tokens {
		k := (l.at + 1 + i) % len(tokens)
		if !(tokens[k].P >= 0.5) {
			l.at = k
			return
		}
	}
}
