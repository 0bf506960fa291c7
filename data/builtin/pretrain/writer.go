package pretrain

import (
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"

	"hone/data/builtin/words"
)

// inventedPercent is the share of names and nouns that no list holds.
const inventedPercent = 50

// The train sides of the pools.
var (
	given      = trainSide(words.Given)
	surnames   = trainSide(words.Surnames)
	cities     = trainSide(words.Cities)
	things     = trainSide(words.Nouns, words.Animals)
	adjectives = trainSide(words.Adjectives)
	verbs      = trainSide(words.Verbs)
	topics     = trainSide(words.Topics)
	products   = trainSide(words.Products)
)

func trainSide(pools ...[]string) []string {
	var all []string
	for _, pool := range pools {
		train, _ := words.Split(pool)
		all = append(all, train...)
	}
	return all
}

// A writer draws the parts of one document.
type writer struct {
	*source
	vocabulary *vocabulary // nil while the vocabulary is being learned
	easy       int         // of 1000 texts to copy, those that are a few tokens
	terse      bool        // fewer words before people and places
	turns      bool        // turns of phrase, see turns.go
}

// early is true for the texts of the easy stage. After it nothing is drawn.
func (w *writer) early() bool { return w.easy > 0 && w.below(progressScale) < w.easy }

// plain returns a word of pool or an invented one in lower case.
func (w *writer) plain(pool []string) string {
	if w.chance(inventedPercent) {
		return strings.ToLower(w.invented())
	}
	return pick(w.source, pool)
}

// name returns a word of pool or an invented one that starts with a capital, or now and then does not
// where it is glued.
func (w *writer) name(pool []string) string {
	if !w.chance(inventedPercent) {
		return words.Title(pick(w.source, pool))
	}
	word := w.invented()
	if w.chance(90) {
		word = words.Title(word)
	}
	return word
}

// invented returns a word that is in no list, not held out and no key of the built-in dataset: one that can be spoken, tokens of the
// vocabulary glued together, or letters.
func (w *writer) invented() string {
	for {
		var word string
		switch x := w.below(100); {
		case x < 45 || w.vocabulary == nil && x < 90:
			word = words.InventFrom(rand.New(w.source), false)
		case x < 88:
			word = w.glued()
		default:
			word = w.letters()
		}
		if !words.HeldOut(word) && !slices.Contains(strings.Fields(fieldNames), strings.ToLower(word)) {
			return word
		}
	}
}

// glued returns one to three tokens of the vocabulary, all of them letters, each as likely as another.
func (w *writer) glued() string {
	var b strings.Builder
	for range pick(w.source, []int{1, 1, 2, 2, 2, 3}) {
		b.WriteString(pick(w.source, w.vocabulary.letters))
	}
	return b.String()
}

// letters returns two to eight letters that mean nothing.
func (w *writer) letters() string {
	for {
		b := make([]byte, w.between(2, 8))
		for i := range b {
			b[i] = 'a' + byte(w.below(26))
		}
		text := string(b)
		if w.chance(15) {
			text = strings.ToUpper(text)
		}
		if !words.HeldOut(text) {
			return text
		}
	}
}

// sentenceCase returns text with a capital first letter.
func sentenceCase(text string) string {
	for i, r := range text {
		return string(unicode.ToUpper(r)) + text[i+len(string(r)):]
	}
	return text
}

// joined returns a list as prose: "A, B and C".
func (w *writer) joined(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	last := len(list) - 1
	between := pick(w.source, []string{", ", ", ", ", ", " & ", " + "})
	end := between
	if between == ", " {
		end = pick(w.source, []string{" and ", " and ", " and ", ", ", " & "})
		if last > 1 && w.chance(40) {
			end = ", and "
		}
	}
	return strings.Join(list[:last], between) + end + list[last]
}
