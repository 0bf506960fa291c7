// Package words holds the pools that the built-in data is made of: names, places, topics and
// plain words, some thousands in all, and a generator of invented names.
//
// A fixed share of the words is held out: [HeldOut] says so by the word alone, so that what
// generates the pretraining text, the train rows and the test rows agrees on it without
// sharing anything else.
//
//	train, held := words.Split(words.Given)
//	name := train[r.IntN(len(train))]
//	odd := words.Invent(r)
package words

import (
	"embed"
	"strings"
)

//go:embed pools/*.txt
var files embed.FS

// The pools. Names of people, cities, platforms and languages are capitalized, all else is lower case
// but for a few abbreviations. An entry of several words has spaces. A pool has no entry twice; a
// word may be in several pools.
var (
	Given      = pool("given")      // given names of many cultures
	Surnames   = pool("surnames")   // family names
	Cities     = pool("cities")     // cities, one word each
	Animals    = pool("animals")    // singular
	Nouns      = pool("nouns")      // things, plants, stuffs; singular
	Adjectives = pool("adjectives") // of quality and colour
	Verbs      = pool("verbs")      // plain form
	Topics     = pool("topics")     // what a meeting at work is about
	Subjects   = pool("subjects")   // what a class or a club is about
	Products   = pool("products")   // what is bought, fetched or repaired
	Activities = pool("activities") // kinds of events: "review", "lunch"; never held out
	Venues     = pool("venues")     // kinds of places: "bakery"; never held out
	Rooms      = pool("rooms")      // kinds of rooms: "boardroom"; never held out
	Groups     = pool("groups")     // attendees who are no persons: "team"; never held out
	Platforms  = pool("platforms")  // where remote meetings are: "Zoom"; never held out
)

// pool reads the entries of a file: separated by white space, with an underscore for the
// space inside one.
func pool(name string) []string {
	text, err := files.ReadFile("pools/" + name + ".txt")
	if err != nil {
		panic(err) // the file is embedded: a name mistyped above
	}
	entries := strings.Fields(string(text))
	for i, e := range entries {
		entries[i] = strings.ReplaceAll(e, "_", " ")
	}
	return entries
}
