package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"hone/runs"
)

// tracedSteps is how many of the last gradient records are read when the newest has something that is not finite.
const tracedSteps = 16

// gradReader reads the recorder's newest view of the gradients of a run for a
// screen, which calls next while somebody looks at them.
type gradReader struct {
	grads    *gradView
	gradsOf  string // directory that grads and gradsErr are of
	gradsErr error
	asked    int  // version of the snapshot that grads were last asked for
	reading  bool // a reading of the trace is under way
	read     func(dir string, steps int) (runs.GradientTail, error)
	owner    *int // tells the answers to one reader from those to another
}

// gradsMsg is the recorder's newest view of the gradients.
type gradsMsg struct {
	owner *int
	dir   string
	view  *gradView
	err   error
}

func newGradReader(back backend) gradReader {
	return gradReader{asked: -1, read: back.Gradients, owner: new(int)}
}

// next reads the end of the trace when the run has moved on since the last reading.
// One reading is under way at a time.
func (r *gradReader) next(snap *snapshot) tea.Cmd {
	if r.reading || snap == nil || r.gradsOf == snap.Dir && r.asked == snap.Version {
		return nil
	}
	r.reading, r.asked = true, snap.Version
	owner, dir, read := r.owner, snap.Dir, r.read
	return func() tea.Msg {
		tail, err := read(dir, 1)
		if err == nil && odd(tail) {
			tail, err = read(dir, tracedSteps) // since when?
		}
		if err != nil {
			return gradsMsg{owner: owner, dir: dir, err: err}
		}
		return gradsMsg{owner: owner, dir: dir, view: newGradView(tail)}
	}
}

// keep takes the answer to a reading and reports whether there is another view: not
// for that of another screen, of a run that was left, or an error.
func (r *gradReader) keep(msg gradsMsg, runDir string) bool {
	if msg.owner != r.owner {
		return false
	}
	r.reading = false
	if msg.dir != runDir {
		return false
	}
	r.gradsOf, r.gradsErr = msg.dir, msg.err
	if msg.err != nil {
		return false
	}
	r.grads = msg.view
	return true
}
