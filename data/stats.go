package data

import (
	"cmp"
	"math"
	"slices"
	"unicode/utf8"
)

// Stats describe a dataset as text.
type Stats struct {
	Splits []SplitStats // train, eval, test
	Fields []FieldStats // in the schema's order
}

// SplitStats describe one split. Lengths are in characters.
type SplitStats struct {
	Name       string
	Rows       int
	Prompt     Distribution
	Completion Distribution
}

// FieldStats describe one field over all splits.
type FieldStats struct {
	Name    string
	Present int     // rows whose completion has the key
	Filled  int     // rows where its value is not null
	Share   float64 // Filled of all rows, 0 to 1
	// SplitShare is the share within train, eval and test; 0 for an empty split.
	SplitShare [3]float64
	Distinct   int          // different values that are not null
	Common     []ValueCount // the most common of them, at most commonValues
}

// ValueCount is a value, as it stands in a completion, and how often it occurs.
type ValueCount struct {
	Value string
	Rows  int
}

const commonValues = 5

// Stats measures the dataset. It reads every row: keep the result.
func (d *Dataset) Stats() Stats {
	var s Stats
	for _, name := range Splits() {
		rows := d.rows(name)
		prompts, completions := make([]int, len(rows)), make([]int, len(rows))
		for i, r := range rows {
			prompts[i] = utf8.RuneCountInString(r.Prompt)
			completions[i] = utf8.RuneCountInString(r.Completion)
		}
		s.Splits = append(s.Splits, SplitStats{
			Name: name, Rows: len(rows),
			Prompt: NewDistribution(prompts), Completion: NewDistribution(completions),
		})
	}
	for _, name := range d.Schema {
		s.Fields = append(s.Fields, d.fieldStats(name))
	}
	return s
}

func (d *Dataset) fieldStats(name string) FieldStats {
	f := FieldStats{Name: name}
	values := map[string]int{}
	for i, split := range Splits() {
		rows, filled := d.rows(split), 0
		for _, r := range rows {
			value, ok := r.Object.Get(name)
			if !ok {
				continue
			}
			f.Present++
			if value == nil {
				continue
			}
			filled++
			values[ValueText(value)]++
		}
		f.Filled += filled
		f.SplitShare[i] = share(filled, len(rows))
	}
	f.Share = share(f.Filled, d.Rows())
	f.Distinct = len(values)
	for value, n := range values {
		f.Common = append(f.Common, ValueCount{Value: value, Rows: n})
	}
	slices.SortFunc(f.Common, func(a, b ValueCount) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Value, b.Value))
	})
	f.Common = slices.Clone(f.Common[:min(len(f.Common), commonValues)])
	return f
}

// share returns part/whole, and 0 of nothing.
func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// Distribution summarizes whole numbers. Of none, all figures are 0.
type Distribution struct {
	N      int
	Min    int
	Max    int
	Mean   float64
	Median int
	P95    int // 95 of 100 values are at most this (nearest rank)

	sorted []int
}

// NewDistribution returns the distribution of values, which it leaves alone.
func NewDistribution(values []int) Distribution {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return distributionOf(sorted)
}

// distributionOf is NewDistribution of values in order, which it keeps.
func distributionOf(sorted []int) Distribution {
	d := Distribution{N: len(sorted), sorted: sorted}
	if d.N == 0 {
		return d
	}
	sum := 0.0
	for _, v := range d.sorted {
		sum += float64(v)
	}
	d.Min, d.Max, d.Mean = d.sorted[0], d.sorted[d.N-1], sum/float64(d.N)
	d.Median, d.P95 = d.rank(0.5), d.rank(0.95)
	return d
}

// rank returns the smallest value that a share q of all are at most.
func (d Distribution) rank(q float64) int {
	i := int(math.Ceil(q*float64(d.N))) - 1
	return d.sorted[min(max(i, 0), d.N-1)]
}

// Bin counts the values in [Low, High], both included.
type Bin struct{ Low, High, Count int }

// Histogram returns n bins from Min to Max that differ in width by at most
// one, or one bin a value where there are fewer values than bins.
func (d Distribution) Histogram(n int) []Bin {
	if d.N == 0 || n <= 0 {
		return nil
	}
	width := d.Max - d.Min + 1
	n = min(n, width)
	bins := make([]Bin, n)
	at := 0
	for i := range bins {
		b := Bin{Low: d.Min + width*i/n, High: d.Min + width*(i+1)/n - 1}
		for at < d.N && d.sorted[at] <= b.High {
			b.Count++
			at++
		}
		bins[i] = b
	}
	return bins
}

// Over counts the values above limit: the rows that a length limit drops.
func (d Distribution) Over(limit int) int {
	i, _ := slices.BinarySearch(d.sorted, limit+1)
	return d.N - i
}
