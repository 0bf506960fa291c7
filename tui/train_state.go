package tui

import (
	"fmt"
	"strings"
	"time"

	"hone/runs"
)

// noRunLines say how to come by a run.
func (s *trainScreen) noRunLines() []string {
	t := s.t
	key := func(k, text string) string { return "  " + t.fit(t.key.Render(k), 9) + text }
	lines := []string{"", "  " + t.strong.Render("No run is open.")}
	if s.starting {
		return append(lines, "", t.dim.Render("  a run is being started "+t.g.ellipsis))
	}
	return append(lines, "",
		key("n", "experiment form: set it up and start training"),
		key("enter", "runs: look at one that was made before, or that another process trains"),
		"",
		t.dim.Render("  A run that `hone train` writes in another terminal is followed here live."),
	)
}

// unreadableLines say why a directory shows nothing.
func (s *trainScreen) unreadableLines() []string {
	t := s.t
	lines := []string{"", "  " + t.bad.Render(t.g.no+" cannot read "+t.clean(baseName(s.snap.Dir)))}
	for _, l := range wrap(t.clean(s.snap.Err.Error()), max(s.width-4, 10)) {
		lines = append(lines, "  "+l)
	}
	return append(lines, "", t.dim.Render("  It is tried again as long as this screen looks at it."))
}

// startingLines stand in the place of the charts before the first step.
func (s *trainScreen) startingLines() []string {
	t, info := s.t, s.snap.Info
	if !s.snap.live() {
		return []string{"", t.dim.Render("  no step was made")}
	}
	var lines []string
	text := "loading the model and the data"
	if s.snap.Replay != nil {
		text = "the recording begins"
	}
	if s.ownState != "" && s.ownState != "running" && s.ownState != "paused" {
		text = s.ownState
	}
	lines = append(lines, "", "  "+t.strong.Render(t.clean(text))+t.dim.Render(" "+t.g.ellipsis))
	if !info.Started.IsZero() {
		if d := info.Updated.Sub(info.Started); d >= time.Second {
			lines = append(lines, t.dim.Render("  started "+clock(d)+" ago"))
		}
	}
	if info.Steps > 0 {
		lines = append(lines, t.dim.Render(fmt.Sprintf("  %d steps are planned; the charts begin with the first", info.Steps)))
	}
	return lines
}

// banner says in words what state the run is in, where that is not simply running.
func (s *trainScreen) banner() []string {
	t, snap := s.t, s.snap
	var lines []string
	say := func(style func(...string) string, glyph, text string) {
		room := 3
		if s.height < 20 {
			room = 1
		}
		wrapped := wrap(t.clean(text), max(s.width-4, 10))
		if len(wrapped) > room {
			wrapped = append(wrapped[:room-1], strings.Join(wrapped[room-1:], " "))
		}
		for i, l := range wrapped {
			if i == 0 {
				lines = append(lines, " "+style(t.fit(glyph+" "+l, s.width-2)))
			} else {
				lines = append(lines, "   "+style(t.fit(l, s.width-4)))
			}
		}
	}
	if f := snap.Foreign; f != nil {
		say(t.text.Render, t.g.ring, fmt.Sprintf("a log of %s, read only: %s", f.Tool, strings.Join(f.Facts, "; ")))
		if s.feed.alerts > 0 {
			say(t.bad.Render, t.g.no, fmt.Sprintf("%s: enter or 4 shows them, and what the log cannot tell", plural(s.feed.alerts, "finding")))
		}
	}
	switch snap.State {
	case runs.Paused:
		how := " by the process that trains it"
		switch {
		case snap.Replay != nil:
			how = ": space plays on, . plays one step"
		case s.ownShown():
			how = ": space goes on, . makes one step"
		}
		say(t.warn.Render, "=", fmt.Sprintf("paused after step %d%s", snap.Info.Step, how))
	case runs.Stale:
		say(t.warn.Render, "?", fmt.Sprintf("no sign of life since %s: the process (%d) may have been killed. The run can be resumed from 6 Runs when it is gone.", snap.Info.Updated.In(s.now().Location()).Format("15:04:05"), snap.Info.PID))
	case runs.Failed:
		text := snap.Info.Error
		if text == "" {
			text = "no reason was recorded"
		}
		say(t.bad.Render, t.g.no, fmt.Sprintf("failed after step %d: %s", snap.Info.Step, text))
		if alert := s.lastAlert(); alert != "" {
			say(t.dim.Render, " ", alert+"  (4 Trace has more)")
		}
	case runs.Stopped:
		say(t.text.Render, t.g.ring, s.feed.verdict(snap.State, snap.Info)+". Resume it from 6 Runs.")
	case runs.Finished:
		say(t.good.Render, t.g.ok, s.feed.verdict(snap.State, snap.Info)+". 5 compares base and tuned.")
	case runs.Running:
		if s.feed.steps > 0 && s.ownState != "" && s.ownState != runs.Running && s.ownState != runs.Paused {
			say(t.accent.Render, t.g.dot, s.ownState+" "+t.g.ellipsis)
		}
	}
	if snap.Err != nil {
		say(t.warn.Render, "!", "the run directory cannot be read just now: "+snap.Err.Error())
	}
	return lines
}

// lastAlert is the newest alert of the log that is a warning or worse.
func (s *trainScreen) lastAlert() string {
	for i := len(s.feed.log) - 1; i >= 0; i-- {
		if l := s.feed.log[i]; l.alert && !l.undone {
			return l.text
		}
	}
	return ""
}
