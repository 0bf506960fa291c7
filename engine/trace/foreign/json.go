package foreign

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"
)

// errCut says that a file ended within a value.
var errCut = errors.New("the file ends within a value")

// scanner reads JSON as Python writes it, in one pass and bounded memory: NaN,
// Infinity and -Infinity are numbers, outside of strings only. It knows line and
// offset of what it reads.
type scanner struct {
	r     *bufio.Reader
	off   int64 // of the next byte
	line  int32 // of the next byte, from 1
	depth int
}

func newScanner(r io.Reader) *scanner {
	s := &scanner{r: bufio.NewReaderSize(r, 64<<10), line: 1}
	if mark, err := s.r.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" {
		_, _ = s.r.Discard(3)
		s.off = 3
	}
	return s
}

// scalar is a value that is no object and no list.
type scalar struct {
	kind byte // 'n' number, 's' string, 'b' true or false, '0' null
	num  float64
	str  string
	on   bool
}

// number is the value as a number: strings of numbers count, as some callbacks
// write them.
func (v scalar) number() (float64, bool) {
	switch v.kind {
	case 'n':
		return v.num, true
	case 's':
		if len(v.str) > maxNumber {
			return 0, false
		}
		x, err := strconv.ParseFloat(v.str, 64)
		return x, err == nil
	}
	return 0, false
}

// any is the value as an argument.
func (v scalar) any() any {
	switch v.kind {
	case 'n':
		return v.num
	case 's':
		return v.str
	case 'b':
		return v.on
	}
	return nil
}

func (s *scanner) fail(format string, args ...any) error {
	return fmt.Errorf("line %d, byte %d: %s", s.line, s.off, fmt.Sprintf(format, args...))
}

// read takes the next byte.
func (s *scanner) read() (byte, error) {
	c, err := s.r.ReadByte()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return 0, errCut
		}
		return 0, err
	}
	s.off++
	if c == '\n' {
		s.line++
	}
	return c, nil
}

// peek skips white space and returns the byte after it, which stays.
func (s *scanner) peek() (byte, error) {
	for {
		b, err := s.r.Peek(1)
		if err != nil {
			if errors.Is(err, io.EOF) {
				return 0, errCut
			}
			return 0, err
		}
		switch b[0] {
		case ' ', '\t', '\r', '\n':
			if _, err := s.read(); err != nil {
				return 0, err
			}
		default:
			return b[0], nil
		}
	}
}

func (s *scanner) expect(want byte) error {
	c, err := s.peek()
	if err != nil {
		return err
	}
	if c != want {
		return s.fail("%q in place of %q", c, want)
	}
	_, err = s.read()
	return err
}

// object calls member for every member; member consumes the value.
func (s *scanner) object(member func(key string) error) error {
	return s.nested('{', '}', func() error {
		if c, err := s.peek(); err != nil {
			return err
		} else if c != '"' {
			return s.fail("%q in place of a key", c)
		}
		key, err := s.text()
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		return member(key)
	})
}

// list calls item for every item; item consumes it.
func (s *scanner) list(item func() error) error { return s.nested('[', ']', item) }

func (s *scanner) nested(open, end byte, item func() error) error {
	if err := s.expect(open); err != nil {
		return err
	}
	if s.depth++; s.depth > maxDepth {
		return s.fail("more than %d values within each other", maxDepth)
	}
	defer func() { s.depth-- }()
	for first := true; ; first = false {
		c, err := s.peek()
		if err != nil {
			return err
		}
		if c == end {
			_, err := s.read()
			return err
		}
		if !first {
			if err := s.expect(','); err != nil {
				return err
			}
		}
		if err := item(); err != nil {
			return err
		}
	}
}

// skip consumes a value of any kind.
func (s *scanner) skip() error {
	c, err := s.peek()
	if err != nil {
		return err
	}
	switch c {
	case '{':
		return s.object(func(string) error { return s.skip() })
	case '[':
		return s.list(s.skip)
	}
	_, err = s.scalar()
	return err
}

// scalar consumes a value that is no object and no list.
func (s *scanner) scalar() (scalar, error) {
	c, err := s.peek()
	if err != nil {
		return scalar{}, err
	}
	if c == '"' {
		text, err := s.text()
		return scalar{kind: 's', str: text}, err
	}
	word, err := s.word()
	if err != nil {
		return scalar{}, err
	}
	switch word {
	case "null":
		return scalar{kind: '0'}, nil
	case "true", "false":
		return scalar{kind: 'b', on: word == "true"}, nil
	case "NaN", "nan":
		return scalar{kind: 'n', num: math.NaN()}, nil
	case "Infinity":
		return scalar{kind: 'n', num: math.Inf(1)}, nil
	case "-Infinity":
		return scalar{kind: 'n', num: math.Inf(-1)}, nil
	}
	if c != '-' && (c < '0' || c > '9') {
		return scalar{}, s.fail("%q is no value", clip(word))
	}
	x, err := strconv.ParseFloat(word, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // out of range is an infinity, as in Python
		return scalar{}, s.fail("%q is no number", clip(word))
	}
	return scalar{kind: 'n', num: x}, nil
}

// word reads up to the next byte that cannot be part of a number or a name.
func (s *scanner) word() (string, error) {
	var b []byte
	for {
		next, err := s.r.Peek(1)
		if errors.Is(err, io.EOF) {
			return "", errCut // a number may go on after the cut
		}
		if err != nil {
			return "", err
		}
		c := next[0]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '+' && c != '-' && c != '.' && c != '_' {
			if len(b) == 0 {
				return "", s.fail("%q in place of a value", c)
			}
			return string(b), nil
		}
		if len(b) >= maxNumber {
			return "", s.fail("a number or name of more than %d bytes", maxNumber)
		}
		b = append(b, c)
		if _, err := s.read(); err != nil {
			return "", err
		}
	}
}

// text reads a string. What is in it stays what it is, NaN included.
func (s *scanner) text() (string, error) {
	if err := s.expect('"'); err != nil {
		return "", err
	}
	raw := []byte{'"'}
	plain := true
	for escaped := false; ; {
		c, err := s.read()
		if err != nil {
			return "", err
		}
		if len(raw) >= maxString {
			return "", s.fail("a string of more than %d bytes", maxString)
		}
		raw = append(raw, c)
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped, plain = true, false
		case c == '"':
			if plain && utf8.Valid(raw) {
				return string(raw[1 : len(raw)-1]), nil
			}
			var text string
			if err := json.Unmarshal(raw, &text); err != nil {
				return "", s.fail("a string that is none: %v", err)
			}
			return text, nil
		case c < 0x20:
			plain = false // json refuses it below
		}
	}
}
