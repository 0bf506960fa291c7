package runs

import (
	"errors"
	"io"
	"os"
)

// appendLog is a file of lines that only grows. Each line is one write, so that
// a killed process tears at most the last.
type appendLog struct {
	f    *os.File
	torn bool // the last line has no end: the next starts with one
}

// openLog opens a log for appending and closes off a torn last line, which
// readers then take for the damaged line that it is.
func openLog(path string) (*appendLog, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	l := &appendLog{f: f}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil && size > 0 {
		var last [1]byte
		_, err = f.ReadAt(last[:], size-1)
		l.torn = last[0] != '\n'
	}
	if err == nil && l.torn {
		err = l.write(nil)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return l, nil
}

// write appends one line that ends in a newline; without a line it ends a torn one.
func (l *appendLog) write(line []byte) error {
	if l.torn {
		line = append([]byte{'\n'}, line...)
	}
	if len(line) == 0 {
		return nil
	}
	n, err := l.f.Write(line)
	if n > 0 {
		l.torn = line[n-1] != '\n'
	}
	return err
}

func (l *appendLog) close() error { return errors.Join(l.f.Sync(), l.f.Close()) }
