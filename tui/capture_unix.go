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
	type stream struct{ number, saved int }
	var taken []stream
	back := func() {
		for _, s := range taken {
			_ = unix.Dup2(s.saved, s.number) // both are open
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	for _, number := range []int{1, 2} {
		if !term.IsTerminal(uintptr(number)) {
			continue
		}
		saved, err := unix.FcntlInt(uintptr(number), unix.F_DUPFD_CLOEXEC, 3)
		if err == nil {
			err = unix.Dup2(int(w.Fd()), number)
			taken = append(taken, stream{number, saved})
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
	terminal = os.NewFile(uintptr(taken[0].saved), "terminal") // 1 is one: Run has looked
	if last := taken[len(taken)-1]; last.number == 2 {
		saved := os.NewFile(uintptr(last.saved), "stderr")
		_ = debug.SetCrashOutput(saved, debug.CrashOptions{}) // else the report is lost, no more
	}
	return terminal, func() {
		back() // the pipe has no writer any more
		<-done
		_ = debug.SetCrashOutput(nil, debug.CrashOptions{})
		r.Close()
	}, nil
}
