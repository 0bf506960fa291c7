package foreign

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hone/engine/trace"
)

// Limits of what is looked at in a directory.
const (
	maxLevels  = 5
	maxEntries = 20_000
	maxLogs    = 200
	maxFound   = 64 // adapters, or files that are not read
)

// Dir is a directory of another trainer's output.
type Dir struct {
	// Runs are the runs whose logs lie there, the longest first. Checkpoints and
	// event files of one run are one log.
	Runs     []*trace.Log
	Adapters []string // directories of adapters, with the directory's own path in front
	Pickles  []string // files that reading could execute: never read
	Notes    []string
}

// pickled are the names and endings of files in Python's pickle format.
var pickled = []string{".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"}

// OpenDir looks through a directory for logs and adapters. The error wraps
// ErrFormat where it has neither.
func OpenDir(path string) (*Dir, error) {
	w := &walker{root: path, dir: &Dir{}}
	if err := w.walk("", 0); err != nil {
		return nil, fmt.Errorf("looking through %s: %w", path, err)
	}
	w.merge()
	if len(w.dir.Runs) == 0 && len(w.dir.Adapters) == 0 {
		err := fmt.Errorf("%s: %w: no trainer_state.json, event file or adapter was found", path, ErrFormat)
		return nil, errors.Join(append([]error{err}, w.problems...)...)
	}
	for _, p := range w.problems {
		w.dir.Notes = append(w.dir.Notes, p.Error())
	}
	return w.dir, nil
}

type walker struct {
	root     string
	dir      *Dir
	entries  int
	states   []found
	events   []found
	problems []error
}

// found is a log and where it lay.
type found struct {
	log *trace.Log
	run string // directory of its run
}

func (w *walker) walk(at string, level int) error {
	entries, err := os.ReadDir(filepath.Join(w.root, at))
	if err != nil {
		if level > 0 {
			w.problem(err)
			return nil
		}
		return err
	}
	for _, e := range entries {
		if w.entries++; w.entries > maxEntries {
			w.problem(fmt.Errorf("more than %d files: the rest was left out", maxEntries))
			return nil
		}
		name := filepath.Join(at, e.Name())
		switch {
		case e.IsDir() && level < maxLevels && !strings.HasPrefix(e.Name(), "."):
			if err := w.walk(name, level+1); err != nil {
				return err
			}
		case e.Type()&fs.ModeType == 0:
			w.file(at, name, e.Name())
		}
	}
	return nil
}

func (w *walker) problem(err error) {
	if len(w.problems) < maxNotes {
		w.problems = append(w.problems, err)
	}
}

// file takes one regular file.
func (w *walker) file(at, name, base string) {
	path := filepath.Join(w.root, name)
	switch {
	case base == "trainer_state.json" || strings.Contains(base, "tfevents"):
		if len(w.states)+len(w.events) >= maxLogs {
			w.problem(fmt.Errorf("more than %d logs: %s was left out", maxLogs, name))
			return
		}
		log, err := Open(path, filepath.ToSlash(name))
		if err != nil {
			w.problem(err)
			return
		}
		run := at
		if strings.Contains(filepath.Base(at), "checkpoint") {
			run = filepath.Dir(at)
		}
		if run == "." {
			run = ""
		}
		if base == "trainer_state.json" {
			w.states = append(w.states, found{log, run})
		} else {
			w.events = append(w.events, found{log, run})
		}
	case base == "adapter_config.json" && len(w.dir.Adapters) < maxFound:
		w.dir.Adapters = append(w.dir.Adapters, filepath.Join(w.root, at))
	case IsPickle(base) && len(w.dir.Pickles) < maxFound:
		w.dir.Pickles = append(w.dir.Pickles, filepath.ToSlash(name))
	}
}

