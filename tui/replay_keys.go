package tui

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// replayShown is true when the run being looked at is the one that is played.
func (a *app) replayShown() bool { return a.replay != nil && a.replay.dir == a.runDir }

// replayKeys steer the playback, on every screen but where a screen has the key
// for itself.
func (s *shell) replayKeys() []keyGroup {
	if !s.replayShown() {
		return nil
	}
	move := func(f func()) func() tea.Cmd {
		return func() tea.Cmd { f(); return s.pollSoon() }
	}
	r := s.replay
	pause := "pause"
	if snap := s.snap; snap != nil && snap.Replay != nil {
		switch {
		case snap.Replay.ended():
			pause = "play again"
		case snap.Replay.Paused:
			pause = "play"
		}
	}
	all := []binding{
		{Keys: []string{" "}, Text: pause, Help: "pause the replay, or go on; at its end, play it again", Run: move(r.toggle)},
		{Keys: []string{"."}, Text: "step", Help: "play one step of the run, then pause", Run: move(r.step)},
		{Keys: []string{"<"}, Label: "</>", Text: "speed", Help: "play slower", Run: s.replaySpeed(false)},
		{Keys: []string{">"}, Help: "play faster, at last everything at once", Quiet: true, Run: s.replaySpeed(true)},
		{Keys: []string{"{"}, Label: "{/}", Text: "jump", Help: "a tenth of the run back", Run: move(func() { r.skip(-0.1) })},
		{Keys: []string{"}"}, Help: "a tenth of the run on", Quiet: true, Run: move(func() { r.skip(0.1) })},
		{Keys: []string{"("}, Help: "to the evaluation, alert, intervention or checkpoint before", Quiet: true, Run: move(func() { r.mark(false) })},
		{Keys: []string{")"}, Help: "to the next evaluation, alert, intervention or checkpoint", Quiet: true, Run: move(func() { r.mark(true) })},
		{Keys: []string{"%"}, Text: "go to", Help: "go to a share of the run or to a step", Quiet: true, Run: do(s.askPlace)},
	}
	taken := s.screens[s.active].Keys()
	var rows []binding
	for _, b := range all {
		if _, mine := lookup(taken, b.Keys[0]); !mine {
			rows = append(rows, b)
		}
	}
	return []keyGroup{{Title: "replay", Bindings: rows}}
}

// replaySpeed changes the speed and says which it is.
func (s *shell) replaySpeed(up bool) func() tea.Cmd {
	return func() tea.Cmd {
		s.replay.faster(up)
		return tea.Batch(notice("replay at "+speedWords(s.replay.rate())), s.pollSoon())
	}
}

// rate is the speed of the playback.
func (r *replay) rate() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.speed
}

// speedWords says a speed in words.
func speedWords(speed float64) string {
	switch text := speedText(speed); text {
	case "max":
		return "full speed: everything at once"
	case "1x":
		return "1x, as it was recorded"
	default:
		return text
	}
}

// askPlace asks where to go.
func (s *shell) askPlace() {
	r := s.replay
	s.overlay = &question{
		Title: "go to",
		Text:  []string{"A share of the run as 60%, or a step as 120. The run worked for " + clock(r.player.Length().Round(time.Second)) + "."},
		Line:  newLineEdit(""),
		Check: func(in string) error { _, err := r.place(in); return err },
		Done: func(in string) tea.Cmd {
			to, err := r.place(in)
			if err != nil {
				return nil
			}
			r.seek(to)
			return s.pollSoon()
		},
	}
}
