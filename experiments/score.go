package experiments

import "strings"

// Output is the score of one generated text against its target.
type Output struct {
	// Text says that the target is no JSON object, or that there is no schema: then
	// Exact compares texts, and the fields below it say nothing.
	Text bool `json:"text,omitempty"`
	// Unscored says that the row is a text without an answer: nothing was generated,
	// only the loss says something.
	Unscored  bool `json:"unscored,omitempty"`
	Exact     bool `json:"exact"`               // the objects are equal as decoded
	Valid     bool `json:"valid"`               // an object could be decoded
	Schema    bool `json:"schema"`              // it has exactly the schema's keys
	Duplicate bool `json:"duplicate,omitempty"` // a key occurs twice; the last counts
	// Fields says of each field of the schema whether its value is the target's; a
	// missing key equals null.
	Fields        map[string]bool `json:"fields,omitempty"`
	FieldAccuracy float64         `json:"field_accuracy"`    // share of the schema that is right; 0 when invalid
	Failure       string          `json:"failure,omitempty"` // one of the Fail constants; "" when valid
	Reason        string          `json:"reason,omitempty"`  // the failure in words
	// Object is the decoded output, see [Decoded]; nil when invalid. It is not part
	// of the JSON, since it may hold numbers that JSON lacks: decode the text again.
	Object map[string]any `json:"-"`
	Keys   []string       `json:"-"` // the object's keys in order
}

// ScoreText scores a generated text against the text of its target. The output
// is decoded from its first '{' by [DecodeObject]. Values are compared as Python
// compares them: numbers by value (1 equals 1.0, and true), lists in order.
//
// Without a schema, or with a target that is not one JSON object, the texts are
// compared, white space before them left out.
func ScoreText(output, target string, schema []string) Output {
	want, ok := targetObject(target)
	if len(schema) == 0 || !ok {
		return Output{Text: true, Exact: trimStart(output) == trimStart(target)}
	}
	o := Output{Fields: make(map[string]bool, len(schema))}
	for _, field := range schema {
		o.Fields[field] = false
	}
	got, err := DecodeObject(output)
	if err != nil {
		o.Reason = err.Error()
		if e, ok := err.(*DecodeError); ok {
			o.Failure = e.Failure
		}
		return o
	}
	o.Valid, o.Duplicate, o.Object, o.Keys = true, got.Duplicate, got.Object, got.Keys
	o.Exact = equalValues(got.Object, want)
	o.Schema = len(got.Keys) == len(o.Fields)
	right := 0
	for field := range o.Fields {
		if _, ok := got.Object[field]; !ok {
			o.Schema = false
		}
		if equalValues(got.Object[field], want[field]) { // absent: nil, as null is
			o.Fields[field] = true
			right++
		}
	}
	o.FieldAccuracy = float64(right) / float64(len(o.Fields))
	return o
}

const jsonSpace = " \t\r\n"

func trimStart(s string) string { return strings.TrimLeft(s, jsonSpace) }

// targetObject decodes a target that is one JSON object and nothing else.
func targetObject(text string) (map[string]any, bool) {
	text = strings.Trim(text, jsonSpace)
	if !strings.HasPrefix(text, "{") {
		return nil, false
	}
	d, err := DecodeObject(text)
	return d.Object, err == nil && d.End == len(text)
}

// Scores are the scores of many outputs, as shares from 0 to 1.
type Scores struct {
	N          int     `json:"n"` // outputs that were scored
	ExactMatch float64 `json:"exact_match"`
	// The following are over the outputs whose targets are JSON objects; 0 where
	// there are none.
	JSONValidity  float64            `json:"json_validity"`
	FieldAccuracy float64            `json:"field_accuracy"`
	Schema        float64            `json:"schema"` // exactly the schema's keys
	Fields        map[string]float64 `json:"fields"` // of each field of the schema
	Duplicates    int                `json:"duplicates,omitempty"`
	Failures      map[string]int     `json:"failures,omitempty"` // count by Fail constant
}

// Summarize averages the scores of outputs over a schema.
func Summarize(outputs []Output, schema []string) Scores {
	s := Scores{Fields: make(map[string]float64, len(schema))}
	for _, field := range schema {
		s.Fields[field] = 0
	}
	var exact, valid, exactSchema, objects int
	right := make(map[string]int, len(schema))
	for _, o := range outputs {
		if o.Unscored {
			continue
		}
		s.N++
		if o.Exact {
			exact++
		}
		if o.Text {
			continue
		}
		objects++
		if o.Valid {
			valid++
		} else {
			if s.Failures == nil {
				s.Failures = map[string]int{}
			}
			s.Failures[o.Failure]++
		}
		if o.Schema {
			exactSchema++
		}
		if o.Duplicate {
			s.Duplicates++
		}
		s.FieldAccuracy += o.FieldAccuracy
		for field, ok := range o.Fields {
			if ok {
				right[field]++
			}
		}
	}
	if s.N > 0 {
		s.ExactMatch = float64(exact) / float64(s.N)
	}
	if objects > 0 {
		n := float64(objects)
		s.JSONValidity = float64(valid) / n
		s.Schema = float64(exactSchema) / n
		s.FieldAccuracy /= n
		for field := range s.Fields {
			s.Fields[field] = float64(right[field]) / n
		}
	}
	return s
}
