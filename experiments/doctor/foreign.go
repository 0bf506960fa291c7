package doctor

import (
	"fmt"
	"path/filepath"
	"strings"

	"hone/engine/trace"
	"hone/engine/trace/foreign"
	"hone/runs"
)

// Limits is the id under which a report says what a log cannot tell.
const Limits = trace.LogLimits

// Foreign is the log of another trainer, opened for looking at.
type Foreign struct {
	Name     string // of the file or directory
	Tool     string // that wrote it
	History  *runs.History
	LastStep int
	Steps    int      // of the whole schedule; 0 = not known
	Facts    []string // what the log says for certain
	Limits   []string // what it cannot tell
	Others   []string // other runs whose logs lie in the directory
	HasNorms bool
	HasRates bool
}

// IsForeign reports whether a path is the log of another trainer, or a directory of
// such logs.
func IsForeign(path string) bool {
	kind, err := KindOf(path)
	return err == nil && (kind == KindState || kind == KindOutput || kind == KindTensorBoard)
}

// OpenForeign reads the log of another trainer. Of a directory with several it is
// the longest; Others names the rest.
func OpenForeign(path string) (*Foreign, error) {
	kind, err := KindOf(path)
	if err != nil {
		return nil, err
	}
	var log *trace.Log
	out := &Foreign{Name: baseOf(path)}
	switch {
	case kind != KindState && kind != KindOutput && kind != KindTensorBoard:
		return nil, fmt.Errorf("%s: %w as a log: it is a %s; hone doctor looks at it", path, ErrUnreadable, kind)
	case isFile(path):
		if log, err = foreign.Open(path, filepath.Base(path)); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
		}
	default:
		d, err := foreign.OpenDir(path)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
		}
		if len(d.Runs) == 0 {
			return nil, fmt.Errorf("%s: %w: it has an adapter and no log; hone doctor looks at it", path, ErrUnreadable)
		}
		log = d.Runs[0]
		for _, l := range d.Runs[1:] {
			out.Others = append(out.Others, l.Files[0])
		}
		out.Name += " (" + log.Files[0] + ")"
	}
	a := trace.Analyze(log)
	out.Tool, out.History, out.LastStep, out.Facts = log.Tool, History(log), log.LastStep(), a.Facts
	for _, l := range a.Limits {
		out.Limits = append(out.Limits, strings.TrimPrefix(l, "cannot tell: "))
	}
	if n, ok := log.Number(trace.MaxSteps); ok && n > 0 && n < 1e9 {
		out.Steps = int(n)
	}
	out.HasNorms, out.HasRates = len(log.Series[trace.GradNorm]) > 0, len(log.Series[trace.LearningRate]) > 0
	return out, nil
}

func baseOf(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return filepath.Base(path)
}
