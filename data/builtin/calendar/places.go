package calendar

import (
	"fmt"

	"hone/data/builtin/words"
)

// platform returns where a remote meeting is.
func (s *source) platform() string {
	return []string{"Zoom", "Teams", "Google Meet", "Microsoft Teams", "Skype", "Webex", "Slack", "Discord", "FaceTime", "Jitsi"}[s.weighted(30, 20, 18, 6, 8, 5, 3, 3, 2, 2)]
}

var cityKinds = []string{"Airport", "Central Station", "Library", "Museum", "Conference Center", "Office", "Town Hall", "University", "Hospital"}

// named returns the name of a place of a scene: capitalized, its kind at the end or at the
// start, so that it is known for a place where no preposition says so.
func (s *source) named(sc *scene) string {
	kind := s.one(sc.kinds...)
	switch s.weighted(16, 24, 16, 10, 22, 6, 6) {
	case 0:
		thing := words.Nouns
		if s.chance(40) {
			thing = words.Animals
		}
		name := words.Title(s.from(words.Adjectives)+" "+s.from(thing)) + " " + kind
		if s.chance(20) {
			return "The " + name
		}
		return name
	case 1:
		thing := words.Nouns
		if s.chance(40) {
			thing = words.Animals
		}
		return words.Title(s.from(thing)) + " " + kind
	case 2:
		return s.owner(words.Surnames) + s.one("'s ", "'s ", "’s ") + kind
	case 3:
		if sc == &office {
			return s.from(words.Cities) + " " + s.one(cityKinds...)
		}
		return s.from(words.Cities) + " " + kind
	case 5:
		return words.Title(s.from(words.Nouns)) + " Street " + kind
	case 6:
		return s.one("Cafe", "Hotel", "Casa", "Villa") + " " + s.invent()
	}
	return s.invent() + " " + kind
}

// room returns a numbered or lettered room: "Meeting Room 4", "Building C, Room 12".
func (s *source) room() string {
	if s.chance(15) {
		return fmt.Sprintf("%s Tower, Floor %d", words.Title(s.from(words.Nouns)), 2+s.IntN(30))
	}
	return s.closedRoom()
}

// closedRoom is room without names of an open set.
func (s *source) closedRoom() string {
	letter := string(rune('A' + s.IntN(8)))
	switch s.weighted(5, 4, 3, 3) {
	case 0:
		return fmt.Sprintf("%s Room %d", s.one("Meeting", "Conference", "Training", "Project", "Seminar"), 1+s.IntN(12))
	case 1:
		return fmt.Sprintf("Room %d", 101+s.IntN(500))
	case 2:
		return s.one("Conference Room", "Studio", "Lab", "Hall") + " " + letter
	}
	return fmt.Sprintf("Building %s, Room %d", letter, 1+s.IntN(40))
}

// remote returns a platform, or that there is none to name.
func (s *source) remote() string {
	if s.chance(22) {
		return s.one("online", "virtual")
	}
	return s.platform()
}

// site returns a place that is known for one without a preposition, of a closed set.
func (s *source) site() string {
	switch s.weighted(4, 5, 3, 3) {
	case 0:
		return s.one("HQ", "HQ", "Office", "Home Office", "Main Office")
	case 1:
		return words.Title(s.from(words.Rooms))
	case 2:
		return words.Title(s.from(office.venues))
	}
	return s.closedRoom()
}

// at returns a place in a sentence with its preposition, and its label.
func (s *source) at(sc *scene) (text, label string) {
	weights := []int{40, 28, 18, 6, 8}
	if sc != &office {
		weights = []int{54, 0, 38, 8, 0}
	}
	switch s.weighted(weights...) {
	case 0:
		label = s.named(sc)
		return "at " + label, label
	case 1:
		if s.chance(50) {
			label = s.room()
			return "in " + label, label
		}
		label = s.from(words.Rooms)
		if s.chance(30) {
			label = s.one("main", "small", "large", "new", "upstairs", "north", "second-floor") + " " + label
		}
		return s.one("in", "at") + " the " + label, label
	case 2:
		label = s.from(sc.venues)
		if s.chance(30) {
			label = s.one("old", "new", "local", "downtown", "riverside", "city", "village", "nearby", "east side") + " " + label
		}
		return "at the " + label, label
	case 3:
		label = s.one("HQ", "our usual spot", "her office")
		switch {
		case sc.home:
			label = s.one("my place", "home", "her house")
		case sc != &office:
			label = "our usual spot"
		}
		return "at " + label, label
	}
	label = s.from(words.Cities) + " " + s.one("office", "branch", "campus")
	return "at the " + label, label
}
