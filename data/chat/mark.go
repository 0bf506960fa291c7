package chat

import (
	"strings"
	"unicode/utf8"
)

// Text of a conversation is followed through a template by writing its
// characters as others, of a private area, that stand for them one by one.
// What comes out marked, the conversation wrote; all else is the template's.
const (
	markBase  = 0xF0000  // + an ASCII character that is no space
	beginMark = 0x10FFF0 // {% generation %}
	endMark   = 0x10FFF1 // {% endgeneration %}
	sayMark   = 0x10FFF2 // before what a message says
	saidMark  = 0x10FFF3 // after it
)

func isMark(r rune) bool { return r > markBase+' ' && r < markBase+0x7f }

// reserved returns the first character of s that marks are made of, or 0.
func reserved(s string) rune {
	for _, r := range s {
		if isMark(r) || r >= beginMark && r <= saidMark {
			return r
		}
	}
	return 0
}

// A marking says which characters of a content are marked.
type marking func(content string, special []string) []bool

// markings, the most thorough first. A template may look into contents, for
// </think> say, and then writes something else when they are marked; the next
// marking leaves it more to see.
var markings = []marking{
	func(content string, _ []string) []bool {
		marked := make([]bool, len(content))
		for i := range marked {
			marked[i] = true
		}
		return marked
	},
	func(content string, special []string) []bool {
		var first [256]bool
		for _, s := range special {
			first[s[0]] = true
		}
		marked := make([]bool, len(content))
		for i := range marked {
			marked[i] = first[content[i]]
		}
		return marked
	},
	func(content string, special []string) []bool {
		marked := make([]bool, len(content))
		for _, s := range special {
			for at := 0; ; {
				i := strings.Index(content[at:], s)
				if i < 0 {
					break
				}
				for j := range s {
					marked[at+i+j] = true
				}
				at += i + 1
			}
		}
		return marked
	},
}

func (m marking) apply(content string, special []string) string {
	which := m(content, special)
	var b strings.Builder
	for i := 0; i < len(content); i++ {
		if c := content[i]; which[i] && c > ' ' && c < 0x7f {
			b.WriteRune(markBase + rune(c))
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// unmark returns s without marks, and which bytes had one.
func unmark(s string) (string, []bool) {
	text := make([]byte, 0, len(s))
	user := make([]bool, 0, len(s))
	for _, r := range s {
		if isMark(r) {
			text, user = append(text, byte(r-markBase)), append(user, true)
			continue
		}
		n := len(text)
		text = utf8.AppendRune(text, r)
		for range len(text) - n {
			user = append(user, false)
		}
	}
	return string(text), user
}

// cutGeneration takes the marks of {% generation %} out of a text.
func cutGeneration(s string) (text string, spans []Span) {
	if !strings.ContainsRune(s, beginMark) {
		return s, nil
	}
	var b strings.Builder
	start := -1
	for _, r := range s {
		switch r {
		case beginMark:
			start = b.Len()
		case endMark:
			if start >= 0 && start < b.Len() {
				spans = append(spans, Span{start, b.Len()})
			}
			start = -1
		default:
			b.WriteRune(r)
		}
	}
	return b.String(), spans
}
