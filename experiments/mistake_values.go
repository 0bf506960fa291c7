package experiments

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// valueText is a decoded value as text: a string as it is, all else as JSON where
// that is possible.
func valueText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	if text, err := json.Marshal(v); err == nil {
		return string(text)
	}
	return fmt.Sprint(v) // an infinity or NaN somewhere within
}

// fold is text without case and white space.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// letters is folded text without punctuation.
func lettersOf(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || unicode.IsSymbol(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// otherField: what was written is the target of another field, or one of its items.
func (m *mistake) otherField() bool {
	got := fold(valueText(m.got))
	if items, ok := m.got.([]any); ok && len(items) == 1 {
		got = fold(valueText(items[0]))
	}
	if got == "" {
		return false
	}
	for name, v := range m.row {
		if name == m.field || v == nil {
			continue
		}
		if fold(valueText(v)) == got {
			return true
		}
		if items, ok := v.([]any); ok && len(items) == 1 && fold(valueText(items[0])) == got {
			return true
		}
	}
	return false
}

// otherType: a list for a text, a text for a number.
func (m *mistake) otherType() bool { return jsonType(m.want) != jsonType(m.got) }

func jsonType(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "bool"
	case []any:
		return "list"
	case map[string]any:
		return "object"
	}
	return "number"
}

// lists compares the items of two lists without case, spacing and order: all says
// whether the target's items must all be there, none whether others must not. Both
// is a matter of order; a list that is neither is another value.
func (m *mistake) lists(all, none bool) bool {
	want, ok := m.want.([]any)
	if !ok {
		return false
	}
	got, ok := m.got.([]any)
	if !ok {
		return false
	}
	left := map[string]int{}
	for _, v := range want {
		left[fold(valueText(v))]++
	}
	extra := 0
	for _, v := range got {
		if k := fold(valueText(v)); left[k] > 0 {
			left[k]--
		} else {
			extra++
		}
	}
	missing := len(want) - (len(got) - extra)
	return (missing == 0) == all && (extra == 0) == none
}

func (m *mistake) punctuation() bool {
	want, got := lettersOf(valueText(m.want)), lettersOf(valueText(m.got))
	return want != "" && want == got
}

// within reports whether one text is a proper part of another.
func within(part, whole any) bool {
	p, ok := part.(string)
	if !ok {
		return false
	}
	w, ok := whole.(string)
	if !ok {
		return false
	}
	p, w = strings.ToLower(strings.TrimSpace(p)), strings.ToLower(w)
	return p != "" && len(p) < len(w) && strings.Contains(w, p)
}

// verbatim: what was written stands in the event, but the target is something else.
func (m *mistake) verbatim() bool {
	got, ok := m.got.(string)
	got = strings.ToLower(strings.TrimSpace(got))
	return ok && got != "" && strings.Contains(m.event, got)
}

// otherRow: the field's target in another row, which this row's text does not have.
func (m *mistake) otherRow() bool {
	got := fold(valueText(m.got))
	return got != "" && m.others[got] > 0
}

// letters: at most two letters are other, missing or too many.
func (m *mistake) letters() bool {
	want, ok := m.want.(string)
	if !ok {
		return false
	}
	got, ok := m.got.(string)
	return ok && len(want) >= 5 && len(want) <= 200 && closeTexts(want, got, 2)
}

// closeTexts reports whether the edit distance of two texts is at most limit.
func closeTexts(a, b string, limit int) bool {
	x, y := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	if d := len(x) - len(y); d > limit || -d > limit {
		return false
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal, least := row[0], i+1
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
			least = min(least, row[j+1])
		}
		if least > limit {
			return false
		}
	}
	return row[len(y)] <= limit
}
