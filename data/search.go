package data

import (
	"cmp"
	"context"
	"math/bits"
	"slices"
)

// Found is what a query found.
type Found struct {
	Rows    []int // numbers of rows, see [Index], in the order they are listed in
	Splits  []int // where it looked: indices of [Splits]
	Summary Summary
}

// Summary describes the rows that a query found.
type Summary struct {
	Rows    int
	Dropped int
	Filled  []int // rows that fill each field of the schema
	// Lengths in the unit of the index; 0 of no rows.
	Min, Median, P95, Max, Total int
	// Bins are a histogram of the lengths without the few far above all others, of
	// which Beyond are left out.
	Bins   []Bin
	Beyond int
}

// summaryBins is how many bars a histogram of lengths has at most.
const summaryBins = 60

// cancelEvery is how many rows are looked at between two looks at the context.
const cancelEvery = 4096

// LossOf tells the loss of a row by its number, in nats a token; ok is false
// where it was not measured.
type LossOf func(number int) (nats float64, ok bool)

// Search looks through a split, or where else the query says. loss may be nil.
// The error is that of ctx, and split's if it is no split.
func (x *Index) Search(ctx context.Context, split string, q Query, loss LossOf) (Found, error) {
	if q.split != "" {
		split = q.split
	}
	where := []int{0, 1, 2}
	if split != AllSplits {
		s := slices.Index(Splits(), split)
		if s < 0 {
			_, err := (&Dataset{}).Split(split)
			return Found{}, err
		}
		where = []int{s}
		if q.everything() {
			return x.columns[s].whole(), ctx.Err()
		}
	}
	return x.search(ctx, where, q, loss)
}

// Sorts reports whether the query decides the order of what it finds.
func (q Query) Sorts() bool { return q.by != inFileOrder || len(q.fuzzy) > 0 }

// everything is true of a query that neither leaves out nor sorts.
func (q Query) everything() bool {
	return len(q.terms)+len(q.texts) == 0 && !q.Sorts()
}

func (x *Index) search(ctx context.Context, where []int, q Query, loss LossOf) (Found, error) {
	found := Found{Rows: []int{}, Splits: where}
	var scores []int32 // how well letters in order match, of each found row
	for _, s := range where {
		c := x.columns[s]
		r := looked{columns: c}
		if len(q.texts)+len(q.fuzzy) > 0 {
			r.low = c.low()
		}
		for r.i = range c.rows {
			if r.i%cancelEvery == 0 && ctx.Err() != nil {
				return Found{}, ctx.Err()
			}
			number := x.first[s] + r.i
			if q.losses && loss != nil {
				r.nats, r.has = loss(number)
			}
			score, ok := q.match(&r)
			if !ok {
				continue
			}
			found.Rows = append(found.Rows, number)
			if len(q.fuzzy) > 0 {
				scores = append(scores, int32(score))
			}
		}
	}
	x.arrange(found.Rows, q, scores, loss)
	if err := ctx.Err(); err != nil {
		return Found{}, err
	}
	found.Summary = x.summary(found.Rows)
	return found, ctx.Err()
}

// match reports whether a row has everything that is asked, and how well the
// letters in order match.
func (q *Query) match(r *looked) (score int, ok bool) {
	for _, t := range q.terms {
		if !t(r) {
			return 0, false
		}
	}
	for _, t := range q.texts {
		if !t(r) {
			return 0, false
		}
	}
	for _, letters := range q.fuzzy {
		s, ok := fuzzyScore(r.low[r.i], letters)
		if !ok {
			return 0, false
		}
		score += s
	}
	return score, true
}

// arrange puts found rows in order; equal ones stay in the order of the file.
func (x *Index) arrange(rows []int, q Query, scores []int32, loss LossOf) {
	switch {
	case q.by == longestFirst || q.by == shortestFirst:
		keys := make([]int32, len(rows))
		for i, n := range rows {
			s, r := x.Place(n)
			if keys[i] = x.columns[s].length[r]; q.by == longestFirst {
				keys[i] = -keys[i]
			}
		}
		sortBy(rows, keys, cmp.Compare)
	case q.by == hardestFirst || q.by == easiestFirst:
		keys := make([]measured, len(rows))
		for i, n := range rows {
			if loss != nil {
				keys[i].nats, keys[i].has = loss(n)
			}
		}
		sortBy(rows, keys, func(a, b measured) int { return a.compare(b, q.by == hardestFirst) })
	case scores != nil:
		sortBy(rows, scores, func(a, b int32) int { return cmp.Compare(b, a) })
	}
}

// measured is the loss of a row, if it is known.
type measured struct {
	nats float64
	has  bool
}

// compare puts the hardest, or else the easiest, first: what is no number is
// harder than any, what is not known comes last.
func (m measured) compare(other measured, hardest bool) int {
	if m.has != other.has {
		if m.has {
			return -1
		}
		return 1
	}
	// cmp puts NaN below every number.
	a, b := m.nats != m.nats, other.nats != other.nats
	order := cmp.Compare(m.nats, other.nats)
	switch {
	case a != b && a:
		order = 1
	case a != b:
		order = -1
	}
	if hardest {
		return -order
	}
	return order
}

// sortBy sorts rows by the keys that stand beside them, stably.
func sortBy[K any](rows []int, keys []K, compare func(a, b K) int) {
	type pair struct {
		row int
		key K
	}
	pairs := make([]pair, len(rows))
	for i, r := range rows {
		pairs[i] = pair{r, keys[i]}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return compare(a.key, b.key) })
	for i, p := range pairs {
		rows[i] = p.row
	}
}

// summary counts fields and lengths of rows.
func (x *Index) summary(rows []int) Summary {
	s := Summary{Rows: len(rows), Filled: make([]int, len(x.schema))}
	lengths := make([]int, len(rows))
	for i, n := range rows {
		split, row := x.Place(n)
		c := x.columns[split]
		lengths[i] = int(c.length[row])
		s.Total += lengths[i]
		if c.marks[row]&markDropped != 0 {
			s.Dropped++
		}
		for left := c.filled[row]; left != 0; left &= left - 1 {
			s.Filled[bits.TrailingZeros64(left)]++
		}
	}
	slices.Sort(lengths)
	d := distributionOf(lengths)
	s.Min, s.Median, s.P95, s.Max = d.Min, d.Median, d.P95, d.Max
	within, _ := slices.BinarySearch(lengths, d.P95+2*(d.P95-d.Median)+1)
	s.Bins, s.Beyond = distributionOf(lengths[:within]).Histogram(summaryBins), len(lengths)-within
	return s
}
