package experiments

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Mistakes say of every field how it is wrong, in base and in tuned.
type Mistakes struct {
	Base  []FieldMistakes `json:"base"`
	Tuned []FieldMistakes `json:"tuned"`
}

// FieldMistakes are the wrong values of a field, by kind, the most frequent first.
type FieldMistakes struct {
	Field string        `json:"field"`
	Wrong int           `json:"wrong"`
	Kinds []MistakeKind `json:"kinds,omitempty"`
}

// MistakeKind is how many values are wrong in the same way.
type MistakeKind struct {
	Kind string `json:"kind"` // an id, see MistakeWords
	N    int    `json:"n"`
	// Usual is the target that most of them have, "" where there is none.
	Usual string `json:"usual,omitempty"`
}

// mistake is a wrong value with what it is judged by.
type mistake struct {
	valid    bool
	has      bool // the key is there
	want     any
	got      any
	event    string         // in lower case
	field    string         // its name
	row      map[string]any // the whole target
	others   map[string]int // how often each text is the field's target, by folded text
	dayFirst bool           // how the field's targets write a date in numbers
}

// mistakeKinds in the order in which they are tried: the first that fits says it.
// Words go after a number: "2 of them day-month swaps".
var mistakeKinds = []struct {
	id, words string
	fits      func(m *mistake) bool
}{
	{"invalid", "in outputs without an object", func(m *mistake) bool { return !m.valid }},
	{"missing", "with the key missing", func(m *mistake) bool { return !m.has }},
	{"null", "left null", func(m *mistake) bool { return m.got == nil }},
	{"other-field", "the value of another field", (*mistake).otherField},
	{"invented", "invented where null was right", func(m *mistake) bool { return m.want == nil }},
	{"type", "of another JSON type", (*mistake).otherType},
	{"case", "case or spacing only", func(m *mistake) bool { return fold(valueText(m.want)) == fold(valueText(m.got)) }},
	{"iso", "kept as ISO", func(m *mistake) bool { return m.sameDate() && isISO(m.got) && !isISO(m.want) }},
	{"not-iso", "turned from ISO into another form", func(m *mistake) bool { return m.sameDate() && isISO(m.want) && !isISO(m.got) }},
	{"date-form", "the same date in another form", (*mistake).sameDate},
	{"day-month", "day-month swaps", (*mistake).swappedDate},
	{"day", "with the wrong day", func(m *mistake) bool { return m.dateDiffers(true, false, false) }},
	{"month", "with the wrong month", func(m *mistake) bool { return m.dateDiffers(false, true, false) }},
	{"year", "with the wrong year", func(m *mistake) bool { return m.dateDiffers(false, false, true) }},
	{"clock", "12/24 hour", (*mistake).otherClock},
	{"time-form", "the same time in another form", (*mistake).sameTime},
	{"am-pm", "AM-PM swaps", (*mistake).swappedHalf},
	{"hour", "with the wrong hour", (*mistake).wrongHour},
	{"length-form", "the same length of time in another form", (*mistake).sameLength},
	{"order", "in another order", func(m *mistake) bool { return m.lists(true, true) }},
	{"items-missing", "with items missing", func(m *mistake) bool { return m.lists(false, true) }},
	{"items-extra", "with items too many", func(m *mistake) bool { return m.lists(true, false) }},
	{"punctuation", "punctuation only", (*mistake).punctuation},
	{"truncated", "cut short", func(m *mistake) bool { return within(m.got, m.want) }},
	{"longer", "with more than the target", func(m *mistake) bool { return within(m.want, m.got) }},
	{"verbatim", "copied from the text as written", (*mistake).verbatim},
	{"other-row", "the value of another row", (*mistake).otherRow},
	{"letters", "one or two letters off", (*mistake).letters},
	{"other", "another value", func(*mistake) bool { return true }},
}

// MistakeWords says a kind in words that go after a number.
func MistakeWords(kind string) string {
	for _, k := range mistakeKinds {
		if k.id == kind {
			return k.words
		}
	}
	return kind
}

