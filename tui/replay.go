package tui

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hone/runs"
)

// replay plays a recorded run as if it were live: it is the follower of the run's
// directory, and what it says comes from the moment of the run that the playback
// has come to. Its controls only move that moment; reading is done by Poll.
type replay struct {
	dir    string
	player *runs.Player
	clock  func() time.Time

	mu     sync.Mutex
	from   time.Duration // position when the clock was last looked at
	since  time.Time     // and when that was
	speed  float64       // seconds of the run a second; +Inf = all at once
	paused bool
	held   bool // the clock stands, though the replay is not paused

	reading sync.Mutex // what follows is Poll's
	version int
	at      int
	last    *snapshot
}

// replayView is what a snapshot of a replay says about the playback. Equal ones
// look the same.
type replayView struct {
	Speed   float64
	Percent int // of the time that the run worked
	Paused  bool
}

// replaySpeeds are what the keys for the speed step through.
var replaySpeeds = []float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, math.Inf(1)}

// newReplay stands at the beginning of a run and plays.
func newReplay(player *runs.Player, speed float64, clock func() time.Time) *replay {
	return &replay{dir: player.Dir(), player: player, clock: clock, since: clock(), speed: speed}
}

// position is the moment of the run that was come to.
func (r *replay) position() time.Duration {
	length := r.player.Length()
	if r.paused || r.held {
		return r.from
	}
	gone := max(r.clock().Sub(r.since).Seconds(), 0) // not below, when the clock is set back
	by := gone * r.speed
	if math.IsInf(r.speed, 1) || by >= (length-r.from).Seconds() {
		return length
	}
	return r.from + time.Duration(by*float64(time.Second))
}

// change moves the playback: what was come to is kept, and goes on from where
// change puts it.
func (r *replay) change(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.from, r.since = r.position(), r.clock()
	change()
	r.from = min(max(r.from, 0), r.player.Length())
}

// toggle pauses, or goes on; at the end it begins anew.
func (r *replay) toggle() {
	r.change(func() {
		if r.from >= r.player.Length() {
			r.from, r.paused = 0, false
			if math.IsInf(r.speed, 1) {
				r.speed = replaySpeeds[len(replaySpeeds)-2]
			}
			return
		}
		r.paused = !r.paused
	})
}

// step goes to the next step of the run and pauses.
func (r *replay) step() {
	r.change(func() { r.from, r.paused = r.player.NextStep(r.from), true })
}

// faster takes the next speed up or down.
func (r *replay) faster(up bool) {
	r.change(func() {
		speeds := slices.Clone(replaySpeeds)
		if !up {
			slices.Reverse(speeds)
		}
		for _, s := range speeds {
			if up && s > r.speed || !up && s < r.speed {
				r.speed = s
				return
			}
		}
	})
}

// skip moves by a share of the run.
func (r *replay) skip(share float64) {
	r.change(func() { r.from += time.Duration(share * float64(r.player.Length())) })
}

// mark goes to the next or the previous evaluation, alert, intervention or
// checkpoint.
func (r *replay) mark(next bool) {
	r.change(func() {
		if next {
			r.from = r.player.NextMark(r.from)
		} else {
			r.from = r.player.LastMark(r.from)
		}
	})
}

// seek goes to a place that parsePlace understands.
func (r *replay) seek(to time.Duration) { r.change(func() { r.from = to }) }

// hold stops the clock: a frame of a replay at full speed shows it on its way.
func (r *replay) hold() { r.change(func() { r.from, r.held = 0, true }) }

// place reads where to go: a share of the run as "60%", or a step as "120".
func (r *replay) place(in string) (time.Duration, error) {
	in = strings.TrimSpace(in)
	if share, ok := strings.CutSuffix(in, "%"); ok {
		v, err := strconv.ParseFloat(strings.TrimSpace(share), 64)
		if err != nil || !(v >= 0 && v <= 100) {
			return 0, fmt.Errorf("%q is no share of the run: 0%% to 100%%", in)
		}
		return time.Duration(v / 100 * float64(r.player.Length())), nil
	}
	step, err := strconv.Atoi(in)
	if err != nil || step < 0 {
		return 0, fmt.Errorf("%q is neither a share such as 60%% nor a step such as 120", in)
	}
	if step == 0 {
		return 0, nil
	}
	at, ok := r.player.StepCame(step)
	if !ok {
		return 0, fmt.Errorf("the run never came to step %d", step)
	}
	return at, nil
}

// Poll reads a bounded part of what came since the last poll, or anew from the
// beginning after a move back.
func (r *replay) Poll() (*snapshot, bool) {
	r.reading.Lock()
	defer r.reading.Unlock()
	r.mu.Lock()
	to := r.position()
	view := replayView{Speed: r.speed, Paused: r.paused && to < r.player.Length()}
	r.mu.Unlock()

	behind, err := r.player.Seek(r.player.Until(to))
	at := r.player.At()
	if behind {
		to = r.player.Came(at)
	}
	view.Percent = 100
	if length := r.player.Length(); at < r.player.Len() {
		view.Percent = min(int(math.Round(100*to.Seconds()/length.Seconds())), 99)
	}
	if l := r.last; l != nil && at == r.at && view == *l.Replay && behind == l.Behind && (err == nil) == (l.Err == nil) {
		return l, false
	}
	r.at = at
	r.version++
	s := &snapshot{
		Dir: r.dir, Version: r.version, State: r.player.State(), Info: r.player.Info(), History: r.player.History(),
		Behind: behind, Err: err, Replay: &view,
	}
	if s.State == runs.Running && view.Paused {
		s.State = runs.Paused
	}
	s.measure()
	r.last = s
	return s, true
}

// ended reports whether all of the run was played.
func (v *replayView) ended() bool { return v.Percent == 100 }

// speedText writes a speed as "10x".
func speedText(speed float64) string {
	if math.IsInf(speed, 1) {
		return "max"
	}
	return strconv.FormatFloat(speed, 'g', 4, 64) + "x"
}
