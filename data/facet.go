package data

import (
	"cmp"
	"slices"
	"unicode/utf8"
)

// order is how the rows that a query matches are listed.
type order int

const (
	inFileOrder order = iota
	longestFirst
	shortestFirst
)

// facets takes the words of a query that are about the whole split rather than
// one row's text, and returns the rest of the words. A later sort: replaces an
// earlier one.
func facets(query []word) (rest []word, unseen bool, by order) {
	for _, w := range query {
		switch {
		case w.quoted:
			rest = append(rest, w)
		case w.text == "is:unseen":
			unseen = true
		case w.text == "sort:longest":
			by = longestFirst
		case w.text == "sort:shortest":
			by = shortestFirst
		default:
			rest = append(rest, w)
		}
	}
	return rest, unseen, by
}

// arrange puts the found rows in order; rows of one length stay in file order.
// Length is the characters of prompt and completion, as the row is trained on.
func arrange(found []int, rows []Row, by order) {
	if by == inFileOrder {
		return
	}
	lengths := make(map[int]int, len(found))
	for _, i := range found {
		lengths[i] = utf8.RuneCountInString(rows[i].Prompt) + utf8.RuneCountInString(rows[i].Completion)
	}
	slices.SortStableFunc(found, func(a, b int) int {
		if by == longestFirst {
			a, b = b, a
		}
		return cmp.Compare(lengths[a], lengths[b])
	})
}
