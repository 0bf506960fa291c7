package tui

import (
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// feed carries the newest state of long work from its goroutine to Update: the
// work never waits, what nobody took yet is replaced, and Update asks for the
// next one only when it has the last.
type feed struct {
	mu     sync.Mutex
	newest func() tea.Msg
	closed bool
	wake   chan struct{}
	at     time.Time
}

// feedPause keeps a feed below the frame rate.
const feedPause = 80 * time.Millisecond

func newFeed() *feed { return &feed{wake: make(chan struct{}, 1)} }

// put replaces the newest state.
func (f *feed) put(state func() tea.Msg) {
	f.mu.Lock()
	f.newest = state
	f.mu.Unlock()
	f.rouse()
}

// close ends the feed; a waiting next returns the last state or nothing.
func (f *feed) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.rouse()
}

func (f *feed) rouse() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// next is a command: it waits for a state newer than the last. One is under way
// at a time.
func (f *feed) next() tea.Msg {
	if wait := feedPause - time.Since(f.at); wait > 0 {
		time.Sleep(wait)
	}
	for {
		f.mu.Lock()
		state, closed := f.newest, f.closed
		f.newest = nil
		f.mu.Unlock()
		if state != nil {
			f.at = time.Now()
			return state()
		}
		if closed {
			f.rouse() // for a later call
			return nil
		}
		<-f.wake
	}
}
