package tui

import (
	"context"
	"errors"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
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
	side    bool   // the tuned model is writing
	stream  string // what it wrote so far
	out     [2]*generated
	err     error
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
	l.asked, l.out, l.err, l.stream = text, [2]*generated{}, nil, ""
	l.busy = true
	switch {
	case l.model != nil:
		return c.runSide(!l.both)
	case l.loading:
		return nil // the text runs when the model is there
	}
	l.loading = true
	owner, ctx, dir, back := l.owner, c.ctx, c.dir, c.back
	return func() tea.Msg {
		p, err := back.OpenPrompt(ctx, dir)
		return promptMsg{owner, p, err}
	}
}

// runSide runs the text on one model.
func (c *compareScreen) runSide(tuned bool) tea.Cmd {
	l := &c.try
	ctx, cancel := context.WithCancel(c.ctx)
	l.cancel = cancel
	l.side, l.stream = tuned, ""
	gen, text, model := l.gen, l.asked, l.model
	feed := newFeed()
	work := func() tea.Msg {
		defer feed.close()
		out, err := model.Try(ctx, text, tuned, func(so string) {
			feed.put(func() tea.Msg { return tokenMsg{gen: gen, tuned: tuned, text: so, next: feed.next} })
		})
		return triedMsg{gen, tuned, out, err}
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
			return c.runSide(!l.both)
		}
	case tokenMsg:
		if msg.gen != l.gen {
			return nil
		}
		if msg.tuned == l.side && l.busy {
			l.stream = msg.text
		}
		return msg.next
	case triedMsg:
		if msg.gen != l.gen {
			return nil
		}
		if msg.err != nil {
			l.busy, l.err = false, msg.err
			return nil
		}
		out := msg.out
		if msg.tuned {
			l.out[1], l.busy = &out, false
			return nil
		}
		l.out[0] = &out
		return c.runSide(true)
	}
	return nil
}
