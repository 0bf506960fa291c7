package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"hone/runs"
)

// removedRun is what `hone runs rm --json` writes for every run.
type removedRun struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

func (a *app) runsRemoveCommand() *cobra.Command {
	var store string
	cmd := &cobra.Command{
		Use:   "rm RUN...",
		Short: "Remove runs, with their checkpoints and adapters",
		Long: "Remove runs of the store, named by id or the beginning of one, with all that is in their directories. " +
			"A run that is being written is refused.",
	}
	cmd.RunE = a.command(someArgs("runs"), func(_ context.Context, args []string) error {
		s := runs.Store{Root: store}
		var ids []string // all of them first: a misspelt one removes none
		for _, ref := range args {
			id, err := removable(s, ref)
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		for _, id := range ids {
			if err := s.Remove(id); err != nil {
				return err
			}
			if a.json {
				if err := a.out.line(removedRun{"removed", id}); err != nil {
					return err
				}
			} else {
				a.out.printf("removed %s\n", oneLine(id))
			}
		}
		return nil
	})
	addStore(cmd, &store)
	return cmd
}

// removable is the id of the run of the store that a reference names. "latest"
// is not one: another run may have become it.
func removable(s runs.Store, ref string) (string, error) {
	if ref == "latest" {
		return "", usagef("rm takes the id of a run, not latest")
	}
	dir, err := s.Resolve(ref)
	if err != nil {
		return "", err
	}
	here, err := filepath.Abs(filepath.Dir(dir))
	if err != nil {
		return "", err
	}
	root, err := filepath.Abs(s.Root)
	if err != nil {
		return "", err
	}
	if here != root {
		return "", usage(errorWithHint(fmt.Errorf("%s is not in the store %s", ref, s.Root), "--store names the directory that holds the run"))
	}
	return filepath.Base(dir), nil
}

// someArgs demands at least one argument.
func someArgs(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return usage(errorWithHint(fmt.Errorf("%s takes %s", cmd.CommandPath(), what), "hone runs list shows them"))
	}
}
