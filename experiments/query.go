package experiments

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"hone/runs"
)

// RunFacts is what a query can ask of a run. A number that the run does not have
// is NaN, and no comparison with it holds.
type RunFacts struct {
	ID, Name, State string
	Tags            []string
	Note            string
	Step, Steps     float64
	Loss            float64 // last
	Exact, Valid    float64 // best evaluation
	Fields          float64 // field accuracy of it
	Seconds         float64 // the run was live
	Config          *Config // nil where it cannot be read
}

// FactsOf are the facts of a run of a list, with its experiment.
func FactsOf(s runs.Summary, c *Config) RunFacts {
	f := RunFacts{
		ID: s.ID, Name: s.Name, State: s.State, Tags: s.Tags, Note: s.Note, Config: c,
		Step: float64(s.Step), Steps: float64(s.Steps), Seconds: float64(s.ElapsedSeconds),
		Loss: math.NaN(), Exact: math.NaN(), Valid: math.NaN(), Fields: math.NaN(),
	}
	if s.Loss != nil {
		f.Loss = float64(*s.Loss)
	}
	if s.Best != nil {
		f.Exact, f.Valid, f.Fields = float64(s.Best.ExactMatch), float64(s.Best.JSONValidity), float64(s.Best.FieldAccuracy)
	}
	return f
}

// runNumbers are the numbers of a run that a query can name beside the keys of
// the experiment.
var runNumbers = []struct {
	name  string
	value func(*RunFacts) float64
}{
	{"loss", func(f *RunFacts) float64 { return f.Loss }},
	{"exact", func(f *RunFacts) float64 { return f.Exact }},
	{"valid", func(f *RunFacts) float64 { return f.Valid }},
	{"fields", func(f *RunFacts) float64 { return f.Fields }},
	{"step", func(f *RunFacts) float64 { return f.Step }},
	{"steps", func(f *RunFacts) float64 { return f.Steps }},
	{"minutes", func(f *RunFacts) float64 { return f.Seconds / 60 }},
}

// runTexts are the texts of a run that a query can name.
var runTexts = []struct {
	name   string
	values func(*RunFacts) []string
}{
	{"id", func(f *RunFacts) []string { return []string{f.ID} }},
	{"name", func(f *RunFacts) []string { return []string{f.Name} }},
	{"state", func(f *RunFacts) []string { return []string{f.State} }},
	{"tag", func(f *RunFacts) []string { return f.Tags }},
	{"note", func(f *RunFacts) []string { return []string{f.Note} }},
}

// runStates are the states that state: takes; a beginning of one will do.
var runStates = []string{runs.Running, runs.Paused, runs.Finished, runs.Failed, runs.Stopped, runs.Stale, runs.Unreadable}

// QueryHelp says in one line how a query is written.
const QueryHelp = "terms that must all hold: words, tag:good, state:failed, note:word, exact>0.6, lr>=1e-4, method=full; -term excludes"

// Limits of a query.
const (
	maxQuery = 4096 // bytes
	maxTerms = 64
)

// Query is a question about runs; the zero value holds for every run.
type Query struct {
	terms  []func(*RunFacts) bool
	config bool
}

// NeedsConfig reports whether the query asks for settings of the experiment.
func (q Query) NeedsConfig() bool { return q.config }

// Match reports whether every term holds.
func (q Query) Match(f RunFacts) bool {
	for _, holds := range q.terms {
		if !holds(&f) {
			return false
		}
	}
	return true
}

// ParseQuery reads a query such as `lr>=1e-4 tag:good -state:failed exact>0.6`:
// terms between spaces, all of which must hold. A term is a word that id, name,
// tags, note or state contain; name:text for one of them; a number of the run or
// a key of the experiment (its last part will do) compared by =, !=, <, <=, >, >=;
// with '-' before it, it must not hold. Double quotes keep spaces together. Case
// does not matter.
func ParseQuery(text string) (Query, error) {
	var q Query
	if len(text) > maxQuery {
		return q, fmt.Errorf("the query has %d bytes, at most %d are read", len(text), maxQuery)
	}
	terms, err := queryTerms(text)
	if err != nil {
		return q, err
	}
	if len(terms) > maxTerms {
		return q, fmt.Errorf("the query has %d terms, at most %d are read", len(terms), maxTerms)
	}
	for _, term := range terms {
		body, exclude := strings.CutPrefix(term, "-")
		if body == "" {
			return Query{}, fmt.Errorf("%q excludes nothing: a term follows the minus", term)
		}
		holds, config, err := parseTerm(body)
		if err != nil {
			return Query{}, err
		}
		q.config = q.config || config
		if exclude {
			all := holds
			holds = func(f *RunFacts) bool { return !all(f) }
		}
		q.terms = append(q.terms, holds)
	}
	return q, nil
}

// queryTerms splits at spaces outside of double quotes, which are taken away.
func queryTerms(text string) ([]string, error) {
	var terms []string
	var b strings.Builder
	quoted, any := false, false
	for _, r := range text {
		switch {
		case r == '"':
			quoted, any = !quoted, true
		case unicode.IsSpace(r) && !quoted:
			if any {
				terms = append(terms, b.String())
			}
			b.Reset()
			any = false
		default:
			b.WriteRune(r)
			any = true
		}
	}
	if quoted {
		return nil, fmt.Errorf("a double quote is not closed")
	}
	if any {
		terms = append(terms, b.String())
	}
	return terms, nil
}

