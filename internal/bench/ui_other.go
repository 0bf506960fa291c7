//go:build !linux

package bench

import (
	"context"

	"hone/tui"
)

// watcher is a workbench in a pseudo-terminal.
type watcher struct{}

func watch(context.Context, tui.Options) (*watcher, error) { return nil, ErrNoTerminal }

func (*watcher) settle(context.Context) error { return ErrNoTerminal }

func (*watcher) drawn() int64 { return 0 }

func (*watcher) close() {}
