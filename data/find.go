package data

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Find returns the indices of the rows of a split that match a query, in file
// order unless the query asks for another; an empty query matches all, a split that does not exist has none.
//
// A query is words that must all match, in any case:
//
//	weekly            the text holds it, or a word has its letters in order ("wkly")
//	"weekly sync"     the text holds it exactly as written
//	with:attendees    the field is there and not null; a prefix of its name will do
//	without:location  the field is missing or null
//	location:zoom     the field's value holds the text
//	is:unseen         the text has a word that is in no train row
//	sort:longest      the longest rows first; sort:shortest the other way
//
// The text of a row is its event, or its prompt when the event is not known.
func (d *Dataset) Find(split, query string) []int {
	rest, unseenOnly, by := facets(words(strings.ToLower(query)))
	terms := d.terms(rest)
	rows, err := d.Split(split)
	if err != nil {
		return nil
	}
	var unseen []bool
	if unseenOnly {
		unseen = d.Unseen(split)
	}
	found := []int{}
	for i, r := range rows {
		if unseenOnly && !unseen[i] {
			continue
		}
		text := strings.ToLower(r.Text())
		if !slices.ContainsFunc(terms, func(match term) bool { return !match(r, text) }) {
			found = append(found, i)
		}
	}
	arrange(found, rows, by)
	return found
}

// term is one condition; text is the row's text in lower case.
type term func(r Row, text string) bool

func (d *Dataset) terms(query []word) []term {
	var terms []term
	for _, word := range query {
		if t := d.term(word); t != nil {
			terms = append(terms, t)
		}
	}
	return terms
}

// term returns the condition of a word, nil while there is nothing to match.
func (d *Dataset) term(w word) term {
	if w.quoted {
		if w.text == "" {
			return nil
		}
		return func(_ Row, text string) bool { return strings.Contains(text, w.text) }
	}
	name, rest, found := strings.Cut(w.text, ":")
	switch {
	case found && (name == "with" || name == "without") && rest == "":
		return nil // still being typed
	case found && name == "with":
		return func(r Row, _ string) bool { return d.filled(r, rest) }
	case found && name == "without":
		return func(r Row, _ string) bool { return !d.filled(r, rest) }
	case found && d.field(name) >= 0:
		key := d.Schema[d.field(name)]
		return func(r Row, _ string) bool {
			value, ok := r.Object.Get(key)
			return ok && strings.Contains(strings.ToLower(ValueText(value)), rest)
		}
	}
	return func(_ Row, text string) bool {
		return strings.Contains(text, w.text) || near(text, w.text)
	}
}

// filled reports whether a field that goes by name, or starts with it, has a
// value in r that is not null.
func (d *Dataset) filled(r Row, name string) bool {
	if i := d.field(name); i >= 0 {
		value, ok := r.Object.Get(d.Schema[i])
		return ok && value != nil
	}
	for _, field := range d.Schema {
		if strings.HasPrefix(strings.ToLower(field), name) {
			if value, ok := r.Object.Get(field); ok && value != nil {
				return true
			}
		}
	}
	return false
}

// field returns the index of the field of that name in any case, or -1.
func (d *Dataset) field(name string) int {
	return slices.IndexFunc(d.Schema, func(field string) bool { return strings.EqualFold(field, name) })
}

// near reports whether the letters of word stand in one word of text in order,
// with no more letters between them than word has itself. Words under three
// letters would match nearly anywhere, so they do not; one over maxNear is no
// abbreviation, and would take long.
func near(text, word string) bool {
	letters := []rune(word)
	if len(letters) < 3 || len(letters) > maxNear {
		return false
	}
	for start, r := range text {
		if r == letters[0] && nearAt(text[start+utf8.RuneLen(r):], letters[1:], len(letters)) {
			return true
		}
	}
	return false
}

const maxNear = 32

func nearAt(text string, letters []rune, gaps int) bool {
	for _, r := range text {
		switch {
		case r == letters[0]:
			if letters = letters[1:]; len(letters) == 0 {
				return true
			}
		case gaps == 0 || unicode.IsSpace(r):
			return false
		default:
			gaps--
		}
	}
	return false
}

// word is a part of a query.
type word struct {
	text   string
	quoted bool
}

// words cuts a query at white space; quotes hold words together, and one that
// is not closed reaches to the end.
func words(query string) []word {
	var out []word
	for {
		query = strings.TrimLeftFunc(query, unicode.IsSpace)
		if query == "" {
			return out
		}
		if rest, ok := strings.CutPrefix(query, `"`); ok {
			text, after, _ := strings.Cut(rest, `"`)
			out = append(out, word{text: text, quoted: true})
			query = after
			continue
		}
		end := strings.IndexFunc(query, unicode.IsSpace)
		if end < 0 {
			end = len(query)
		}
		out = append(out, word{text: query[:end]})
		query = query[end:]
	}
}
