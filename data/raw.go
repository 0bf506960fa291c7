package data

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
)

// ErrChanged is wrapped by the error for a row whose file is no longer what was
// read.
var ErrChanged = errors.New("the file has changed since it was read")

var lineSeed = maphash.MakeSeed()

// lineSum tells whether a line is still the one that was read, in this process.
func lineSum(line []byte) uint64 { return maphash.Bytes(lineSeed, line) }

// Raw reads the line of a row again, as it stands in its file, without the line's
// ending. The error wraps [ErrChanged] where another line stands there now.
func (d *Dataset) Raw(split string, row int) ([]byte, error) {
	rows, err := d.Split(split)
	if err != nil {
		return nil, err
	}
	if row < 0 || row >= len(rows) {
		return nil, fmt.Errorf("the %s split has no row %d", split, row)
	}
	r := rows[row]
	if d.source == nil {
		return nil, fmt.Errorf("%s was not read from a file", r.Position())
	}
	line, err := d.source.line(r)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", r.Position(), err)
	}
	return line, nil
}

// line reads the line of a row.
func (s *source) line(r Row) ([]byte, error) {
	for _, f := range s.files {
		if s.display(f.name) != r.File {
			continue
		}
		file, err := s.fsys.Open(f.name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		if seeker, ok := file.(io.Seeker); ok {
			_, err = seeker.Seek(r.at, io.SeekStart)
		} else {
			_, err = io.CopyN(io.Discard, file, r.at)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		line, err := newRecordReader(file, f.name).next()
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errLongLine) {
			return nil, err
		}
		if err != nil || lineSum(line) != r.sum {
			return nil, ErrChanged
		}
		return line, nil
	}
	return nil, ErrChanged
}
