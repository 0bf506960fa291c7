package data

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"hone/data/chat"
	"hone/engine/batch"
)

// ErrNoChatTemplate is wrapped by the error for chat rows that no template renders.
var ErrNoChatTemplate = errors.New("no chat template")

// PromptOf returns the ids that the model is given to answer a row: [Encoder.Prompt],
// of a chat row what stands before the last turn, rendered with the generation prompt,
// of a row that is Whole its [Beginning].
func (e *Encoder) PromptOf(row Row) ([]int32, error) {
	if row.Whole {
		return e.Prompt(Beginning(row.Completion)), nil
	}
	if len(row.Messages) == 0 {
		return e.Prompt(row.Prompt), nil
	}
	return e.PromptMessages(row.Messages[:len(row.Messages)-1])
}

// PromptMessages renders turns for the assistant to answer.
func (e *Encoder) PromptMessages(messages []chat.Message) ([]int32, error) {
	if e.chat == nil {
		return nil, ErrNoChatTemplate
	}
	r, err := e.chat.Render(messages, true)
	if err != nil {
		return nil, err
	}
	p, err := e.pieces(r, []int{len(r.Text)})
	return p.ids, err
}

// TurnEnd is the token by which the template ends a turn of the assistant; false
// where it writes none of its own.
func (e *Encoder) TurnEnd() (int32, bool) {
	const text = "x"
	ex, err := e.encodeChat(Row{Messages: []chat.Message{{Role: chat.User, Content: text}, {Role: chat.Assistant, Content: text}}}, 0)
	if err != nil {
		return 0, false
	}
	end := ex.IDs[len(ex.IDs)-1]
	return end, end != e.eos && e.tok.IsSpecial(end)
}

// encodeChat encodes a chat row. Its spans are of the rendered text; a special
// token that the template wrote has an empty one.
func (e *Encoder) encodeChat(row Row, index int) (batch.Example, error) {
	fail := func(err error) (batch.Example, error) { return batch.Example{}, err }
	r, turns, err := e.turns(row)
	if err != nil {
		return fail(err)
	}
	if len(turns) == 0 {
		return fail(errors.New("the chat template leaves the assistant's turns out"))
	}
	// The text is cut where a generation would begin: the ids before are those
	// that inference has.
	var cuts []int
	for _, t := range turns {
		cuts = append(cuts, t.Start, t.End)
	}
	last := turns[len(turns)-1]
	p, err := e.pieces(r, cuts)
	if err != nil {
		return fail(err)
	}
	ex := batch.Example{Row: index, IDs: p.ids, Spans: p.spans, Class: make([]int32, len(p.ids))}
	fields := e.chatFields(row, r.Text, last)
	for i := range ex.Class {
		ex.Class[i] = batch.NotTarget
	}
	for i := range turns {
		from, to := p.at[2*i], p.at[2*i+1]
		for t := from; t < to; t++ {
			ex.Class[t] = batch.Structure
			if i == len(turns)-1 && ex.Spans[t].Start < ex.Spans[t].End {
				ex.Class[t] = classAt(r.Text[:last.End], ex.Spans[t].Start, fields)
			}
		}
		if i < len(turns)-1 {
			ex.Turns = append(ex.Turns, batch.Span{Start: from, End: to})
		} else {
			ex.Prompt = from
		}
	}
	if n := len(ex.IDs); n == 0 || ex.Spans[n-1].Start < ex.Spans[n-1].End {
		// The template ends a turn with no token of its own.
		ex.IDs = append(ex.IDs, e.eos)
		ex.Class = append(ex.Class, batch.Structure)
		ex.Spans = append(ex.Spans, batch.Span{Start: last.End, End: last.End})
	}
	return ex, nil
}

// chatFields finds the values of the schema in the last turn.
func (e *Encoder) chatFields(row Row, text string, turn chat.Span) []FieldSpan {
	if row.Object == nil || len(e.schema) == 0 {
		return nil
	}
	completion, fields := CompletionSpans(row.Object, e.schema)
	at := strings.Index(text[turn.Start:turn.End], completion)
	if at < 0 {
		return nil // the template rewrites it: all is structure
	}
	for i := range fields {
		fields[i].Start += turn.Start + at
		fields[i].End += turn.Start + at
	}
	return fields
}

