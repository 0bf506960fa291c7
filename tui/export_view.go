package tui

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// exportView shows an export: how far it is, then its outcome.
type exportView struct {
	*app
	job *exportJob
}

// Key stops it, hides it, or closes it once it has ended.
func (v *exportView) Key(msg tea.KeyMsg) (tea.Cmd, bool) {
	switch name := normalKey(msg); {
	case v.job.ended:
		return nil, name == "esc" || name == "enter" || name == "q" || name == " "
	case name == "esc":
		v.job.stop()
		v.job.stopped = true
	case name == "enter":
		return notice("it goes on; X shows it again"), true
	}
	return nil, false
}

// Hints are its keys.
func (v *exportView) Hints() []keyGroup {
	rows := []binding{{Keys: []string{"esc"}, Text: "stop"}, {Keys: []string{"enter"}, Text: "hide, it goes on"}}
	if v.job.ended {
		rows = []binding{{Keys: []string{"esc"}, Text: "close"}}
	}
	return []keyGroup{{Bindings: rows}}
}

// exportFiles is how many files of an export are named.
const exportFiles = 8

// Lines draws the box.
func (v *exportView) Lines(t *theme, width, height int) []string {
	job := v.job
	w := min(90, width)
	inner := w - 4
	var lines []string
	say := func(lead, text string, render func(...string) string) {
		for i, l := range wrap(t.clean(text), max(inner-2, 1)) {
			if i > 0 {
				lead = " "
			}
			lines = append(lines, render(lead+" "+l))
		}
	}
	plain, what := t.text.Render, job.side.Name()+" of "+baseName(job.side.RunDir)
	title := "export to " + job.o.Format
	switch {
	case !job.ended:
		say(" ", what, plain)
		say(" ", "to "+job.o.Path, t.dim.Render)
		doing := job.doing
		if job.stopped {
			doing = "stopping; nothing of it will be left"
		}
		say(t.g.dot, doing+" "+t.g.ellipsis, t.accent.Render)
	case job.stopped:
		say(t.g.off, "stopped; nothing of it is left", t.warn.Render)
	case job.err != nil:
		title = "not exported to " + job.o.Format
		for i, part := range strings.Split(job.err.Error(), "\n") {
			lead := t.g.no
			if i > 0 {
				lead = " "
			}
			say(lead, part, t.bad.Render)
		}
		if !errors.Is(job.err, fs.ErrExist) {
			say(" ", "nothing of it is left", t.dim.Render)
		}
	default:
		title = "exported to " + job.made.Format
		say(t.g.ok, what, t.good.Render)
		say(" ", job.made.Path, plain)
		for i, f := range job.made.Files {
			if i == exportFiles {
				lines = append(lines, t.dim.Render(fmt.Sprintf("    and %d more files", len(job.made.Files)-i)))
				break
			}
			lines = append(lines, t.ends("    "+t.clean(f.Name), t.dim.Render(thousands(f.Bytes)+" bytes"), inner))
		}
		if p := job.made.Probe; p != nil {
			lines = append(lines, "")
			say(t.g.ok, "read back, logits: "+p.Sentence(), plain)
		}
		for _, c := range job.made.Checks {
			say(t.g.ok, "checked: "+c, plain)
		}
		for _, n := range job.made.Notes {
			say("!", "note: "+n, t.warn.Render)
		}
	}
	if room := max(height-2, 0); len(lines) > room {
		lines = append(lines[:max(room-1, 0)], t.dim.Render("  "+t.g.ellipsis))[:room]
	}
	return t.framed(title, lines, w)
}
