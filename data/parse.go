package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how deep objects and lists may nest.
const MaxDepth = 100

// What makes a JSON object unusable although another reader might take it.
var (
	ErrDuplicateKey = errors.New("duplicate key")
	ErrTooDeep      = fmt.Errorf("nested deeper than %d", MaxDepth)
	ErrUTF8         = errors.New("invalid UTF-8")
)

// ParseObject reads b as exactly one JSON object with white space around it.
// It is as strict as RFC 8259, and refuses what readers disagree about: a
// duplicate key ([ErrDuplicateKey]), invalid UTF-8 and halves of surrogate
// pairs ([ErrUTF8]), nesting beyond [MaxDepth] ([ErrTooDeep]).
func ParseObject(b []byte) (*Object, error) {
	if err := checkUTF8(b); err != nil {
		return nil, err
	}
	p := parser{src: b}
	p.space()
	o, err := p.object()
	if err != nil {
		return nil, err
	}
	p.space()
	if p.pos < len(b) {
		return nil, p.unexpected("after the object")
	}
	return o, nil
}

// ParseFirst reads the object that starts at the first byte of text, which
// must be '{', and ignores what follows it. Unlike [ParseObject] it takes
// duplicate keys: the last one counts and duplicate is true. It returns the
// length of the object in bytes.
func ParseFirst(text string) (o *Object, length int, duplicate bool, err error) {
	p := parser{src: []byte(text), lastCounts: true}
	o, err = p.object()
	if err != nil {
		return nil, 0, p.duplicate, err
	}
	if err := checkUTF8(p.src[:p.pos]); err != nil {
		return nil, 0, p.duplicate, err
	}
	return o, p.pos, p.duplicate, nil
}

func checkUTF8(b []byte) error {
	if utf8.Valid(b) {
		return nil
	}
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			return fmt.Errorf("%w at byte %d", ErrUTF8, i+1)
		}
		i += size
	}
	return ErrUTF8
}

// parser is a recursive descent parser over src, which is valid UTF-8.
type parser struct {
	src        []byte
	pos        int
	depth      int
	lastCounts bool // take duplicate keys
	duplicate  bool // one was seen
}

// unexpected names what stands at the current position. Bytes count from 1.
func (p *parser) unexpected(where string) error {
	if p.pos >= len(p.src) {
		return fmt.Errorf("unexpected end %s", where)
	}
	r, _ := utf8.DecodeRune(p.src[p.pos:])
	return fmt.Errorf("unexpected %q %s at byte %d", r, where, p.pos+1)
}