// merge puts the pieces of one run together, the longest first.
func (w *walker) merge() {
	longest := func(a, b found) int { return b.log.LastStep() - a.log.LastStep() }
	slices.SortStableFunc(w.states, longest)
	slices.SortStableFunc(w.events, longest)
	var runs []found
	for _, piece := range slices.Concat(w.states, w.events) {
		i := slices.IndexFunc(runs, func(r found) bool { return together(r, piece) })
		if i < 0 {
			runs = append(runs, piece)
			continue
		}
		join(runs[i].log, piece.log)
	}
	slices.SortStableFunc(runs, longest)
	for _, r := range runs {
		w.dir.Runs = append(w.dir.Runs, r.log)
	}
}

// together reports whether two logs are of one run: they lie in one place and
// agree wherever both have a value.
func together(a, b found) bool {
	if a.run != b.run && a.run != "" && !strings.HasPrefix(b.run, a.run+string(filepath.Separator)) {
		return false
	}
	if x, y := a.log.State[trace.MaxSteps], b.log.State[trace.MaxSteps]; x > 0 && y > 0 && x != y {
		return false
	}
	shared := 0
	for _, name := range []string{trace.LearningRate, trace.Loss, trace.GradNorm} {
		n, same := agree(a.log.Series[name], b.log.Series[name])
		if !same {
			return false
		}
		shared += n
	}
	// A piece without training, such as an event file of an evaluation, belongs to
	// the run it lies with.
	return shared > 0 || a.run == b.run && (len(a.log.Series[trace.Loss]) == 0 || len(b.log.Series[trace.Loss]) == 0)
}

// agree compares two series where both have a step, at the precision of float32.
func agree(a, b []trace.Sample) (shared int, same bool) {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i].Step < b[j].Step:
			i++
		case a[i].Step > b[j].Step:
			j++
		default:
			x, y := a[i].Value, b[j].Value
			if x != y && !(math.IsNaN(x) && math.IsNaN(y)) && !(math.Abs(x-y) <= 1e-6*max(math.Abs(x), math.Abs(y))) {
				return shared, false
			}
			shared, i, j = shared+1, i+1, j+1
		}
	}
	return shared, true
}

// join adds to a what b knows and a does not.
func join(a, b *trace.Log) {
	shift := int32(len(a.Files))
	a.Files = append(a.Files, b.Files...)
	for name, s := range b.Series {
		have := a.Series[name]
		walls := map[int]float64{}
		for _, x := range s {
			walls[x.Step] = x.Wall
		}
		for i := range have {
			if have[i].Wall == 0 {
				have[i].Wall = walls[have[i].Step]
			}
			delete(walls, have[i].Step)
		}
		for _, x := range s {
			if _, missing := walls[x.Step]; missing {
				x.Ref.File += shift
				a.Series[name] = append(a.Series[name], x)
			}
		}
	}
	if a.Args == nil {
		a.Args = b.Args
	}
	if a.Model == nil {
		a.Model = b.Model
	}
	if a.BaseName == "" {
		a.BaseName = b.BaseName
	}
	for k, v := range b.Totals {
		if _, ok := a.Totals[k]; !ok {
			a.Totals[k] = v
		}
	}
	for k, v := range b.State {
		if _, ok := a.State[k]; !ok {
			a.State[k] = v
		}
	}
	for _, c := range b.Checkpoints {
		i := slices.IndexFunc(a.Checkpoints, func(x trace.Checkpoint) bool { return x.Step == c.Step })
		if i < 0 {
			a.Checkpoints = append(a.Checkpoints, c)
		} else if a.Checkpoints[i].FLOs == 0 {
			a.Checkpoints[i].FLOs = c.FLOs
		}
	}
	a.Notes = append(a.Notes, b.Notes[:min(len(b.Notes), maxNotes)]...)
	a.Order()
}

// IsPickle reports whether a file's name is one of Python's pickle format, which
// can execute what is in it.
func IsPickle(name string) bool {
	return slices.Contains(pickled, strings.ToLower(filepath.Ext(name)))
}
