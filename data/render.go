package data

import (
	"encoding/json"
	"fmt"
)

// FieldSpan is where the value of a field stands in a completion.
type FieldSpan struct {
	Field      int // index in the schema
	Start, End int // bytes, half open: the whole JSON value, quotes and brackets included
}

// CompletionText returns o as the completion a model is trained on: the
// schema's keys in the schema's order, ", " and ": " as separators, UTF-8 not
// escaped, numbers as they were written; Python's json.dumps(ensure_ascii=False).
// A key that o lacks is left out, as is a key that the schema lacks.
func CompletionText(o *Object, schema []string) string {
	text, _ := CompletionSpans(o, schema)
	return text
}

// CompletionSpans returns [CompletionText] and the byte span of every value in
// it, in the order of the text.
func CompletionSpans(o *Object, schema []string) (string, []FieldSpan) {
	b := []byte{'{'}
	spans := make([]FieldSpan, 0, len(schema))
	for field, key := range schema {
		value, ok := o.Get(key)
		if !ok {
			continue
		}
		if len(spans) > 0 {
			b = append(b, ", "...)
		}
		b = appendString(b, key)
		b = append(b, ": "...)
		start := len(b)
		b = appendValue(b, value)
		spans = append(spans, FieldSpan{Field: field, Start: start, End: len(b)})
	}
	return string(append(b, '}')), spans
}

// ValueText returns one value of an [Object] as it stands in a completion.
func ValueText(value any) string { return string(appendValue(nil, value)) }

func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		if v {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	case json.Number:
		return append(b, v...)
	case string:
		return appendString(b, v)
	case []any:
		b = append(b, '[')
		for i, x := range v {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendValue(b, x)
		}
		return append(b, ']')
	case *Object:
		b = append(b, '{')
		for i, key := range v.keys {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendString(b, key)
			b = append(b, ": "...)
			b = appendValue(b, v.values[i])
		}
		return append(b, '}')
	}
	panic(fmt.Sprintf("data: %T is not a value of an Object", value))
}

// appendString quotes s as Python does with ensure_ascii=False: only quotes,
// backslashes and control characters below U+0020 are escaped.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}
