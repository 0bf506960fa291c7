package tui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"hone/experiments"
	"hone/runs"
)

// live is the backend that works on real models, datasets and directories.
type live struct {
	configs *configCache
	opened  *openedWorkspace
	traced  *tracedData
	version string
}

// newLive makes the backend of Run.
func newLive(version string) live {
	return live{&configCache{seen: map[string]cachedConfig{}}, &openedWorkspace{}, &tracedData{}, version}
}

// SaveConfig writes the experiment file beside its place and renames it, so that
// a crash leaves the old one whole.
func (live) SaveConfig(path string, c experiments.Config, overwrite bool) error {
	text, err := c.Marshal()
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if _, err := os.Lstat(path); err == nil && !overwrite {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".hone-*.toml")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// RunConfig reads config.toml of a run directory.
func (live) RunConfig(dir string) (experiments.Config, error) {
	return experiments.LoadRun(dir)
}

// liveFollower makes snapshots of a runs.Follower.
type liveFollower struct {
	dir     string
	f       *runs.Follower
	version int
	err     string
	last    *snapshot
}

// Poll reads a bounded part of what is new.
func (l *liveFollower) Poll() (*snapshot, bool) {
	changed, err := l.f.Poll()
	text := ""
	if err != nil {
		text = err.Error()
	}
	if !changed && text == l.err && l.last != nil {
		return l.last, false
	}
	l.err = text
	l.version++
	s := &snapshot{Dir: l.dir, Version: l.version, State: l.f.State(), Info: l.f.Info(), History: l.f.History(), Behind: l.f.Behind(), Err: err}
	if s.State == runs.Absent && err == nil {
		s.Err = fmt.Errorf("%s holds no run", l.dir)
	}
	s.measure()
	l.last = s
	return s, true
}

// rateSteps is over how many steps the speed of a run is measured.
const rateSteps = 20

// measure works out speed and remaining time from the last steps.
func (s *snapshot) measure() {
	if last, ok := s.History.LastStep(); ok {
		s.Info.Step = max(s.Info.Step, last.Step) // run.json lags behind
		if last.Step < s.Info.Step && s.live() {
			s.Info.Step = last.Step // a resume or rewind went back
		}
	}
	steps := s.History.Steps[max(len(s.History.Steps)-rateSteps, 0):]
	seconds, tokens := 0.0, 0
	for _, st := range steps {
		if v := float64(st.Seconds); finite(v) && v > 0 {
			seconds += v
			tokens += st.Tokens
		}
	}
	if seconds <= 0 {
		return
	}
	s.StepsPerSecond = float64(len(steps)) / seconds
	s.TokensPerSecond = float64(tokens) / seconds
	if left := s.Info.Steps - s.Info.Step; left > 0 {
		if d := float64(left) / s.StepsPerSecond; d < 1e9 {
			s.Left = time.Duration(d * float64(time.Second))
		}
	}
}

// configCache keeps the experiments of runs that were listed: a run's file does
// not change, and the list is read again and again while a run is live.
type configCache struct {
	mu   sync.Mutex
	seen map[string]cachedConfig
}

type cachedConfig struct {
	at time.Time
	c  *experiments.Config
}

// of reads the experiment of a run; nil where it cannot be read.
func (k *configCache) of(dir string) *experiments.Config {
	stat, err := os.Stat(runs.ConfigFile(dir))
	if err != nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if had, ok := k.seen[dir]; ok && had.at.Equal(stat.ModTime()) {
		return had.c
	}
	var kept *experiments.Config
	if c, err := experiments.Load(runs.ConfigFile(dir)); err == nil {
		kept = &c
	}
	k.seen[dir] = cachedConfig{stat.ModTime(), kept}
	return kept
}

// Runs lists a store, newest first.
func (l live) Runs(ctx context.Context, store string) ([]runRow, error) {
	list, err := runs.Store{Root: store}.List()
	if err != nil {
		return nil, err
	}
	rows := make([]runRow, len(list))
	for i, s := range list {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		rows[i] = runRowOf(s)
		rows[i].Config = l.configs.of(s.Dir)
		if dir, err := filepath.Abs(s.Dir); err == nil {
			rows[i].Dir = dir // as an own run names it
		}
	}
	return rows, nil
}

// runRowOf makes a list line of a summary.
func runRowOf(s runs.Summary) runRow {
	row := runRow{
		ID: s.ID, Name: s.Name, Dir: s.Dir, State: s.State, Step: s.Step, Steps: s.Steps, Problem: s.Error,
		Loss: math.NaN(), Exact: math.NaN(), FieldAccuracy: math.NaN(), Valid: math.NaN(), Seconds: float64(s.ElapsedSeconds), Tags: s.Tags, Note: s.Note,
	}
	if !s.Started.IsZero() {
		row.Started = s.Started.Local().Format("2006-01-02 15:04")
	}
	if v := float64(s.ElapsedSeconds); finite(v) && v > 0 && v < 1e9 {
		row.Took = clock(time.Duration(v * float64(time.Second)))
	}
	if s.Loss != nil {
		row.Loss = float64(*s.Loss)
	}
	if s.Best != nil {
		row.Exact, row.FieldAccuracy, row.Valid = float64(s.Best.ExactMatch), float64(s.Best.FieldAccuracy), float64(s.Best.JSONValidity)
	}
	for _, c := range s.Spark {
		v := float64(c.Max)
		if c.NonFinite > 0 {
			v = math.NaN()
		}
		row.Curve = append(row.Curve, v)
	}
	return row
}

// Curve reads the loss of every step of a run.
func (live) Curve(dir string) ([]curvePoint, error) {
	h, err := runs.ReadHistory(dir)
	if err != nil {
		return nil, err
	}
	return curveOf(h), nil
}

// Label changes what a person says about a run.
func (live) Label(dir string, change func(*runs.Labels)) error { return runs.ChangeLabels(dir, change) }

// Remove deletes a run of a store.
func (live) Remove(store, id string) error { return runs.Store{Root: store}.Remove(id) }
