package decode

import "unicode/utf8"

// What a value may look like at its beginning, as far as it can matter for how
// the tokenizer cuts what stands before it.
var beginnings = []string{
	`"a"`, `"A"`, `"re`, `"1"`, `""`, `" `, `"é`, `"世`, `"-`, `"(`, `"/`, `"\"`, `"\u`, `".`, `","`,
	"null", "true", "false", "0", "1", "12", "-1", "1.5", "[]", "[1", "[[", `["a`, `[""`, "[n", "[{", "[-", "{}", `{"a`,
}

// shown is how many bytes before a forced text the tokenizer is shown.
const shown = 48

// forced is the tokens that follow text, whose state is s, whatever the value
// behind them is; nothing if so many tokens are not left. They are those that
// the tokenizer cuts the whole text into. Where it would not cut at the end of
// text, because the model spelled it otherwise, they are those it cuts the
// forced text alone into.
func (c *Constraint) forced(s state, text []byte, left int) []int32 {
	end := s
	var ahead []byte
	for b, ok := c.only(end); ok; b, ok = c.only(end) {
		ahead = append(ahead, b)
		end, _ = c.step(end, b)
	}
	if len(ahead) == 0 {
		return nil
	}
	from := max(0, len(text)-shown)
	for from < len(text) && !utf8.RuneStart(text[from]) {
		from++
	}
	before := text[from:]
	ids, ok := c.certain(string(before)+string(ahead), len(before), end)
	if !ok {
		ids, _ = c.certain(string(ahead), 0, end)
	}
	for _, id := range ids {
		next, ok := c.read(s, id)
		if !ok {
			return nil
		}
		s = next
	}
	if c.need(s) > left-len(ids) {
		return nil
	}
	return ids
}

// certain is the tokens of text from the byte start on that do not depend on
// what follows text, whose state is s. It reports false where start is within a
// token.
func (c *Constraint) certain(text string, start int, s state) (ids []int32, ok bool) {
	switch s.mode {
	case modeDone:
		ids, _, ok = c.from(text, start)
		return ids, ok
	case modeValue:
	default:
		return nil, true
	}
	first := true
	for _, beginning := range beginnings {
		if !c.accepts(s, beginning) {
			continue
		}
		got, ends, ok := c.from(text+beginning, start)
		if !ok {
			return nil, false
		}
		// A token that reaches the end of text might be a part of a longer one.
		n := 0
		for n < len(got) && ends[n] < len(text) {
			n++
		}
		if first {
			ids, first = got[:n], false
		}
		same := 0
		for same < min(n, len(ids)) && got[same] == ids[same] {
			same++
		}
		ids = ids[:same]
	}
	return ids, true
}

// accepts reports whether text may follow s.
func (c *Constraint) accepts(s state, text string) bool {
	for i := range len(text) {
		next, ok := c.step(s, text[i])
		if !ok {
			return false
		}
		s = next
	}
	return true
}

// from is the tokens of text from the byte start on and the bytes where they
// end. It reports false where start is within a token.
func (c *Constraint) from(text string, start int) (ids []int32, ends []int, ok bool) {
	ids, spans := c.vocabulary.EncodeSpans(text)
	for i, s := range spans {
		if s.Start < start {
			continue
		}
		if s.Start > start {
			return nil, nil, false
		}
		for _, s := range spans[i:] {
			ends = append(ends, s.End)
		}
		return ids[i:], ends, true
	}
	return nil, nil, false
}
