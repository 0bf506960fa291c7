package runs

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sort"
	"time"
)

// Limits of what is read from a metrics file.
const (
	maxLine    = 1 << 20 // bytes of a line; longer ones are skipped
	maxRecords = 5_000_000
	maxNotes   = 50
)

// History is what metrics.jsonl says, with what was undone by a later resume or
// rewind left out. A History is never changed once it was handed out.
type History struct {
	Steps []Step // by step, one per step
	Evals []Eval // by step, one per step and split
	// Events is everything else in the order of the file, what was undone included.
	Events []Event
	Notes  []string // lines that could not be read, and why
}

// Event is a record that is neither a step nor an evaluation.
type Event struct {
	Type   string    // as in the record
	Step   int       // optimizer step it belongs to; of a resume, the one it goes on from
	Time   time.Time // zero where the record has none
	Undone bool      // a later resume or rewind went back before it
	// Record is a Resume, Checkpoint, Intervention, Alert, Log or Sample, or
	// json.RawMessage for a type of a later version.
	Record any
}

// LastStep returns the last step; false where there is none.
func (h *History) LastStep() (Step, bool) {
	if len(h.Steps) == 0 {
		return Step{}, false
	}
	return h.Steps[len(h.Steps)-1], true
}

// LastEval returns the last evaluation of a split; false where there is none.
func (h *History) LastEval(split string) (Eval, bool) {
	for _, e := range slices.Backward(h.Evals) {
		if e.Split == split {
			return e, true
		}
	}
	return Eval{}, false
}

// ReadHistory reads the metrics of a run directory. Lines that cannot be read,
// the torn last one included, are left out with a note. A directory without
// metrics has an empty history; one that does not exist is an error.
func ReadHistory(dir string) (*History, error) {
	f, err := os.Open(MetricsFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("reading history: %w", err)
		}
		return &History{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading history: %w", err)
	}
	defer f.Close()
	var b builder
	r := bufio.NewReaderSize(f, 256<<10)
	var line []byte
	for {
		piece, err := r.ReadSlice('\n')
		if len(line)+len(piece) <= maxLine {
			line = append(line, piece...)
		} else {
			line = append(line[:0], make([]byte, maxLine+1)...) // only its length matters now
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("reading %s: %w", MetricsName, err)
		}
		if err != nil {
			b.tail(line)
			return &b.History, nil
		}
		b.line(line)
		line = line[:0]
	}
}

// builder makes a History of lines. Slices that were handed out are shared with
// the reader, so they only grow; whatever changes an element makes a copy first.
type builder struct {
	History
	lines   int // complete lines so far
	records int
	dropped int // notes beyond maxNotes
	// Which slices were handed out and have not been copied since.
	sharedSteps, sharedEvals, sharedEvents bool
}

// own makes a slice the builder's alone.
func own[T any](list *[]T, shared *bool) {
	if *shared {
		*list, *shared = slices.Clone(*list), false
	}
}

// line takes one complete line.
func (b *builder) line(line []byte) {
	b.lines++
	if len(line) > maxLine {
		b.note("line %d is longer than %d bytes and was ignored", b.lines, maxLine)
		return
	}
	if isBlank(line) {
		return
	}
	record, err := parseRecord(line)
	if err == nil {
		err = checkRecord(record)
	}
	if err != nil {
		b.note("line %d is torn or damaged and was ignored: %v", b.lines, err)
		return
	}
	if b.records++; b.records > maxRecords {
		if b.records == maxRecords+1 {
			b.note("records from line %d on were ignored: more than %d", b.lines, maxRecords)
		}
		return
	}
	b.add(record)
}

// tail takes what follows the last newline. A whole record there has only lost
// its newline; anything else is what a kill left.
func (b *builder) tail(line []byte) {
	switch {
	case isBlank(line):
	case isWhole(line):
		b.line(line)
		b.lines-- // its newline is still to come
	default:
		b.note("line %d, the last one, is torn and was ignored", b.lines+1)
	}
}

// isWhole reports whether a line without its newline is all there.
func isWhole(line []byte) bool {
	n := len(line)
	return n > 0 && n <= maxLine && line[0] == '{' && line[n-1] == '}' && json.Valid(line)
}

func isBlank(line []byte) bool {
	for _, c := range line {
		if c != '\n' && c != '\r' && c != ' ' && c != '\t' {
			return false
		}
	}
	return true
}

