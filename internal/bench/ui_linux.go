package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"hone/tui"
)

// watcher is a workbench in a pseudo-terminal.
type watcher struct {
	stop    context.CancelFunc
	ended   chan struct{}
	err     error // of the workbench, once it has ended
	written atomic.Int64
	restore func()
}

// watch opens the workbench on a run, in place of this process's own terminal.
func watch(ctx context.Context, o tui.Options) (*watcher, error) {
	master, slave, err := openTerminal()
	if err != nil {
		return nil, fmt.Errorf("opening a pseudo-terminal: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	w := &watcher{stop: stop, ended: make(chan struct{})}
	// The workbench puts a pipe under its output: that is not to be its input too.
	screen, err := os.OpenFile(slave.Name(), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, errors.Join(err, master.Close(), slave.Close())
	}
	stdin, stdout := os.Stdin, os.Stdout
	os.Stdin, os.Stdout = slave, screen
	environment := overrideEnv(map[string]string{"TERM": "xterm-256color", "CLICOLOR_FORCE": "1", "NO_COLOR": ""})
	w.restore = func() {
		os.Stdin, os.Stdout = stdin, stdout
		screen.Close()
		environment()
		_ = slave.Close() // nothing of it is needed any more
		_ = master.Close()
	}
	go func() { // a terminal that shows nothing
		buffer := make([]byte, 64<<10)
		for {
			n, err := master.Read(buffer)
			w.written.Add(int64(n))
			if err != nil {
				return
			}
		}
	}()
	go func() {
		defer close(w.ended)
		w.err = tui.Run(ctx, o)
	}()
	return w, nil
}

// overrideEnv sets variables ("" = unset) and returns what brings them back.
func overrideEnv(values map[string]string) (restore func()) {
	before := map[string]*string{}
	set := func(name string, value *string) {
		if value == nil {
			_ = os.Unsetenv(name) // neither fails for these names
			return
		}
		_ = os.Setenv(name, *value)
	}
	for name, value := range values {
		if old, ok := os.LookupEnv(name); ok {
			before[name] = &old
		} else {
			before[name] = nil
		}
		if value == "" {
			set(name, nil)
		} else {
			set(name, &value)
		}
	}
	return func() {
		for name, value := range before {
			set(name, value)
		}
	}
}

// settle returns when the workbench has drawn and then drawn nothing for a
// while: what it opens at the start is open.
func (w *watcher) settle(ctx context.Context) error {
	const quiet, most = 500 * time.Millisecond, 10 * time.Second
	begin := time.Now()
	last, since := int64(0), begin
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-w.ended:
			return fmt.Errorf("the workbench ended: %w", errors.Join(w.err, ErrNoTerminal))
		case <-time.After(20 * time.Millisecond):
		}
		now := time.Now()
		if n := w.drawn(); n != last {
			last, since = n, now
		}
		if last > 0 && (now.Sub(since) > quiet || now.Sub(begin) > most) {
			return nil
		}
	}
}

// drawn is how many bytes the workbench has written; 0 without one.
func (w *watcher) drawn() int64 {
	if w == nil {
		return 0
	}
	return w.written.Load()
}

// close ends the workbench.
func (w *watcher) close() {
	w.stop()
	<-w.ended
	w.restore()
}

// openTerminal opens both ends of a pseudo-terminal of uiSize.
func openTerminal() (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, master.Close())
		}
	}()
	// master.Fd would make its reads block for good.
	raw, err := master.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	number := 0
	var failure error
	err = raw.Control(func(fd uintptr) {
		if failure = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); failure != nil {
			return
		}
		if number, failure = unix.IoctlGetInt(int(fd), unix.TIOCGPTN); failure != nil {
			return
		}
		failure = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(uiSize[0]), Row: uint16(uiSize[1])})
	})
	if err = errors.Join(err, failure); err != nil {
		return nil, nil, err
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	return master, slave, err
}
