package data

import (
	"errors"
	"fmt"
	"slices"
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
	out, err := encodeRows(e, split, rows, o, nil)
	if err != nil {
		return Encoded{}, err
	}
	return out, out.check(o)
}

// EncodeAll is EncodeSplit of every split. Chat rows that the template of e does not
// render, or does not ask for the answer of, become bad rows of d, or with o.BadRows =
// Fail a [*BadRowsError]. It must be called before d is shared.
func (d *Dataset) EncodeAll(e *Encoder, o Options) (map[string]Encoded, error) {
	if err := o.checkLength(); err != nil {
		return nil, err
	}
	all, bad := map[string]Encoded{}, []BadRow{}
	for i, rows := range []*[]Row{&d.Train, &d.Eval, &d.Test} {
		split := Splits()[i]
		var refused []int
		out, err := encodeRows(e, split, *rows, o, func(row int, err error) error {
			if len((*rows)[row].Messages) == 0 || errors.Is(err, ErrNoChatTemplate) {
				return err
			}
			refused = append(refused, row)
			bad = append(bad, BadRow{File: (*rows)[row].File, Line: (*rows)[row].Line, Reason: err.Error()})
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("encoding the %s split: %w", split, err)
		}
		if len(refused) > 0 {
			kept := make([]Row, 0, len(*rows)-len(refused))
			for j, r := range *rows {
				if _, is := slices.BinarySearch(refused, j); !is {
					kept = append(kept, r)
				}
			}
			*rows = kept
		}
		all[split] = out
	}
	if len(bad) > 0 {
		d.Bad = slices.Concat(d.Bad, bad)
		switch {
		case o.BadRows == Fail:
			return nil, &BadRowsError{Rows: bad}
		case len(d.Train) == 0:
			return nil, fmt.Errorf("%w for the train split: %w", ErrNoRows, &BadRowsError{Rows: bad})
		}
	}
	for _, split := range Splits() {
		if err := all[split].check(o); err != nil {
			return nil, fmt.Errorf("encoding the %s split: %w", split, err)
		}
	}
	return all, nil
}

// encodeRows encodes rows. refuse, if not nil, hears of a row that cannot be: without
// an error of its own the row is left out, and those after it move up.
func encodeRows(e *Encoder, split string, rows []Row, o Options, refuse func(row int, err error) error) (Encoded, error) {
	out := Encoded{Split: split}
	lengths := make([]int, 0, len(rows))
	completions := make([]int, 0, len(rows))
	for i, row := range rows {
		at := len(lengths) // its index in the split
		ex, err := e.Encode(row, at)
		if err == nil && refuse != nil && len(row.Messages) > 0 {
			_, err = e.PromptOf(row)
		}
		if err != nil && refuse != nil {
			if err = refuse(i, err); err == nil {
				continue
			}
		}
		if err != nil {
			return Encoded{}, err
		}
		n := len(ex.IDs)
		lengths = append(lengths, n)
		if o.MaxLength > 0 && n > o.MaxLength {
			out.Dropped = append(out.Dropped, Dropped{Row: at, File: row.File, Line: row.Line, Tokens: n})
			continue
		}
		out.Examples = append(out.Examples, ex)
		out.Rows = append(out.Rows, at)
		out.Tokens += n
		out.Targets += ex.Targets()
		completions = append(completions, n-ex.Prompt)
	}
	out.Lengths, out.Completions = NewDistribution(lengths), NewDistribution(completions)
	return out, nil
}

// check refuses rows that are too long where they are not to be dropped.
func (e Encoded) check(o Options) error {
	if o.Overlong == Fail && len(e.Dropped) > 0 {
		return overlongError(e.Split, e, o.MaxLength)
	}
	return nil
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