func (p *parser) space() {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// take moves past c if it is next.
func (p *parser) take(c byte) bool {
	if p.pos < len(p.src) && p.src[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *parser) enter() error {
	if p.depth++; p.depth > MaxDepth {
		return fmt.Errorf("%w at byte %d", ErrTooDeep, p.pos+1)
	}
	return nil
}

func (p *parser) object() (*Object, error) {
	if !p.take('{') {
		return nil, p.unexpected("in place of '{'")
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	o := &Object{}
	p.space()
	if p.take('}') {
		p.depth--
		return o, nil
	}
	for {
		p.space()
		if p.pos >= len(p.src) || p.src[p.pos] != '"' {
			return nil, p.unexpected("in place of a key")
		}
		at := p.pos
		key, err := p.str()
		if err != nil {
			return nil, err
		}
		p.space()
		if !p.take(':') {
			return nil, p.unexpected("in place of ':'")
		}
		value, err := p.value()
		if err != nil {
			return nil, err
		}
		switch i := o.find(key); {
		case i < 0:
			o.add(key, value)
		case p.lastCounts:
			p.duplicate = true
			o.values[i] = value
		default:
			return nil, fmt.Errorf("%w %s at byte %d", ErrDuplicateKey, quote(key), at+1)
		}
		p.space()
		if p.take(',') {
			continue
		}
		if p.take('}') {
			p.depth--
			return o, nil
		}
		return nil, p.unexpected("in place of ',' or '}'")
	}
}

func (p *parser) list() ([]any, error) {
	p.pos++ // '['
	if err := p.enter(); err != nil {
		return nil, err
	}
	list := []any{}
	p.space()
	if p.take(']') {
		p.depth--
		return list, nil
	}
	for {
		value, err := p.value()
		if err != nil {
			return nil, err
		}
		list = append(list, value)
		p.space()
		if p.take(',') {
			continue
		}
		if p.take(']') {
			p.depth--
			return list, nil
		}
		return nil, p.unexpected("in place of ',' or ']'")
	}
}

func (p *parser) value() (any, error) {
	p.space()
	if p.pos >= len(p.src) {
		return nil, p.unexpected("in place of a value")
	}
	switch c := p.src[p.pos]; {
	case c == '{':
		return p.object()
	case c == '[':
		return p.list()
	case c == '"':
		return p.str()
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	case p.word("null"):
		return nil, nil
	case p.word("true"):
		return true, nil
	case p.word("false"):
		return false, nil
	}
	return nil, p.unexpected("in place of a value")
}

// word moves past a literal that is next.
func (p *parser) word(w string) bool {
	if !bytes.HasPrefix(p.src[p.pos:], []byte(w)) {
		return false
	}
	p.pos += len(w)
	return true
}

// number returns the literal of a number as it stands.
func (p *parser) number() (json.Number, error) {
	start := p.pos
	p.take('-')
	if !p.take('0') && !p.digits() {
		return "", p.unexpected("in a number")
	}
	if p.take('.') && !p.digits() {
		return "", p.unexpected("in a number")
	}
	if p.take('e') || p.take('E') {
		if !p.take('+') {
			p.take('-')
		}
		if !p.digits() {
			return "", p.unexpected("in a number")
		}
	}
	return json.Number(p.src[start:p.pos]), nil
}

func (p *parser) digits() bool {
	start := p.pos
	for p.pos < len(p.src) && '0' <= p.src[p.pos] && p.src[p.pos] <= '9' {
		p.pos++
	}
	return p.pos > start
}

func (p *parser) str() (string, error) {
	p.pos++ // '"'
	start := p.pos
	var b []byte // only once there is an escape
	from := start
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == '"':
			end := p.pos
			p.pos++
			if b == nil {
				return string(p.src[start:end]), nil
			}
			return string(append(b, p.src[from:end]...)), nil
		case c < ' ':
			return "", p.unexpected("in a string")
		case c == '\\':
			b = append(b, p.src[from:p.pos]...)
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, r)
			from = p.pos
		default:
			p.pos++
		}
	}
	return "", p.unexpected("in a string")
}

// escape returns the character of the escape sequence that is next.
func (p *parser) escape() (rune, error) {
	start := p.pos
	p.pos++ // '\\'
	if p.pos >= len(p.src) {
		return 0, p.unexpected("in a string")
	}
	c := p.src[p.pos]
	switch c {
	case '"', '\\', '/':
		p.pos++
		return rune(c), nil
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'u':
		p.pos++
		first, err := p.hex4()
		if err != nil {
			return 0, err
		}
		if !utf16.IsSurrogate(first) {
			return first, nil
		}
		if p.word(`\u`) {
			second, err := p.hex4()
			if err != nil {
				return 0, err
			}
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				return r, nil
			}
		}
		return 0, fmt.Errorf("%w: half of a surrogate pair at byte %d", ErrUTF8, start+1)
	default:
		return 0, p.unexpected("after a backslash")
	}
	p.pos++
	return rune(c), nil
}

func (p *parser) hex4() (rune, error) {
	var r rune
	for range 4 {
		if p.pos >= len(p.src) {
			return 0, p.unexpected("in a string")
		}
		c := p.src[p.pos]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, p.unexpected("in a \\u escape")
		}
		r = r<<4 | rune(c)
		p.pos++
	}
	return r, nil
}

// quote shows a text from outside in a message: quoted, and cut when long.
func quote(s string) string {
	const most = 40
	n := 0
	for i := range s {
		if n++; n > most {
			return fmt.Sprintf("%q...", s[:i])
		}
	}
	return fmt.Sprintf("%q", s)
}
