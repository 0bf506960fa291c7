package decode

// maxDepth bounds the nesting of containers, the outer object included.
const maxDepth = 8

// mode is what the grammar expects next.
type mode uint8

const (
	modeText   mode = iota // the text between two values: braces, keys, separators
	modeValue              // the first byte of a value
	modeFirst              // after '[' or '{': the first item, or the end
	modeItem               // after an item: ',' or the end
	modeComma              // after ',': a space
	modeKey                // the quote of a nested object's key
	modeColon              // the ": " after such a key; sub counts its bytes
	modeWord               // the rest of true, false or null; sub is word<<4 | bytes read
	modeNumber             // in a number; sub is a number constant
	modeString             // in a string, between two characters
	modeUTF8               // in a character of a string; sub is a utf constant
	modeEscape             // after a backslash
	modeHex                // after \u; sub is a hex constant
	modeDone               // after the closing brace: only the end of the text
)

// Where a number stands.
const (
	numMinus   uint8 = iota // after '-'
	numZero                 // after a leading 0: complete
	numInt                  // in the integer part: complete
	numDot                  // after '.'
	numFrac                 // in the fraction: complete
	numExp                  // after 'e'
	numExpSign              // after its sign
	numExpInt               // in the exponent: complete
)

// Which continuation bytes a character still lacks (table 3-7 of Unicode).
const (
	utf1  uint8 = iota // one
	utf2               // two
	utf3               // three
	utfE0              // two, the first from A0 on: nothing overlong
	utfED              // two, the first up to 9F: no surrogate
	utfF0              // three, the first from 90 on: nothing overlong
	utfF4              // three, the first up to 8F: nothing beyond U+10FFFF
)

// Where an escape \uXXXX stands. A high surrogate has to be followed by an
// escaped low one, which may not stand alone.
const (
	hex1     uint8 = iota
	hex2D          // after d
	hex2           // after another digit
	hex3           //
	hex4           //
	high3          // in \ud8.. to \udb..
	high4          //
	lowSlash       // before its low surrogate
	lowU           //
	lowD           //
	low2           //
	low3           //
	low4           //
)

var words = [...]string{"true", "false", "null"}

// state is where a text stands in the grammar. States are compared and serve
// as keys.
type state struct {
	mode  mode
	sub   uint8
	key   bool   // the string is the key of a nested object
	depth uint8  // containers open within the outer object
	kinds uint16 // bit d: container d is an object
	field int32  // index in the schema: the value's, or the next one's in modeText
	at    int32  // bytes read of the text in modeText
}

// grammar is the automaton of one object with given keys: a space, then the
// object with ", " and ": " as separators, at any depth.
type grammar struct {
	texts []string // what precedes the value of each field, and the closing brace
}

// newGrammar makes the grammar of keys, which are written as they are in
// completions.
func newGrammar(keys []string) grammar {
	g := grammar{}
	before := " {"
	for _, k := range keys {
		g.texts = append(g.texts, before+quote(k)+": ")
		before = ", "
	}
	return grammar{append(g.texts, "}")}
}

// quote is a key as json.dumps(ensure_ascii=False) writes it. Ill-formed UTF-8,
// which JSON cannot hold, becomes U+FFFD.
func quote(key string) string {
	const hex = "0123456789abcdef"
	short := map[rune]byte{'"': '"', '\\': '\\', '\n': 'n', '\r': 'r', '\t': 't', '\b': 'b', '\f': 'f'}
	b := []byte{'"'}
	for _, r := range key {
		switch c, ok := short[r]; {
		case ok:
			b = append(b, '\\', c)
		case r < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = append(b, string(r)...)
		}
	}
	return string(append(b, '"'))
}

