package tui

import (
	"hone/experiments/doctor"
	"hone/runs"
)

// foreignState stands in the place of a run's state for the log of another trainer.
const foreignState = "log"

// Follow reads a run directory that any process writes, or the log of another
// trainer. What lies at the path is looked at by the first poll.
func (live) Follow(path string) follower { return &pathFollower{path: path} }

// pathFollower becomes the follower of what lies at a path.
type pathFollower struct {
	path string
	of   follower
}

// Poll reads a bounded part of what is new.
func (p *pathFollower) Poll() (*snapshot, bool) {
	if p.of == nil {
		if doctor.IsForeign(p.path) {
			p.of = &foreignFollower{path: p.path}
		} else {
			p.of = &liveFollower{dir: p.path, f: runs.Follow(p.path)}
		}
	}
	return p.of.Poll()
}

// foreignFollower reads the log of another trainer, once: it is looked at as it
// stands.
type foreignFollower struct {
	path string
	last *snapshot
}

// foreignView is what a snapshot of such a log says about the log.
type foreignView struct {
	Tool   string
	Facts  []string // what it says for certain
	Limits []string // what it cannot know
	Others []string // other logs beside it
	Norms  bool     // it has gradient norms
	Rates  bool     // and learning rates
}

// Poll reads the log.
func (f *foreignFollower) Poll() (*snapshot, bool) {
	if f.last != nil {
		return f.last, false
	}
	s := &snapshot{Dir: f.path, Version: 1, State: foreignState, History: &runs.History{}}
	log, err := doctor.OpenForeign(f.path)
	if err != nil {
		s.State, s.Err = runs.Absent, err
	} else {
		s.History = log.History
		s.Info = runs.RunInfo{ID: baseName(f.path), Name: log.Name, State: foreignState, Step: log.LastStep, Steps: log.Steps}
		s.Foreign = &foreignView{Tool: log.Tool, Facts: log.Facts, Limits: log.Limits, Others: log.Others, Norms: log.HasNorms, Rates: log.HasRates}
	}
	f.last = s
	return s, true
}
