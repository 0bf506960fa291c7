package runs

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Errors of finding and removing runs.
var (
	ErrNotFound  = errors.New("no such run")
	ErrAmbiguous = errors.New("more than one run")
	ErrRunning   = errors.New("the run is being written")
)

// sparkColumns is the width of a Summary's loss curve.
const sparkColumns = 32

// Unreadable is the state of a Summary whose run.json cannot be understood.
const Unreadable = "unreadable"

// Store is a directory of runs.
type Store struct {
	Root string           // "" = "runs"
	Now  func() time.Time // the clock of states and heartbeats; nil = time.Now
}

func (s Store) root() string {
	if s.Root == "" {
		return "runs"
	}
	return s.Root
}

func (s Store) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// Create makes a run directory such as 2026-11-23-1530-calendar and opens it for
// writing; a second one in the same minute gets -2. The name's letters, digits,
// '-', '_' and '.' are kept, all else becomes '-'.
func (s Store) Create(name string, now time.Time) (*Writer, error) {
	root := s.root()
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, fmt.Errorf("creating run: %w", err)
	}
	id := now.Format("2006-01-02-1504") + "-" + cleanName(name)
	for i := 1; i < 10000; i++ {
		dir := filepath.Join(root, id)
		if i > 1 {
			dir += fmt.Sprintf("-%d", i)
		}
		// Mkdir is what makes the name ours: of two processes one fails.
		err := os.Mkdir(dir, 0o755)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("creating run: %w", err)
		}
		return openWriter(dir, name, s.now)
	}
	return nil, fmt.Errorf("creating run: every name from %s to %s-9999 is taken", id, id)
}

// Summary is one run in a list.
type Summary struct {
	ID             string    `json:"id"`
	Name           string    `json:"name"` // the display name: of labels.json, else of run.json
	Tags           []string  `json:"tags,omitempty"`
	Note           string    `json:"note,omitempty"`
	Dir            string    `json:"dir"`
	State          string    `json:"state"` // a state constant, or Unreadable
	Started        time.Time `json:"started"`
	ElapsedSeconds Number    `json:"elapsed_seconds"` // time the run was live
	Step           int       `json:"step"`            // optimizer steps done
	Steps          int       `json:"steps"`           // of the whole schedule
	Loss           *Number   `json:"loss"`            // of the last step; nil before the first
	Last           *Eval     `json:"last"`            // last evaluation on the eval split; nil without one
	Best           *Eval     `json:"best"`            // best of them
	Error          string    `json:"error,omitempty"`
	// Summary is what the run's own writer put there, as test scores.
	Summary map[string]any `json:"summary,omitempty"`
	Spark   []Column       `json:"-"` // the loss curve, decimated
}

// List summarizes the runs of the store, newest first. Directories that hold no
// run are left out; a run that cannot be read is listed as Unreadable with its
// Error. A store that does not exist has no runs.
func (s Store) List() ([]Summary, error) {
	dirs, err := s.dirs()
	if err != nil {
		return nil, err
	}
	list := make([]Summary, len(dirs))
	for i, d := range dirs {
		list[i] = s.Summarize(d.path)
	}
	return list, nil
}

type runDir struct {
	id, path string
	started  time.Time
}

// dirs lists the run directories, newest first.
func (s Store) dirs() ([]runDir, error) {
	entries, err := os.ReadDir(s.root())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing runs: %w", err)
	}
	var dirs []runDir
	for _, e := range entries {
		d := runDir{id: e.Name(), path: filepath.Join(s.root(), e.Name())}
		if strings.HasPrefix(d.id, ".") || !isRun(d.path) {
			continue
		}
		if info, err := ReadInfo(d.path); err == nil {
			d.started = info.Started
		} else if t, err := time.ParseInLocation("2006-01-02-1504", d.id[:min(len(d.id), 15)], time.Local); err == nil {
			d.started = t
		}
		dirs = append(dirs, d)
	}
	slices.SortFunc(dirs, func(a, b runDir) int {
		return cmp.Or(b.started.Compare(a.started), compareID(b.id, a.id))
	})
	return dirs, nil
}

