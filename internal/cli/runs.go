package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) runsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "List, show, label and remove runs",
	}
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if a.failure = a.noCommand(cmd, args); a.failure == nil {
			a.failure = usage(errorWithHint(fmt.Errorf("runs needs a command: list, show, rename, tag, note or rm"), "hone runs --help"))
		}
		return nil
	}
	cmd.AddCommand(a.runsListCommand(), a.runsShowCommand(), a.runsRenameCommand(), a.runsTagCommand(), a.runsNoteCommand(), a.runsRemoveCommand())
	return cmd
}
