package data

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"hone/data/chat"
	"hone/engine/batch"
	"hone/engine/tokenizer"
)

// Encoder turns rows into token sequences. It is safe for concurrent use.
type Encoder struct {
	tok    *tokenizer.Tokenizer
	eos    int32
	schema []string
	chat   *chat.Template // of chat rows; nil: they are refused
	last   bool           // of chat rows the last turn alone is trained on
}

// WithChat returns an encoder that renders chat rows by a template; with last only
// the last turn of the assistant is trained on.
func (e *Encoder) WithChat(t *chat.Template, last bool) *Encoder {
	with := *e
	with.chat, with.last = t, last
	return &with
}

// Chat returns the template that chat rows are rendered by, nil if there is none.
func (e *Encoder) Chat() *chat.Template { return e.chat }

// NewEncoder returns an encoder that ends every example with the token eos and
// classes tokens by the fields of schema, which is empty for text completions.
func NewEncoder(t *tokenizer.Tokenizer, eos int32, schema []string) *Encoder {
	return &Encoder{tok: t, eos: eos, schema: slices.Clone(schema)}
}

// EOS returns the id that ends every example.
func (e *Encoder) EOS() int32 { return e.eos }

// Schema returns the names of the fields; class 1+i is the value of field i.
func (e *Encoder) Schema() []string { return slices.Clone(e.schema) }

// Prompt returns the ids of a prompt as the model is given them, in training
// and in inference: BOS if the tokenizer asks for it, then the text.
func (e *Encoder) Prompt(prompt string) []int32 {
	ids := e.tok.Encode(prompt)
	if bos, ok := e.tok.BOS(); ok {
		ids = append([]int32{bos}, ids...)
	}
	return ids
}

// Encode returns row as one example: the prompt, the completion with one space
// before it unless it starts with white space, and EOS, the pieces encoded
// apart and joined. An empty completion is EOS alone. Supervised are exactly
// the completion's tokens and EOS; index becomes the example's Row.
//
// The class of a completion token is that of its first character that is not
// U+0020, counting on past its end if it is all spaces: the field whose value
// holds it, else structure. Of a row that is Whole every token after the first is
// supervised. It returns an error if EOS is not a token.
func (e *Encoder) Encode(row Row, index int) (batch.Example, error) {
	if e.eos < 0 || int(e.eos) >= e.tok.Size() {
		return batch.Example{}, fmt.Errorf("encoding %s: end-of-sequence id %d is outside the vocabulary of %d", row.Position(), e.eos, e.tok.Size())
	}
	if len(row.Messages) > 0 {
		ex, err := e.encodeChat(row, index)
		if err != nil {
			return batch.Example{}, fmt.Errorf("encoding %s: %w", row.Position(), err)
		}
		return ex, nil
	}
	if row.Whole {
		return e.encodeText(row, index), nil
	}
	text, fields := e.completion(row)
	bos, hasBOS := e.tok.BOS()
	promptIDs, promptSpans := e.tok.EncodeSpans(row.Prompt)
	ids, spans := e.tok.EncodeContinuation(text)

	n := len(promptIDs) + len(ids) + 1
	if hasBOS {
		n++
	}
	ex := batch.Example{
		Row:   index,
		IDs:   make([]int32, 0, n),
		Class: make([]int32, 0, n),
		Spans: make([]batch.Span, 0, n),
	}
	add := func(id, class int32, start, end int) {
		ex.IDs = append(ex.IDs, id)
		ex.Class = append(ex.Class, class)
		ex.Spans = append(ex.Spans, batch.Span{Start: start, End: end})
	}
	if hasBOS {
		add(bos, batch.NotTarget, 0, 0)
	}
	for i, id := range promptIDs {
		add(id, batch.NotTarget, promptSpans[i].Start, promptSpans[i].End)
	}
	ex.Prompt = len(ex.IDs)
	for i, id := range ids {
		add(id, classAt(text, spans[i].Start, fields), spans[i].Start, spans[i].End)
	}
	add(e.eos, batch.Structure, len(text), len(text))
	return ex, nil
}

// completion is [AsEncoded] with the encoder's schema.
func (e *Encoder) completion(row Row) (string, []FieldSpan) { return AsEncoded(row, e.schema) }

// AsEncoded returns the completion of row as it is encoded, with its leading
// space, and where its values stand in it.
func AsEncoded(row Row, schema []string) (string, []FieldSpan) {
	if row.Whole {
		return row.Completion, nil
	}
	if row.Object == nil || len(schema) == 0 {
		return withSpace(row.Completion), nil
	}
	text, fields := CompletionSpans(row.Object, schema)
	for i := range fields {
		fields[i].Start++
		fields[i].End++
	}
	return withSpace(text), fields
}

// withSpace puts one space before a completion that has no white space there.
func withSpace(completion string) string {
	if first, _ := utf8.DecodeRuneInString(completion); completion == "" || unicode.IsSpace(first) {
		return completion
	}
	return " " + completion
}

// classAt returns the class of a token that starts at a byte of text.
func classAt(text string, start int, fields []FieldSpan) int32 {
	for start < len(text) && text[start] == ' ' {
		start++
	}
	i, _ := slices.BinarySearchFunc(fields, start, func(f FieldSpan, at int) int { return f.End - at - 1 })
	if i < len(fields) && fields[i].Start <= start && start < fields[i].End {
		return int32(1 + fields[i].Field)
	}
	return batch.Structure
}

// TokenView is one token of an example as a person reads it.
type TokenView struct {
	ID     int32
	Text   string // its bytes; those that are no whole character are U+FFFD
	Class  int32  // as in batch.Example
	Field  string // the field whose value it is part of, or ""
	Target bool   // whether it is supervised
}

// View returns the tokens of ex in order.
func (e *Encoder) View(ex batch.Example) []TokenView {
	view := make([]TokenView, len(ex.IDs))
	for i, id := range ex.IDs {
		class := ex.Class[i]
		v := TokenView{
			ID:     id,
			Text:   strings.ToValidUTF8(string(e.tok.Bytes(id)), "\uFFFD"),
			Class:  class,
			Target: class != batch.NotTarget,
		}
		if class > 0 && int(class) <= len(e.schema) {
			v.Field = e.schema[class-1]
		}
		view[i] = v
	}
	return view
}
