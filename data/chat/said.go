package chat

import "strings"

// Said returns the spans of a rendered conversation that its messages say, in order:
// the rest the template wrote. It is for people to look at. Where the template makes
// something else of a message when it is marked, that one has none, or none has.
func (t *Template) Said(messages []Message, r Rendered) []Span {
	marked := make([]Message, len(messages))
	for i, m := range messages {
		// Within the white space at its ends, which templates take off.
		if core := strings.TrimSpace(m.Content); core != "" {
			before, after, _ := strings.Cut(m.Content, core)
			m.Content = before + string(rune(sayMark)) + core + string(rune(saidMark)) + after
		}
		marked[i] = m
	}
	out, err := t.run(marked, false)
	if err != nil {
		return nil
	}
	out, _ = cutGeneration(out)
	var b strings.Builder
	var spans []Span
	start := -1
	for _, c := range out {
		switch c {
		case sayMark:
			start = b.Len()
		case saidMark:
			if start >= 0 {
				spans = append(spans, Span{start, b.Len()})
			}
			start = -1
		default:
			b.WriteRune(c)
		}
	}
	if b.String() != r.Text {
		return nil
	}
	return spans
}
