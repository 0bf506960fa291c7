package words

import (
	"hash/fnv"
	"strings"
	"unicode"
)

// heldOutOneIn is the inverse of the share of words that are held out.
const heldOutOneIn = 6

// common are the words that are never held out, since they carry the form of a sentence: the
// kinds of events, places, rooms, groups and platforms.
var common = func() map[string]bool {
	set := map[string]bool{}
	for _, pool := range [][]string{Activities, Venues, Rooms, Groups, Platforms} {
		for _, entry := range pool {
			for _, w := range parts(entry) {
				set[w] = true
			}
		}
	}
	return set
}()

// parts returns the words of an entry in lower case, without punctuation.
func parts(entry string) []string {
	return strings.FieldsFunc(strings.ToLower(entry), func(r rune) bool { return !unicode.IsLetter(r) })
}

// HeldOut reports whether an entry, of a pool or invented, has a word that is held out. Case
// does not matter, so a word is held out of all pools or of none. Words of fewer than three
// letters and those of [Activities], [Venues], [Rooms], [Groups] and [Platforms] never are.
func HeldOut(entry string) bool {
	for _, w := range parts(entry) {
		if len(w) < 3 || common[w] {
			continue
		}
		h := fnv.New64a()
		h.Write([]byte(w)) // never fails
		// The low bits of FNV are weak for short words: take the high ones.
		if h.Sum64()>>32%heldOutOneIn == 0 {
			return true
		}
	}
	return false
}

// Split parts a pool into the entries to train on and those held out, in order.
func Split(pool []string) (train, heldOut []string) {
	for _, entry := range pool {
		if HeldOut(entry) {
			heldOut = append(heldOut, entry)
		} else {
			train = append(train, entry)
		}
	}
	return train, heldOut
}
