package data

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLines(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"\n", []string{""}},
		{"a", []string{"a"}},
		{"a\n", []string{"a"}},
		{"a\r\n\r\nb\r", []string{"a", "", "b"}},
		{"\ufeffa\n\ufeffb", []string{"a", "\ufeffb"}},
		{"\ufeff", []string{""}},
		{"12345678\n12345678\r\n123456789\nx", []string{"12345678", "12345678", "LONG", "x"}},
		{strings.Repeat("y", 1<<20) + "\nx\n", []string{"LONG", "x"}},
		{strings.Repeat("y", 1<<20), []string{"LONG"}},
		{"a\rb\n", []string{"a\rb"}},
	} {
		for name, r := range map[string]io.Reader{"whole": strings.NewReader(c.in), "in halves": iotest.HalfReader(strings.NewReader(c.in))} {
			l := newLineReader(r)
			l.limit = 8
			var got []string
			for {
				line, err := l.next()
				if errors.Is(err, io.EOF) {
					break
				}
				if errors.Is(err, errLongLine) {
					line = []byte("LONG")
				} else if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(line))
			}
			if !slices.Equal(got, c.want) || l.line != len(c.want) {
				t.Errorf("%.20q %s: %q, %d lines, want %q", c.in, name, got, l.line, c.want)
			}
			if cap(l.buf) > 1024 {
				t.Errorf("%.20q: %d bytes held for a limit of 8", c.in, cap(l.buf))
			}
		}
	}
	broken := errors.New("disk on fire")
	if _, err := newLineReader(iotest.ErrReader(broken)).next(); !errors.Is(err, broken) {
		t.Errorf("read error is %v", err)
	}
}
