package runs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
)

// TraceFile is the name of the recorder's file in a run directory.
const TraceFile = "trace.jsonl"

// Limits of ReadGradients: what a hostile or broken file can make it read and keep.
const (
	maxTraceTail = 16 << 20 // bytes read from the end of the file
	maxTraceLine = 4 << 20  // bytes of one line; longer ones are skipped with a note
	traceBlock   = 256 << 10
)

// Gradients is one step's line of trace.jsonl about gradients: {"k":"grad","step":N,"norms":{tensor:norm},..}. Numbers may be non-finite.
type Gradients struct {
	Step      int
	Norms     map[string]float64 // L2 norm of each trainable tensor's gradient, before clipping
	Norm      float64            // of all of them together; NaN when the line has none
	Clip      float64            // factor the gradients were scaled by; NaN when the line has none
	NonFinite []NonFinite
}

// NonFinite says that a tensor's gradient held values that are not finite.
type NonFinite struct {
	Tensor string `json:"tensor"`
	Count  int    `json:"count"`
	First  int    `json:"first"` // index of the first one in the flat tensor
}

// GradientTail is the end of what a trace file says about gradients.
type GradientTail struct {
	Steps []Gradients // ascending by step
	Notes []string    // lines that were skipped, and why
}

// ReadGradients reads the last `steps` gradient records of a run directory's trace.jsonl, from the end of the file and at most 16 MiB of it. Steps that
// a later resume or rewind has undone are left out: the file's last word on a step counts. A torn last line is ignored with a note, other unreadable
// lines and those of the wrong checksum as well; files of earlier versions have no checksums. A run without a trace has no records and no error.
func ReadGradients(dir string, steps int) (GradientTail, error) {
	f, err := os.Open(TracePath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return GradientTail{}, nil
	}
	if err != nil {
		return GradientTail{}, fmt.Errorf("reading the trace: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return GradientTail{}, fmt.Errorf("reading the trace: %w", err)
	}
	return gradientTail(f, info.Size(), steps)
}

// gradientTail walks lines from the end of a file of the given size.
func gradientTail(f io.ReaderAt, size int64, steps int) (GradientTail, error) {
	var out GradientTail
	if steps <= 0 {
		return out, nil
	}
	note := func(format string, args ...any) {
		if len(out.Notes) < 8 {
			out.Notes = append(out.Notes, fmt.Sprintf(format, args...))
		}
	}
	check, err := sealsOf(f, size)
	if err != nil {
		return out, err
	}
	next := math.MaxInt // only steps below it are still in force
	err = backward(f, size, maxTraceTail, note, func(b []byte, _ int64, last bool) bool {
		if b = bytes.TrimSpace(b); len(b) == 0 || !bytes.Contains(b, []byte(`"grad"`)) {
			return true
		}
		g, err := parseGradients(b)
		if err == nil {
			err = check.check(b)
		}
		switch {
		case err != nil && last:
			note("the last line of %s is torn", TraceFile)
		case err != nil:
			note("skipped a line of %s: %v", TraceFile, err)
		case g == nil || g.Step >= next:
		default:
			out.Steps = append(out.Steps, *g)
			next = g.Step
		}
		return len(out.Steps) < steps
	})
	slices.Reverse(out.Steps)
	return out, err
}

// parseGradients reads one line; nil without an error is a line about something else.
func parseGradients(line []byte) (*Gradients, error) {
	var raw struct {
		Kind      string            `json:"k"`
		Step      *int              `json:"step"`
		Norms     map[string]Number `json:"norms"`
		Norm      *Number           `json:"norm"`
		Clip      *Number           `json:"clip"`
		NonFinite []NonFinite       `json:"nonfinite"`
	}
	if err := json.Unmarshal(line, &raw); err != nil {
		return nil, err
	}
	if raw.Kind != "grad" {
		return nil, nil
	}
	if raw.Step == nil || *raw.Step < 0 {
		return nil, errors.New("a gradient record without a step")
	}
	g := &Gradients{Step: *raw.Step, Norms: make(map[string]float64, len(raw.Norms)), Norm: math.NaN(), Clip: math.NaN(), NonFinite: raw.NonFinite}
	for name, v := range raw.Norms {
		g.Norms[name] = float64(v)
	}
	if raw.Norm != nil {
		g.Norm = float64(*raw.Norm)
	}
	if raw.Clip != nil {
		g.Clip = float64(*raw.Clip)
	}
	return g, nil
}
