package pretrain

import (
	"slices"
	"strings"
	"unicode"

	"hone/data/builtin/words"
)

// Events are told in four manners: jotted down, as a sentence, as a request, and with labels; later in turns of phrase
// besides.

// text tells an event. Every part of it stands in the text as it is, the date and the time in one of
// their spellings.
func (w *writer) text(e event) string {
	when := pick(w.source, dateSpellings)(e.date)
	at := pick(w.source, clockSpellings)(e.time)
	var s string
	noted := false
	if w.turns {
		e.duration = w.spoken(e.duration)
	}
	switch x := w.below(100); {
	case w.turns && w.chance(65):
		s, noted = w.turned(e, when, at)
	case x < 40:
		s = w.jotted(e, when, at)
	case x < 86:
		s = w.sentence(e, when, at)
	case x < 95:
		s = w.request(e, when, at)
	default:
		return w.labelled(e, when, at)
	}
	if e.recurrence != "" && !e.often {
		s += pick(w.source, []string{" ", ", ", ", repeats ", " (" + e.recurrence + ")"})
		if !strings.HasSuffix(s, ")") {
			s += e.recurrence
		}
	}
	if e.note != "" && !noted {
		s += pick(w.source, []string{". Note: ", "; note: ", " - ", ", also ", ". Please ", " (note: "})
		open := strings.HasSuffix(s, "(note: ")
		if s += e.note; open {
			s += ")"
		}
	}
	if w.chance(45) {
		s += "."
	}
	return s
}

// jotted: "Budget review 14 - May - 2024 4pm w/ Zoe & Sam Zoom 30m".
func (w *writer) jotted(e event, when, at string) string {
	day := when + pick(w.source, []string{" ", " ", " ", ", ", " at ", " @ "}) + at
	if w.chance(8) {
		day = at + pick(w.source, []string{" ", ", ", " on "}) + when
	}
	separator := pick(w.source, []string{" ", " ", " ", ", ", " - ", " | "})
	order := w.below(100)
	// Without a word before them, people are told from the action by the date between, and a place
	// from people by not being one.
	bare := order >= 40 && w.chance(w.bareness())
	var rest []string
	if len(e.people) > 0 {
		with := ""
		if !bare {
			with = pick(w.source, []string{"w/ ", "with "})
		}
		rest = append(rest, with+w.joined(e.people))
	}
	if e.place != "" {
		at := pick(w.source, []string{"@ ", "at ", "in ", "at "})
		if slices.Contains(words.Platforms, e.place) || separator != " " && !bare && order >= 40 || w.terse && !bare && order >= 40 && w.chance(60) {
			at = pick(w.source, []string{"", "", "on "})
		}
		rest = append(rest, at+e.place)
	}
	if e.duration != "" {
		rest = append(rest, pick(w.source, []string{e.duration, e.duration, "(" + e.duration + ")", "for " + e.duration}))
	}
	if w.chance(40) {
		shuffle(w.source, rest)
	}
	head := []string{e.action, day}
	switch {
	case order < 22:
		head = []string{day, e.action}
	case order < 34 && len(rest) > 0:
		head = []string{e.action, rest[0], day}
		rest = rest[1:]
	case order < 40:
		head = []string{at, e.action, when}
	}
	return strings.Join(append(head, rest...), separator)
}

// bareness is the share of people without a word before them, in percent.
func (w *writer) bareness() int {
	if w.terse {
		return 65
	}
	return 35
}

