package pretrain

import (
	"fmt"
	"strings"

	"hone/data/builtin/words"
)

// person returns one who takes part.
func (w *writer) person() string {
	switch x := w.below(100); {
	case x < 76:
		return w.name(given)
	case x < 86:
		return w.name(given) + " " + w.name(surnames)
	case x < 90:
		return pick(w.source, []string{"Dr.", "Mr.", "Ms.", "Mrs.", "Prof."}) + " " + w.name(surnames)
	case x < 97:
		return pick(w.source, words.Groups)
	}
	return w.plain(topics) + " team"
}

// people returns several, no two the same.
func (w *writer) people(n int) []string {
	var all []string
	seen := map[string]bool{}
	for len(all) < n {
		if p := w.person(); !seen[p] {
			seen[p] = true
			all = append(all, p)
		}
	}
	return all
}

// action returns what an event is.
func (w *writer) action() string {
	var a string
	switch x := w.below(100); {
	case x < 36:
		a = w.plain(topics) + " " + w.activity()
		if w.chance(25) {
			a = w.plain(adjectives) + " " + a
		}
	case x < 46:
		a = w.activity()
	case x < 58:
		a = w.plain(verbs) + " " + w.article(w.plain(things))
		if w.chance(30) {
			a += " " + w.activity()
		}
	case x < 68:
		lead := pick(w.source, []string{"plan", "run", "schedule", "set up", "book", "arrange", "prepare", "attend", "host", "add", "discuss"})
		a = lead + " " + w.article(w.plain(topics)) + " " + w.activity()
	case x < 78:
		a = w.activity() + " " + pick(w.source, []string{"about", "on", "for"}) + " " + w.plain(topics)
	case x < 88:
		a = pick(w.source, []string{"buy", "pick up", "return", "mend", "order", "send", "check"}) + " " + w.plain(products)
	case x < 94:
		a = w.plain(adjectives) + " " + w.activity()
	default:
		a = w.name(things) + " " + w.name(things)
	}
	switch x := w.below(100); {
	case x < 76:
		return sentenceCase(a)
	case x < 84:
		return words.Title(a)
	}
	return a
}

// article puts the, a or nothing before a word.
func (w *writer) article(word string) string {
	switch x := w.below(4); {
	case x == 0:
		return "the " + word
	case x == 1 && strings.ContainsRune("aeiou", rune(word[0])):
		return "an " + word
	case x == 1:
		return "a " + word
	}
	return word
}

// activity returns the kind of an event; one in six is invented.
func (w *writer) activity() string {
	if w.chance(16) {
		return strings.ToLower(w.invented())
	}
	return pick(w.source, words.Activities)
}

// venue returns the kind of a place.
func (w *writer) venue() string {
	if w.chance(25) {
		return w.plain(things)
	}
	return pick(w.source, words.Venues)
}

// place returns where an event is.
func (w *writer) place() string {
	switch x := w.below(100); {
	case x < 12:
		return pick(w.source, words.Platforms)
	case x < 22:
		return words.Title(pick(w.source, words.Rooms)) + pick(w.source, []string{"", " " + w.roomNumber()})
	case x < 28:
		return pick(w.source, []string{"Room", "Suite", "Building", "Hall", "Floor", "Studio", "Gate"}) + " " + w.roomNumber()
	case x < 46:
		return w.name(things) + " " + words.Title(w.venue())
	case x < 58:
		return w.name(adjectives) + " " + w.name(things) + " " + words.Title(w.venue())
	case x < 66:
		return w.name(surnames) + " " + words.Title(w.venue())
	case x < 74:
		return w.venue()
	case x < 82:
		return w.name(given) + pick(w.source, []string{"'s ", "'s ", "'s ", "’s "}) + pick(w.source, []string{"house", "place", "office", "apartment", "garden", "studio", "Grill", "Diner", "desk"})
	case x < 90:
		return w.name(cities)
	}
	return fmt.Sprint(w.between(1, 199), " ", w.name(things), " ", pick(w.source, []string{"Street", "Avenue", "Road", "Lane", "Square"}))
}

func (w *writer) roomNumber() string {
	switch w.below(4) {
	case 0:
		return string(rune('A' + w.below(26)))
	case 1:
		return fmt.Sprint(w.between(1, 9), string(rune('A'+w.below(6))))
	}
	return fmt.Sprint(w.between(1, 420))
}

// duration returns how long an event lasts, as a text writes it and an answer repeats it.
func (w *writer) duration() string {
	if w.chance(8) {
		return pick(w.source, []string{"an hour", "half an hour", "all day", "two hours", "a few hours", "half a day", "an hour and a half", "three days"})
	}
	minutes := w.chance(45)
	n, one := fmt.Sprint(w.between(2, 6)), false
	switch {
	case minutes && w.chance(85):
		n = fmt.Sprint(5 * w.between(1, 18))
	case minutes:
		n = fmt.Sprint(w.between(2, 99))
	case w.chance(40):
		n, one = "1", true
	case w.chance(20):
		n = fmt.Sprint(w.between(0, 4), ".5")
	case w.chance(10):
		return fmt.Sprintf("%s hours %d minutes", n, 5*w.between(1, 11))
	}
	units := []string{" hours", " hours", " hrs", "hrs", "h", "hr", " hr"}
	switch {
	case minutes:
		units = []string{" minutes", " minutes", " mins", " min", "min", "mins", "m"}
	case one:
		units = []string{" hour", " hour", " hour", " hr", "hr", "h"}
	}
	return n + pick(w.source, units)
}

var weekdays = []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

// recurrence returns how often an event comes again.
func (w *writer) recurrence() string {
	switch w.below(3) {
	case 0:
		return "every " + pick(w.source, weekdays)
	case 1:
		return pick(w.source, []string{"weekly", "daily", "monthly", "yearly", "biweekly", "quarterly", "annually"})
	}
	return pick(w.source, []string{"every day", "every week", "every month", "every year", "every other week", "every two weeks", "twice a week", "once a month"})
}

// note returns what else there is to say.
func (w *writer) note() string {
	return pick(w.source, []string{"take", "check", "print", "prepare", "share", "order", "ask for", "pack", "return"}) + " " +
		pick(w.source, []string{"the ", "your ", "some ", "a ", ""}) + w.plain(products)
}
