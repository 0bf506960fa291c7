package runs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"time"
)

// Player plays a recorded run: it knows when every line of metrics.jsonl came,
// and has the history and run.json of any moment of the run. Nothing is written,
// and what a run that is still going adds after OpenPlayer is not seen.
//
// Time is what the run worked: the sum of its steps and evaluations. How long it
// was paused, saved or lay stopped does not count. A Player is safe for
// concurrent use; the histories it hands out do not change.
type Player struct {
	dir   string
	info  RunInfo
	ended string   // state after the last line
	file  *os.File // metrics.jsonl; nil without one
	lines []playLine
	steps []int // which of the lines are steps
	marks []int // and which are evaluations, alerts, interventions, checkpoints and resumes

	mu    sync.Mutex
	b     builder
	at    int // lines that b has
	buf   []byte
	trace playTrace
}

// playLine is a line of metrics.jsonl.
type playLine struct {
	end  int64 // of the file up to and with it
	came time.Duration
	step int32 // of a step line; 0 = another record
}

// Bounds of the time that a record may take: a step takes some, so that no two
// come at once, and a damaged figure does not make a run of years.
const (
	leastStep   = time.Millisecond
	mostStep    = time.Hour
	mostRunTime = 10 * 365 * 24 * time.Hour
)

// OpenPlayer reads a run directory from end to end and stands before its first
// record. The error wraps fs.ErrNotExist where there is no run.json. Close has to
// be called.
func OpenPlayer(dir string) (*Player, error) {
	info, err := ReadInfo(dir)
	if err != nil {
		return nil, err
	}
	p := &Player{dir: dir, info: info, ended: info.StateAt(time.Now())}
	p.trace.dir = dir
	p.file, err = os.Open(MetricsFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("opening a recorded run: %w", err)
	}
	if err := p.index(); err != nil {
		return nil, errors.Join(fmt.Errorf("reading %s: %w", MetricsName, err), p.file.Close())
	}
	return p, nil
}

// Close ends the reading.
func (p *Player) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.trace.close()
	if p.file != nil {
		err = errors.Join(err, p.file.Close())
	}
	return err
}

// index finds the lines of the file and when they came.
func (p *Player) index() error {
	r := bufio.NewReaderSize(p.file, 256<<10)
	var line []byte
	var end int64
	var now time.Duration
	for {
		piece, err := r.ReadSlice('\n')
		end += int64(len(piece))
		if len(line)+len(piece) <= maxLine {
			line = append(line, piece...)
		} else {
			line = append(line[:0], make([]byte, maxLine+1)...) // only its length matters now
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(line) > 0 && len(p.lines) <= maxRecords {
			now = p.add(line, end, now)
		}
		if err != nil {
			return nil
		}
		line = line[:0]
	}
}

// add takes one line and returns when it came.
func (p *Player) add(line []byte, end int64, now time.Duration) time.Duration {
	var head struct {
		Type    string `json:"type"`
		Step    int32  `json:"step"`
		Seconds Number `json:"seconds"`
	}
	at := playLine{end: end}
	if len(line) <= maxLine && json.Unmarshal(line, &head) == nil {
		switch head.Type {
		case "step":
			now += took(head.Seconds, leastStep, now)
			at.step = max(head.Step, 0)
			p.steps = append(p.steps, len(p.lines))
		case "eval":
			now += took(head.Seconds, 0, now)
			p.marks = append(p.marks, len(p.lines))
		case "alert", "intervention", "checkpoint", "resume":
			p.marks = append(p.marks, len(p.lines))
		}
	}
	at.came = now
	p.lines = append(p.lines, at)
	return now
}

// took is how long a record took.
func took(seconds Number, least, now time.Duration) time.Duration {
	if now > mostRunTime || !seconds.Finite() || seconds <= 0 {
		return least
	}
	return max(time.Duration(min(float64(seconds), mostStep.Seconds())*float64(time.Second)), least)
}

// Dir is the directory that is played.
func (p *Player) Dir() string { return p.dir }

// Len is how many lines the run has.
func (p *Player) Len() int { return len(p.lines) }

// Length is how long the run worked.
func (p *Player) Length() time.Duration { return p.Came(len(p.lines)) }

// Came is when line n came, counted from 1; 0 before the first.
func (p *Player) Came(n int) time.Duration {
	if n <= 0 {
		return 0
	}
	return p.lines[min(n, len(p.lines))-1].came
}

// Until is how many lines had come by a time: at the end of the run all.
func (p *Player) Until(t time.Duration) int {
	return sort.Search(len(p.lines), func(i int) bool { return p.lines[i].came > t })
}

// NextStep is when the first step after a time came; the end of the run where
// there is none.
func (p *Player) NextStep(t time.Duration) time.Duration { return p.next(p.steps, t) }

// NextMark is when the first evaluation, alert, intervention, checkpoint or resume
// after a time came; the end of the run where there is none.
func (p *Player) NextMark(t time.Duration) time.Duration { return p.next(p.marks, t) }

// LastMark is when the last of those before a time came; 0 where there is none.
func (p *Player) LastMark(t time.Duration) time.Duration {
	i := sort.Search(len(p.marks), func(i int) bool { return p.lines[p.marks[i]].came >= t })
	if i == 0 {
		return 0
	}
	return p.lines[p.marks[i-1]].came
}

func (p *Player) next(of []int, t time.Duration) time.Duration {
	i := sort.Search(len(of), func(i int) bool { return p.lines[of[i]].came > t })
	if i == len(of) {
		return p.Length()
	}
	return p.lines[of[i]].came
}

// StepCame is when a step was done the first time; false where the run never came
// to it.
func (p *Player) StepCame(step int) (time.Duration, bool) {
	for _, i := range p.steps {
		if int(p.lines[i].step) >= step {
			return p.lines[i].came, true
		}
	}
	return 0, false
}

// Line reads line n, counted from 1, without its new line.
func (p *Player) Line(n int) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	line, err := p.read(n - 1)
	return bytes.TrimRight(bytes.Clone(line), "\r\n"), err
}

