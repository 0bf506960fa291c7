package decode

// only is the byte that comes next where there is no choice.
func (g grammar) only(s state) (byte, bool) {
	switch s.mode {
	case modeText:
		return g.texts[s.field][s.at], true
	case modeComma:
		return ' ', true
	case modeKey:
		return '"', true
	case modeColon:
		return ": "[s.sub], true
	case modeWord:
		return words[s.sub>>4][s.sub&15], true
	case modeHex:
		switch s.sub {
		case lowSlash:
			return '\\', true
		case lowU:
			return 'u', true
		}
	}
	return 0, false
}

// closing is the next byte on the shortest way to the end that the grammar
// prefers: what is open is closed, what lacks a value becomes null. It reports
// false when the text is complete.
func (g grammar) closing(s state) (byte, bool) {
	if b, ok := g.only(s); ok {
		return b, true
	}
	switch s.mode {
	case modeDone:
		return 0, false
	case modeValue:
		return 'n', true
	case modeFirst, modeItem:
		return s.closer(), true
	case modeNumber:
		switch s.sub {
		case numMinus, numDot, numExp, numExpSign:
			return '0', true
		}
		return g.closing(g.after(s))
	case modeUTF8:
		if s.sub == utf1 {
			return 0x80, true
		}
		return continuations[s.sub].lowest, true
	case modeEscape:
		return 'n', true
	case modeHex:
		switch s.sub {
		case lowD:
			return 'd', true
		case low2:
			return 'c', true
		}
		return '0', true
	}
	return '"', true // in a string
}
