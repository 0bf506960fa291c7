package tui

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
)

// maxCopy is the longest text, in bytes, that is handed to a terminal's clipboard:
// more than that common terminals do not take.
const maxCopy = 74_994

// screenLimit is how much GNU screen passes on at once.
const screenLimit = 256

// clipboard hands text to the terminal w by OSC 52, which also works over ssh. A
// terminal multiplexer passes it on only when it is wrapped; one that understands
// it itself gets it plain as well.
func clipboard(w io.Writer, tmux, screen bool) func(text string) error {
	return func(text string) error {
		if len(text) > maxCopy {
			return fmt.Errorf("it has %s bytes, a terminal's clipboard takes %s", thousands(len(text)), thousands(maxCopy))
		}
		seq := ansi.SetSystemClipboard(text)
		switch {
		case tmux:
			seq += ansi.TmuxPassthrough(seq)
		case screen:
			seq = ansi.ScreenPassthrough(seq, screenLimit)
		}
		_, err := io.WriteString(w, seq) // in one write: the frame is written by another goroutine
		return err
	}
}

// copyText is a command that copies what a command makes.
func (a *app) copyText(what string, text func() (string, error)) tea.Cmd {
	clip := a.clip
	if clip == nil {
		return problem(errors.New("there is no terminal whose clipboard could be written"))
	}
	return func() tea.Msg {
		s, err := text()
		if err == nil {
			err = clip(s)
		}
		return copiedMsg{fmt.Sprintf("%s, %s bytes", what, thousands(len(s))), err}
	}
}

// copied says what became of a copy. Whether the terminal took it, it does not say.
func copied(msg copiedMsg) tea.Cmd {
	if msg.err != nil {
		return problem(fmt.Errorf("not copied: %w", msg.err))
	}
	return notice("copied " + msg.what + " to the terminal's clipboard (OSC 52)")
}

// askCopy asks what of the selected row is to be copied.
func (d *dataScreen) askCopy() {
	n, ok := d.rows.selected()
	if !ok {
		return
	}
	work := d.work
	split, row, r := d.row(n)
	as := func(s string) func() (string, error) { return func() (string, error) { return s, nil } }
	pick := func(key, text string, made func() (string, error)) choice {
		return choice{Keys: []string{key}, Text: text, Run: func() tea.Cmd { return d.copyText("the "+text+" of "+r.source(), made) }}
	}
	choices := []choice{
		pick("r", "row", func() (string, error) { return work.Raw(split, row) }),
		pick("p", "prompt", as(r.Prompt)),
		pick("c", "completion", as(r.Target)),
	}
	if work.Tokens != nil && r.dropped() == "" {
		measured := d.loss.row(n)
		choices = append(choices, pick("t", "tokens", func() (string, error) { return tokenTable(work.Tokens(split, row), measured), nil }))
	}
	d.ask(&dialog{Title: "copy", Text: []string{d.t.cut(d.t.clean(r.Text), 56)}, Choices: choices})
}

// tokenTable is a row's tokens as tab-separated lines with a head.
func tokenTable(tokens []tokenView, measured *rowLoss) string {
	var b strings.Builder
	b.WriteString("#\tid\tclass\ttarget\tnats\ttoken\n")
	for i, token := range tokens {
		nats := ""
		if v, ok := measured.nats(tokens, i); ok {
			nats = strconv.FormatFloat(v, 'g', 5, 32)
		}
		fmt.Fprintf(&b, "%d\t%d\t%s\t%t\t%s\t%q\n", i, token.ID, token.class(), token.Target, nats, token.Text)
	}
	return b.String()
}
