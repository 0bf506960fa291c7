package tui

import (
	"context"
	"errors"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
)

// tryLine is a line in which a text is typed, and what two models make of it; or
// one model, where there is only the right one.
type tryLine struct {
	*app
	on     screenID              // whose it is: messages come to every screen
	label  func(side int) string // names the models
	scroll func(by int)          // of the pane in which the outcome stands
	// open loads the models. It is called in Update; what it returns, in a command.
	open func() func(context.Context) (prompter, error)

	typing bool
	line   lineEdit
	both   bool   // left and right; else right only
	alone  bool   // there is no left one
	raw    bool   // the text is the whole prompt
	of     string // what the model is of, as the owner names it
	exact  bool   // spaces at the ends belong to the text
	coded  bool   // line breaks and tabs stand in it as escaped writes them
	gen    int

	asked   string // the text that was run; "" = none
	model   prompter
	loading bool
	owner   int // generation of what the model is of
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
		{Keys: []string{"tab"}, Text: "base and tuned, or tuned only", When: func() bool { return !l.alone }},
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

// forget leaves the text and frees the models.
func (l *tryLine) forget() tea.Cmd {
	l.stop()
	left := closePrompt(l.model)
	*l = tryLine{app: l.app, on: l.on, label: l.label, scroll: l.scroll, open: l.open, both: l.both, gen: l.gen, owner: l.owner + 1}
	return left
}

// key is a press in the line.
func (l *tryLine) key(msg tea.KeyMsg) tea.Cmd {
	switch normalKey(msg) {
	case "esc":
		l.typing = false
	case "tab":
		l.both = !l.both
	case "enter":
		text := l.line.Text()
		if !l.exact {
			text = strings.TrimSpace(text)
		}
		if text == "" {
			return nil
		}
		if l.ownLive() {
			return problem(errors.New("this process is training; try texts when the run has ended"))
		}
		return l.run(text)
	default:
		l.line.Key(msg)
	}
	return nil
}

// run loads the models if that was not done yet, then runs the text.
func (l *tryLine) run(text string) tea.Cmd {
	l.stop()
	l.asked, l.out, l.err, l.tokens = text, [2]*generated{}, nil, [2][]experiments.TriedToken{}
	l.busy, l.typing, l.at, l.side = true, false, 0, 1
	switch {
	case l.model != nil:
		return l.runModels()
	case l.loading:
		return nil // the text runs when the model is there
	}
	l.loading = true
	on, owner, ctx, open := l.on, l.owner, l.ctx, l.open()
	return func() tea.Msg {
		p, err := open(ctx)
		return promptMsg{on, owner, p, err}
	}
}

// runModels runs the text on the models asked for, which write in turns.
func (l *tryLine) runModels() tea.Cmd {
	ctx, cancel := context.WithCancel(l.ctx)
	l.cancel = cancel
	on, gen, text, raw, model, sides := l.on, l.gen, l.asked, l.raw, l.model, [2]bool{l.both && !l.alone, true}
	if l.coded {
		text = unescaped(text)
	}
	feed := newFeed()
	work := func() tea.Msg {
		defer feed.close()
		defer cancel()
		var tokens [2][]experiments.TriedToken // only ever appended to: what was sent stays as it is
		out, err := model.Try(ctx, text, raw, sides, func(side int, t experiments.TriedToken) {
			tokens[side] = append(tokens[side], t)
			soFar := tokens
			feed.put(func() tea.Msg { return tokenMsg{on: on, gen: gen, tokens: soFar, next: feed.next} })
		})
		return triedMsg{on, gen, tokens, out, err}
	}
	return tea.Batch(work, feed.next)
}

// escapes are how line breaks and tabs stand in a line.
var (
	escapes   = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
	unescapes = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r", `\t`, "\t")
)

// escaped writes text on one line, so that unescaped gives it back as it was.
func escaped(text string) string { return escapes.Replace(text) }

// unescaped is the text that a line stands for.
func unescaped(line string) string { return unescapes.Replace(line) }

// closePrompt frees a model in a command.
func closePrompt(p prompter) tea.Cmd {
	if p == nil {
		return nil
	}
	return func() tea.Msg { p.Close(); return nil }
}

// took goes on with what a command of the line brought.
func (l *tryLine) took(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case promptMsg:
		switch {
		case msg.on != l.on:
			return nil
		case msg.owner != l.owner:
			return closePrompt(msg.prompt)
		}
		l.loading = false
		if msg.err != nil {
			l.busy, l.err = false, msg.err
			return nil
		}
		l.model = msg.prompt
		if l.asked != "" {
			return l.runModels()
		}
	case tokenMsg:
		if msg.on != l.on || msg.gen != l.gen {
			return nil
		}
		if l.busy {
			l.tokens = msg.tokens
		}
		return msg.next
	case triedMsg:
		if msg.on == l.on && msg.gen == l.gen {
			l.busy, l.err, l.out, l.tokens = false, msg.err, msg.out, msg.tokens
		}
	}
	return nil
}

// triedKeys are the table while a tried text is looked at.
func (l *tryLine) triedKeys() []keyGroup {
	move := func(by int) func() tea.Cmd {
		return do(func() { l.odds = true; l.at = max(min(l.at+by, len(l.tokens[l.side])-1), 0) })
	}
	other := do(func() {
		if l.both && !l.alone {
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
		{Keys: []string{"tab", "up", "down", "j", "k"}, Label: "tab", Text: "other model", Run: other, When: func() bool { return l.both && !l.alone }},
		{Keys: []string{"t"}, Text: "change the text", Run: do(func() { l.typing = true })},
		{Keys: []string{"J", "shift+down"}, Label: "J K", Help: "scroll down and up", Quiet: true, Moves: true, Run: do(func() { l.scroll(1) })},
		{Keys: []string{"K", "shift+up"}, Quiet: true, Moves: true, Run: do(func() { l.scroll(-1) })},
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
