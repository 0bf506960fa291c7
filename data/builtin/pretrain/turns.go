package pretrain

import (
	"slices"
	"strings"

	"hone/data/builtin/words"
)

// From the fourth corpus on, events come with turns of phrase that the first three do not have, each a
// way to hide where one part ends and the next begins: actions of several nouns, any first few of which
// would be an action too; "weekly review", which says how often inside the action; "to discuss the
// menu" for a note; people after an action with nothing between; names of two words.

// papers are what an action is about besides its topic: "present the media budget".
var papers = strings.Fields("plan slides report budget notes numbers proposal contract figures agenda draft schedule forecast invoice summary memo policy checklist")

// regularly are the words that say inside an action how often it is.
var regularly = strings.Fields("weekly daily monthly quarterly annual yearly biweekly")

// dressed turns parts of an event into what the turns of phrase are about.
func (w *writer) dressed(e event) event {
	if w.chance(55) {
		e.action = w.longAction()
		if w.chance(70) {
			e.action = sentenceCase(e.action)
		}
	}
	if e.note != "" && w.chance(30) {
		e.action = pick(w.source, []string{"Meet", "See", "Visit", "Call", "Walk", "Lunch", "Swim"})
	}
	if e.recurrence != "" && w.chance(65) {
		e.recurrence, e.often = pick(w.source, regularly), true
		e.action = e.recurrence + " " + lowerFirst(e.action)
		if w.chance(50) {
			e.action = sentenceCase(e.action)
		}
	}
	if e.note != "" {
		switch x := w.below(100); {
		case x < 40:
			e.note = "bring " + pick(w.source, []string{"the ", "your ", "some ", "a ", "", "two "}) + w.plain(products)
		case x < 80:
			e.note = pick(w.source, purposes) + " the " + w.plain(topics) + " " + pick(w.source, papers)
		}
	}
	for i, p := range e.people {
		if w.chance(18) && !strings.Contains(p, " ") && !slices.Contains(words.Groups, p) {
			e.people[i] = p + " " + w.name(surnames)
		}
	}
	for figures, list := range spellings { // "an hour" is said, "1 hour" is answered
		if slices.Contains(list, e.duration) {
			e.duration = figures
			break
		}
	}
	return e
}

// spellings are durations in figures and what a text may say instead. No two share one.
var spellings = map[string][]string{
	"30 minutes": {"half an hour", "thirty minutes"},
	"15 minutes": {"a quarter of an hour", "fifteen minutes"},
	"20 minutes": {"twenty minutes"},
	"45 minutes": {"forty-five minutes"},
	"1 hour":     {"an hour", "one hour"},
	"1.5 hours":  {"an hour and a half"},
	"2 hours":    {"two hours"},
	"3 hours":    {"three hours"},
	"4 hours":    {"four hours"},
}

// longAction returns an action of three to five words.
func (w *writer) longAction() string {
	switch x := w.below(100); {
	case x < 26:
		return pick(w.source, []string{"discuss", "review", "finalize", "prepare", "approve", "plan", "present", "outline", "revise", "check", "finish"}) + " " + w.plain(topics) + " " + pick(w.source, papers)
	case x < 46:
		lead := pick(w.source, []string{"schedule", "set up", "book", "arrange", "plan", "organize", "run", "set"})
		noun := w.plain(topics) + " " + w.activity()
		if w.chance(35) {
			noun = w.plain(adjectives) + " " + noun
		}
		return lead + " " + pick(w.source, []string{"", "a ", "a ", "the "}) + noun
	case x < 60:
		return w.plain(products) + " " + pick(w.source, []string{"price check", "order review", "supplier call", "safety test", "repair visit", "stock check"})
	case x < 74:
		return w.name(surnames) + " " + pick(w.source, []string{"account", "contract", "project", "renewal", "office", "branch"}) + " " + w.activity()
	case x < 88:
		return w.plain(topics) + " " + w.activity() + " " + w.activity()
	}
	return pick(w.source, []string{"look at", "pick up", "drop off", "feed", "visit", "draw"}) + " the " + w.plain(things)
}

func lowerFirst(text string) string {
	if len(text) > 1 && strings.ToLower(text[1:2]) == text[1:2] {
		return strings.ToLower(text[:1]) + text[1:]
	}
	return text // an abbreviation
}

// spoken returns a duration as a text says it.
func (w *writer) spoken(duration string) string {
	if list := spellings[duration]; list != nil && w.chance(40) {
		return pick(w.source, list)
	}
	return duration
}

// purposes are how a note begins that an errand is for.
var purposes = []string{"discuss", "talk about", "go over", "plan for", "look at", "settle", "sign"}

// turned tells an event in one of the turns of phrase. It leaves out the recurrence, and says whether
// the note is in it.
func (w *writer) turned(e event, when, at string) (text string, noted bool) {
	purpose := slices.ContainsFunc(purposes, func(p string) bool { return strings.HasPrefix(e.note, p) })
	switch x := w.below(100); {
	case purpose && x < 60:
		return w.errand(e, when, at), true
	case strings.HasPrefix(e.note, "bring ") && x < 70:
		return w.sentence(e, when, at) + ", " + e.note, true
	case x < 36:
		return w.listedBare(e, when, at), false
	case x < 62:
		return w.placedBare(e, when, at), false
	case x < 80:
		return w.asked(e, when, at), false
	case x < 92:
		return w.announced(e, when, at), false
	}
	return w.headed(e, when, at), false
}