// step reads one byte. It reports false where the grammar has no such byte.
func (g grammar) step(s state, b byte) (state, bool) {
	switch s.mode {
	case modeText:
		return g.text(s, b)
	case modeValue:
		return value(s, b)
	case modeFirst:
		if b == s.closer() {
			return g.pop(s), true
		}
		if s.object() {
			return str(s, true), b == '"'
		}
		return value(s, b)
	case modeItem:
		if b == s.closer() {
			return g.pop(s), true
		}
		return s.in(modeComma, 0), b == ','
	case modeComma:
		if s.object() {
			return s.in(modeKey, 0), b == ' '
		}
		return s.in(modeValue, 0), b == ' '
	case modeKey:
		return str(s, true), b == '"'
	case modeColon:
		if s.sub == 0 {
			return s.in(modeColon, 1), b == ':'
		}
		return s.in(modeValue, 0), b == ' '
	case modeWord:
		w, n := words[s.sub>>4], s.sub&15
		if b != w[n] {
			return s, false
		}
		if int(n)+1 == len(w) {
			return g.after(s), true
		}
		return s.in(modeWord, s.sub+1), true
	case modeNumber:
		return g.number(s, b)
	case modeString, modeUTF8, modeEscape, modeHex:
		return g.inString(s, b)
	}
	return s, false
}

func (g grammar) text(s state, b byte) (state, bool) {
	t := g.texts[s.field]
	if b != t[s.at] {
		return s, false
	}
	s.at++
	if int(s.at) < len(t) {
		return s, true
	}
	s.at = 0
	if int(s.field) == len(g.texts)-1 {
		return state{mode: modeDone}, true
	}
	return s.in(modeValue, 0), true
}

// value reads the first byte of a value.
func value(s state, b byte) (state, bool) {
	switch {
	case b == '"':
		return str(s, false), true
	case b == '-':
		return s.in(modeNumber, numMinus), true
	case b == '0':
		return s.in(modeNumber, numZero), true
	case digit(b):
		return s.in(modeNumber, numInt), true
	case b == '[' || b == '{':
		return push(s, b == '{')
	}
	for i, w := range words {
		if b == w[0] {
			return s.in(modeWord, uint8(i<<4|1)), true
		}
	}
	return s, false
}

// in is s in another mode.
func (s state) in(m mode, sub uint8) state {
	s.mode, s.sub = m, sub
	return s
}

// str is s within a string that has just begun.
func str(s state, key bool) state {
	s.key = key
	return s.in(modeString, 0)
}

func (s state) object() bool { return s.kinds>>(s.depth-1)&1 == 1 }

// closer ends the innermost container.
func (s state) closer() byte {
	if s.object() {
		return '}'
	}
	return ']'
}

func push(s state, object bool) (state, bool) {
	if s.depth+1 >= maxDepth {
		return s, false
	}
	if object {
		s.kinds |= 1 << s.depth
	}
	s.depth++
	return s.in(modeFirst, 0), true
}

func (g grammar) pop(s state) state {
	s.depth--
	s.kinds &^= 1 << s.depth
	return g.after(s)
}

// after is s behind a whole value.
func (g grammar) after(s state) state {
	if s.depth > 0 {
		return s.in(modeItem, 0)
	}
	return state{mode: modeText, field: s.field + 1}
}

func digit(b byte) bool { return '0' <= b && b <= '9' }

// number reads a byte of a number, or the one behind it.
func (g grammar) number(s state, b byte) (state, bool) {
	to := func(sub uint8) (state, bool) { return s.in(modeNumber, sub), true }
	switch s.sub {
	case numMinus:
		if b == '0' {
			return to(numZero)
		}
		return s.in(modeNumber, numInt), digit(b)
	case numInt, numZero:
		switch {
		case digit(b) && s.sub == numInt:
			return s, true
		case b == '.':
			return to(numDot)
		case b == 'e' || b == 'E':
			return to(numExp)
		}
	case numDot:
		return s.in(modeNumber, numFrac), digit(b)
	case numFrac:
		switch {
		case digit(b):
			return s, true
		case b == 'e' || b == 'E':
			return to(numExp)
		}
	case numExp, numExpSign:
		if s.sub == numExp && (b == '+' || b == '-') {
			return to(numExpSign)
		}
		return s.in(modeNumber, numExpInt), digit(b)
	case numExpInt:
		if digit(b) {
			return s, true
		}
	}
	return g.step(g.after(s), b)
}
