package tui

import (
	"fmt"
	"strings"
	"time"
)

// tabs draws the first line, the screens' names and the state of the run, and
// the rule below it, which is heavy under the active name. Where there is no
// rule, brackets mark the active one.
func (s *shell) tabs(brackets bool) (line, under string) {
	t := s.t
	status := s.statuses()
	names := make([]string, screenCount)
	for i, sc := range s.screens {
		names[i] = fmt.Sprintf("%d %s", i+1, sc.Title())
	}
	lead := " hone "
	if s.snap != nil && s.snap.Replay != nil && s.width < 100 {
		lead = "" // how fast and where a replay is, is told in its place
	}
	full := len(lead)
	for _, n := range names {
		full += len(n) + 2
	}
	if full > s.width {
		// Only the active name in full.
		lead, full = "", 0
		for i := range names {
			if screenID(i) != s.active {
				names[i] = fmt.Sprint(i + 1)
			}
			full += len(names[i]) + 2
		}
	}
	var b strings.Builder
	b.WriteString(t.strong.Render(lead))
	start, end, at := 0, 0, len(lead)
	for i, n := range names {
		l, r := " ", " "
		style := t.dim
		if screenID(i) == s.active {
			style = t.accent
			start, end = at, at+len(n)+2
			if brackets {
				l, r = "[", "]"
			}
		}
		b.WriteString(style.Render(l + n + r))
		at += len(n) + 2
	}
	line = b.String()
	for _, st := range status {
		if textWidth(st)+2 <= s.width-at {
			line = t.ends(line, st+" ", s.width)
			break
		}
	}
	start, end = min(start, s.width), min(end, s.width)
	under = t.dim.Render(strings.Repeat(t.g.rule, start)) +
		t.accent.Render(strings.Repeat(t.g.heavy, end-start)) +
		t.dim.Render(strings.Repeat(t.g.rule, s.width-end))
	return line, under
}

// statuses writes the state of the run being looked at, the fullest first.
func (s *shell) statuses() []string {
	t, snap := s.t, s.snap
	if snap == nil {
		if s.runDir == "" {
			return nil
		}
		return []string{t.dim.Render("opening " + t.clean(baseName(s.runDir)))}
	}
	if snap.Replay != nil {
		return s.replayStatuses()
	}
	state := t.stateMark(snap.State) + " " + t.clean(snap.State)
	name := t.clean(snap.Info.Name)
	if name == "" {
		name = t.clean(baseName(snap.Dir))
	}
	progress, left := "", ""
	if snap.live() && snap.Info.Steps > 0 {
		progress = fmt.Sprintf("%d %%", 100*snap.Info.Step/snap.Info.Steps)
		if snap.Left > 0 {
			left = clock(snap.Left) + " left"
		}
	}
	return []string{
		joinWords(name, state, progress, left),
		joinWords(state, progress, left),
		joinWords(state, progress),
		joinWords(t.stateMark(snap.State), progress),
		t.stateMark(snap.State),
	}
}

// replayStatuses say that a recorded run is played, how fast and where.
func (s *shell) replayStatuses() []string {
	t, snap, v := s.t, s.snap, s.snap.Replay
	name := t.clean(snap.Info.Name)
	if name == "" {
		name = t.clean(baseName(snap.Dir))
	}
	at := fmt.Sprintf("%d %%", v.Percent)
	state := t.stateMark(snap.State)
	full := state + " replay " + speedText(v.Speed)
	switch {
	case v.ended():
		over := state + " replay over"
		return []string{joinWords(name, over+": "+t.clean(snap.State)), over + ": " + t.clean(snap.State), over, state}
	case v.Paused:
		full += " paused"
	}
	return []string{
		joinWords(name, full, at),
		joinWords(full, at),
		state + " replay " + joinWords(speedText(v.Speed), at),
		state + " replay " + strings.ReplaceAll(speedText(v.Speed)+" "+at, " %", "%"),
		state + " replay",
		state,
	}
}

// stateMark is a state as one coloured glyph; the word stands beside it where
// there is room.
func (t *theme) stateMark(state string) string {
	switch state {
	case "running":
		return t.good.Render(t.g.dot)
	case "paused":
		return t.warn.Render("=")
	case "stale":
		return t.warn.Render("?")
	case "finished":
		return t.good.Render(t.g.ok)
	case "failed":
		return t.bad.Render(t.g.no)
	}
	return t.dim.Render(t.g.ring)
}

// joinWords joins what is not empty with two spaces.
func joinWords(words ...string) string {
	var kept []string
	for _, w := range words {
		if w != "" {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, "  ")
}

// baseName is the last part of a path with either slash.
func baseName(path string) string {
	path = strings.TrimRight(path, `/\`)
	return path[strings.LastIndexAny(path, `/\`)+1:]
}

// clock writes a duration as m:ss or h:mm:ss.
func clock(d time.Duration) string {
	n := int(d.Round(time.Second) / time.Second)
	if n >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", n/3600, n/60%60, n%60)
	}
	return fmt.Sprintf("%d:%02d", n/60, n%60)
}
