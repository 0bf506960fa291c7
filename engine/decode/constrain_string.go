package decode

// inString reads a byte of a string: characters as UTF-8, which a token may cut
// anywhere but which is well-formed over all, and escapes.
func (g grammar) inString(s state, b byte) (state, bool) {
	switch s.mode {
	case modeUTF8:
		return continuation(s, b)
	case modeEscape:
		switch b {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			return s.in(modeString, 0), true
		}
		return s.in(modeHex, hex1), b == 'u'
	case modeHex:
		return escaped(s, b)
	}
	switch {
	case b == '"':
		if s.key {
			s.key = false
			return s.in(modeColon, 0), true
		}
		return g.after(s), true
	case b == '\\':
		return s.in(modeEscape, 0), true
	case b < 0x80:
		return s, b >= ' '
	case b == 0xe0:
		return s.in(modeUTF8, utfE0), true
	case b == 0xed:
		return s.in(modeUTF8, utfED), true
	case b == 0xf0:
		return s.in(modeUTF8, utfF0), true
	case b == 0xf4:
		return s.in(modeUTF8, utfF4), true
	case 0xc2 <= b && b < 0xe0:
		return s.in(modeUTF8, utf1), true
	case 0xe0 <= b && b < 0xf0:
		return s.in(modeUTF8, utf2), true
	}
	return s.in(modeUTF8, utf3), 0xf0 <= b && b < 0xf4
}

// continuations are the bytes that may come next in a character, and what it
// lacks after them.
var continuations = [...]struct {
	lowest, highest byte
	next            uint8
}{
	utf2:  {0x80, 0xbf, utf1},
	utf3:  {0x80, 0xbf, utf2},
	utfE0: {0xa0, 0xbf, utf1},
	utfED: {0x80, 0x9f, utf1},
	utfF0: {0x90, 0xbf, utf2},
	utfF4: {0x80, 0x8f, utf2},
}

func continuation(s state, b byte) (state, bool) {
	if s.sub == utf1 {
		return s.in(modeString, 0), 0x80 <= b && b <= 0xbf
	}
	c := continuations[s.sub]
	return s.in(modeUTF8, c.next), c.lowest <= b && b <= c.highest
}

// escaped reads a byte of an escape \uXXXX.
func escaped(s state, b byte) (state, bool) {
	low := b | 0x20
	letter := 'a' <= low && low <= 'f'
	ok := digit(b) || letter
	switch s.sub {
	case hex1:
		if low == 'd' {
			return s.in(modeHex, hex2D), true
		}
		return s.in(modeHex, hex2), ok
	case hex2D:
		if '0' <= b && b <= '7' {
			return s.in(modeHex, hex3), true
		}
		return s.in(modeHex, high3), b == '8' || b == '9' || low == 'a' || low == 'b'
	case hex2:
		return s.in(modeHex, hex3), ok
	case hex4, low4:
		return s.in(modeString, 0), ok
	case lowSlash:
		ok = b == '\\'
	case lowU:
		ok = b == 'u'
	case lowD:
		ok = low == 'd'
	case low2:
		ok = letter && low >= 'c'
	}
	return s.in(modeHex, s.sub+1), ok
}
