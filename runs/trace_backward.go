package runs

import (
	"bytes"
	"fmt"
	"io"
)

// backward hands out the lines of a file of the given size from its end: each with
// the offset of its end, and whether it is the file's last. It ends when take
// returns false, at the beginning, or with a note when it has read so many bytes.
// A line that is too long is left out with a note.
func backward(f io.ReaderAt, size, most int64, note func(format string, args ...any), take func(line []byte, end int64, last bool) (more bool)) error {
	var rest []byte // the beginning of a line whose end was read before
	skipping := false
	atEnd := true // the file's last line is still to come
	for end := size; end > 0; {
		if size-end >= most {
			note("looked at the last %d MiB only", most>>20)
			return nil
		}
		start := max(end-traceBlock, 0)
		block := make([]byte, end-start, int(end-start)+len(rest))
		if n, err := f.ReadAt(block, start); n < len(block) {
			return fmt.Errorf("reading the trace: %w", err)
		}
		end = start
		block = append(block, rest...)
		for {
			cut := bytes.LastIndexByte(block, '\n')
			if cut < 0 {
				break
			}
			if !skipping && !take(block[cut+1:], start+int64(len(block)), atEnd) {
				return nil
			}
			block, skipping, atEnd = block[:cut], false, false
		}
		if rest = block; len(rest) > maxTraceLine {
			if !skipping {
				note("skipped a line of more than %d MiB", maxTraceLine>>20)
			}
			rest, skipping = nil, true
		}
		if start == 0 && !skipping && !take(rest, int64(len(rest)), atEnd) {
			return nil
		}
	}
	return nil
}

// sealsOf looks whether the lines of a file have checksums.
func sealsOf(f io.ReaderAt, size int64) (seals, error) {
	var check seals
	first := make([]byte, min(size, traceBlock))
	if n, err := f.ReadAt(first, 0); n < len(first) {
		return check, fmt.Errorf("reading the trace: %w", err)
	}
	if cut := bytes.IndexByte(first, '\n'); cut >= 0 {
		check.first(first[:cut])
	}
	return check, nil
}
