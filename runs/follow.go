package runs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// Bounds of one Poll.
const (
	pollRecords = 2000
	pollTime    = 50 * time.Millisecond
)

// markSize is how many bytes before the reading position are remembered, to
// notice that a file was rewritten in place.
const markSize = 4096

// Follower keeps up with a run directory that another goroutine or process
// writes, or that does not exist yet. It is safe for concurrent use; the
// histories it hands out do not change.
type Follower struct {
	dir string
	now func() time.Time

	mu        sync.Mutex
	info      RunInfo
	infoStat  fs.FileInfo // of the run.json that info is from; nil without one
	lastState string

	b        builder
	stat     fs.FileInfo // of the metrics file that b is from; nil without one
	offset   int64       // bytes of it that b has
	mark     []byte      // the bytes before offset
	skipping bool        // within a line that is too long
	behind   bool
	buf      []byte
}

// Follow starts to follow a run directory. Nothing is read before Poll.
func Follow(dir string) *Follower {
	return &Follower{dir: dir, now: time.Now, lastState: Absent}
}

// Dir is the directory that is followed.
func (f *Follower) Dir() string { return f.dir }

// Poll reads what is new, at most 2000 records or for about 50 ms; [Follower.Behind]
// says whether more is waiting. It reports whether the history, the info or the
// state changed. Absent, truncated and replaced files are no errors: the history
// then starts again from what is there. After an error the Follower keeps what
// it has, and the next Poll tries again.
func (f *Follower) Poll() (changed bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	changed, err = f.pollInfo()
	more, err2 := f.pollMetrics()
	if s := f.state(); s != f.lastState {
		f.lastState, changed = s, true
	}
	return changed || more, errors.Join(err, err2)
}

// History is what was read so far.
func (f *Follower) History() *History {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.b.snapshot()
}

// Info is the run.json last read; the zero RunInfo where there is none.
func (f *Follower) Info() RunInfo {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.info.clone()
}

// State is the run's state now: one of the state constants.
func (f *Follower) State() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state()
}

func (f *Follower) state() string { return f.info.StateAt(f.now()) }

// Behind reports whether the last Poll stopped at its bounds.
func (f *Follower) Behind() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.behind
}

// same reports whether a file is what it was when a was taken.
func same(a, b fs.FileInfo) bool {
	return a != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

func (f *Follower) pollInfo() (bool, error) {
	stat, err := os.Stat(InfoFile(f.dir))
	if errors.Is(err, fs.ErrNotExist) {
		had := f.infoStat != nil
		f.info, f.infoStat = RunInfo{}, nil
		return had, nil
	}
	if err != nil {
		return false, fmt.Errorf("following run: %w", err)
	}
	if same(f.infoStat, stat) {
		return false, nil
	}
	info, err := ReadInfo(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // gone since: the next Poll sees it
	}
	if err != nil {
		return false, err
	}
	f.info, f.infoStat = info, stat
	return true, nil
}

func (f *Follower) pollMetrics() (changed bool, err error) {
	f.behind = false
	file, err := os.Open(MetricsFile(f.dir))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("following run: %w", err)
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		return false, fmt.Errorf("following run: %w", err)
	}
	if f.stat != nil && !f.continues(file, stat) {
		f.b, f.offset, f.mark, f.skipping = builder{}, 0, nil, false
		changed = true
	}
	f.stat = stat
	if f.offset == stat.Size() {
		return changed, nil
	}
	before, deadline := f.b.records, time.Now().Add(pollTime)
	notes := len(f.b.Notes) + f.b.dropped
	err = f.read(file, deadline)
	return changed || f.b.records != before || len(f.b.Notes)+f.b.dropped != notes, err
}

// continues reports whether a file goes on from what was read: the same file,
// not shorter, with the same bytes before the reading position.
func (f *Follower) continues(file *os.File, stat fs.FileInfo) bool {
	if !os.SameFile(f.stat, stat) || stat.Size() < f.offset {
		return false
	}
	there := make([]byte, len(f.mark))
	if _, err := file.ReadAt(there, f.offset-int64(len(there))); err != nil {
		return false
	}
	return bytes.Equal(there, f.mark)
}

// read takes complete lines from the reading position on until a bound or the
// end of the file.
func (f *Follower) read(file *os.File, deadline time.Time) error {
	if f.buf == nil {
		f.buf = make([]byte, 64<<10)
	}
	for records := 0; ; {
		n, err := file.ReadAt(f.buf, f.offset)
		atEnd := errors.Is(err, io.EOF)
		if err != nil && !atEnd {
			return fmt.Errorf("following %s: %w", MetricsName, err)
		}
		text, used := f.buf[:n], 0
		for {
			i := bytes.IndexByte(text[used:], '\n')
			if i < 0 {
				break
			}
			if records++; records > pollRecords || records > 1 && time.Now().After(deadline) {
				f.advance(text[:used])
				f.behind = true
				return nil
			}
			f.take(text[used : used+i+1])
			used += i + 1
		}
		f.advance(text[:used])
		rest := text[used:]
		switch {
		case atEnd:
			if f.tail(rest) {
				f.advance(rest)
			}
			return nil
		case used > 0:
		case len(f.buf) <= maxLine:
			f.buf = make([]byte, 2*len(f.buf))
		default:
			// A line beyond every bound: its length is all that is kept of it.
			f.skipping = true
			f.advance(rest)
		}
		if time.Now().After(deadline) {
			f.behind = true
			return nil
		}
	}
}

// take takes one complete line.
func (f *Follower) take(line []byte) {
	if f.skipping {
		f.skipping = false
		line = make([]byte, maxLine+1)
	}
	f.b.line(line)
}

// tail takes what stands after the last newline if it is a whole record: then
// only its newline is missing. Otherwise the writer may be at it still.
func (f *Follower) tail(rest []byte) bool {
	if f.skipping || !isWhole(rest) {
		return false
	}
	f.b.tail(rest)
	return true
}

// advance moves the reading position past text.
func (f *Follower) advance(text []byte) {
	if len(text) == 0 {
		return
	}
	f.offset += int64(len(text))
	joined := append(bytes.Clone(f.mark), text[max(0, len(text)-markSize):]...)
	f.mark = joined[max(0, len(joined)-markSize):]
}
