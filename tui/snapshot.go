package tui

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"hone/runs"
)

// snapshot is what a run directory said at one poll. It is made in a command and
// never changed afterwards, so screens may keep parts of it.
type snapshot struct {
	Dir     string
	Version int    // rises with every change; equal versions of a Dir are equal
	State   string // a state constant of package runs
	Info    runs.RunInfo
	History *runs.History // never nil
	Behind  bool          // more is waiting to be read
	Err     error         // why the directory cannot be read; the rest is of before
	Replay  *replayView   // of a recorded run that is played; nil = the run as it is
	Foreign *foreignView  // of the log of another trainer; nil = a run of Hone

	// Worked out in the command, so that no view does it.
	StepsPerSecond  float64       // over the last steps; 0 = not known
	TokensPerSecond float64       // over the last steps; 0 = not known
	Left            time.Duration // until the last step; 0 = not known
}

// live is true while more can be expected of the run.
func (s *snapshot) live() bool {
	return s != nil && (s.State == runs.Running || s.State == runs.Paused || s.State == runs.Stale)
}

// How often a followed run is looked at.
const (
	pollLive   = 250 * time.Millisecond // something changes: often enough to watch, and cheap beside a step
	pollPlayed = 100 * time.Millisecond // a recorded run is played, which costs no training anything
	pollCalm   = time.Second            // live, but nothing new for calmAfter polls
	// calmAfter is about three seconds of polls without news.
	calmAfter = 12
)

// lookAt makes dir the run that Train, Trace and Compare show, and starts to
// follow it. "" looks at none.
func (a *app) lookAt(dir string) tea.Cmd {
	if dir == a.runDir && a.follow != nil {
		return a.pollSoon()
	}
	a.polls++
	a.runDir, a.snap, a.follow, a.polling = dir, nil, nil, false
	if dir == "" {
		return nil
	}
	a.follow = a.back.Follow(dir)
	return a.poll()
}

// poll reads the followed directory once. One poll is under way at a time.
func (a *app) poll() tea.Cmd {
	a.polling = true
	f, gen := a.follow, a.polls
	return func() tea.Msg {
		snap, changed := f.Poll()
		return snapshotMsg{gen, snap, changed}
	}
}

// pollSoon polls now rather than at the next tick: after an action whose effect
// should be seen at once.
func (a *app) pollSoon() tea.Cmd {
	a.idle = 0
	if a.follow == nil || a.polling {
		return nil // the poll under way is followed by the next at the live rate
	}
	a.polls++ // the tick that was planned is not wanted any more
	return a.poll()
}

// ticked answers a planned poll's time.
func (a *app) ticked(msg tickMsg) tea.Cmd {
	if msg.gen != a.polls || a.polling || a.follow == nil {
		return nil
	}
	return a.poll()
}

// took keeps a poll's outcome and plans the next one: none when nothing more can
// come. ok is false for the answer of a follower that was left.
func (a *app) took(msg snapshotMsg) (next tea.Cmd, ok bool) {
	if msg.gen != a.polls {
		return nil, false
	}
	a.polling = false
	a.snap = msg.snap
	if msg.changed {
		a.idle = 0
	} else {
		a.idle++
	}
	if msg.snap.Behind {
		return a.poll(), true
	}
	if !msg.snap.live() && !a.ownShown() {
		return nil, true
	}
	wait := pollLive
	switch {
	case msg.snap.Replay != nil:
		wait = pollPlayed
	case a.idle > calmAfter:
		wait = pollCalm
	}
	return a.after(wait, tickMsg{msg.gen}), true
}
