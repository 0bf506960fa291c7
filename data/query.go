package data

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits of a query.
const (
	maxQuery = 4096 // bytes
	maxTerms = 64
)

// AllSplits in a query lists the rows of every split.
const AllSplits = "all"

// QueryTerm is a word of the query language.
type QueryTerm struct{ Write, Means string }

// QueryTerms say how a query is written, for a person.
func QueryTerms() []QueryTerm {
	return []QueryTerm{
		{"weekly sync", "the text holds both words, in any case; in quotes, as they stand"},
		{"~wkly", "the text has these letters in this order; the best come first"},
		{"has:attendees", "the field has a value that is not null; no:attendees, it has none"},
		{`date:"may 14"`, "the field's value holds the text"},
		{"is:unseen", "the text has a word that no train row has"},
		{"is:bad", "preflight warns of it; is:dup-row by this id; is:dropped, too long"},
		{"split:eval", "rows of this split, whatever is shown; split:all, of every split"},
		{"tokens>120", "also <, <=, >=, =; chars>300 characters, loss>0.5 nats a token"},
		{"sort:longest", "also shortest; hardest and easiest, by the loss (is:measured)"},
		{"-has:notes", "what must not hold"},
	}
}

// order is how the rows that a query matches are listed.
type order int

const (
	inFileOrder order = iota
	longestFirst
	shortestFirst
	hardestFirst
	easiestFirst
)

var orderNames = []string{longestFirst: "longest", shortestFirst: "shortest", hardestFirst: "hardest", easiestFirst: "easiest"}

// states are what is: takes beside ids of findings.
var states = []string{"unseen", "bad", "dropped", "measured"}

// Query is a question about rows; the zero value holds for every row.
type Query struct {
	split  string // "" = the one that is shown
	by     order
	terms  []term // cheap ones first
	texts  []term
	fuzzy  []string // every row has them in order; how well decides the order
	losses bool
}

// NeedsLoss reports whether the query asks how hard rows are.
func (q Query) NeedsLoss() bool { return q.losses }

// Split is the split that the query names, [AllSplits], or "".
func (q Query) Split() string { return q.split }

// term is one condition.
type term func(r *looked) bool

// looked is the row that is looked at.
type looked struct {
	*columns
	i    int // in its split
	low  []string
	nats float64
	has  bool // nats is known
}

// Parse reads a query: words that must all hold, as [QueryTerms] says. What is
// still being typed, as has: alone, does not count. The error says what would
// work.
func (x *Index) Parse(text string) (Query, error) {
	var q Query
	if len(text) > maxQuery {
		return q, fmt.Errorf("the filter has %d bytes; at most %d are read", len(text), maxQuery)
	}
	list := words(strings.ToLower(text))
	if len(list) > maxTerms {
		return q, fmt.Errorf("the filter has %d words; at most %d are read", len(list), maxTerms)
	}
	for _, w := range list {
		if err := x.add(&q, w); err != nil {
			return Query{}, err
		}
	}
	return q, nil
}

// add reads one word.
func (x *Index) add(q *Query, w word) error {
	name, rest, named := strings.Cut(w.text, ":")
	switch {
	case w.text == "":
	case w.fuzzy:
		q.fuzzy = append(q.fuzzy, w.text)
	case w.quoted:
		q.addText(w)
	case named && name == "split":
		return q.setSplit(rest)
	case named && name == "sort":
		return q.setOrder(rest)
	case named && name == "is":
		return x.addState(q, w, rest)
	case named && slices.Contains([]string{"has", "with", "no", "without"}, name):
		if rest == "" {
			return nil
		}
		bits, err := x.fields(rest)
		if err != nil {
			return err
		}
		want := name == "has" || name == "with"
		q.add(w, func(r *looked) bool { return (r.filled[r.i]&bits != 0) == want })
	case named && x.field(name) >= 0:
		key := x.schema[x.field(name)]
		q.texts = append(q.texts, w.negated(func(r *looked) bool {
			value, ok := r.rows[r.i].Object.Get(key)
			return ok && strings.Contains(strings.ToLower(ValueText(value)), rest)
		}))
	default:
		if measure, sign, number, ok := comparison(w.text); ok {
			return x.addNumber(q, w, measure, sign, number)
		}
		q.addText(w)
	}
	return nil
}

func (q *Query) add(w word, t term) { q.terms = append(q.terms, w.negated(t)) }

func (q *Query) addText(w word) {
	q.texts = append(q.texts, w.negated(func(r *looked) bool { return strings.Contains(r.low[r.i], w.text) }))
}