// comparisons by their signs; the longer of two with the same beginning first.
var comparisons = []struct {
	sign  string
	holds func(a, b float64) bool
}{
	{">=", func(a, b float64) bool { return a >= b }},
	{"<=", func(a, b float64) bool { return a <= b }},
	{"!=", func(a, b float64) bool { return a != b && a == a }},
	{">", func(a, b float64) bool { return a > b }},
	{"<", func(a, b float64) bool { return a < b }},
	{"=", func(a, b float64) bool { return a == b }},
	{":", func(a, b float64) bool { return a == b }},
}

func parseTerm(term string) (holds func(*RunFacts) bool, config bool, err error) {
	at := strings.IndexAny(term, "<>=!:")
	if at < 0 {
		word := strings.ToLower(term)
		return func(f *RunFacts) bool { return f.hasWord(word) }, false, nil
	}
	name := strings.ToLower(term[:at])
	for i, c := range comparisons {
		value, ok := strings.CutPrefix(term[at:], c.sign)
		if !ok {
			continue
		}
		switch {
		case name == "":
			return nil, false, fmt.Errorf("%q: a name is missing before %s", term, c.sign)
		case value == "":
			return nil, false, fmt.Errorf("%q: a value is missing after %s", term, c.sign)
		}
		return compareNamed(name, i, value)
	}
	return nil, false, fmt.Errorf("%q: the signs are : = != < <= > >=", term)
}

// compareNamed makes the term `name sign value`.
func compareNamed(name string, sign int, value string) (holds func(*RunFacts) bool, config bool, err error) {
	c := comparisons[sign]
	for _, t := range runTexts {
		if t.name == name {
			holds, err = textTerm(name, c.sign, value, t.values)
			return holds, false, err
		}
	}
	for _, n := range runNumbers {
		if n.name == name {
			want, err := queryNumber(name, value)
			return func(f *RunFacts) bool { return c.holds(n.value(f), want) }, false, err
		}
	}
	k, err := queryKey(name)
	if err != nil {
		return nil, false, err
	}
	switch k.Kind {
	case KindInt, KindFloat:
		want, err := queryNumber(k.Name, value)
		return func(f *RunFacts) bool { return f.Config != nil && c.holds(k.number(f.Config), want) }, true, err
	}
	if k.Kind == KindChoice && !slices.ContainsFunc(k.Options, func(o string) bool { return strings.HasPrefix(o, strings.ToLower(value)) }) {
		return nil, false, fmt.Errorf("%s is one of %s, not %q", k.Name, quotedList(k.Options, "and"), value)
	}
	holds, err = textTerm(k.Name, c.sign, value, func(f *RunFacts) []string {
		if f.Config == nil {
			return nil
		}
		switch v := k.at(f.Config).(type) {
		case *string:
			return []string{*v}
		case *[]string:
			return *v
		}
		return []string{k.text(f.Config)}
	})
	return holds, true, err
}

// textTerm compares texts: '=' is the whole of one, ':' a part of one; a state or
// a tag is named by ':' as a whole word, a state by its beginning.
func textTerm(name, sign, value string, values func(*RunFacts) []string) (func(*RunFacts) bool, error) {
	value = strings.ToLower(value)
	same := func(have string) bool { return have == value }
	switch {
	case strings.ContainsAny(sign, "<>"):
		return nil, fmt.Errorf("%s is text: it is compared by =, != or :, not by %s", name, sign)
	case name == "state":
		if !slices.ContainsFunc(runStates, func(s string) bool { return strings.HasPrefix(s, value) }) {
			return nil, fmt.Errorf("no state begins with %q: they are %s", value, strings.Join(runStates, ", "))
		}
		same = func(have string) bool { return strings.HasPrefix(have, value) }
	case sign == ":" && name != "tag":
		same = func(have string) bool { return strings.Contains(have, value) }
	}
	return func(f *RunFacts) bool {
		found := slices.ContainsFunc(values(f), func(have string) bool { return same(strings.ToLower(have)) })
		return found != (sign == "!=")
	}, nil
}

// hasWord reports whether a text of the run contains a word in lower case.
func (f *RunFacts) hasWord(word string) bool {
	for _, t := range runTexts {
		for _, v := range t.values(f) {
			if strings.Contains(strings.ToLower(v), word) {
				return true
			}
		}
	}
	return false
}

func queryNumber(name, text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v-v != 0 {
		return 0, fmt.Errorf("%s is compared with a number, not %q", name, text)
	}
	return v, nil
}

// queryKey finds a key of the experiment by its full name or its last part.
func queryKey(name string) (*Key, error) {
	if k := findKey(name); k != nil {
		return k, nil
	}
	var found []string
	for i := range keyTable {
		if keyTable[i].Leaf() == name {
			found = append(found, keyTable[i].Name)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("nothing is called %q; the nearest is %s", name, nearestName(name))
	case 1:
		return findKey(found[0]), nil
	}
	return nil, fmt.Errorf("%s is the name of more than one setting: %s", name, strings.Join(found, ", "))
}

// nearestName is what a query can name that is nearest to a misspelt name.
func nearestName(name string) string {
	var names []string
	for _, t := range runTexts {
		names = append(names, t.name)
	}
	for _, n := range runNumbers {
		names = append(names, n.name)
	}
	best := nearest(name, names)
	if key := nearestKey(name); editDistance(name, key[strings.LastIndexByte(key, '.')+1:]) < editDistance(name, best) {
		return key
	}
	return best
}

// number is the value of a key of kind int or float.
func (k *Key) number(c *Config) float64 {
	switch v := k.at(c).(type) {
	case *int:
		return float64(*v)
	case *uint64:
		return float64(*v)
	case *float64:
		return *v
	}
	return math.NaN()
}
