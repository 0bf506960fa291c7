package cli

import "strings"

// nearest returns the word of words with the smallest edit distance to s; a
// common beginning decides between equals. "" if there are no words.
func nearest(s string, words []string) string {
	best, bestCost := "", 1<<30
	for _, w := range words {
		if cost := 16*editDistance(s, w) - min(15, commonPrefix(s, w)); cost < bestCost {
			best, bestCost = w, cost
		}
	}
	return best
}

func commonPrefix(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// editDistance counts the insertions, deletions and substitutions of bytes that
// turn a into b, without regard to case. Only the first 64 bytes count.
func editDistance(a, b string) int {
	a, b = strings.ToLower(a[:min(len(a), 64)]), strings.ToLower(b[:min(len(b), 64)])
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost = 1 + min(diagonal, row[j], row[j-1])
			}
			diagonal, row[j] = row[j], cost
		}
	}
	return row[len(b)]
}
