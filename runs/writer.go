package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// DefaultHeartbeat is how often a live run says so, unless its RunInfo says
// otherwise.
const DefaultHeartbeat = 5 * time.Second

// progressPause is the shortest time between two writes of run.json that say no
// more than that the run goes on.
const progressPause = time.Second

// ErrClosed is returned by a Writer after Close.
var ErrClosed = errors.New("the run's writer is closed")

// Writer is the one writer of a run directory. It is safe for concurrent use.
type Writer struct {
	dir string
	now func() time.Time

	mu      sync.Mutex
	lock    *flock.Flock
	info    RunInfo
	tick    time.Time // until when ElapsedSeconds is counted
	metrics *appendLog
	trace   *appendLog // nil until the first record
	closed  bool
}

// OpenWriter opens a run directory for writing, and creates it where it does
// not exist. What a killed writer left half-written is cleared: a torn last
// line is closed off, unfinished checkpoints go. The state in run.json is left
// as it was; a new directory's is "running". The error wraps ErrLocked where
// another writer has the directory, ErrCorrupt where run.json is damaged.
func OpenWriter(dir string) (*Writer, error) {
	return openWriter(dir, "", time.Now)
}

func openWriter(dir, name string, now func() time.Time) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("opening run: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	w := &Writer{dir: dir, now: now, lock: lock, tick: now()}
	if err := w.open(name); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// open clears what an earlier writer left, reads or writes run.json, and opens
// the metrics.
func (w *Writer) open(name string) error {
	for _, d := range []string{w.dir, CheckpointsDir(w.dir)} {
		if err := recoverDirs(d); err != nil {
			return fmt.Errorf("clearing what an earlier writer left in %s: %w", d, err)
		}
	}
	info, err := ReadInfo(w.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		absolute, err := filepath.Abs(w.dir)
		if err != nil {
			return fmt.Errorf("opening run: %w", err)
		}
		id := filepath.Base(absolute)
		if name == "" {
			name = id
		}
		w.info = RunInfo{ID: id, Name: name, State: Running, Started: w.tick, HeartbeatSeconds: Number(DefaultHeartbeat.Seconds())}
		if err := w.Update(func(*RunInfo) {}); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		w.info = info
	}
	if w.metrics, err = openLog(MetricsFile(w.dir)); err != nil {
		return fmt.Errorf("opening run: %w", err)
	}
	return nil
}

// Dir is the run directory.
func (w *Writer) Dir() string { return w.dir }

// Info is what run.json says.
func (w *Writer) Info() RunInfo {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.info.clone()
}

// WriteConfig writes config.toml.
func (w *Writer) WriteConfig(text []byte) error { return WriteFile(ConfigFile(w.dir), text) }

// WriteEval writes the outputs of a model ("base", "tuned") on a split.
func (w *Writer) WriteEval(model, split string, text []byte) error {
	path := EvalFile(w.dir, model, split)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return WriteFile(path, text)
}

// WriteAdapter replaces the run's adapter by what write puts into a directory.
func (w *Writer) WriteAdapter(write func(dir string) error) error {
	path := AdapterDir(w.dir)
	if err := replaceDir(filepath.Dir(path), filepath.Base(path), write); err != nil {
		return fmt.Errorf("writing adapter: %w", err)
	}
	return nil
}

// WriteModel replaces the run's model by what write puts into a directory.
func (w *Writer) WriteModel(write func(dir string) error) error {
	path := ModelDir(w.dir)
	if err := replaceDir(filepath.Dir(path), filepath.Base(path), write); err != nil {
		return fmt.Errorf("writing model: %w", err)
	}
	return nil
}

// Update changes run.json, atomically. PID, Updated, ElapsedSeconds and Ended
// are kept by the Writer. After an error the RunInfo is what it was before.
func (w *Writer) Update(change func(*RunInfo)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.update(change)
}

func (w *Writer) update(change func(*RunInfo)) error {
	if w.closed {
		return ErrClosed
	}
	now := w.now()
	next := w.info.clone()
	if next.Live() {
		next.ElapsedSeconds += Number(max(0, now.Sub(w.tick).Seconds()))
	}
	change(&next)
	next.Schema, next.PID, next.Updated = schema, os.Getpid(), now.Round(time.Millisecond)
	if next.Live() {
		next.Ended = time.Time{}
	} else if w.info.Live() || next.Ended.IsZero() {
		next.Ended = next.Updated
	}
	text, err := next.marshal()
	if err != nil {
		return err
	}
	// What is written must be readable: a wrong state is found here, not by the reader.
	if _, err := parseInfo(text); err != nil {
		return err
	}
	if err := WriteFile(InfoFile(w.dir), text); err != nil {
		return err
	}
	w.info, w.tick = next, now
	return nil
}

// Progress counts the optimizer steps done. It is a heartbeat too, and may be
// called at every step, however short: run.json is written at most once a second,
// or a heartbeat where that is shorter. What is not written yet goes with the next
// Update; readers that need the very last step find it in the metrics.
func (w *Writer) Progress(step int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	w.info.Step = step
	pause := min(progressPause.Seconds(), float64(w.info.HeartbeatSeconds))
	if since := w.now().Sub(w.info.Updated).Seconds(); since >= 0 && since < pause {
		return nil
	}
	return w.update(func(*RunInfo) {})
}

// KeepAlive sends heartbeats until stop is called, for work that takes longer
// than a step should. A heartbeat that cannot be written is left to the next
// Update to report.
func (w *Writer) KeepAlive() (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	interval := time.Duration(float64(w.Info().HeartbeatSeconds) * float64(time.Second))
	go func() {
		defer close(ended)
		t := time.NewTicker(max(interval, 10*time.Millisecond))
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
				_ = w.Update(func(*RunInfo) {})
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(done)
		<-ended
	})
}

