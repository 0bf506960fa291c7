package data

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"hone/data/chat"
	"hone/engine/batch"
	"hone/engine/tokenizer"
)

// overlong counts rows over the limit, whether they are among the examples or
// were dropped already.
func (r *report) overlong(split string, rows []Row, examples []batch.Example, limit int) {
	if limit <= 0 {
		return
	}
	length := make(map[int]int, len(examples))
	for _, e := range examples {
		length[e.Row] = len(e.IDs)
	}
	e := r.enc
	var h hits
	longest := 0
	for i, row := range rows {
		n, ok := length[i]
		if !ok {
			ex, err := e.Encode(row, i)
			if err != nil {
				continue // said where it was encoded
			}
			n = len(ex.IDs)
		}
		if n > limit {
			h.add(i, "%s: %d tokens", at(i, row), n)
			longest = max(longest, n)
		}
	}
	what := "completion"
	if r.d.Format == Text {
		what = "text"
	}
	severity := SeverityWarning
	if split == Train && len(h.rows) == len(rows) {
		severity = SeverityError
	}
	r.hit(h, TruncTarget, severity, split,
		fmt.Sprintf("%s are longer than max_length %d and are left out; the longest has %d tokens", h.of(len(rows), split), limit, longest),
		fmt.Sprintf("Set max_length to %d to keep them all: a %s is never cut.", longest, what))
}

// minTokens is the mean length under which sequences cannot hold the rows.
const minTokens = 4

// masks checks which positions are supervised.
func (r *report) masks(split string, examples []batch.Example) {
	var none, one, early, late, gap hits
	tokens := 0
	for _, e := range examples {
		tokens += len(e.IDs)
		first, last, predicted, begin := -1, -1, 0, e.Prompt
		if len(e.Turns) > 0 {
			begin = e.Turns[0].Start
		}
		between := -1 // a token that neither a turn nor the completion holds
		for t, class := range e.Class {
			if class == batch.NotTarget {
				continue
			}
			if first < 0 {
				first = t
			}
			last = t
			if t > begin && t < e.Prompt && !inTurn(e, t) && between < 0 {
				between = t
			}
			if t > 0 {
				predicted++
			}
		}
		row := r.name(split, e.Row)
		switch {
		case first >= 0 && predicted == 0:
			one.add(e.Row, "%s: its first token is supervised, and no token comes before it", row)
			continue
		case first < 0:
			none.add(e.Row, "%s: 0 of %d tokens", row, len(e.IDs))
			continue
		case first < begin:
			early.add(e.Row, "%s: supervised from token %d, the prompt has %d", row, first, begin)
		case between >= 0:
			early.add(e.Row, "%s: token %d is supervised and no assistant's", row, between)
		case first > begin:
			late.add(e.Row, "%s: supervised from token %d, the completion starts at %d", row, first, begin)
		}
		for t := first; t <= last; t++ {
			if (t >= e.Prompt || inTurn(e, t)) && e.Class[t] == batch.NotTarget {
				gap.add(e.Row, "%s: token %d", row, t)
				break
			}
		}
	}
	n := len(examples)
	r.hit(none, MaskAll, SeverityError, split, none.of(n, split)+" have no supervised token",
		"Repair or remove them: a batch of such rows has the loss 0/0, and no update of it can be trusted.")
	r.hit(one, LengthOne, SeverityError, split, one.of(n, split)+" have a label but nothing to predict it from",
		"Give them a prompt, or remove them.")
	r.hit(early, MaskEarly, SeverityError, split, early.of(n, split)+" train tokens of the prompt",
		"Supervise by position, from the first token of the completion.")
	r.hit(late, MaskLate, SeverityError, split, late.of(n, split)+" do not train the start of the completion",
		"Supervise from the first token of the completion, or the model never learns to open it.")
	r.hit(gap, MaskGap, SeverityError, split, gap.of(n, split)+" leave out tokens within the completion",
		"Mask by position, never by token id.")
	if n > 0 && tokens < minTokens*n {
		r.add(Finding{
			ID: CollateEmpty, Severity: SeverityWarning, Split: split,
			Message: fmt.Sprintf("%d %s rows make only %s", n, split, count(tokens, "token")),
			Advice:  "Look at the text of a row: something on the way to the tokens lost it.",
		})
	}
}