// sentence: "Budget review with Zoe and Sam on May 14, 2024 at 4:00 pm at the Amber Bakery for 30 minutes".
func (w *writer) sentence(e event, when, at string) string {
	day := pick(w.source, []string{"on ", "on ", "on ", "", "scheduled for ", "for "}) + when +
		pick(w.source, []string{" at ", " at ", " at ", ", ", " from ", " starting at ", " around "}) + at
	if w.chance(15) {
		day = "at " + at + " on " + when
	}
	parts := []string{day}
	if len(e.people) > 0 {
		parts = append(parts, pick(w.source, []string{"with ", "with ", "with ", "together with ", "w/ ", "with the "})+w.joined(e.people))
		if strings.HasPrefix(parts[1], "with the ") && !slices.Contains(words.Groups, e.people[0]) {
			parts[1] = "with " + w.joined(e.people)
		}
	}
	if e.place != "" {
		parts = append(parts, w.located(e.place))
	}
	if w.chance(70) {
		shuffle(w.source, parts)
	}
	opened := w.chance(16) && !strings.HasPrefix(day, "for ")
	if opened { // "On May 14, 2024 at 4pm, ..."
		at := slices.Index(parts, day)
		parts = slices.Delete(parts, at, at+1)
	}
	if e.duration != "" {
		how := pick(w.source, []string{"for ", "for ", "for ", ", ", "(", ", lasting ", "for about ", ", block ", ", it takes "})
		last := how + e.duration
		if how == "(" {
			last += ")"
		}
		at := len(parts)
		if w.chance(20) {
			at = w.below(len(parts) + 1)
		}
		parts = slices.Insert(parts, at, last)
	}
	s := e.action
	if opened {
		s = sentenceCase(day) + ", " + s
	}
	for _, p := range parts {
		if !strings.HasPrefix(p, ",") {
			s += " "
		}
		s += p
	}
	if w.chance(6) {
		s = pick(w.source, []string{"Reminder: ", "New event: ", "To do: ", "Next up: "}) + s
	}
	return s
}

// located returns a place with the word before it.
func (w *writer) located(place string) string {
	switch {
	case slices.Contains(words.Platforms, place):
		return pick(w.source, []string{"on ", "via ", "over ", "using "}) + place
	case unicode.IsLower([]rune(place)[0]):
		return pick(w.source, []string{"at the ", "in the ", "at the ", "at "}) + place
	}
	if !takesArticle(place) {
		return pick(w.source, []string{"at ", "at ", "at ", "in "}) + place
	}
	return pick(w.source, []string{"at ", "at ", "in ", "at the ", "at the "}) + place
}

// takesArticle tells whether a place may follow "the": the Amber Bakery, not Lisbon, 12 Elm Lane or Zoe's desk.
func takesArticle(place string) bool {
	return strings.Contains(place, " ") && !strings.ContainsAny(place, "'’0123456789")
}

// request: "Zoe and Sam are coming to the budget review on May 14, 2024 at 4pm".
func (w *writer) request(e event, when, at string) string {
	var s string
	switch w.below(4) {
	case 0:
		s = "Can you put " + e.action + " on my calendar for " + when + ", " + at + "?"
	case 1:
		s = "We have " + e.action + " on " + when + " at " + at + "."
	case 2:
		s = "Heads up: " + e.action + ", " + when + ", " + at + "."
	default:
		s = "On " + when + " there is " + e.action + ", it starts at " + at + "."
	}
	if len(e.people) > 0 {
		subject := w.joined(e.people)
		if unicode.IsLower([]rune(subject)[0]) {
			subject = "The " + subject
		}
		s += " " + subject + pick(w.source, []string{" will be there.", " will come.", " will join."})
	}
	if e.place != "" {
		s += pick(w.source, []string{" It is ", " We meet ", " Go there: "}) + w.located(e.place) + "."
	}
	if e.duration != "" {
		s += pick(w.source, []string{" It takes ", " Duration: ", " Plan for "}) + e.duration + "."
	}
	return strings.TrimSuffix(s, ".")
}

// labelled: "What: Budget review; Date: May 14, 2024; Time: 4pm; Where: Zoom".
func (w *writer) labelled(e event, when, at string) string {
	type label struct{ name, value string }
	labels := []label{
		{pick(w.source, []string{"What", "Action", "Event", "Subject"}), e.action},
		{pick(w.source, []string{"Date", "Day", "When"}), when},
		{pick(w.source, []string{"Time", "Start", "Hour"}), at},
	}
	if len(e.people) > 0 {
		labels = append(labels, label{pick(w.source, []string{"Attendees", "Who", "With"}), strings.Join(e.people, ", ")})
	}
	for _, l := range []label{
		{pick(w.source, []string{"Location", "Where", "Place"}), e.place},
		{pick(w.source, []string{"Duration", "Length"}), e.duration},
		{pick(w.source, []string{"Recurrence", "Repeats"}), e.recurrence},
		{pick(w.source, []string{"Notes", "Note"}), e.note},
	} {
		if l.value != "" {
			labels = append(labels, l)
		}
	}
	var all []string
	small := w.chance(40)
	for _, l := range labels {
		if small {
			l.name = strings.ToLower(l.name)
		}
		all = append(all, l.name+": "+l.value)
	}
	return strings.Join(all, pick(w.source, []string{"; ", ". ", " | ", ", "}))
}
