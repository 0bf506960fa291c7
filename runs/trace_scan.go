package runs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

var errNegativeStep = errors.New("a record with a negative step")

// ScanTrace reads a trace from its beginning and hands out its records in order:
// TraceHead, TraceBatch, TraceLoss, TraceGrad, TraceOpt, TraceAct, TraceOp,
// TraceAlert, TraceTokens, TraceInject, or json.RawMessage for a kind of a later version. It
// holds one line at a time. A line that is torn, damaged, too long or of the wrong
// checksum is left out with a note. An error of take ends the scan and is returned.
func ScanTrace(r io.Reader, take func(record any) error) (notes []string, err error) {
	b := bufio.NewReaderSize(r, 16<<10)
	var s seals
	var line []byte
	for n, long := 1, false; ; {
		piece, err := b.ReadSlice('\n')
		if long = long || len(line)+len(piece) > maxTraceLine; !long {
			line = append(line, piece...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return notes, fmt.Errorf("reading the trace: %w", err)
		}
		last := err != nil
		if n == 1 {
			s.first(line)
		}
		problem := errors.New("too long")
		if !long {
			problem = takeLine(line, &s, take)
		}
		var stopped *stopError
		switch {
		case errors.As(problem, &stopped):
			return notes, stopped.err
		case problem != nil && len(notes) < maxNotes:
			notes = append(notes, fmt.Sprintf("line %d of %s was left out: %v", n, TraceFile, problem))
		}
		if last {
			return notes, nil
		}
		line, long = line[:0], false
		n++
	}
}

// stopError is an error of the receiver of records, not of a line.
type stopError struct{ err error }

func (e *stopError) Error() string { return e.err.Error() }

func takeLine(line []byte, s *seals, take func(any) error) error {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	if isBlank(line) {
		return nil
	}
	if err := s.check(line); err != nil {
		return err
	}
	record, err := parseTrace(line)
	if err != nil {
		return err
	}
	if err := take(record); err != nil {
		return &stopError{err}
	}
	return nil
}
