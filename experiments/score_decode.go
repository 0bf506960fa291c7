package experiments

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Failures of decoding an output.
const (
	FailNoBrace   = "no-brace"  // the output has no '{'
	FailTruncated = "truncated" // the output ends within the object
	FailSyntax    = "syntax"    // what follows the first '{' is not a JSON object
)

// Bounds as of Python's decoder: its recursion limit and its limit of digits of
// an integer.
const (
	maxDepth  = 1000
	maxDigits = 4300
)

// Decoded is the first object of a text.
type Decoded struct {
	// Object has the values as nil, bool, string, int64, *big.Int (integers beyond
	// int64), float64, []any and map[string]any. Of duplicate keys it has the last.
	Object    map[string]any
	Keys      []string // the object's keys in order, each once
	Duplicate bool     // a key occurs twice, at any depth
	Start     int      // offset of the first '{' in bytes
	End       int      // offset after the object's '}' in bytes
}

// DecodeError says why a text has no object.
type DecodeError struct {
	Failure string // one of the Fail constants
	Offset  int    // where decoding stopped, in bytes
	Message string
}

// Error has the message and the offset.
func (e *DecodeError) Error() string {
	if e.Failure == FailNoBrace {
		return e.Message
	}
	return fmt.Sprintf("%s at byte %d", e.Message, e.Offset)
}

// DecodeObject decodes one object from the first '{' of a text, as Python's
// json.JSONDecoder().raw_decode does: text after the object is ignored, NaN,
// Infinity and -Infinity are numbers, control characters in strings are refused.
// An unpaired \ud800 escape, which Python keeps, becomes three bytes that are
// not valid UTF-8. The error is a *[DecodeError].
func DecodeObject(text string) (Decoded, error) {
	start := strings.IndexByte(text, '{')
	if start < 0 {
		return Decoded{}, &DecodeError{Failure: FailNoBrace, Offset: len(text), Message: "no '{'"}
	}
	d := pyDecoder{text: text, at: start}
	object, keys := d.object(1)
	if d.err != nil {
		return Decoded{}, d.err
	}
	return Decoded{Object: object, Keys: keys, Duplicate: d.duplicate, Start: start, End: d.at}, nil
}

// pyDecoder reads JSON with Python's rules. After an error every method returns
// at once.
type pyDecoder struct {
	text      string
	at        int
	duplicate bool
	err       *DecodeError
}

func (d *pyDecoder) fail(offset int, format string, args ...any) {
	if d.err == nil {
		d.err = &DecodeError{Failure: FailSyntax, Offset: offset, Message: fmt.Sprintf(format, args...)}
	}
}

// end reports the end of the text as a truncation.
func (d *pyDecoder) end() {
	if d.err == nil {
		d.err = &DecodeError{Failure: FailTruncated, Offset: len(d.text), Message: "truncated"}
	}
}

// next skips white space and returns the byte after it, 0 at an error.
func (d *pyDecoder) next() byte {
	for d.at < len(d.text) && strings.IndexByte(" \t\n\r", d.text[d.at]) >= 0 {
		d.at++
	}
	if d.at == len(d.text) {
		d.end()
	}
	if d.err != nil {
		return 0
	}
	return d.text[d.at]
}

// object reads from '{' to its '}'.
func (d *pyDecoder) object(depth int) (map[string]any, []string) {
	d.at++
	object, keys := map[string]any{}, []string{}
	if d.next() == '}' {
		d.at++
		return object, keys
	}
	for {
		if c := d.next(); d.err == nil && c != '"' {
			d.fail(d.at, "expected a key in double quotes, not %s", d.here())
		}
		if d.err != nil {
			return nil, nil
		}
		key := d.str()
		if c := d.next(); d.err == nil && c != ':' {
			d.fail(d.at, "expected ':', not %s", d.here())
		}
		d.at++
		value := d.value(depth)
		if d.err != nil {
			return nil, nil
		}
		if _, ok := object[key]; ok {
			d.duplicate = true
		} else {
			keys = append(keys, key)
		}
		object[key] = value
		switch c := d.next(); {
		case d.err != nil:
			return nil, nil
		case c == '}':
			d.at++
			return object, keys
		case c != ',':
			d.fail(d.at, "expected ',' or '}', not %s", d.here())
			return nil, nil
		}
		d.at++
	}
}

// array reads from '[' to its ']'.
func (d *pyDecoder) array(depth int) []any {
	d.at++
	list := []any{}
	if d.next() == ']' {
		d.at++
		return list
	}
	for {
		list = append(list, d.value(depth))
		switch c := d.next(); {
		case d.err != nil:
			return nil
		case c == ']':
			d.at++
			return list
		case c != ',':
			d.fail(d.at, "expected ',' or ']', not %s", d.here())
			return nil
		}
		d.at++
	}
}

// value reads any value, white space before it included.
func (d *pyDecoder) value(depth int) any {
	c := d.next()
	if d.err != nil {
		return nil
	}
	switch {
	case (c == '{' || c == '[') && depth == maxDepth:
		d.fail(d.at, "nested deeper than %d", maxDepth)
		return nil
	case c == '{':
		object, _ := d.object(depth + 1)
		return object
	case c == '[':
		return d.array(depth + 1)
	case c == '"':
		return d.str()
	case c == '-' || c >= '0' && c <= '9':
		return d.number()
	}
	for _, l := range jsonLiterals {
		if d.literal(l.text) {
			return l.value
		}
	}
	if d.err == nil {
		d.fail(d.at, "expected a value, not %s", d.here())
	}
	return nil
}

