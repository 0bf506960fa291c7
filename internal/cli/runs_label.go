package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hone/runs"
)

// labelledRun is what rename, tag and note write with --json.
type labelledRun struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	runs.Labels
}

func (a *app) runsRenameCommand() *cobra.Command {
	return a.labelCommand(&cobra.Command{
		Use:     "rename RUN [NAME]",
		Short:   "Give a run another display name; its directory stays",
		Long:    "Give a run another display name. Its id and directory stay as they are. Without NAME it has the experiment's name again.",
		Example: "hone runs rename latest 'half the rate'",
	}, func(l *runs.Labels, words []string) error {
		l.Name = strings.Join(words, " ")
		return runs.CheckName(l.Name)
	})
}

func (a *app) runsTagCommand() *cobra.Command {
	return a.labelCommand(&cobra.Command{
		Use:   "tag RUN [TAG | -TAG]...",
		Short: "Add tags to a run, or take them away",
		Long: "Add tags to a run; -TAG takes one away (behind a --, or it would be read as a flag). Without TAG the run's tags are shown. " +
			"hone runs list --query tag:TAG finds it again.",
		Example: "hone runs tag latest good lr-sweep\nhone runs tag latest -- -good",
	}, func(l *runs.Labels, words []string) error {
		for _, word := range words {
			name, away := strings.CutPrefix(word, "-")
			tags, err := runs.ParseTags(name)
			if err != nil {
				return err
			}
			l.Tags = slices.DeleteFunc(l.Tags, func(t string) bool { return slices.Contains(tags, t) })
			if !away {
				l.Tags = append(l.Tags, tags...)
			}
		}
		return nil
	})
}

func (a *app) runsNoteCommand() *cobra.Command {
	return a.labelCommand(&cobra.Command{
		Use:     "note RUN [TEXT]",
		Short:   "Write a note on a run",
		Long:    "Write a note on a run, in place of the one that is there. Without TEXT the note is taken away.",
		Example: "hone runs note latest 'NaN at step 41, the rate was too high'",
	}, func(l *runs.Labels, words []string) error {
		l.Note = strings.Join(words, " ")
		return runs.CheckNote(l.Note)
	})
}

// labelCommand makes a command that changes the labels of a run, which may be
// going, by the words behind its name.
func (a *app) labelCommand(cmd *cobra.Command, change func(l *runs.Labels, words []string) error) *cobra.Command {
	var store string
	cmd.RunE = a.command(someArgs("a run"), func(_ context.Context, args []string) error {
		dir, err := runs.Store{Root: store}.Resolve(args[0])
		if err != nil {
			return err
		}
		var refused error
		if err := runs.ChangeLabels(dir, func(l *runs.Labels) {
			next := *l
			next.Tags = slices.Clone(l.Tags)
			if refused = change(&next, args[1:]); refused == nil {
				*l = next
			}
		}); err != nil {
			return err
		}
		if refused != nil {
			return refused
		}
		return a.showLabels(store, dir)
	})
	addStore(cmd, &store)
	return cmd
}

// showLabels shows what is now said about a run.
func (a *app) showLabels(store, dir string) error {
	l, err := runs.ReadLabels(dir)
	if err != nil {
		return err
	}
	s := runs.Store{Root: store}.Summarize(dir)
	if a.json {
		return a.out.line(labelledRun{"labels", s.ID, l})
	}
	t := a.table()
	t.row("run", s.ID)
	t.row("name", s.Name)
	t.row("tags", strings.Join(l.Tags, " "))
	t.row("note", l.Note)
	t.flush()
	return nil
}