// Append adds a record (Step, Eval, Resume, ...) to metrics.jsonl as one line by
// one write. It sets the record's Type, and Time where that is zero.
func (w *Writer) Append(record any) error {
	record, err := typed(record, w.now())
	if err != nil {
		return err
	}
	line, err := marshalLine(record)
	if err != nil {
		return fmt.Errorf("encoding a record: %w", err)
	}
	if len(line) > maxLine {
		return fmt.Errorf("a record of %d bytes is too long for readers, which take up to %d", len(line), maxLine)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	if err := w.metrics.write(line); err != nil {
		return fmt.Errorf("appending to %s: %w", MetricsName, err)
	}
	return nil
}

// AppendTrace adds records of any type to trace.jsonl, each as a line with its
// checksum, all by one write. Non-finite floats in maps and slices of a map are
// written as strings; in structs they must be of type Number.
func (w *Writer) AppendTrace(records ...any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	var lines []byte
	for _, r := range records {
		line, err := marshalLine(r)
		if err == nil {
			line, err = seal(line)
		}
		if err != nil {
			return fmt.Errorf("encoding a trace record: %w", err)
		}
		lines = append(lines, line...)
	}
	if w.trace == nil {
		trace, err := openLog(TracePath(w.dir))
		if err != nil {
			return fmt.Errorf("opening %s: %w", TraceFile, err)
		}
		w.trace = trace
	}
	if err := w.trace.write(lines); err != nil {
		return fmt.Errorf("appending to %s: %w", TraceFile, err)
	}
	return nil
}

// Sync makes all appended records durable.
func (w *Writer) Sync() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	err := w.metrics.f.Sync()
	if w.trace != nil {
		err = errors.Join(err, w.trace.f.Sync())
	}
	return err
}

// Close makes the records durable and lets go of the directory. It does not
// change the run's state. A second Close does nothing.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	var errs []error
	for _, l := range []*appendLog{w.metrics, w.trace} {
		if l != nil {
			errs = append(errs, l.close())
		}
	}
	return errors.Join(append(errs, w.lock.Unlock())...)
}
