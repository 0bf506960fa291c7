package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// signals ends commands politely. The first signal cancels the command's
// context, unless the command asked for a graceful end: then it closes first,
// and the second cancels. A third ends the process at once.
type signals struct {
	first chan struct{} // closed by the first signal

	mu       sync.Mutex
	graceful bool
	count    int
	received signalError // the first
	cancel   context.CancelCauseFunc
}

// signalError is the end of a command by a signal.
type signalError struct{ signal syscall.Signal }

func (e signalError) Error() string {
	switch e.signal {
	case syscall.SIGINT:
		return "interrupted"
	case syscall.SIGHUP:
		return "the terminal went away"
	case syscall.SIGTERM:
		return "asked to end"
	}
	return fmt.Sprintf("stopped by signal %d", int(e.signal))
}

// code is the exit code that shells know such an end by.
func (e signalError) code() int { return 128 + int(e.signal) }

func newSignals() *signals { return &signals{first: make(chan struct{})} }

// watch returns a context that signals end, and what ends the watching.
func (s *signals) watch(parent context.Context) (ctx context.Context, release func()) {
	ctx, s.cancel = context.WithCancelCause(parent)
	// Writing to a pipe that nobody reads is an error of that write, not the
	// death of the process: a training run saves its checkpoint first.
	signal.Ignore(syscall.SIGPIPE)
	in := make(chan os.Signal, 4)
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGTERM} {
		if !signal.Ignored(sig) { // as nohup asks for
			signal.Notify(in, sig)
		}
	}
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case sig := <-in:
				if number, ok := sig.(syscall.Signal); ok {
					s.take(signalError{number})
				}
			}
		}
	}()
	return ctx, func() {
		signal.Stop(in)
		close(done)
		s.cancel(nil)
	}
}

func (s *signals) take(e signalError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	switch {
	case s.count == 1:
		s.received = e
		close(s.first)
		if !s.graceful {
			s.cancel(e)
		}
	case s.count == 2:
		s.cancel(s.received)
	default:
		os.Exit(e.code())
	}
}

// beGraceful makes the first signal close first only.
func (s *signals) beGraceful() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.graceful = true
}

// err is the first signal received, nil if there was none.
func (s *signals) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count == 0 {
		return nil
	}
	return s.received
}