// read reads a line, counted from 0, into p.buf; of one that is too long it
// returns only that.
func (p *Player) read(i int) ([]byte, error) {
	var start int64
	if i > 0 {
		start = p.lines[i-1].end
	}
	size := p.lines[i].end - start
	if size > maxLine {
		return make([]byte, maxLine+1), nil
	}
	if int64(cap(p.buf)) < size {
		p.buf = make([]byte, max(size, 4096))
	}
	line := p.buf[:size]
	if _, err := p.file.ReadAt(line, start); err != nil {
		return nil, fmt.Errorf("playing %s, which was changed meanwhile: %w", MetricsName, err)
	}
	return line, nil
}

// Seek goes to after line n. It reads at most 2000 lines or for about 50 ms;
// behind says that another call has to go on.
func (p *Player) Seek(n int) (behind bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n = min(max(n, 0), len(p.lines))
	if n < p.at {
		p.b, p.at = builder{}, 0
	}
	deadline := time.Now().Add(pollTime)
	for taken := 0; p.at < n; taken++ {
		if taken >= pollRecords || taken > 0 && time.Now().After(deadline) {
			return true, nil
		}
		line, err := p.read(p.at)
		if err != nil {
			return false, err
		}
		if p.at++; p.at == len(p.lines) && !bytes.HasSuffix(line, []byte("\n")) && len(line) <= maxLine {
			p.b.tail(line)
		} else {
			p.b.line(line)
		}
	}
	return false, nil
}

// At is how many lines were played.
func (p *Player) At() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

// History is what the lines played so far say.
func (p *Player) History() *History {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.snapshot()
}

// Info is run.json as it was when the last line played came: a run that goes on,
// until all of it was played.
func (p *Player) Info() RunInfo {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.infoNow()
}

func (p *Player) infoNow() RunInfo {
	i := p.info.clone()
	if p.at == len(p.lines) {
		return i
	}
	came := p.Came(p.at)
	i.State, i.PID, i.Error, i.Early, i.Summary, i.Ended, i.Step = Running, 0, "", "", nil, time.Time{}, 0
	if last, ok := p.b.LastStep(); ok {
		i.Step = last.Step
	}
	i.Updated, i.ElapsedSeconds = i.Started.Add(came), Number(came.Seconds())
	return i
}

// State is the state of the run then, as a reader saw it.
func (p *Player) State() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stateNow()
}

func (p *Player) stateNow() string {
	if p.at == len(p.lines) {
		return p.ended
	}
	return Running
}

// Summary is what a list of runs would have said then.
func (p *Player) Summary() Summary {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.infoNow()
	s := Summary{
		ID: filepath.Base(p.dir), Dir: p.dir, Name: i.Name, State: p.stateNow(), Started: i.Started, ElapsedSeconds: i.ElapsedSeconds,
		Step: i.Step, Steps: i.Steps, Error: i.Error, Summary: i.Summary,
	}
	s.measure(p.b.snapshot(), i.BestBy)
	return s
}