// encodedPieces are the tokens of a text up to its last cut.
type encodedPieces struct {
	ids   []int32
	spans []batch.Span
	at    []int // number of tokens before each cut
}

// pieces encodes a rendered text in pieces that end at cuts. Where the
// conversation wrote what looks like a special token, the text is cut within it,
// so that it cannot become one; BOS is the template's business.
func (e *Encoder) pieces(r chat.Rendered, cuts []int) (encodedPieces, error) {
	inner := e.forbidden(r)
	all := slices.Concat(cuts, inner)
	slices.Sort(all)
	var p encodedPieces
	from := 0
	end := slices.Max(cuts)
	count := map[int]int{}
	for _, to := range slices.Compact(all) {
		if to > end {
			break
		}
		if to <= from { // white space that the token before has taken
			count[to] = len(p.ids)
			continue
		}
		encode := e.tok.EncodeContinuation
		if from == 0 {
			encode = e.tok.EncodeSpans
		}
		ids, spans := encode(r.Text[from:to])
		for i, id := range ids {
			s := batch.Span{Start: from + spans[i].Start, End: from + spans[i].End}
			if e.tok.IsSpecial(id) && s.Start < s.End {
				if r.Wrote(chat.Span{Start: s.Start, End: s.End}) {
					return p, fmt.Errorf("the text of a turn becomes the special token %q: take it out", e.tok.Bytes(id))
				}
				s.End = s.Start
			}
			p.ids, p.spans = append(p.ids, id), append(p.spans, s)
		}
		count[to] = len(p.ids)
		from = to
		if n := len(p.ids); n > 0 && e.tok.TakesSpace(p.ids[n-1]) {
			from += templateSpace(r, to)
		}
	}
	for _, c := range cuts {
		p.at = append(p.at, count[c])
	}
	return p, nil
}

// templateSpace is how many bytes of white space the template wrote from a byte on.
// What a turn begins with is its own.
func templateSpace(r chat.Rendered, from int) int {
	n := len(r.Text[from:]) - len(strings.TrimLeftFunc(r.Text[from:], unicode.IsSpace))
	for n > 0 && r.Wrote(chat.Span{Start: from, End: from + n}) {
		n--
	}
	return n
}

// forbidden returns where to cut a text so that no special token is left that
// the conversation wrote a byte of.
func (e *Encoder) forbidden(r chat.Rendered) []int {
	var cuts []int
	for _, s := range e.tok.SpecialTexts() {
		for at := 0; ; {
			i := strings.Index(r.Text[at:], s)
			if i < 0 {
				break
			}
			at += i
			if r.Wrote(chat.Span{Start: at, End: at + len(s)}) {
				_, size := utf8.DecodeRuneInString(s)
				cuts = append(cuts, at+size)
			}
			at++
		}
	}
	return cuts
}

// Rendered returns a chat row as the model reads it, the spans of it that are
// trained on, and those that its messages say.
func (e *Encoder) Rendered(row Row) (text string, trained, said []chat.Span, err error) {
	r, trained, err := e.turns(row)
	if err != nil {
		return "", nil, nil, err
	}
	return r.Text, trained, e.chat.Said(row.Messages, r), nil
}

// turns renders a chat row and finds what of it is trained on. Where earlier turns
// cannot be told, because the template writes them otherwise than it did when they
// were the last, that is the last: what stands before it is what the model sees when
// it is asked.
func (e *Encoder) turns(row Row) (chat.Rendered, []chat.Span, error) {
	if e.chat == nil {
		return chat.Rendered{}, nil, ErrNoChatTemplate
	}
	if !e.last {
		r, turns, err := e.chat.Turns(row.Messages)
		if !errors.Is(err, chat.ErrUnstable) {
			return r, turns, err
		}
	}
	return e.chat.LastTurn(row.Messages)
}