// untold finds conversations of whose turns only the last is trained on although
// all were to be.
func (r *report) untold(split string, rows []Row, examples []batch.Example) {
	if r.enc.last {
		return
	}
	var h hits
	for _, e := range examples {
		if n := answers(rows[e.Row]); n > 1 && len(e.Turns) == 0 {
			h.add(e.Row, "%s: 1 of %d turns", r.name(split, e.Row), n)
		}
	}
	r.hit(h, TurnsUntold, SeverityWarning, split,
		h.of(len(examples), split)+" train only the last of the assistant's turns: the chat template writes the earlier ones otherwise once others follow",
		"Set data.turns to \"each\" to make a row of every turn, rendered as the model will see it; to \"last\" if this is what you want.")
}

// answers counts the assistant's turns.
func answers(row Row) int {
	n := 0
	for _, m := range row.Messages {
		if m.Role == chat.Assistant {
			n++
		}
	}
	return n
}

// inTurn reports whether a token is in one of the earlier turns of an example.
func inTurn(e batch.Example, t int) bool {
	return slices.ContainsFunc(e.Turns, func(s batch.Span) bool { return s.Start <= t && t < s.End })
}

// ends checks that every example ends in the same, supervised EOS. EOS is the
// token at the end that stands for no text.
func (r *report) ends(split string, examples []batch.Example) {
	ids := map[int32]int{}
	for _, e := range examples {
		if n := len(e.IDs); n > 0 {
			ids[e.IDs[n-1]]++
		}
	}
	eos, most := int32(-1), 0
	for id, n := range ids {
		if n > most || n == most && id < eos {
			eos, most = id, n
		}
	}
	var h hits
	for _, e := range examples {
		n := len(e.IDs)
		if n == 0 {
			continue // MASK-ALL
		}
		row := r.name(split, e.Row)
		switch span := e.Spans[n-1]; {
		case e.Class[n-1] == batch.NotTarget:
			h.add(e.Row, "%s: the last token is not supervised", row)
		case span.Start != span.End:
			h.add(e.Row, "%s: the last token is text", row)
		case e.IDs[n-1] != eos:
			h.add(e.Row, "%s: ends with id %d, others with %d", row, e.IDs[n-1], eos)
		}
	}
	r.hit(h, EOSMasked, SeverityError, split, h.of(len(examples), split)+" do not supervise the end of the sequence",
		"End every example with EOS and supervise it, by position and not by id: otherwise the model never learns to stop.")
}

func (r *report) vocabulary(split string, examples []batch.Example, t *tokenizer.Tokenizer) {
	var h hits
	size := t.Size()
	for _, e := range examples {
		for i, id := range e.IDs {
			if id < 0 || int(id) >= size {
				h.add(e.Row, "%s: token %d is id %d", r.name(split, e.Row), i, id)
				break
			}
		}
	}
	r.hit(h, VocabMismatch, SeverityError, split,
		fmt.Sprintf("%s have ids outside the vocabulary of %d", h.of(len(examples), split), size),
		"Use the tokenizer that belongs to the model.")
}

// special finds special tokens that come from the text of a row: EOS in a
// completion tells the model to stop there.
func (r *report) special(split string, examples []batch.Example, t *tokenizer.Tokenizer) {
	var h hits
	for _, e := range examples {
		for i, id := range e.IDs {
			if i < len(e.Spans) && e.Spans[i].Start < e.Spans[i].End && t.IsSpecial(id) {
				where := "completion"
				switch {
				case r.d.Format == Text:
					where = "text"
				case i < e.Prompt:
					where = "prompt"
				}
				h.add(e.Row, "%s: %q in the %s", r.name(split, e.Row), t.Bytes(id), where)
				break
			}
		}
	}
	r.hit(h, SpecialText, SeverityWarning, split, h.of(len(examples), split)+" have a special token in their text",
		"Take it out of the text unless it is meant: in a completion it ends or splits the answer.")
}

