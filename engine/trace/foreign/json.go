package foreign

import (
	"bytes"
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
	r     io.Reader
	buf   []byte // read, not yet taken: buf[at:]
	at    int
	off   int64 // of buf[0] in the file
	line  int32 // of the next byte, from 1
	depth int
	room  [64 << 10]byte
}

func newScanner(r io.Reader) *scanner {
	s := &scanner{r: r, line: 1}
	for len(s.buf) < 3 {
		n, err := r.Read(s.room[len(s.buf):])
		s.buf = s.room[:len(s.buf)+n]
		if err != nil {
			break // the next read says it again, or goes on
		}
	}
	if bytes.HasPrefix(s.buf, []byte("\xef\xbb\xbf")) {
		s.at = 3
	}
	return s
}

// offset is that of the next byte.
func (s *scanner) offset() int64 { return s.off + int64(s.at) }

// fill makes sure that there is a next byte.
func (s *scanner) fill() error {
	for tries := 0; s.at == len(s.buf); tries++ {
		s.off, s.at = s.off+int64(len(s.buf)), 0
		n, err := s.r.Read(s.room[:])
		s.buf = s.room[:n]
		switch {
		case n > 0:
			return nil
		case errors.Is(err, io.EOF):
			return errCut
		case err != nil:
			return err
		case tries > 100:
			return io.ErrNoProgress
		}
	}
	return nil
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
	return fmt.Errorf("line %d, byte %d: %s", s.line, s.offset(), fmt.Sprintf(format, args...))
}

// peek skips white space and returns the byte after it, which stays.
func (s *scanner) peek() (byte, error) {
	for {
		for ; s.at < len(s.buf); s.at++ {
			switch c := s.buf[s.at]; c {
			case '\n':
				s.line++
			case ' ', '\t', '\r':
			default:
				return c, nil
			}
		}
		if err := s.fill(); err != nil {
			return 0, err
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
	s.at++
	return nil
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
			s.at++
			return nil
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
		start := s.at
		for s.at < len(s.buf) && inWord(s.buf[s.at]) {
			s.at++
		}
		if len(b)+s.at-start > maxNumber {
			return "", s.fail("a number or name of more than %d bytes", maxNumber)
		}
		b = append(b, s.buf[start:s.at]...)
		if s.at < len(s.buf) {
			if len(b) == 0 {
				return "", s.fail("%q in place of a value", s.buf[s.at])
			}
			return string(b), nil
		}
		if err := s.fill(); err != nil {
			return "", err // errCut too: a number may go on after the cut
		}
	}
}

func inWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '+' || c == '-' || c == '.' || c == '_'
}

// text reads a string. What is in it stays what it is, NaN included.
func (s *scanner) text() (string, error) {
	if err := s.expect('"'); err != nil {
		return "", err
	}
	raw := []byte{'"'}
	plain, escaped := true, false
	for {
		start := s.at
		for s.at < len(s.buf) {
			c := s.buf[s.at]
			s.at++
			switch {
			case escaped:
				escaped = false
			case c == '\\':
				escaped, plain = true, false
			case c == '"':
				return s.unquote(append(raw, s.buf[start:s.at]...), plain)
			case c < 0x20:
				plain = false // json refuses it
				if c == '\n' {
					s.line++
				}
			}
		}
		if len(raw)+s.at-start > maxString {
			return "", s.fail("a string of more than %d bytes", maxString)
		}
		raw = append(raw, s.buf[start:s.at]...)
		if err := s.fill(); err != nil {
			return "", err
		}
	}
}

// unquote is the text of a string with its quotes.
func (s *scanner) unquote(raw []byte, plain bool) (string, error) {
	if plain && utf8.Valid(raw) {
		return string(raw[1 : len(raw)-1]), nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", s.fail("a string that is none: %v", err)
	}
	return text, nil
}
