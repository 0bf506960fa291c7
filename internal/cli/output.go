package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"syscall"
)

// output is standard output. The first failure to write is kept, and nothing is
// written after it.
type output struct {
	w      io.Writer
	before func() // called before a write, to take the progress line away
	failed chan struct{}
	err    error
}

func newOutput(w io.Writer, before func()) *output {
	return &output{w: w, before: before, failed: make(chan struct{})}
}

// Write writes p whole, so that a line is not torn.
func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	o.before()
	n, err := o.w.Write(p)
	if err != nil {
		o.err = err
		close(o.failed)
	}
	return n, err
}

// gone reports whether the reader of standard output went away.
func (o *output) gone() bool { return errors.Is(o.err, syscall.EPIPE) }

// line writes v as one JSON object on a line.
func (o *output) line(v any) error {
	text, err := marshal(v)
	if err != nil {
		return err
	}
	_, err = o.Write(text)
	return err
}

// printf writes text.
func (o *output) printf(format string, args ...any) {
	fmt.Fprintf(o, format, args...) // a failure is kept
}

// marshal is v as JSON on one line, with '<', '>' and '&' as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("writing JSON: %w", err)
	}
	return b.Bytes(), nil
}

// note says something beside the result, on standard error.
func (a *app) note(format string, args ...any) {
	if a.quiet {
		return
	}
	a.progress.clear()
	fmt.Fprintf(a.stderr, format+"\n", args...)
}
