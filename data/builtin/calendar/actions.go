package calendar

import (
	"slices"
	"strings"

	"hone/data/builtin/words"
)

// phrase names an event as it stands inside a sentence.
type phrase struct {
	text  string
	verb  bool // "discuss taxes", which takes no article
	scene *scene
}

var (
	heads = strings.Fields(`review review review review sync sync sync meeting meeting mtg mtg call call call demo update chat
		briefing workshop discussion session check-in catch-up demo debrief kickoff handover follow-up
		huddle overview recap brainstorm interview consultation walkthrough`)
	clientHeads = []string{"account review", "contract signing", "proposal", "demo", "account update", "pitch", "renewal call", "project kickoff", "launch", "interview"}
	plainWork   = []string{
		"sync", "review", "meeting", "mtg", "demo", "interview", "team sync", "team mtg", "team meeting", "one-on-one", "1-on-1", "quick chat", "quick sync", "brainstorm", "standup", "catch-up", "check-in",
		"follow-up", "project kickoff", "client call", "status update", "staff meeting", "job interview", "planning session", "board meeting", "performance review",
		"town hall", "product demo", "design review", "code review", "retrospective", "press conference", "strategy session", "vendor call", "progress check", "Q&A session",
	}
	paperwork = strings.Fields("plan plan slides report budget notes numbers proposal contract figures")
)

// work returns something of an office.
func (s *source) work() phrase {
	switch s.weighted(42, 4, 12, 6, 21, 12, 3) {
	case 0:
		return phrase{text: s.topic() + " " + s.one(heads...)}
	case 1:
		return phrase{text: s.one("quick", "final", "urgent", "joint", "short", "virtual", "extra") + " " + s.topic() + " " + s.one(heads...)}
	case 2:
		switch s.IntN(3) {
		case 0:
			return phrase{text: s.from(words.Surnames) + " " + s.one(clientHeads...)}
		case 1:
			return phrase{text: s.from(words.Cities) + " " + s.one("office call", "sales call", "branch review", "conference prep call", "launch")}
		}
		return phrase{text: s.invent() + " " + s.one(clientHeads...)}
	case 3:
		code := s.from(words.Nouns)
		if s.chance(40) {
			code = s.from(words.Animals)
		}
		return phrase{text: "Project " + words.Title(code) + " " + s.one("kickoff", "review", "sync", "update", "demo")}
	case 4:
		return phrase{text: s.from(plainWork)}
	case 5:
		verb := s.one("discuss", "review", "finalize", "prepare", "approve", "plan", "present", "outline", "revise")
		object := s.topic()
		if verb != "discuss" || s.chance(50) {
			object += " " + s.one(paperwork...)
		}
		return phrase{text: verb + " " + object, verb: true}
	}
	return phrase{text: s.from(words.Products) + " " + s.one("demo", "order review", "supplier call", "price check")}
}

// topic returns what something of an office is about. Short words are more frequent.
func (s *source) topic() string {
	for {
		if t := s.from(words.Topics); len(t) < 8 || s.chance(20) {
			return t
		}
	}
}

// leisure returns something of a life that is done at an hour of the day, by many or by few.
func (s *source) leisure(hour int, many bool) phrase {
	for {
		if p := s.anyLeisure(); p.scene.fits(hour) && !(many && p.scene.alone) {
			return p
		}
	}
}

func (s *source) anyLeisure() phrase {
	switch s.weighted(36, 28, 16, 10, 6, 4) {
	case 0:
		sc := scenes[s.weighted(20, 14, 12, 18, 16, 10, 10)]
		return phrase{text: s.from(sc.events), scene: sc}
	case 1:
		return phrase{text: s.from(words.Subjects) + " " + s.one("class", "class", "lesson", "lesson", "practice", "workshop", "club", "practice"), scene: &schooling}
	case 2:
		verb := s.one("pick up", "buy", "return", "drop off", "order", "look at")
		return phrase{text: verb + " " + s.one("the", "new", "the new") + " " + s.from(words.Products), verb: true, scene: &shopping}
	case 3:
		return phrase{text: s.from(words.Nouns) + " " + s.one("festival", "exhibit", "show"), scene: &showing}
	case 4:
		return phrase{text: s.owner(words.Given) + "'s " + s.one("birthday", "recital", "farewell", "graduation", "game", "wedding"), scene: &gathering}
	}
	return phrase{text: s.one("photograph", "draw", "feed", "see", "visit") + " the " + s.from(words.Animals), verb: true, scene: &outdoors}
}

// noun returns something that can be booked.
func (s *source) noun(leisure bool, hour int, many bool) phrase {
	for {
		p := s.work()
		if leisure {
			p = s.leisure(hour, many)
		}
		if !p.verb && !strings.Contains(p.text, "'s ") {
			return p
		}
	}
}

// regulars are the last words of what is done again and again.
var regulars = strings.Fields("review sync meeting mtg call update briefing check-in catch-up class lesson practice club lunch " +
	"dinner session huddle chat standup one-on-one 1-on-1 hall workout run swim night coffee brunch yoga workshop recap debrief")

// regular reports whether an event may come often: nobody has a kickoff every week.
func regular(event string) bool {
	return slices.Contains(regulars, event[strings.LastIndexByte(event, ' ')+1:])
}

// withArticle returns a noun phrase with "a" or "an", by its sound.
func withArticle(noun string) string {
	lower := strings.ToLower(noun)
	an := strings.ContainsAny(lower[:1], "aeiou")
	for _, prefix := range []string{"uni", "uti", "uku", "usa", "eu", "one-"} {
		if strings.HasPrefix(lower, prefix) {
			an = false
		}
	}
	if an {
		return "an " + noun
	}
	return "a " + noun
}

// capital returns a phrase as it begins a sentence.
func capital(text string) string {
	first, rest, spaced := strings.Cut(text, " ")
	if first = words.Title(first); spaced {
		return first + " " + rest
	}
	return first
}