// errand: "Meet Zoe at the bakery on May 14, 2024 at 4 pm to discuss the menu plan, 1 hour".
func (w *writer) errand(e event, when, at string) string {
	s := e.action
	if len(e.people) > 0 {
		s += pick(w.source, []string{" ", " with ", " with "}) + w.joined(e.people)
	}
	if e.place != "" {
		s += " " + w.located(e.place)
	}
	if w.chance(25) {
		s = when + " " + at + " " + s + " to " + e.note
	} else {
		s += " on " + when + " at " + at + " to " + e.note
	}
	if e.duration != "" {
		s += ", " + e.duration
	}
	return s
}

// listedBare: "2024-05-14 4:00 pm menu tasting review Zoe, Sam, Ada 30 mins".
func (w *writer) listedBare(e event, when, at string) string {
	head := []string{e.action, when, at}
	if w.chance(50) {
		head = []string{when, at, e.action}
	}
	var rest []string
	if len(e.people) > 0 {
		rest = append(rest, w.joined(e.people))
	}
	if e.place != "" {
		rest = append(rest, w.located(e.place))
	}
	if e.duration != "" {
		rest = append(rest, e.duration)
	}
	return strings.Join(append(head, rest...), " ")
}

// placedBare: "Menu review w/ Zoe 14 - May - 2024 4pm Amber Hall 30m", the place without a word before it.
func (w *writer) placedBare(e event, when, at string) string {
	with := ""
	if len(e.people) > 0 {
		with = pick(w.source, []string{"w/ ", "with "}) + w.joined(e.people)
	}
	var parts []string
	order := w.below(4)
	if order > 1 && len(e.people) > 0 && strings.Contains(e.people[len(e.people)-1], " ") {
		order = 0 // nobody could tell a surname from a place
	}
	switch order {
	case 0:
		parts = []string{e.action, with, when, at, e.place}
	case 1:
		parts = []string{e.action, when, at, e.place, with}
	case 2:
		parts = []string{e.action, when, at, with, e.place}
	default:
		parts = []string{at, e.action, when, with, e.place}
	}
	parts = append(parts, e.duration)
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), " ")
}

// asked: "Pencil in the menu review on May 14, 2024 at 16:00, let's keep it to an hour".
func (w *writer) asked(e event, when, at string) string {
	s := pick(w.source, []string{"Pencil in the ", "Put down the ", "Block time for the ", "Reminder: ", "Make room for the ", "Note down ", "Please add ", "Keep in mind the ", "Find time for the "}) + e.action
	if len(e.people) > 0 && w.chance(50) {
		s += " with " + w.joined(e.people)
		e.people = nil
	}
	s += pick(w.source, []string{" on ", " for "}) + when + " at " + at
	if len(e.people) > 0 {
		s += " with " + w.joined(e.people)
	}
	if e.place != "" {
		s += " " + w.located(e.place)
	}
	if e.duration != "" {
		s += strings.Replace(pick(w.source, []string{", for %", ", let's keep it to %", ", % at most", ", takes %", ", block % for it", ", % should do", ", reserve %", ", no more than %", ", % or so"}), "%", e.duration, 1)
	}
	return s
}

// announced: "Menu review set for 14/05/2024 at 4pm with Zoe, lasting 1 hour on Zoom".
func (w *writer) announced(e event, when, at string) string {
	s := e.action + pick(w.source, []string{" set for ", " planned ", " planned for ", " scheduled for ", " arranged on ", " arranged for ", " fixed for ", " moved to ", " due "}) + when + " at " + at
	var rest []string
	if len(e.people) > 0 {
		rest = append(rest, "with "+w.joined(e.people))
	}
	if e.place != "" {
		rest = append(rest, pick(w.source, []string{"", "", "hosted ", "held "})+w.located(e.place))
	}
	if e.duration != "" {
		rest = append(rest, pick(w.source, []string{"for ", "lasting ", "about ", ""})+e.duration)
	}
	if w.chance(50) {
		shuffle(w.source, rest)
	}
	for _, part := range rest {
		s += pick(w.source, []string{" ", ", "}) + part
	}
	return s
}

// headed: "Menu review: Zoe, Sam, and Ada on May 14, 2024 at 4pm for 1 hour", or the moment before the colon.
func (w *writer) headed(e event, when, at string) string {
	moment := " on " + when + " at " + at
	s := e.action + ":"
	if w.chance(40) || len(e.people) == 0 {
		s, moment = when+", "+at+": "+e.action, ""
		if len(e.people) > 0 {
			s += " with"
		}
	}
	if len(e.people) > 0 {
		s += " " + w.joined(e.people)
	}
	s += moment
	if e.place != "" {
		s += " " + w.located(e.place)
	}
	if e.duration != "" {
		s += pick(w.source, []string{" for ", ", "}) + e.duration
	}
	return s
}