// lost finds rows whose tokens do not spell their text: a byte-level tokenizer
// drops bytes that its vocabulary lacks in silence.
func (r *report) lost(split string, rows []Row, examples []batch.Example, t *tokenizer.Tokenizer) {
	e := r.enc
	spell := func(ids []int32, spans []batch.Span) string {
		var b strings.Builder
		for i, id := range ids {
			text, n := t.Bytes(id), spans[i].End-spans[i].Start
			if len(text) == n+1 && text[0] == ' ' {
				text = text[1:] // the sign of a space that is put in front of a text
			}
			if n > 0 { // BOS and EOS spell nothing
				b.Write(text)
			}
		}
		return b.String()
	}
	var h hits
	for _, ex := range examples {
		row := rows[ex.Row]
		if len(row.Messages) > 0 {
			continue // spans are of the rendered text, and what the template wrote spells nothing
		}
		if row.Whole {
			end := ex.Spans[len(ex.Spans)-1].Start // of EOS, which the text may have written
			if got := spell(ex.IDs, ex.Spans); got != row.Completion[:end] {
				h.add(ex.Row, "%s: the text reads %s", r.name(split, ex.Row), quote(got))
			}
			continue
		}
		completion, _ := e.completion(row)
		if got := spell(ex.IDs[:ex.Prompt], ex.Spans[:ex.Prompt]); got != row.Prompt {
			h.add(ex.Row, "%s: the prompt reads %s", r.name(split, ex.Row), quote(got))
		} else if got := spell(ex.IDs[ex.Prompt:], ex.Spans[ex.Prompt:]); got != completion {
			h.add(ex.Row, "%s: the completion reads %s", r.name(split, ex.Row), quote(got))
		}
	}
	r.hit(h, LostText, SeverityWarning, split, h.of(len(examples), split)+" have tokens that do not spell their text",
		"The model sees and learns something else than the row says: take the characters out that the tokenizer lacks, or use another model.")
}

// fieldGaps finds values whose tokens all begin before them, so that the field
// term of the loss has nothing to look at.
func (r *report) fieldGaps(split string, rows []Row, examples []batch.Example) {
	var h hits
	for _, e := range examples {
		row := rows[e.Row]
		for field, name := range r.d.Schema {
			if _, has := row.Object.Get(name); has && !slices.Contains(e.Class, int32(1+field)) {
				h.add(e.Row, "%s: %s", r.name(split, e.Row), quote(name))
			}
		}
	}
	r.hit(h, FieldGap, SeverityNote, split, h.of(len(examples), split)+" have a field whose value shares its only token with the text before it",
		"Nothing to do: the value is trained as structure and left out of the field term.")
}

// boundaryRows bounds how many rows of a split are tokenized a second time.
const boundaryRows = 2000

// boundary compares the ids of the pieces with those of the whole text.
func (r *report) boundary(split string, rows []Row, t *tokenizer.Tokenizer) {
	e := r.enc
	looked := rows[:min(len(rows), boundaryRows)]
	var h hits
	trailing := false
	for i, row := range looked {
		if len(row.Messages) > 0 || row.Whole {
			continue // a chat row is always in pieces, a text never
		}
		completion, _ := e.completion(row)
		rest, _ := t.EncodeContinuation(completion)
		pieces := slices.Concat(t.Encode(row.Prompt), rest)
		ids, spans := t.EncodeSpans(row.Prompt + completion)
		if slices.Equal(pieces, ids) {
			continue
		}
		trailing = trailing || strings.TrimRightFunc(row.Prompt, unicode.IsSpace) != row.Prompt
		edge := len(row.Prompt)
		if k := slices.IndexFunc(spans, func(s tokenizer.Span) bool { return s.Start < edge && edge < s.End }); k >= 0 {
			h.add(i, "%s: token %q spans the boundary", at(i, row), t.Bytes(ids[k]))
		} else {
			h.add(i, "%s: the tokens next to the boundary differ", at(i, row))
		}
	}
	advice := "Nothing to do here, where training and inference join the pieces alike; a tool that tokenizes the whole text sees other ids."
	if trailing {
		advice = "Take the white space off the end of the prompt: the completion brings its own space. " + advice
	}
	r.hit(h, BoundaryMerge, SeverityNote, split,
		h.of(len(looked), split)+" tokenize differently when prompt and completion are one text", advice)
}

// name names a row of a split in evidence.
func (r *report) name(split string, index int) string {
	return at(index, r.d.rows(split)[index])
}
