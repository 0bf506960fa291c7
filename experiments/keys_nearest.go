package experiments

import "strings"

// nearestKey returns the full name of the known key nearest to name, which may
// be a full name, one without its section, or what another tool calls it.
func nearestKey(name string) string {
	best, bestCost := "", 1<<30
	leaf := name[strings.LastIndexByte(name, '.')+1:]
	section := sectionOf(name)
	for i := range keyTable {
		k := &keyTable[i]
		cost := 3 * editDistance(name, k.Name)
		// A leaf in the wrong section is a smaller mistake than a misspelt one.
		other := 0
		if section != k.Section {
			other = 1
		}
		cost = min(cost, 3*editDistance(leaf, k.Leaf())+other)
		for _, a := range k.aliases {
			cost = min(cost, 3*editDistance(leaf, a)+other)
		}
		if cost < bestCost {
			best, bestCost = k.Name, cost
		}
	}
	return best
}

// nearest returns the entry of list with the smallest edit distance to s.
func nearest(s string, list []string) string {
	best, bestCost := "", 1<<30
	for _, x := range list {
		if d := editDistance(s, x); d < bestCost {
			best, bestCost = x, d
		}
	}
	return best
}

// editDistance counts the insertions, deletions, substitutions and swaps of
// neighbours that turn a into b, without regard to case. Names beyond 64 bytes
// are compared by their first 64.
func editDistance(a, b string) int {
	const limit = 64
	a, b = strings.ToLower(a[:min(len(a), limit)]), strings.ToLower(b[:min(len(b), limit)])
	rows := make([]int, 3*(len(b)+1))
	before, last, row := rows[:len(b)+1], rows[len(b)+1:2*(len(b)+1)], rows[2*(len(b)+1):]
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
