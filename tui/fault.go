package tui

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"hone/runs"
)

// A panic in a command is shown and the workbench goes on: the model was not
// touched. One in Update or View leaves a model that nobody can rely on: the
// workbench ends, the terminal is given back, and a run of this process stops with
// its checkpoint as at any other end. Both leave their trace in a file.

// faultSavedMsg says where the trace of a panic in a command is.
type faultSavedMsg struct {
	of   *panicMsg
	path string
	err  error
}

// broke takes note of a panic in Update or View; the first one counts.
func (s *shell) broke(value any, stack []byte) {
	if s.crash == nil || !s.crash.fatal {
		s.crash = &panicMsg{value: value, stack: string(stack), fatal: true}
	}
	if s.leave != nil {
		s.leave()
	}
}

// saveFault is a command that keeps the trace of a panic in a command; nil where
// there is no place for it.
func (s *shell) saveFault(p *panicMsg) tea.Cmd {
	dir, version, now := s.faults, s.version, s.now()
	if dir == "" {
		return nil
	}
	return func() tea.Msg {
		path, err := writeFault(dir, p, version, now)
		return faultSavedMsg{p, path, err}
	}
}

// faultsDir is where traces are kept: hone/faults among the user's caches; "" where
// the user has none.
func faultsDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "hone", "faults")
}

// writeFault writes the trace of a panic to a file of its own.
func writeFault(dir string, p *panicMsg, version string, now time.Time) (path string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("keeping the trace: %w", err)
	}
	path = filepath.Join(dir, fmt.Sprintf("%s-%d.log", now.Format("2006-01-02-150405"), os.Getpid()))
	text := fmt.Sprintf("hone %s\n%s\n\n%v\n\n%s", version, now.Format(time.RFC3339), p.value, p.stack)
	if err := runs.WriteFile(path, []byte(text)); err != nil {
		return "", fmt.Errorf("keeping the trace: %w", err)
	}
	return path, nil
}

// ErrPanic is returned by Run after a panic in the workbench itself, which it has
// reported and kept in a file.
var ErrPanic = errors.New("the workbench has a fault")

// reportFault writes the trace of what ended the workbench, for the terminal as it
// is again, and keeps it in a file of dir; "" keeps none.
func reportFault(w io.Writer, dir string, p *panicMsg, version string, now time.Time, t *theme) error {
	fmt.Fprintln(w, strings.Join(t.cleanLines(fmt.Sprintf("panic: %v\n\n%s", p.value, p.stack)), "\n"))
	if dir != "" {
		path, err := writeFault(dir, p, version, now)
		if err != nil {
			fmt.Fprintln(w, err)
		} else {
			fmt.Fprintln(w, "the trace is kept in "+t.clean(path))
		}
	}
	return fmt.Errorf("%w: %v", ErrPanic, p.value)
}
