package cli

import (
	"fmt"

	"hone/data"
	"hone/data/chat"
	"hone/engine/batch"
	"hone/experiments"
)

// inspectedRow is what `hone inspect --row N --json` writes; the tokens are null
// without a tokenizer.
type inspectedRow struct {
	Split      string           `json:"split"`
	Row        int              `json:"row"`
	File       string           `json:"file"`
	Line       int              `json:"line"`
	Event      string           `json:"event"`
	Prompt     string           `json:"prompt"`
	Completion string           `json:"completion"`
	Turns      []inspectedTurn  `json:"turns,omitempty"` // of a chat row
	Dropped    bool             `json:"dropped"`         // longer than data.max_length
	Tokens     []inspectedToken `json:"tokens"`
}

type inspectedTurn struct {
	Role    string `json:"role"`
	Content string `json:"content"`
	Target  bool   `json:"target"` // whether it is trained on
}

type inspectedToken struct {
	ID     int32  `json:"id"`
	Text   string `json:"text"`
	Target bool   `json:"target"` // whether it is trained on
	Class  int32  `json:"class"`  // -1 prompt, 0 structure, 1.. a field of the schema
	Field  string `json:"field"`
	Span   [2]int `json:"span"` // bytes, of the prompt or, for a target, of the completion with its leading space; of a chat row in the rendered conversation, of a text in it
}

// inspectRow shows one row as text and as tokens.
func (a *app) inspectRow(w *experiments.Workspace, split string, n int) error {
	rows, err := w.Dataset.Split(split)
	if err != nil {
		return err
	}
	if n < 0 || n >= len(rows) {
		if len(rows) == 0 {
			return usagef("--row %d: the %s split has no rows", n, split)
		}
		return usagef("--row %d: the %s split has rows 0 to %d", n, split, len(rows)-1)
	}
	r := rows[n]
	out := inspectedRow{Split: split, Row: n, File: r.File, Line: r.Line, Event: r.Event, Prompt: r.Prompt, Completion: r.Completion}
	for _, m := range r.Messages {
		out.Turns = append(out.Turns, inspectedTurn{Role: m.Role, Content: m.Content, Target: m.Role == chat.Assistant})
	}
	if w.Encoder != nil {
		ex, err := w.Encoder.Encode(r, n)
		if err != nil {
			return fmt.Errorf("encoding %s: %w", r.Position(), err)
		}
		if len(out.Turns) > 0 && len(ex.Turns) == 0 {
			for i := range out.Turns[:len(out.Turns)-1] {
				out.Turns[i].Target = false
			}
		}
		for i, v := range w.Encoder.View(ex) {
			s := ex.Spans[i]
			out.Tokens = append(out.Tokens, inspectedToken{ID: v.ID, Text: v.Text, Target: v.Target, Class: v.Class, Field: v.Field, Span: [2]int{s.Start, s.End}})
		}
		for _, d := range w.Encoded[split].Dropped {
			out.Dropped = out.Dropped || d.Row == n
		}
	}
	if a.json {
		return a.out.line(out)
	}
	a.printRow(out, r)
	return nil
}

func (a *app) printRow(out inspectedRow, r data.Row) {
	t := a.table()
	t.row("row", fmt.Sprintf("%d of %s, %s", out.Row, out.Split, r.Position()))
	if out.Event != "" {
		t.row("event", out.Event)
	}
	for _, turn := range out.Turns {
		name := turn.Role
		if turn.Target {
			name += ", trained on"
		}
		t.row(name, turn.Content)
	}
	switch {
	case r.Whole:
		t.row("text, trained on", out.Completion)
	case len(out.Turns) == 0:
		t.row("prompt", out.Prompt)
		t.row("target", out.Completion)
	}
	targets := 0
	for _, k := range out.Tokens {
		if k.Target {
			targets++
		}
	}
	if out.Tokens != nil {
		t.row("tokens", fmt.Sprintf("%d, of which %d are trained on, EOS included", len(out.Tokens), targets))
	}
	if out.Dropped {
		t.row("left out", "it is longer than data.max_length")
	}
	t.flush()
	if out.Tokens == nil {
		a.note("without a model there are no tokens: name one with --model DIR or --model FILE.gguf")
		return
	}
	a.out.printf("\n")
	t = a.table()
	t.row("position", "id", "bytes", "class", "text")
	for i, k := range out.Tokens {
		t.row(fmt.Sprint(i), fmt.Sprint(k.ID), fmt.Sprintf("%d-%d", k.Span[0], k.Span[1]), className(k), fmt.Sprintf("%q", k.Text))
	}
	t.flush()
}

// className says what a token counts for.
func className(k inspectedToken) string {
	switch {
	case !k.Target:
		return "masked"
	case k.Class == batch.Structure:
		return "structure"
	}
	return k.Field
}
