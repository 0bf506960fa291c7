package calendar

import (
	"slices"
	"strings"

	"hone/data/builtin/words"
)

// months are given names too: a person called June would not be told from the month.
var months = strings.Fields("April August May June")

// name returns a single name: a given one, or one made up. Short ones are more frequent.
func (s *source) name() string {
	for {
		n := s.from(words.Given)
		if s.chance(14) {
			n = s.invent()
		}
		if !slices.Contains(months, n) && (len(n) < 6 || s.chance(22)) {
			return n
		}
	}
}

// owner is a name that takes an apostrophe and an s.
func (s *source) owner(pool []string) string {
	for {
		n := s.name()
		if s.chance(60) {
			n = s.from(pool)
		}
		if !strings.HasSuffix(n, "s") {
			return n
		}
	}
}

// person returns a name as written in a sentence: at times with a surname or a title.
func (s *source) person() string {
	switch s.weighted(90, 6, 4) {
	case 1:
		return s.name() + " " + s.from(words.Surnames)
	case 2:
		return s.one("Dr.", "Mr.", "Ms.", "Mrs.", "Prof.") + " " + s.from(words.Surnames)
	}
	return s.name()
}

// Groups that take no article, of work and of life, and those that are a team's kind of work.
var (
	bareGroups = strings.Fields("HR HR IT QA PR R&D colleagues contractors suppliers investors interns clients customers candidates")
	kin        = strings.Fields("friends family parents neighbors roommates cousins grandparents")
	teams      = strings.Fields("marketing finance legal sales engineering design support operations")
)

// group returns attendees who are no persons, as written and as labelled.
func (s *source) group(leisure, terse bool) (text, label string) {
	if leisure {
		label = s.from(kin)
		return label, label
	}
	switch s.weighted(4, 2, 4) {
	case 0:
		label = s.from(bareGroups)
		return label, label
	case 1:
		label = s.from(teams) + " team"
	default:
		label = s.one("team", "team", "client", "vendor", "board", "CEO", "landlord", "committee", "architect", "accountant")
	}
	if terse {
		return label, label
	}
	return "the " + label, label
}

// joint is a way to write a list of attendees.
type joint int

const (
	commaAnd  joint = iota // A; A and B; A, B, and C
	commas                 // A, B, C
	plus                   // A + B
	ampersand              // A & B
)

func (j joint) join(list []string) string {
	switch {
	case j == commas:
		return strings.Join(list, ", ")
	case j == plus:
		return strings.Join(list, " + ")
	case j == ampersand:
		return strings.Join(list, " & ")
	case len(list) > 2:
		last := len(list) - 1
		return strings.Join(list[:last], ", ") + ", and " + list[last]
	}
	return strings.Join(list, " and ")
}

// people returns n different attendees as written and as labelled. Those who are plain go by
// a single name, so that what follows cannot be taken for more of it.
func (s *source) people(n int, j joint, leisure, plain bool) (text string, labels []string) {
	var parts []string
	for len(labels) < n {
		var part, label string
		switch {
		case j != commas && len(labels) == n-1 && s.chance(8/n) && !(leisure && n > 1):
			part, label = s.group(leisure, plain || j != commaAnd)
		case plain:
			label = s.name()
			part = label
		default:
			label = s.person()
			part = label
		}
		if slices.Contains(labels, label) {
			continue
		}
		parts, labels = append(parts, part), append(labels, label)
	}
	return j.join(parts), labels
}
