package data

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// word is a part of a query.
type word struct {
	text   string // without quotes and signs
	quoted bool   // it began with a quote: text, whatever it looks like
	not    bool   // '-' stood before it
	fuzzy  bool   // '~' stood before it
}

// words cuts a query at white space; quotes hold words together, also behind a
// colon, and one that is not closed reaches to the end.
func words(query string) []word {
	var out []word
	for _, part := range cutWords(query) {
		var w word
		if rest, ok := strings.CutPrefix(part, "-"); ok && rest != "" {
			w.not, part = true, rest
		}
		if rest, ok := strings.CutPrefix(part, "~"); ok && !w.not {
			w.fuzzy, part = true, rest
		}
		w.quoted = strings.HasPrefix(part, `"`)
		w.text = strings.ReplaceAll(part, `"`, "")
		if w.text != "" {
			out = append(out, w)
		}
	}
	return out
}

// cutWords cuts a query at the white space that stands in no quotes.
func cutWords(query string) []string {
	var out []string
	quoted := false
	from := -1
	for i, r := range query {
		if r == '"' {
			quoted = !quoted
		}
		space := !quoted && unicode.IsSpace(r)
		switch {
		case space && from >= 0:
			out = append(out, query[from:i])
			from = -1
		case !space && from < 0:
			from = i
		}
	}
	if from >= 0 {
		out = append(out, query[from:])
	}
	return out
}

// vocabulary are the words that a query can be completed to.
func (x *Index) vocabulary() []string {
	var all []string
	add := func(head string, names []string) {
		for _, n := range names {
			all = append(all, head+quotedName(n))
		}
	}
	add("has:", x.schema)
	add("no:", x.schema)
	add("is:", states)
	add("is:", x.ids)
	add("split:", append(Splits(), AllSplits))
	add("sort:", orderNames[1:])
	for _, m := range measures {
		if m != "tokens" || x.encoded {
			all = append(all, m+">")
		}
	}
	for _, f := range x.schema {
		if name := quotedName(f); !strings.HasPrefix(name, `"`) {
			all = append(all, name+":")
		}
	}
	return all
}

// quotedName is a name as it stands in a query.
func quotedName(name string) string {
	name = strings.ToLower(strings.ReplaceAll(name, `"`, ""))
	if strings.ContainsFunc(name, unicode.IsSpace) {
		return `"` + name + `"`
	}
	return name
}

// Options are the words that the last word of a query can be completed to.
func (x *Index) Options(query string) []string {
	_, last := lastWord(query)
	last = strings.TrimPrefix(strings.ToLower(last), "-")
	if last == "" {
		return nil
	}
	return slices.DeleteFunc(x.vocabulary(), func(v string) bool { return !strings.HasPrefix(v, last) || v == last })
}

// Complete makes the last word of a query longer as far as there is no choice. Of
// a word of the text it makes one whose letters are looked for in order, and back.
func (x *Index) Complete(query string) string {
	head, last := lastWord(query)
	options := x.Options(query)
	switch {
	case last == "":
		return query
	case strings.HasPrefix(last, "~"):
		return head + strings.TrimPrefix(last, "~")
	case len(options) == 0 && !strings.ContainsAny(last, `:<>="`) && !strings.HasPrefix(last, "-"):
		return head + "~" + last
	case len(options) == 0:
		return query
	}
	common := options[0]
	for _, o := range options[1:] {
		n := 0
		for n < min(len(common), len(o)) && common[n] == o[n] {
			n++
		}
		common = common[:n]
	}
	sign := ""
	if strings.HasPrefix(last, "-") {
		sign = "-"
	}
	if len(common)+len(sign) <= len(last) {
		return query
	}
	return head + sign + strings.ToValidUTF8(common, "")
}

// lastWord is what stands behind the last space of a query, and what before it.
func lastWord(query string) (head, last string) {
	i := strings.LastIndexFunc(query, unicode.IsSpace)
	if i < 0 {
		return "", query
	}
	_, size := utf8.DecodeRuneInString(query[i:])
	return query[:i+size], query[i+size:]
}

// Toggle puts a word into a query or takes it out. One that says something else
// about the same thing makes room: another order, another split, no: of a field
// for has: of it.
func Toggle(query, add string) string {
	parts := cutWords(query)
	if i := slices.IndexFunc(parts, func(p string) bool { return strings.EqualFold(p, add) }); i >= 0 {
		return strings.Join(slices.Delete(parts, i, i+1), " ")
	}
	parts = slices.DeleteFunc(parts, func(p string) bool { return excludes(strings.ToLower(p), add) })
	return strings.Join(append(parts, add), " ")
}

func excludes(a, b string) bool {
	for _, head := range []string{"sort:", "split:"} {
		if strings.HasPrefix(a, head) && strings.HasPrefix(b, head) {
			return true
		}
	}
	x, fieldA, okA := strings.Cut(a, ":")
	y, fieldB, okB := strings.Cut(b, ":")
	return okA && okB && fieldA == fieldB && (x == "has" && y == "no" || x == "no" && y == "has")
}
