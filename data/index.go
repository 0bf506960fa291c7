package data

import (
	"context"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Index is a dataset laid out for looking through it: what queries ask of rows
// stands in columns, so that a search reads little memory and no value. What only
// some queries ask is worked out when the first of them asks. An Index may be used
// from several goroutines.
//
// Rows are numbered over all splits, those of train first.
type Index struct {
	schema  []string
	encoded bool     // lengths are tokens
	ids     []string // of findings that name rows, in lower case: bit i of a row's marks
	columns [3]*columns
	first   [4]int // number of the first row of each split; the last is the number of all rows
}

// columns are what queries ask of one split, by row.
type columns struct {
	rows   []Row
	length []int32  // tokens, BOS and EOS included; without a tokenizer characters
	filled []uint64 // bit f: field f of the schema is there and not null
	marks  []uint64 // bit i: finding ids[i] names the row; and the marks below

	low    func() []string // text in lower case
	chars  func() []int32  // characters of prompt and completion
	unseen func() []bool   // see Dataset.Unseen
	whole  func() Found    // what a query for everything finds
}

// Marks that are no finding's.
const (
	markBad     = 1 << 63 // an error or a warning names the row, or it is dropped
	markDropped = 1 << 62 // too long to be trained on
	maxIDs      = 62
)

// NewIndex lays out a dataset. encoded are its splits as tokens and may be empty;
// findings are those of [Preflight]. None of them may be changed afterwards.
func NewIndex(d *Dataset, encoded map[string]Encoded, findings []Finding) *Index {
	x := &Index{schema: d.Schema}
	for _, f := range findings {
		id := strings.ToLower(f.ID)
		if len(f.Rows) > 0 && !slices.Contains(x.ids, id) && len(x.ids) < maxIDs {
			x.ids = append(x.ids, id)
		}
	}
	x.encoded = len(encoded) > 0
	for s, name := range Splits() {
		rows := d.rows(name)
		c := &columns{rows: rows, filled: make([]uint64, len(rows)), marks: make([]uint64, len(rows))}
		c.chars = sync.OnceValue(c.countChars)
		c.low = sync.OnceValue(c.lowered)
		c.unseen = sync.OnceValue(func() []bool { return d.Unseen(name) })
		c.whole = sync.OnceValue(func() Found {
			found, _ := x.search(context.Background(), []int{s}, Query{}, nil) // it ends: nothing cancels it
			return found
		})
		if e, ok := encoded[name]; ok {
			c.length = e.lengths(len(rows))
			for _, drop := range e.Dropped {
				c.marks[drop.Row] |= markDropped | markBad
			}
		} else {
			c.length = c.chars()
		}
		for i := range rows {
			for f, key := range d.Schema {
				if value, ok := rows[i].Object.Get(key); ok && value != nil {
					c.filled[i] |= 1 << f
				}
			}
		}
		for _, f := range findings {
			if f.Split != name {
				continue
			}
			mark := uint64(0)
			if i := slices.Index(x.ids, strings.ToLower(f.ID)); i >= 0 {
				mark = 1 << i
			}
			if f.Severity != SeverityNote {
				mark |= markBad
			}
			for _, r := range f.Rows {
				if r >= 0 && r < len(rows) {
					c.marks[r] |= mark
				}
			}
		}
		x.columns[s] = c
		x.first[s+1] = x.first[s] + len(rows)
	}
	return x
}

// lengths are the tokens of each of n rows, of dropped ones too.
func (e Encoded) lengths(n int) []int32 {
	lengths := make([]int32, n)
	for i, ex := range e.Examples {
		lengths[e.Rows[i]] = int32(len(ex.IDs))
	}
	for _, drop := range e.Dropped {
		lengths[drop.Row] = int32(drop.Tokens)
	}
	return lengths
}

func (c *columns) countChars() []int32 {
	chars := make([]int32, len(c.rows))
	for i := range c.rows {
		chars[i] = int32(utf8.RuneCountInString(c.rows[i].Prompt) + utf8.RuneCountInString(c.rows[i].Completion))
	}
	return chars
}

func (c *columns) lowered() []string {
	low := make([]string, len(c.rows))
	for i := range c.rows {
		low[i] = strings.ToLower(c.rows[i].Text())
	}
	return low
}

// Rows is the number of rows in all splits.
func (x *Index) Rows() int { return x.first[3] }

// Unit is what lengths count: "tokens", or "characters" without a tokenizer.
func (x *Index) Unit() string {
	if x.encoded {
		return "tokens"
	}
	return "characters"
}

// Number is the number of a row of a split, which is an index of [Splits].
func (x *Index) Number(split, row int) int { return x.first[split] + row }

// Place says which row of which split a number is; the number must be one of
// [Index.Rows].
func (x *Index) Place(number int) (split, row int) {
	for split < 2 && number >= x.first[split+1] {
		split++
	}
	return split, number - x.first[split]
}