func (b *builder) note(format string, args ...any) {
	if len(b.Notes) >= maxNotes {
		b.dropped++
		b.Notes = append(slices.Clone(b.Notes[:maxNotes-1]), fmt.Sprintf("and %d more lines", b.dropped+1))
		return
	}
	b.Notes = append(b.Notes, fmt.Sprintf(format, args...))
}

// checkRecord refuses values that no writer writes.
func checkRecord(record any) error {
	step := 0
	switch r := record.(type) {
	case Step:
		step = r.Step
	case Eval:
		step = r.Step
	case Resume:
		step = r.From
	case Intervention:
		step = min(r.Step, r.To)
	}
	if step < 0 {
		return fmt.Errorf("step %d", step)
	}
	return nil
}

func (b *builder) add(record any) {
	switch r := record.(type) {
	case Step:
		b.addStep(r)
	case Eval:
		b.addEval(r)
	case Resume:
		b.undo(r.From)
		b.event(r.Type, r.From, r.Time, r)
	case Intervention:
		if r.Action == ActionRewind {
			b.undo(r.To)
		}
		b.event(r.Type, r.Step, r.Time, r)
	case Checkpoint:
		b.event(r.Type, r.Step, r.Time, r)
	case Alert:
		b.event(r.Type, r.Step, r.Time, r)
	case Log:
		b.event(r.Type, r.Step, r.Time, r)
	case Sample:
		b.event(r.Type, r.Step, r.Time, r)
	case json.RawMessage:
		var head struct {
			Type string    `json:"type"`
			Step int       `json:"step"`
			Time time.Time `json:"time"`
		}
		_ = json.Unmarshal(r, &head) // whatever of it fits
		b.event(head.Type, head.Step, head.Time, r)
	}
}

func (b *builder) event(kind string, step int, at time.Time, record any) {
	b.Events = append(b.Events, Event{Type: kind, Step: step, Time: at, Record: record})
}

func (b *builder) addStep(s Step) {
	n := len(b.Steps)
	if n == 0 || b.Steps[n-1].Step < s.Step {
		b.Steps = append(b.Steps, s)
		return
	}
	i := sort.Search(n, func(i int) bool { return b.Steps[i].Step >= s.Step })
	own(&b.Steps, &b.sharedSteps)
	if b.Steps[i].Step == s.Step {
		b.Steps[i] = s
	} else {
		b.Steps = slices.Insert(b.Steps, i, s)
	}
}

func (b *builder) addEval(e Eval) {
	i := len(b.Evals)
	for i > 0 && b.Evals[i-1].Step >= e.Step {
		i--
		if b.Evals[i].Step == e.Step && b.Evals[i].Split == e.Split {
			own(&b.Evals, &b.sharedEvals)
			b.Evals[i] = e
			return
		}
	}
	for i < len(b.Evals) && b.Evals[i].Step == e.Step {
		i++
	}
	if i < len(b.Evals) {
		own(&b.Evals, &b.sharedEvals)
	}
	b.Evals = slices.Insert(b.Evals, i, e)
}

// undo takes back everything after a step.
func (b *builder) undo(step int) {
	n := sort.Search(len(b.Steps), func(i int) bool { return b.Steps[i].Step > step })
	b.Steps = b.Steps[:n]
	m := sort.Search(len(b.Evals), func(i int) bool { return b.Evals[i].Step > step })
	b.Evals = b.Evals[:m]
	// The next append must not write into what readers hold.
	own(&b.Steps, &b.sharedSteps)
	own(&b.Evals, &b.sharedEvals)
	for i := len(b.Events) - 1; i >= 0; i-- {
		e := &b.Events[i]
		if e.Type == "resume" && e.Step <= step {
			break // it has undone all that this one would before it
		}
		if e.Step > step && !e.Undone {
			own(&b.Events, &b.sharedEvents)
			b.Events[i].Undone = true
		}
	}
}

// snapshot is the history so far, safe to keep while the builder goes on.
func (b *builder) snapshot() *History {
	b.sharedSteps, b.sharedEvals, b.sharedEvents = true, true, true
	return &History{
		Steps:  slices.Clip(b.Steps),
		Evals:  slices.Clip(b.Evals),
		Events: slices.Clip(b.Events),
		Notes:  slices.Clip(b.Notes),
	}
}
