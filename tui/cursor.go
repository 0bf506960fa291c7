package tui

import "hone/runs"

// cursor is how much of a run's history was taken, so that what each snapshot
// adds is walked once.
type cursor struct {
	dir      string
	version  int // of the snapshot taken last
	steps    int // taken of the history
	evals    int
	events   int
	lastStep int // the number of the step taken last
}

// newCursor is before the beginning of a run directory's history.
func newCursor(dir string) cursor { return cursor{dir: dir, version: -1} }

// advance hands on what a snapshot has beyond what was taken: events, then
// steps, then evaluations. It reports false when the history was cut back, so
// that it has to be taken anew from its beginning.
func (c *cursor) advance(snap *snapshot, event func(runs.Event), step func(runs.Step), eval func(runs.Eval)) bool {
	h := snap.History
	if c.version == snap.Version && c.dir == snap.Dir {
		return true
	}
	if len(h.Steps) < c.steps || len(h.Evals) < c.evals || len(h.Events) < c.events {
		return false
	}
	if c.steps > 0 && h.Steps[c.steps-1].Step != c.lastStep {
		return false
	}
	for ; c.events < len(h.Events); c.events++ {
		if undoes(h.Events[c.events]) && c.steps > 0 {
			return false
		}
		event(h.Events[c.events])
	}
	for ; c.steps < len(h.Steps); c.steps++ {
		step(h.Steps[c.steps])
		c.lastStep = h.Steps[c.steps].Step
	}
	for ; c.evals < len(h.Evals); c.evals++ {
		eval(h.Evals[c.evals])
	}
	c.version = snap.Version
	return true
}
