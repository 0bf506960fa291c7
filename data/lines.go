package data

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// MaxLine is the longest line that is read, in bytes.
const MaxLine = 8 << 20

// lineReader reads the lines of a file from outside: a byte order mark before
// the first and carriage returns at the ends are dropped, and a line longer
// than limit is passed over without being held in memory.
type lineReader struct {
	r     *bufio.Reader
	limit int
	line  int   // number of the last line, from 1
	at    int64 // byte at which it began
	read  int64 // bytes taken so far
	buf   []byte
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 64<<10), limit: MaxLine}
}

var errLongLine = errors.New("line too long")

// next returns the next line without its ending; the slice is valid until the
// next call. It returns errLongLine for a line over the limit, after which
// reading goes on, and io.EOF at the end.
func (l *lineReader) next() ([]byte, error) {
	l.buf = l.buf[:0]
	l.at = l.read
	long, any := false, false
	for {
		part, err := l.r.ReadSlice('\n')
		l.read += int64(len(part))
		any = any || len(part) > 0
		long = long || len(l.buf)+len(part) > l.limit+len("\r\n")
		if !long {
			l.buf = append(l.buf, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return nil, err
		case err != nil && !any:
			return nil, io.EOF
		}
		break
	}
	l.line++
	text := bytes.TrimSuffix(l.buf, []byte("\n"))
	text = bytes.TrimSuffix(text, []byte("\r"))
	if l.line == 1 {
		if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
			return nil, errors.New("the file is in UTF-16; save it as UTF-8")
		}
		text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	}
	if long || len(text) > l.limit {
		return nil, fmt.Errorf("%w: over %d MB", errLongLine, l.limit>>20)
	}
	return text, nil
}
