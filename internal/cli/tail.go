package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"hone/runs"
)

// tail reads the records of a run as they are appended, each exactly once and
// byte for byte. A runs.Follower serves those who look at a run: it keeps the
// last word on every step, not the order of the lines.
type tail struct {
	path   string
	offset int64
	rest   []byte // of a line whose end is not written yet
	skip   bool   // the line at offset began before: it is not ours
}

// endOfRun starts after what a run directory holds now ("" or a new one:
// nothing).
func endOfRun(dir string) (*tail, error) {
	if dir == "" {
		return &tail{}, nil
	}
	t := &tail{path: runs.MetricsFile(dir)}
	f, err := os.Open(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return nil, fmt.Errorf("following the run: %w", err)
	}
	defer f.Close()
	if t.offset, err = f.Seek(0, io.SeekEnd); err != nil {
		return nil, fmt.Errorf("following the run: %w", err)
	}
	if t.offset > 0 {
		var last [1]byte
		if _, err := f.ReadAt(last[:], t.offset-1); err != nil {
			return nil, fmt.Errorf("following the run: %w", err)
		}
		t.skip = last[0] != '\n' // a killed writer tore it; the next ends it first
	}
	return t, nil
}

// follow sets the run directory, when it was not known before.
func (t *tail) follow(dir string) {
	if t.path == "" {
		t.path = runs.MetricsFile(dir)
	}
}

// lines calls each with every complete line that is new, without its end.
func (t *tail) lines(each func(line []byte) error) error {
	f, err := os.Open(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("following the run: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, t.offset, 1<<62))
	if err != nil {
		return fmt.Errorf("following the run: %w", err)
	}
	t.offset += int64(len(text))
	t.rest = append(t.rest, text...)
	for {
		end := bytes.IndexByte(t.rest, '\n')
		if end < 0 {
			return nil
		}
		line := t.rest[:end]
		t.rest = t.rest[end+1:]
		if t.skip {
			t.skip = false
			continue
		}
		if err := each(line); err != nil {
			return err
		}
	}
}
