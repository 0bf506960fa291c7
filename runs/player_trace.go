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
	"sort"
)

// playTrace finds how much of trace.jsonl had been written when a step was. It
// reads no further than the steps that were asked for.
type playTrace struct {
	dir  string
	file *os.File // nil until asked for, and without a trace
	r    *bufio.Reader
	end  int64 // read so far
	over bool

	ahead []traceGrad // gradient records that no step has taken yet
	ends  []int64     // of the trace after so many step lines
}

// traceGrad is where the gradient record of a step ends.
type traceGrad struct {
	step int32
	end  int64
}

// lookAhead is how many gradient records may lie before that of a step: those of
// steps that failed, which metrics.jsonl has no line of.
const lookAhead = 64

// Gradients is [ReadGradients] as it was when the last line played came.
func (p *Player) Gradients(steps int) (GradientTail, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &p.trace
	if err := t.open(); err != nil || t.file == nil {
		return GradientTail{}, err
	}
	if p.at == len(p.lines) {
		stat, err := t.file.Stat()
		if err != nil {
			return GradientTail{}, fmt.Errorf("reading the trace: %w", err)
		}
		return gradientTail(t.file, stat.Size(), steps)
	}
	played := sort.SearchInts(p.steps, p.at) // steps among the lines played
	for len(t.ends) <= played {
		n := len(t.ends)
		if n == 0 {
			t.ends = append(t.ends, 0)
			continue
		}
		end, err := t.find(p.lines[p.steps[n-1]].step, t.ends[n-1])
		if err != nil {
			return GradientTail{}, err
		}
		t.ends = append(t.ends, end)
	}
	return gradientTail(t.file, t.ends[played], steps)
}

func (t *playTrace) open() error {
	if t.file != nil {
		return nil
	}
	f, err := os.Open(TracePath(t.dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the trace: %w", err)
	}
	t.file, t.r = f, bufio.NewReaderSize(f, traceBlock)
	return nil
}

func (t *playTrace) close() error {
	if t.file == nil {
		return nil
	}
	return t.file.Close()
}

// find is where the next record of a step's gradients ends; before, the end of
// what was found so far, where there is none.
func (t *playTrace) find(step int32, before int64) (int64, error) {
	for i := 0; i < lookAhead; i++ {
		if i == len(t.ahead) {
			if ok, err := t.more(); !ok || err != nil {
				return before, err
			}
		}
		if g := t.ahead[i]; g.step == step {
			t.ahead = t.ahead[i+1:]
			return g.end, nil
		}
	}
	return before, nil
}

// more reads on to the next gradient record; false at the end of the file.
func (t *playTrace) more() (bool, error) {
	var line []byte
	long := false
	for !t.over {
		piece, err := t.r.ReadSlice('\n')
		t.end += int64(len(piece))
		if long = long || len(line)+len(piece) > maxTraceLine; !long {
			line = append(line, piece...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return false, fmt.Errorf("reading the trace: %w", err)
		}
		t.over = err != nil
		var head struct {
			K    string `json:"k"`
			Step int32  `json:"step"`
		}
		if !long && bytes.Contains(line, []byte(`"grad"`)) && json.Unmarshal(line, &head) == nil && head.K == "grad" {
			t.ahead = append(t.ahead, traceGrad{head.Step, t.end})
			return true, nil
		}
		line, long = line[:0], false
	}
	return false, nil
}
