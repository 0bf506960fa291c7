package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Keys of a row in each format.
const (
	keyEvent      = "event_text"
	keyOutput     = "output"
	keyPrompt     = "prompt"
	keyCompletion = "completion"
	keyMessages   = "messages"
	keyText       = "text"
)

// keys returns the keys of the input and of the answer.
func (f Format) keys() (input, answer string) {
	if f == Events {
		return keyEvent, keyOutput
	}
	return keyPrompt, keyCompletion
}

// detect returns the format that a row is in.
func detect(row *Object) (Format, error) {
	var found []Format
	if hasMessages(row) {
		found = append(found, Chat)
	}
	for _, f := range []Format{Events, PromptCompletion} {
		input, answer := f.keys()
		if row.find(input) >= 0 && row.find(answer) >= 0 {
			found = append(found, f)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0 && row.find(keyText) >= 0: // beside the keys of another format it is a column like any
		return Text, nil
	case len(found) == 0:
		return "", fmt.Errorf("is in no known format: it needs %s and %s, or %s and %s, or %s, or %s, and has %s (data.columns names columns of other names)",
			keyEvent, keyOutput, keyPrompt, keyCompletion, keyMessages, keyText, someKeys(row.keys))
	}
	return "", errors.New("has the keys of both formats; set the format")
}

// parseLine reads one line of a .jsonl file.
func parseLine(line []byte) (*Object, error) {
	o, err := ParseObject(line)
	switch {
	case err == nil:
		return o, nil
	case len(line) > 0 && line[0] == '[':
		return nil, errors.New("is a JSON list; a .jsonl file has one object a line")
	case refused(err):
		return nil, err
	}
	return nil, fmt.Errorf("is not a JSON object: %w", err)
}

// parseFields reads an object as a row of the format, or of any if it is Auto; it
// returns the format the row is in. It fills in Event, Prompt or Messages, and
// Completion and Object as they stand in the source.
func parseFields(o *Object, format Format) (parsedRow, Format, error) {
	var row parsedRow
	var err error
	found := format
	if format == Auto {
		if found, err = detect(o); err != nil {
			return row, "", err
		}
	}
	switch found {
	case Chat:
		return parseChat(o)
	case Text:
		return parseText(o)
	}
	input, answer := found.keys()
	text, err := stringValue(o, input)
	if err != nil {
		return row, "", wrongFormat(o, found, err)
	}
	value, ok := o.Get(answer)
	if !ok {
		return row, "", wrongFormat(o, found, noKey(o, answer))
	}
	if found == Events {
		row.Event = text
	} else {
		row.Prompt = text
	}
	if err := row.setAnswer(answer, value); err != nil {
		return row, "", err
	}
	for _, key := range o.keys {
		if key != input && key != answer {
			row.ignored = append(row.ignored, key)
		}
	}
	return row, found, nil
}

// wrongFormat says of a row that does not fit that it is in the other format,
// if it is, and returns err otherwise.
func wrongFormat(row *Object, want Format, err error) error {
	if other, detectErr := detect(row); detectErr == nil && other != want {
		return fmt.Errorf("is in the %s format, the dataset in the %s format", other, want)
	}
	return err
}

func noKey(o *Object, key string) error {
	return fmt.Errorf("has no key %q; it has %s", key, someKeys(o.keys))
}

func stringValue(o *Object, key string) (string, error) {
	value, ok := o.Get(key)
	if !ok {
		return "", noKey(o, key)
	}
	text, ok := value.(string)
	if !ok {
		return "", fmt.Errorf("%q is %s, not a string", key, kind(value))
	}
	return text, nil
}

// refused reports whether a JSON text was not taken although it is one.
func refused(err error) bool {
	return errors.Is(err, ErrDuplicateKey) || errors.Is(err, ErrTooDeep) || errors.Is(err, ErrUTF8)
}

// parsedRow is a row before it is known what the dataset's completions are.
type parsedRow struct {
	Row
	notObject     error    // why the completion is no object; nil if it is one
	quoted        bool     // the completion was given as a string
	conversations bool     // its messages were under that key
	cut           int      // turns after the assistant's last
	ignored       []string // keys of the row that have no meaning here
}

// setAnswer takes the completion: a string, which may hold a JSON object, or
// any other JSON value as it is.
func (r *parsedRow) setAnswer(key string, value any) error {
	switch v := value.(type) {
	case nil:
		return fmt.Errorf("%q is null: there is nothing to learn", key)
	case *Object:
		r.Object = v
	case string:
		r.Completion, r.quoted = v, true
		trimmed := strings.Trim(v, " \t\r\n")
		if !strings.HasPrefix(trimmed, "{") {
			r.notObject = errors.New("it does not begin with '{'")
			return nil
		}
		o, err := ParseObject([]byte(trimmed))
		switch {
		case refused(err):
			return fmt.Errorf("%q: %w", key, err)
		case err != nil:
			r.notObject = err
		default:
			r.Object = o
		}
	default:
		r.Completion = ValueText(v)
		r.notObject = fmt.Errorf("it is %s", kind(v))
	}
	return nil
}

// kind names the type of a JSON value in a message.
func kind(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	case []any:
		return "a list"
	}
	return "an object"
}

// someKeys lists names in a message, the first few of many.
func someKeys(keys []string) string {
	const most = 6
	var b strings.Builder
	for i, key := range keys {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(keys)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(key))
	}
	if len(keys) == 0 {
		return "none"
	}
	return b.String()
}
