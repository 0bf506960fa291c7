package data

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path"
)

// MaxColumns is the largest number of columns of a CSV or TSV file.
const MaxColumns = 1024

// recordReader reads the rows of a file: lines of a .jsonl file, records of a
// .csv or .tsv file, which may span lines within quotes.
type recordReader struct {
	*lineReader
	comma  rune // between the cells of a record; 0: lines
	header []string
	line   int   // at which the last record began, from 1
	at     int64 // byte at which it began
	record []byte
}

func newRecordReader(r io.Reader, name string) *recordReader {
	return &recordReader{lineReader: newLineReader(r), comma: commaOf(name)}
}

// commaOf returns what separates the cells of a file, or 0 for one of lines.
func commaOf(name string) rune {
	switch path.Ext(name) {
	case ".csv":
		return ','
	case ".tsv":
		return '\t'
	}
	return 0
}

// next returns the next record as it stands in the file, as [lineReader.next]
// does a line.
func (r *recordReader) next() ([]byte, error) {
	line, err := r.lineReader.next()
	r.line, r.at = r.lineReader.line, r.lineReader.at
	if err != nil || r.comma == 0 || !open(line) {
		return line, err
	}
	long := false
	r.record = append(r.record[:0], line...)
	for quoted := true; quoted; {
		line, err := r.lineReader.next()
		switch {
		case errors.Is(err, io.EOF):
			// Left to the parser, which says where the quote was opened.
			return r.record, nil
		case errors.Is(err, errLongLine):
			long = true
			continue
		case err != nil:
			return nil, err
		}
		quoted = !open(line)
		if long = long || len(r.record)+1+len(line) > r.limit; !long {
			r.record = append(append(r.record, '\n'), line...)
		}
	}
	if long {
		return nil, fmt.Errorf("%w: a record over %d MB; is a quote left open?", errLongLine, r.limit>>20)
	}
	return r.record, nil
}

// open reports whether a line opens or closes a quoted cell.
func open(line []byte) bool { return bytes.Count(line, []byte{'"'})%2 == 1 }

// object returns a record as an object; none, without an error, of a header.
func (r *recordReader) object(record []byte) (*Object, error) {
	if r.comma == 0 {
		return parseLine(record)
	}
	if err := checkUTF8(record); err != nil {
		return nil, err
	}
	if n := bytes.Count(record, []byte(string(r.comma))); r.header == nil && n >= MaxColumns {
		return nil, fmt.Errorf("is a header of some %d columns, at most %d are taken", n+1, MaxColumns)
	}
	c := csv.NewReader(bytes.NewReader(record))
	c.Comma = r.comma
	c.FieldsPerRecord = -1
	cells, err := c.Read()
	if err != nil {
		var at *csv.ParseError
		if errors.As(err, &at) {
			err = fmt.Errorf("column %d: %w", at.Column, at.Err)
		}
		return nil, fmt.Errorf("is not a record: %w", err)
	}
	if r.header == nil {
		for i, name := range cells {
			for _, other := range cells[:i] {
				if name == other {
					return nil, fmt.Errorf("header: column %s is there twice", quote(name))
				}
			}
		}
		r.header = cells
		return nil, nil
	}
	if len(cells) != len(r.header) {
		return nil, fmt.Errorf("has %s, the header %d", count(len(cells), "cell"), len(r.header))
	}
	o := &Object{}
	for i, name := range r.header {
		o.add(name, cells[i])
	}
	return o, nil
}