// compareID orders ids so that -2 comes before -10.
func compareID(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// isRun reports whether a directory holds a run.
func isRun(dir string) bool {
	for _, name := range []string{InfoName, MetricsName, ConfigName} {
		if stat, err := os.Stat(filepath.Join(dir, name)); err == nil && stat.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// Summarize reads one run directory.
func (s Store) Summarize(dir string) Summary {
	sum := Summary{ID: filepath.Base(dir), Dir: dir}
	info, err := ReadInfo(dir)
	if err != nil {
		sum.Name, sum.State, sum.Error = sum.ID, Unreadable, err.Error()
	} else {
		sum.Name, sum.State, sum.Error = info.Name, info.StateAt(s.now()), info.Error
		sum.Started, sum.ElapsedSeconds = info.Started, info.ElapsedSeconds
		sum.Step, sum.Steps, sum.Summary = info.Step, info.Steps, info.Summary
	}
	labels, err := ReadLabels(dir)
	if err != nil && sum.Error == "" {
		sum.Error = err.Error()
	}
	sum.Tags, sum.Note = labels.Tags, labels.Note
	if labels.Name != "" {
		sum.Name = labels.Name
	}
	history, err := ReadHistory(dir)
	if err != nil {
		if sum.Error == "" {
			sum.Error = err.Error()
		}
		return sum
	}
	sum.measure(history, info.BestBy)
	return sum
}

// measure takes over what a history says; by is the score that decides which
// evaluation is the best.
func (sum *Summary) measure(history *History, by string) {
	if last, ok := history.LastStep(); ok {
		sum.Loss = &last.Loss
		sum.Step = last.Step // run.json lags behind by up to a heartbeat
	}
	if e, ok := history.LastEval("eval"); ok {
		sum.Last = &e
	}
	if e, ok := history.BestEval("eval", by); ok {
		sum.Best = &e
	}
	sum.Spark = Decimate(len(history.Steps), func(i int) Number { return history.Steps[i].Loss }, sparkColumns)
}

// Resolve finds a run directory by "latest" (the last one started), its id, an
// unambiguous beginning of an id, or a path. The error wraps ErrNotFound or
// ErrAmbiguous.
func (s Store) Resolve(ref string) (string, error) {
	if dir, err := s.find(ref); err == nil || errors.Is(err, ErrAmbiguous) {
		return dir, err
	}
	if ref != "" && isRun(ref) {
		return filepath.Clean(ref), nil
	}
	return "", fmt.Errorf("%w: %q in %s", ErrNotFound, ref, s.root())
}

// find resolves a reference to a run of the store itself.
func (s Store) find(ref string) (string, error) {
	dirs, err := s.dirs()
	if err != nil {
		return "", err
	}
	if ref == "latest" && len(dirs) > 0 {
		return dirs[0].path, nil
	}
	var matches []runDir
	for _, d := range dirs {
		if d.id == ref {
			return d.path, nil
		}
		if ref != "" && strings.HasPrefix(d.id, ref) {
			matches = append(matches, d)
		}
	}
	switch len(matches) {
	case 0:
		return "", fmt.Errorf("%w: %q in %s", ErrNotFound, ref, s.root())
	case 1:
		return matches[0].path, nil
	}
	ids := make([]string, 0, 5)
	for _, d := range matches[:min(4, len(matches))] {
		ids = append(ids, d.id)
	}
	if len(matches) > 4 {
		ids = append(ids, fmt.Sprintf("and %d more", len(matches)-4))
	}
	return "", fmt.Errorf("%w begins with %q: %s", ErrAmbiguous, ref, strings.Join(ids, ", "))
}

// Remove deletes a run of the store by its id, or an unambiguous beginning of
// it. A run that is being written is refused with an error that wraps ErrRunning.
func (s Store) Remove(id string) error {
	if id == "latest" {
		return fmt.Errorf("%w: removing takes an id", ErrNotFound)
	}
	dir, err := s.find(id)
	if err != nil {
		return err
	}
	// The lock says who writes, whatever run.json says: a killed run can be removed at once.
	lock, err := lockDir(dir)
	if errors.Is(err, ErrLocked) {
		return fmt.Errorf("removing: %w: %w", ErrRunning, err)
	}
	if err != nil {
		return fmt.Errorf("removing: %w", err)
	}
	// Renamed first, so that no one finds a run that is half there.
	err = errors.Join(removeDir(dir), clearRemoved(s.root()))
	if err := errors.Join(err, lock.Unlock()); err != nil {
		return fmt.Errorf("removing run: %w", err)
	}
	return nil
}

// clearRemoved removes what killed removals left.
func clearRemoved(root string) error {
	left, err := filepath.Glob(filepath.Join(root, tempPrefix+"removed-*"))
	for _, path := range left {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}
