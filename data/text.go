package data

import (
	"errors"
	"strings"
	"unicode"

	"hone/engine/batch"
)

// parseText reads a row of the text format.
func parseText(o *Object) (parsedRow, Format, error) {
	var row parsedRow
	text, err := stringValue(o, keyText)
	if err != nil {
		return row, "", wrongFormat(o, Text, err)
	}
	if text == "" {
		return row, "", errors.New("its text is empty: there is nothing to learn")
	}
	row.Whole, row.Completion = true, text
	row.notObject = errors.New("it is a text to be learned as a whole")
	for _, key := range o.keys {
		if key != keyText {
			row.ignored = append(row.ignored, key)
		}
	}
	return row, Text, nil
}

// Beginning returns the first half of a text, up to where a word ends: what a
// model is given to go on from.
func Beginning(text string) string {
	half := len(text) / 2
	if end := strings.LastIndexFunc(text[:half], unicode.IsSpace); end > 0 {
		return text[:end]
	}
	if end := strings.IndexFunc(text, unicode.IsSpace); end > 0 {
		return text[:end]
	}
	return text
}

// encodeText encodes a text of which all is trained on: BOS if the tokenizer asks
// for it, the text, and EOS, neither of them twice where the text has it. The
// first token has none before it to be predicted from and stands for the prompt.
// Spans are of the text.
func (e *Encoder) encodeText(row Row, index int) batch.Example {
	text := row.Completion
	ids, spans := e.tok.EncodeSpans(text)
	ex := batch.Example{Row: index, Prompt: 1}
	add := func(id int32, start, end int) {
		ex.IDs = append(ex.IDs, id)
		ex.Class = append(ex.Class, batch.Structure)
		ex.Spans = append(ex.Spans, batch.Span{Start: start, End: end})
	}
	bos, ok := e.tok.BOS()
	if ok && (len(ids) == 0 || ids[0] != bos) {
		add(bos, 0, 0)
	}
	for i, id := range ids {
		add(id, spans[i].Start, spans[i].End)
	}
	if n := len(ex.IDs); n > 1 && ex.IDs[n-1] == e.eos {
		ex.Spans[n-1].End = ex.Spans[n-1].Start
	} else {
		add(e.eos, len(text), len(text))
	}
	ex.Class[0] = batch.NotTarget
	return ex
}
