package pretrain

import (
	"fmt"
	"strings"
	"unicode"

	"hone/data"
	"hone/data/builtin/words"
)

// The kinds that train one skill each.

// copying asks for a text again.
func (w *writer) copying() (prompt, completion string) {
	var s string
	switch x := w.below(100); {
	case x < 48 || w.early():
		s = w.tokens()
	case x < 58:
		s = w.nonsense()
	case x < 70:
		s = strings.Join(w.people(w.between(2, 7)), ", ")
	case x < 84:
		s = w.text(w.anyEvent())
	case x < 92:
		s = w.digits() + " " + w.place()
	default:
		s = w.characters()
	}
	if len(s) < 40 && w.chance(15) {
		return "Twice: " + s + "\n", s + " / " + s
	}
	switch x := w.below(100); {
	case x < 55:
		return "Copy: " + s + "\n", s
	case x < 75:
		return "Quote: " + s + "\n", data.ValueText(s)
	case x < 88:
		return "JSON list: " + s + "\n", data.ValueText([]any{s})
	}
	return "Echo: " + s + "\nAgain:", s
}

// tokens returns tokens of the vocabulary, each as likely as any other, most of them words of their own.
func (w *writer) tokens() string {
	if w.vocabulary == nil {
		return w.nonsense()
	}
	var b strings.Builder
	tail := "" // what follows the last space
	n := w.between(6, 30)
	if w.early() {
		n = w.between(2, 8) // to attend to the right one among few is found first
	}
	for range n {
		word := pick(w.source, w.vocabulary.pieces)
		// A token that is a held-out word is part of another word here.
		for words.HeldOut(word) {
			word += words.Title(pick(w.source, w.vocabulary.letters))
		}
		// Without a space before it, what is not a word is another token.
		together := 10
		if !unicode.IsLetter([]rune(word)[0]) {
			together = 50
		}
		if tail != "" && w.chance(together) && !words.HeldOut(tail+word) {
			tail += word
		} else {
			if tail != "" {
				b.WriteByte(' ')
			}
			tail = word
		}
		b.WriteString(word)
	}
	return b.String()
}

// nonsense returns invented words.
func (w *writer) nonsense() string {
	all := make([]string, w.between(2, 10))
	for i := range all {
		all[i] = w.invented()
		if w.chance(50) {
			all[i] = strings.ToLower(all[i])
		}
	}
	return strings.Join(all, " ")
}

// digits returns 2 to 12 digits.
func (w *writer) digits() string {
	b := make([]byte, w.between(2, 12))
	for i := range b {
		b[i] = '0' + byte(w.below(10))
	}
	return string(b)
}

// characters returns letters and symbols of all of Unicode's lengths, a few words of them.
func (w *writer) characters() string {
	ranges := [][2]rune{
		{0xa1, 0xff},
		{0xa1, 0xff},
		{0x100, 0x17f},
		{0x100, 0x7ff},
		{0x100, 0x7ff},
		{0x2010, 0x2027},
		{0x800, 0xd7ff},
		{0xe000, 0xfffd},
		{0x10000, 0x10fff},
		{0x1f300, 0x1f6ff},
	}
	var b strings.Builder
	for range w.between(2, 5) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		from := pick(w.source, ranges)
		for range w.between(1, 3) {
			r := rune(w.between(int(from[0]), int(from[1])))
			if r != 0xad && r != 0xfeff {
				b.WriteRune(r)
			}
			if w.chance(50) {
				b.WriteString(w.letters())
			}
		}
	}
	return b.String()
}

// list turns prose into a JSON list.
func (w *writer) list() (prompt, completion string) {
	n := w.between(1, 8)
	names := w.people(n)
	if w.chance(25) {
		for i := range names {
			names[i] = w.plain(things)
		}
	}
	list := make([]any, n)
	for i, name := range names {
		list[i] = name
	}
	return "List: " + w.joined(names) + "\n", data.ValueText(list)
}

// pick asks for the values of some of the keys in the prompt.
func (w *writer) pick() (prompt, completion string) {
	type entry struct{ key, value string }
	var entries []entry
	used := map[string]bool{}
	for n := w.between(2, 7); len(entries) < n; {
		key := w.plain(things)
		if used[key] {
			continue
		}
		used[key] = true
		draw := pick(w.source, []func() string{w.action, w.person, w.place, w.nonsensePair})
		entries = append(entries, entry{key, draw()})
	}
	var lines []string
	for _, e := range entries {
		lines = append(lines, e.key+" = "+e.value)
	}
	shuffle(w.source, entries)
	asked := entries[:w.between(1, min(4, len(entries)))]
	if len(asked) == 1 {
		return strings.Join(lines, "; ") + "\n" + asked[0].key + ":", asked[0].value
	}
	var names []string
	var members []member
	for _, e := range asked {
		names = append(names, e.key)
		members = append(members, member{e.key, e.value})
	}
	return strings.Join(lines, "; ") + "\n" + strings.Join(names, ", ") + " =", inLine(members)
}

// inLine returns "key = value; key = value".
func inLine(members []member) string {
	var all []string
	for _, m := range members {
		all = append(all, fmt.Sprint(m.key, " = ", m.value))
	}
	return strings.Join(all, "; ")
}

func (w *writer) nonsensePair() string { return w.invented() + " " + w.invented() }

// dates asks for one to six dates in another format.
func (w *writer) dates() (prompt, completion string) {
	format := pick(w.source, dateFormats)
	var from, to []string
	for range w.between(1, 6) {
		d := drawDate(w.source)
		from = append(from, pick(w.source, dateSpellings)(d))
		to = append(to, format.write(d))
	}
	return "Date as " + format.name + ": " + strings.Join(from, "; ") + "\n", strings.Join(to, "; ")
}

// times asks for two to nine times in another format.
func (w *writer) times() (prompt, completion string) {
	format := pick(w.source, clockFormats)
	var from, to []string
	for range w.between(2, 9) {
		c := drawClock(w.source)
		from = append(from, pick(w.source, clockSpellings)(c))
		to = append(to, format.write(c))
	}
	return "Time as " + format.name + ": " + strings.Join(from, "; ") + "\n", strings.Join(to, "; ")
}
