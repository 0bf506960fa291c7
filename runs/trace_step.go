package runs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// Limits of what is read about one step.
const (
	maxStepSearch  = 1 << 30 // bytes looked through, from the end of the file
	maxStepRecords = 4096
)

// StepRecords is a trace's last word on one step.
type StepRecords struct {
	Step int // 0 = the trace has none
	// Records are what was recorded of it in the order of the file: TraceBatch,
	// TraceLoss, TraceGrad, TraceOpt, and what may follow them: TraceAlert,
	// TraceTokens, TraceOp, TraceAct.
	Records   []any
	Gradients GradientTail // of the step and those before it
	Notes     []string     // what was left out, and why
}

// ReadStep reads the last attempt at a step from the trace of a run, or the newest
// step for 0, with the gradient records of so many steps up to it. What a later
// rewind has undone is still found. A run without a trace, or a step that is not in
// it, has no records and no error.
func ReadStep(dir string, step, gradients int) (StepRecords, error) {
	f, err := os.Open(TracePath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return StepRecords{}, nil
	}
	if err != nil {
		return StepRecords{}, fmt.Errorf("reading the trace: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return StepRecords{}, fmt.Errorf("reading the trace: %w", err)
	}
	return stepRecords(f, info.Size(), step, gradients)
}

// stepRecords looks for a step from the end of a file of the given size: its
// records lie together, and begin with its first forward pass.
func stepRecords(f io.ReaderAt, size int64, step, gradients int) (StepRecords, error) {
	var out StepRecords
	note := func(format string, args ...any) {
		if len(out.Notes) < 8 {
			out.Notes = append(out.Notes, fmt.Sprintf(format, args...))
		}
	}
	check, err := sealsOf(f, size)
	if err != nil {
		return out, err
	}
	ends := int64(0) // of the last of its records
	err = backward(f, size, maxStepSearch, note, func(line []byte, end int64, last bool) bool {
		if line = bytes.TrimSpace(line); len(line) == 0 || step > 0 && !mentions(line, step) {
			return true
		}
		var head struct {
			K    string `json:"k"`
			Step int    `json:"step"`
		}
		if err := json.Unmarshal(line, &head); err != nil {
			if last {
				note("the last line of %s is torn", TraceFile)
			} else {
				note("skipped a line of %s: %v", TraceFile, err)
			}
			return true
		}
		executed := head.K == "batch" || head.K == "loss" || head.K == "grad" || head.K == "opt"
		if step == 0 && executed && head.Step > 0 {
			step = head.Step // what follows it in the file is of it or of no step
		}
		if head.Step != step || step == 0 || head.K == "inject" || head.K == "head" {
			return true
		}
		err := check.check(line)
		var record any
		if err == nil {
			record, err = parseTrace(line)
		}
		if err != nil {
			note("skipped a line of %s: %v", TraceFile, err)
			return true
		}
		if ends == 0 {
			ends = end
		}
		if executed {
			out.Step = step
		}
		if len(out.Records) < maxStepRecords {
			out.Records = append(out.Records, record)
		}
		first, isBatch := record.(TraceBatch)
		return !isBatch || first.Micro > 0
	})
	if err != nil || out.Step == 0 {
		out.Records = nil
		return out, err
	}
	slices.Reverse(out.Records)
	out.Gradients, err = gradientTail(f, ends, gradients)
	return out, err
}

// mentions is a quick look whether a line can be of a step.
func mentions(line []byte, step int) bool {
	what := fmt.Appendf(nil, `"step":%d`, step)
	for {
		at := bytes.Index(line, what)
		if at < 0 || at+len(what) >= len(line) {
			return false
		}
		if line = line[at+len(what):]; line[0] < '0' || line[0] > '9' {
			return true
		}
	}
}
