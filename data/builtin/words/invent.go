package words

import (
	"math/rand/v2"
	"strings"
	"unicode/utf8"
)

// The parts of invented syllables. What is listed twice is drawn twice as often.
var (
	starts = strings.Fields(`b b br bl c ch d d dr f fl fr g gr h h j j k k kr l l m m n n p pr qu r r s s
		sh sk st t t th tr v v w y z`)
	onsets = strings.Fields("b b c d d d f g h j k k l l l m m n n n p r r r s s sh t t t th v v w y z")
	vowels = strings.Fields("a a a a a e e e e e i i i i o o o o u u ae ai au ea ee ei ia io ou y")
	closes = strings.Fields("l n n m r r s x")
	ends   = strings.Fields("ck d k l l ld m n n n nd ng nt p r r rd rk rn s s sh st t t th x z")
)

// Invent returns a pronounceable name that somebody made up, such as "Dravo" or "Melnick": a
// capital and lower case letters of ASCII, 4 to 9 in all. Whether it is held out is left to
// chance, see [InventFrom].
func Invent(r *rand.Rand) string {
	for {
		var b strings.Builder
		if r.IntN(6) > 0 {
			b.WriteString(pick(r, starts))
		}
		for n := 2 + r.IntN(4)/3; ; n-- {
			b.WriteString(pick(r, vowels))
			if n == 1 {
				break
			}
			if r.IntN(4) == 0 {
				b.WriteString(pick(r, closes))
			}
			b.WriteString(pick(r, onsets))
		}
		if r.IntN(2) == 0 {
			b.WriteString(pick(r, ends))
		}
		if s := b.String(); len(s) >= 4 && len(s) <= 9 && !common[s] {
			return Title(s)
		}
	}
}

// InventFrom is [Invent] with [HeldOut] being as asked.
func InventFrom(r *rand.Rand, heldOut bool) string {
	for {
		if s := Invent(r); HeldOut(s) == heldOut {
			return s
		}
	}
}

// Title returns an entry with each of its words capitalized: "coffee shop" is "Coffee Shop".
func Title(entry string) string {
	words := strings.Split(entry, " ")
	for i, w := range words {
		if _, n := utf8.DecodeRuneInString(w); n > 0 {
			words[i] = strings.ToUpper(w[:n]) + w[n:]
		}
	}
	return strings.Join(words, " ")
}

func pick(r *rand.Rand, pool []string) string {
	return pool[r.IntN(len(pool))]
}
