// Package tui is the workbench: six screens over one experiment, in a terminal.
//
// Run opens it and returns when the user leaves:
//
//	err := tui.Run(ctx, tui.Options{Config: experiments.Default(), Store: "runs"})
//	if errors.Is(err, tui.ErrNotTerminal) {
//		// say which command does the same without a screen
//	}
//
// # How it is built
//
// There is one Bubble Tea model, the shell. It owns the frame (tabs, body,
// footer), the overlays (help, palette, dialogs) and the keys that work
// everywhere. A screen is a plain struct behind the screen interface; screens
// share the *app: the experiment being edited, the opened workspace, the run
// that is followed and the run that this process owns.
//
// The rules, for every file in the package:
//
//   - Update and View do no IO and no arithmetic over a run's history. Work runs
//     in a tea.Cmd made from a method of the backend; its result comes back as a
//     message of messages.go. A result that was asked for by an older state
//     carries an older generation number and is dropped.
//   - A command never touches the model. What it returns is never changed again.
//   - Text from outside (datasets, model outputs, errors, file names) goes
//     through clean before it is drawn: it may hold escapes, tabs, new lines.
//   - A screen's View returns exactly the size it was given; fit, pad and block
//     help. The shell cuts once more, so that a mistake cannot tear the frame.
//   - Keys stand in the table that Keys returns, and nowhere else: the footer,
//     the help, the palette and the dispatch are made from it.
//   - Meaning is never colour alone: every colour stands beside a glyph or word.
package tui
