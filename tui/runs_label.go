package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"hone/runs"
)

// label changes what is said about a run, in a command.
func (r *runsScreen) label(dir, what string, change func(*runs.Labels)) tea.Cmd {
	back := r.back
	return func() tea.Msg { return labelledMsg{what, back.Label(dir, change)} }
}

// askRename asks for a display name.
func (r *runsScreen) askRename() {
	run, _ := r.selected()
	dir, id := run.Dir, run.ID
	r.ask(&question{
		Title: "rename " + id, Line: newLineEdit(run.Name), Check: runs.CheckName,
		Text: []string{"The name that lists show. The directory stays; an empty name is the experiment's own again."},
		Done: func(s string) tea.Cmd {
			return r.label(dir, "renamed "+id, func(l *runs.Labels) { l.Name = s })
		},
	})
}

// askTags asks for the tags.
func (r *runsScreen) askTags() {
	run, _ := r.selected()
	dir, id := run.Dir, run.ID
	r.ask(&question{
		Title: "tags of " + id, Line: newLineEdit(strings.Join(run.Tags, " ")),
		Text:  []string{"Words between spaces; / tag:good finds the run again."},
		Check: func(s string) error { _, err := runs.ParseTags(s); return err },
		Done: func(s string) tea.Cmd {
			tags, err := runs.ParseTags(s)
			if err != nil {
				return problem(err)
			}
			return r.label(dir, "tagged "+id, func(l *runs.Labels) { l.Tags = tags })
		},
	})
}

// askNote asks for the note.
func (r *runsScreen) askNote() {
	run, _ := r.selected()
	dir, id := run.Dir, run.ID
	before := strings.ReplaceAll(run.Note, "\n", " ")
	r.ask(&question{
		Title: "note on " + id, Line: newLineEdit(before), Check: runs.CheckNote,
		Text: []string{"What to remember of the run; an empty note is none."},
		Done: func(s string) tea.Cmd {
			if s == before { // its lines stay
				return nil
			}
			return r.label(dir, "noted on "+id, func(l *runs.Labels) { l.Note = s })
		},
	})
}

// title is a run's id, behind its display name where somebody gave it one.
func (r *runRow) title() string {
	if r.Name != "" && r.Name != r.ID && !strings.Contains(r.ID, r.Name) {
		return r.Name + "  " + r.ID
	}
	return r.ID
}

// hashTags are the tags as lists show them.
func (r *runRow) hashTags() []string {
	var tags []string
	for _, tag := range r.Tags {
		tags = append(tags, "#"+tag)
	}
	return tags
}
