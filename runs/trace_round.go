package runs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// RoundTrace copies a trace with its fractions rounded to so many significant
// digits, and with new checksums: a recording that is kept for being looked at is
// smaller by half. A line that readers would leave out is an error.
func RoundTrace(w io.Writer, r io.Reader, digits int) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxTraceLine)
	var s seals
	for n := 1; lines.Scan(); n++ {
		line := lines.Bytes()
		if n == 1 {
			s.first(line)
		}
		if err := s.check(line); err != nil {
			return fmt.Errorf("line %d of %s: %w", n, TraceFile, err)
		}
		if _, err := parseTrace(line); err != nil {
			return fmt.Errorf("line %d of %s: %w", n, TraceFile, err)
		}
		if sealed, _ := unseal(line); sealed {
			line = append(line[:len(line)-len(crcMember)-len(`00000000"}`):len(line)], '}')
		}
		sealed, err := seal(roundNumbers(line, digits))
		if err != nil {
			return fmt.Errorf("line %d of %s: %w", n, TraceFile, err)
		}
		if _, err := w.Write(sealed); err != nil {
			return fmt.Errorf("writing a trace: %w", err)
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("%s has a line of more than %d bytes", TraceFile, maxTraceLine)
	} else if err != nil {
		return fmt.Errorf("reading the trace: %w", err)
	}
	return nil
}

// roundNumbers rounds the fractions of valid JSON.
func roundNumbers(text []byte, digits int) []byte {
	var out []byte
	for i := 0; i < len(text); {
		end := i + 1
		switch c := text[i]; {
		case c == '"':
			for text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			end++
		case c == '-' || '0' <= c && c <= '9':
			for end < len(text) && bytes.IndexByte([]byte("+-.eE0123456789"), text[end]) >= 0 {
				end++
			}
			if v, err := strconv.ParseFloat(string(text[i:end]), 64); err == nil && bytes.ContainsAny(text[i:end], ".eE") {
				out = strconv.AppendFloat(out, v, 'g', digits, 64)
				i = end
				continue
			}
		}
		out = append(out, text[i:end]...)
		i = end
	}
	return out
}
