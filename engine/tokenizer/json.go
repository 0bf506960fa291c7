package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// A vocabulary is megabytes of JSON with tens of thousands of keys, and encoding/json would take
// longer over it than all the rest of loading, and accept duplicate keys. The functions here walk
// JSON that json.Valid has accepted and hand out raw values; small values go to encoding/json.

var errJSON = errors.New("malformed JSON")

// checkJSON accepts what the walkers rely on.
func checkJSON(data []byte) error {
	if !utf8.Valid(data) {
		return errors.New("the file is not UTF-8")
	}
	if !json.Valid(data) {
		var v any
		return fmt.Errorf("%w: %w", errJSON, json.Unmarshal(data, &v)) // for its message
	}
	return nil
}

// members calls f for every member of the object raw with its unescaped key, valid until f returns,
// and its raw value.
func members(raw []byte, f func(key, value []byte) error) error {
	i, end, err := body(raw, '{', '}')
	if err != nil {
		return err
	}
	var scratch []byte
	for i = spaceEnd(raw, i); i < end; i = spaceEnd(raw, i) {
		keyEnd := valueEnd(raw, i)
		if scratch, err = appendText(scratch[:0], raw[i:keyEnd]); err != nil {
			return err
		}
		colon := spaceEnd(raw, keyEnd)
		start := spaceEnd(raw, colon+1)
		i = valueEnd(raw, start)
		if i > end || start >= i {
			return errJSON
		}
		if err := f(scratch, raw[start:i]); err != nil {
			return err
		}
		i = commaEnd(raw, i)
	}
	return nil
}

// elements calls f for every element of the array raw.
func elements(raw []byte, f func(value []byte) error) error {
	i, end, err := body(raw, '[', ']')
	if err != nil {
		return err
	}
	for i = spaceEnd(raw, i); i < end; i = spaceEnd(raw, i) {
		start := i
		i = valueEnd(raw, i)
		if i > end || start >= i {
			return errJSON
		}
		if err := f(raw[start:i]); err != nil {
			return err
		}
		i = commaEnd(raw, i)
	}
	return nil
}

// body returns where the inside of raw, an object or array, begins and ends.
func body(raw []byte, open, shut byte) (start, end int, err error) {
	if len(raw) < 2 || raw[0] != open || raw[len(raw)-1] != shut {
		what := "an object"
		if open == '[' {
			what = "an array"
		}
		return 0, 0, fmt.Errorf("not %s but %s", what, abbreviated(raw))
	}
	return 1, len(raw) - 1, nil
}

func spaceEnd(raw []byte, i int) int {
	for i < len(raw) && (raw[i] == ' ' || raw[i] == '\n' || raw[i] == '\t' || raw[i] == '\r') {
		i++
	}
	return i
}

func commaEnd(raw []byte, i int) int {
	if i = spaceEnd(raw, i); i < len(raw) && raw[i] == ',' {
		i++
	}
	return i
}

// valueEnd returns the end of the value that starts at raw[i].
func valueEnd(raw []byte, i int) int {
	if i >= len(raw) {
		return i
	}
	switch raw[i] {
	case '"':
		return stringEnd(raw, i)
	case '{', '[':
	default:
		return scalarEnd(raw, i)
	}
	// Inside an object or array only strings and brackets matter.
	for depth := 0; i < len(raw); {
		switch raw[i] {
		case '"':
			i = stringEnd(raw, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		i++
		if depth == 0 {
			break
		}
	}
	return i
}

// scalarEnd returns the end of the number or word that starts at raw[i].
func scalarEnd(raw []byte, i int) int {
	for ; i < len(raw); i++ {
		switch raw[i] {
		case ' ', '\n', '\t', '\r', ',', ':', ']', '}':
			return i
		}
	}
	return i
}

// stringEnd returns the end of the string that starts at raw[i].
func stringEnd(raw []byte, i int) int {
	for i++; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(raw)
}

// appendText appends the text of the JSON string raw.
func appendText(dst, raw []byte) ([]byte, error) {
	if len(raw) < 2 || raw[0] != '"' {
		return dst, fmt.Errorf("not a string but %s", abbreviated(raw))
	}
	inside := raw[1 : len(raw)-1]
	if bytes.IndexByte(inside, '\\') < 0 {
		return append(dst, inside...), nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return dst, err
	}
	return append(dst, s...), nil
}

// integer reads a whole number in [0, limit).
func integer(raw []byte, limit int) (int32, error) {
	n, err := strconv.ParseUint(string(raw), 10, 31)
	if err != nil || n >= uint64(limit) {
		return 0, fmt.Errorf("%s is not an id from 0 to %d", abbreviated(raw), limit-1)
	}
	return int32(n), nil
}

func abbreviated(raw []byte) string {
	const enough = 40
	if len(raw) > enough {
		return string(bytes.ToValidUTF8(raw[:enough], nil)) + "..."
	}
	return string(raw)
}

func isNull(raw []byte) bool { return len(raw) == 0 || string(raw) == "null" }