// literal reads a word. A text that ends within the word is truncated.
func (d *pyDecoder) literal(word string) bool {
	rest := d.text[d.at:]
	if strings.HasPrefix(rest, word) {
		d.at += len(word)
		return true
	}
	if strings.HasPrefix(word, rest) {
		d.end()
	}
	return false
}

// digits skips decimal digits and says how many there were.
func (d *pyDecoder) digits() int {
	start := d.at
	for d.at < len(d.text) && d.text[d.at] >= '0' && d.text[d.at] <= '9' {
		d.at++
	}
	return d.at - start
}

// number reads -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)? or -Infinity; a
// fraction or exponent that is not whole is left to whoever reads on, as in
// Python.
func (d *pyDecoder) number() any {
	start := d.at
	if d.text[d.at] == '-' {
		if d.literal("-Infinity") {
			return negativeInfinity
		}
		if d.err != nil {
			return nil
		}
		d.at++
	}
	if d.at < len(d.text) && d.text[d.at] == '0' {
		d.at++
	} else if d.digits() == 0 {
		d.fail(start, "a '-' without a number")
		return nil
	}
	whole := d.at
	if strings.HasPrefix(d.text[d.at:], ".") {
		d.at++
		if d.digits() == 0 {
			d.backTo(whole)
		}
	}
	mantissa := d.at
	if d.at < len(d.text) && (d.text[d.at] == 'e' || d.text[d.at] == 'E') {
		d.at++
		if d.at < len(d.text) && (d.text[d.at] == '-' || d.text[d.at] == '+') {
			d.at++
		}
		if d.digits() == 0 {
			d.backTo(mantissa)
		}
	}
	if d.err != nil {
		return nil
	}
	text := d.text[start:d.at]
	if d.at > whole {
		x, _ := strconv.ParseFloat(text, 64) // beyond its range it is an infinity, as in Python
		return x
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if len(strings.TrimPrefix(text, "-")) > maxDigits {
		d.fail(start, "an integer of more than %d digits", maxDigits)
		return nil
	}
	n, _ := new(big.Int).SetString(text, 10)
	return n
}

// backTo gives up a fraction or exponent without digits.
func (d *pyDecoder) backTo(at int) {
	if d.at == len(d.text) {
		d.end()
	}
	d.at = at
}

// str reads from '"' to its '"'.
func (d *pyDecoder) str() string {
	d.at++
	rest := d.text[d.at:]
	if i := strings.IndexAny(rest, "\"\\"); i >= 0 && rest[i] == '"' && !hasControl(rest[:i]) {
		d.at += i + 1
		return rest[:i]
	}
	var b []byte
	for d.at < len(d.text) {
		c := d.text[d.at]
		switch {
		case c == '"':
			d.at++
			return string(b)
		case c < 0x20:
			d.fail(d.at, "a control character in a string")
			return ""
		case c == '\\':
			b = d.escape(b)
			if d.err != nil {
				return ""
			}
		default:
			b = append(b, c)
			d.at++
		}
	}
	d.end()
	return ""
}

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 {
			return true
		}
	}
	return false
}

// escape reads one escape, or a surrogate pair of two, and appends what it means.
func (d *pyDecoder) escape(b []byte) []byte {
	if d.at+1 >= len(d.text) {
		d.end()
		return nil
	}
	c := d.text[d.at+1]
	if c == 'u' {
		r, ok := d.unicode()
		if !ok {
			return nil
		}
		if r >= 0xd800 && r < 0xdc00 && strings.HasPrefix(d.text[d.at:], `\u`) {
			at := d.at
			low, ok := d.unicode()
			if !ok {
				return nil
			}
			if low >= 0xdc00 && low < 0xe000 {
				return utf8.AppendRune(b, 0x10000+(r-0xd800)<<10+(low-0xdc00))
			}
			d.at = at
		}
		if r >= 0xd800 && r < 0xe000 {
			return append(b, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0xbf, 0x80|byte(r)&0xbf)
		}
		return utf8.AppendRune(b, r)
	}
	i := strings.IndexByte(`"\/bfnrt`, c)
	if i < 0 {
		d.fail(d.at, "an unknown escape %s", strconv.QuoteToASCII(d.text[d.at:d.at+1]+string(rune(c))))
		return nil
	}
	d.at += 2
	return append(b, "\"\\/\b\f\n\r\t"[i])
}

// unicode reads \uXXXX.
func (d *pyDecoder) unicode() (rune, bool) {
	var r rune
	for i := 2; i < 6; i++ {
		if d.at+i >= len(d.text) {
			d.end()
			return 0, false
		}
		x := strings.IndexByte("0123456789abcdef", d.text[d.at+i]|0x20)
		if x < 0 || d.text[d.at+i] < '0' {
			d.fail(d.at, "\\u without four hexadecimal digits")
			return 0, false
		}
		r = r<<4 | rune(x)
	}
	d.at += 6
	return r, true
}

// here quotes the character at the reading position.
func (d *pyDecoder) here() string {
	r, _ := utf8.DecodeRuneInString(d.text[d.at:])
	return strconv.QuoteRune(r)
}
