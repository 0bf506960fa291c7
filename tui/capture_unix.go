//go:build unix

package tui

import (
	"errors"
	"os"
	"runtime/debug"

	"github.com/charmbracelet/x/term"
	"golang.org/x/sys/unix"
)

// capture takes the terminal away from file descriptors 1 and 2, which get a pipe
// that is read into p instead, and returns it under another one. A stream that is
// not a terminal stays as it is. The report of a fault that ends the process
// still goes to the terminal.
func capture(p *prints) (terminal *os.File, restore func(), err error) {
	// The files, not their numbers: one that nothing refers to is closed.
	saved := map[int]*os.File{}
	back := func() {
		for number, f := range saved {
			_ = unix.Dup2(int(f.Fd()), number) // both are open
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	out, report := int(os.Stdout.Fd()), int(os.Stderr.Fd()) // 1 and 2, unless somebody has put others there
	for _, number := range []int{out, report} {
		if !term.IsTerminal(uintptr(number)) {
			continue
		}
		copied, err := unix.FcntlInt(uintptr(number), unix.F_DUPFD_CLOEXEC, 3)
		if err == nil {
			saved[number] = os.NewFile(uintptr(copied), "terminal")
			err = unix.Dup2(int(w.Fd()), number)
		}
		if err != nil {
			back()
			return nil, nil, errors.Join(err, r.Close(), w.Close())
		}
	}
	w.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.read(r)
	}()
	if f := saved[report]; f != nil {
		_ = debug.SetCrashOutput(f, debug.CrashOptions{}) // else the report is lost, no more
	}
	return saved[out], func() { // it is a terminal: Run has looked
		back() // the pipe has no writer any more
		<-done
		_ = debug.SetCrashOutput(nil, debug.CrashOptions{})
		for _, f := range saved {
			f.Close()
		}
		r.Close()
	}, nil
}