// kind judges a wrong value.
func (m *mistake) kind() string {
	for _, k := range mistakeKinds {
		if k.fits(m) {
			return k.id
		}
	}
	return "other"
}

// Sentence says the mistakes of a field: "12 wrong, 7 of them kept as ISO, 2
// day-month swaps".
func (f FieldMistakes) Sentence() string {
	parts := []string{"none wrong"}
	if f.Wrong > 0 {
		parts[0] = fmt.Sprintf("%d wrong", f.Wrong)
	}
	for i, k := range f.Kinds {
		words := MistakeWords(k.Kind)
		switch {
		case k.N == f.Wrong && f.Wrong == 1:
		case k.N == f.Wrong:
			words = "all " + words
		case i == 0:
			words = fmt.Sprintf("%d of them %s", k.N, words)
		default:
			words = fmt.Sprintf("%d %s", k.N, words)
		}
		if k.Usual != "" {
			words += fmt.Sprintf(" (mostly %q)", k.Usual)
		}
		parts = append(parts, words)
	}
	return strings.Join(parts, ", ")
}

// mistakes judges every wrong value of both sides and counts.
func (c *Comparison) mistakes() Mistakes {
	others := make([]map[string]int, len(c.Schema))
	dayFirst := make([]bool, len(c.Schema))
	for i, f := range c.Schema {
		others[i] = map[string]int{}
		var texts []string
		for _, p := range c.Examples {
			if v, ok := p.object[f]; ok && v != nil {
				text := valueText(v)
				others[i][fold(text)]++
				texts = append(texts, text)
			}
		}
		dayFirst[i] = writesDayFirst(texts)
	}
	side := func(of func(p *Pair) *Generated) []FieldMistakes {
		out := make([]FieldMistakes, len(c.Schema))
		count := make([]map[string]map[string]int, len(c.Schema)) // kind, target
		for i, f := range c.Schema {
			out[i].Field = f
			count[i] = map[string]map[string]int{}
		}
		for e := range c.Examples {
			p := &c.Examples[e]
			g := of(p)
			if g.Output.Text || g.Output.Exact {
				continue
			}
			for i, f := range c.Schema {
				if g.Output.Fields[f] {
					continue
				}
				got, has := g.Output.Object[f]
				m := mistake{
					valid: g.Output.Valid, has: has, want: p.object[f], got: got, event: strings.ToLower(p.Event),
					field: f, row: p.object, others: others[i], dayFirst: dayFirst[i],
				}
				kind := m.kind()
				if g.Mistakes == nil {
					g.Mistakes = map[string]string{}
				}
				g.Mistakes[f] = kind
				out[i].Wrong++
				if count[i][kind] == nil {
					count[i][kind] = map[string]int{}
				}
				count[i][kind][strings.ToLower(valueText(m.want))]++
			}
		}
		for i := range out {
			out[i].Kinds = kindsOf(count[i])
		}
		return out
	}
	return Mistakes{
		Base:  side(func(p *Pair) *Generated { return &p.Base }),
		Tuned: side(func(p *Pair) *Generated { return &p.Tuned }),
	}
}

// kindsOf sorts kinds by how frequent they are, then by the table.
func kindsOf(count map[string]map[string]int) []MistakeKind {
	var kinds []MistakeKind
	for _, k := range mistakeKinds { // not the map: the order is part of the result
		targets := count[k.id]
		if len(targets) == 0 {
			continue
		}
		kind := MistakeKind{Kind: k.id}
		usual, most := "", 0
		for target, n := range targets {
			kind.N += n
			if n > most || n == most && target < usual {
				usual, most = target, n
			}
		}
		if (k.id == "null" || k.id == "missing") && most >= 3 && usual != "null" && 3*most >= 2*kind.N && len(usual) <= 40 {
			kind.Usual = usual
		}
		kinds = append(kinds, kind)
	}
	slices.SortStableFunc(kinds, func(a, b MistakeKind) int { return cmp.Compare(b.N, a.N) })
	return kinds
}
