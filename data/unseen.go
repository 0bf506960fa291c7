package data

import (
	"strings"
	"unicode"
)

// Unseen returns, for each row of a split, whether its text has a word that is in
// no text of the train rows. How well a model copies what it was never trained on
// is seen in these rows only, so their score is worth reporting apart.
func (d *Dataset) Unseen(split string) []bool {
	seen := map[string]bool{}
	for _, r := range d.Train {
		for _, w := range lettersOf(r.Text()) {
			seen[w] = true
		}
	}
	rows := d.rows(split)
	unseen := make([]bool, len(rows))
	for i, r := range rows {
		for _, w := range lettersOf(r.Text()) {
			unseen[i] = unseen[i] || !seen[w]
		}
	}
	return unseen
}

// lettersOf returns the runs of letters of a text in lower case.
func lettersOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) })
}