func (w word) negated(t term) term {
	if !w.not {
		return t
	}
	return func(r *looked) bool { return !t(r) }
}

func (q *Query) setSplit(name string) error {
	if name == "" {
		return nil
	}
	split, ok := beginning(name, append(Splits(), AllSplits))
	if !ok {
		return fmt.Errorf("split:%s: there are train, eval, test and all", name)
	}
	q.split = split
	return nil
}

func (q *Query) setOrder(name string) error {
	if name == "" {
		return nil
	}
	full, ok := beginning(name, orderNames[1:])
	if !ok {
		return fmt.Errorf("sort:%s: rows are sorted by %s", name, strings.Join(orderNames[1:], ", "))
	}
	q.by = order(slices.Index(orderNames, full))
	q.losses = q.losses || q.by == hardestFirst || q.by == easiestFirst
	return nil
}

func (x *Index) addState(q *Query, w word, name string) error {
	if name == "" {
		return nil
	}
	state, ok := beginning(name, append(slices.Clone(states), x.ids...))
	if !ok {
		text := "is:" + name + ": rows are " + strings.Join(states, ", ")
		if len(x.ids) > 0 {
			text += ", or named by " + strings.Join(x.ids, ", ")
		}
		return fmt.Errorf("%s", text)
	}
	mark := uint64(0)
	switch state {
	case "unseen":
		q.add(w, func(r *looked) bool { return r.unseen()[r.i] })
		return nil
	case "measured":
		q.losses = true
		q.add(w, func(r *looked) bool { return r.has })
		return nil
	case "bad":
		mark = markBad
	case "dropped":
		mark = markDropped
	default:
		mark = 1 << slices.Index(x.ids, state)
	}
	q.add(w, func(r *looked) bool { return r.marks[r.i]&mark != 0 })
	return nil
}

// measures are what a number can be asked of.
var measures = []string{"tokens", "chars", "loss"}

// comparison cuts tokens>=120 in three; ok is false of what is none.
func comparison(text string) (measure, sign, number string, ok bool) {
	i := strings.IndexAny(text, "<>=")
	if i < 0 || !slices.Contains(measures, text[:i]) {
		return "", "", "", false
	}
	j := i + 1
	if j < len(text) && text[j] == '=' {
		j++
	}
	return text[:i], text[i:j], text[j:], true
}

func (x *Index) addNumber(q *Query, w word, measure, sign, number string) error {
	if measure == "tokens" && !x.encoded {
		return fmt.Errorf("%s: tokens are known once a model is named; chars counts characters", w.text)
	}
	if number == "" {
		return nil
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n != n {
		return fmt.Errorf("%s: a number belongs behind %s", w.text, sign)
	}
	holds := func(v float64) bool {
		switch sign {
		case "<":
			return v < n
		case "<=":
			return v <= n
		case ">":
			return !(v <= n) // what is no number is worse than any
		case ">=":
			return !(v < n)
		}
		return v == n
	}
	switch measure {
	case "tokens":
		q.add(w, func(r *looked) bool { return holds(float64(r.length[r.i])) })
	case "chars":
		q.add(w, func(r *looked) bool { return holds(float64(r.chars()[r.i])) })
	default:
		q.losses = true
		q.add(w, func(r *looked) bool { return r.has && holds(r.nats) })
	}
	return nil
}

// field is the index of the field of that name in any case, or -1.
func (x *Index) field(name string) int {
	return slices.IndexFunc(x.schema, func(f string) bool { return strings.EqualFold(f, name) })
}

// fields are the bits of the fields that go by a name, or else begin with it.
func (x *Index) fields(name string) (bits uint64, err error) {
	if f := x.field(name); f >= 0 {
		return 1 << f, nil
	}
	for f, field := range x.schema {
		if strings.HasPrefix(strings.ToLower(field), name) {
			bits |= 1 << f
		}
	}
	switch {
	case len(x.schema) == 0:
		return 0, fmt.Errorf("the completions are text: they have no fields")
	case bits == 0:
		return 0, fmt.Errorf("no field begins with %q; they are %s", name, strings.Join(x.schema, ", "))
	}
	return bits, nil
}

// beginning finds the one name that is text, or else the first that begins with it.
func beginning(text string, names []string) (string, bool) {
	if slices.Contains(names, text) {
		return text, true
	}
	if i := slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, text) }); i >= 0 {
		return names[i], true
	}
	return "", false
}
