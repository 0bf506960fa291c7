package chat

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrUnstable is wrapped by the error for a template by which the parts that the
// assistant says cannot be told.
var ErrUnstable = errors.New("the chat template renders a turn differently once others follow")

// Turns renders a conversation up to its last assistant's turn, and returns the
// spans that the assistant wrote, in order, each with what ends the turn.
//
// Where the template marks them by {% generation %}, those are the spans.
// Otherwise a turn reaches from the end of what precedes it, rendered with the
// generation prompt, to the end of itself rendered as the last; both must be
// beginnings of the whole.
func (t *Template) Turns(messages []Message) (Rendered, []Span, error) {
	messages = messages[:Last(messages)+1]
	whole, err := t.Render(messages, false)
	if err != nil {
		return Rendered{}, nil, err
	}
	if len(whole.Spans) > 0 {
		return whole, whole.Spans, nil
	}
	var spans []Span
	for i, m := range messages {
		if m.Role != Assistant {
			continue
		}
		if i == 0 {
			return Rendered{}, nil, errors.New("begins with the assistant's turn: nothing asks for it")
		}
		before, err := t.run(messages[:i], true)
		if err != nil {
			return Rendered{}, nil, err
		}
		through := whole.Text
		if i+1 < len(messages) {
			if through, err = t.run(messages[:i+1], false); err != nil {
				return Rendered{}, nil, err
			}
		}
		if !strings.HasPrefix(through, before) || !strings.HasPrefix(whole.Text, through) {
			return Rendered{}, nil, fmt.Errorf("%w (message %d): which tokens are the assistant's cannot be told; "+
				"name a template with {%% generation %%} around them in data.chat_template, or make a row of every turn", ErrUnstable, i+1)
		}
		spans = append(spans, Span{len(before), t.turnEnd(through, len(before))})
	}
	return whole, spans, nil
}

// LastTurn is [Template.Turns] with the span of the last assistant's turn alone: it
// needs no more of the template than that what precedes it is rendered as it is when
// the turn is asked for. Where the template marks turns there may be several spans.
func (t *Template) LastTurn(messages []Message) (Rendered, []Span, error) {
	last := Last(messages)
	if last < 1 {
		return Rendered{}, nil, errors.New("begins with the assistant's turn: nothing asks for it")
	}
	whole, err := t.Render(messages[:last+1], false)
	if err != nil {
		return Rendered{}, nil, err
	}
	before, err := t.run(messages[:last], true)
	if err != nil {
		return Rendered{}, nil, err
	}
	if before, _ = cutGeneration(before); !strings.HasPrefix(whole.Text, before) {
		return Rendered{}, nil, fmt.Errorf("%w (what precedes the last turn)", ErrUnstable)
	}
	spans := slices.DeleteFunc(slices.Clone(whole.Spans), func(s Span) bool { return s.End <= len(before) })
	if len(whole.Spans) == 0 {
		spans = []Span{{len(before), t.turnEnd(whole.Text, len(before))}}
	}
	return whole, spans, nil
}

// turnEnd is the end of a turn without the white space after a special token
// that ends it: a model stops at the token.
func (t *Template) turnEnd(text string, start int) int {
	trimmed := strings.TrimRight(text, " \t\r\n")
	if len(trimmed) > start && t.Ends(trimmed) {
		return len(trimmed)
	}
	return len(text)
}

// Ends reports whether a text ends with a special token.
func (t *Template) Ends(text string) bool {
	for _, s := range t.special {
		if strings.HasSuffix(text, s) {
			return true
		}
	}
	return false
}
