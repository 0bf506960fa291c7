package data

import (
	"errors"
	"fmt"
	"strings"

	"hone/engine/batch"
)

// ErrOverlong is wrapped by the error of [Dataset.EncodeSplit] for rows over
// the length limit when they are to be refused.
var ErrOverlong = errors.New("longer than max_length")

// Dropped is a row that was left out for its length.
type Dropped struct {
	Row    int // index in the split
	File   string
	Line   int
	Tokens int // its length, BOS and EOS included
}

// Encoded is a split as token sequences.
type Encoded struct {
	Split    string
	Examples []batch.Example // in the split's order; Example.Row is the index in the split
	Rows     []int           // index in the split of each example
	Dropped  []Dropped       // rows over MaxLength, in order
	Tokens   int             // of the examples, BOS and EOS included
	Targets  int             // supervised tokens of the examples
	// Lengths are the tokens of every row, dropped ones included: how long
	// max_length would have to be.
	Lengths Distribution
	// Completions are the supervised tokens of every example: how many tokens
	// a generation needs.
	Completions Distribution
}

// EncodeSplit encodes the rows of a split. A row over o.MaxLength tokens is
// dropped and listed, or with o.Overlong = Fail all such rows are named in an
// error that wraps [ErrOverlong]. A completion is never cut.
func (d *Dataset) EncodeSplit(e *Encoder, split string, o Options) (Encoded, error) {
	rows, err := d.Split(split)
	if err != nil {
		return Encoded{}, err
	}
	if err := o.checkLength(); err != nil {
		return Encoded{}, err
	}
	out := Encoded{Split: split}
	lengths := make([]int, 0, len(rows))
	completions := make([]int, 0, len(rows))
	for i, row := range rows {
		ex, err := e.Encode(row, i)
		if err != nil {
			return Encoded{}, err
		}
		n := len(ex.IDs)
		lengths = append(lengths, n)
		if o.MaxLength > 0 && n > o.MaxLength {
			out.Dropped = append(out.Dropped, Dropped{Row: i, File: row.File, Line: row.Line, Tokens: n})
			continue
		}
		out.Examples = append(out.Examples, ex)
		out.Rows = append(out.Rows, i)
		out.Tokens += n
		out.Targets += ex.Targets()
		completions = append(completions, n-ex.Prompt)
	}
	out.Lengths, out.Completions = NewDistribution(lengths), NewDistribution(completions)
	if o.Overlong == Fail && len(out.Dropped) > 0 {
		return Encoded{}, overlongError(split, out, o.MaxLength)
	}
	return out, nil
}

func overlongError(split string, e Encoded, limit int) error {
	const most = 5
	var b strings.Builder
	for i, row := range e.Dropped {
		if i == most {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Dropped)-most)
			break
		}
		fmt.Fprintf(&b, "\n  %s:%d: %d tokens", row.File, row.Line, row.Tokens)
	}
	return fmt.Errorf("%s of the %s split %w %d (the longest needs %d):%s",
		count(len(e.Dropped), "row"), split, ErrOverlong, limit, e.Lengths.Max, b.String())
}
