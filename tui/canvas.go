package tui

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/muesli/termenv"
)

// Screens are the names of the screens, in the order of their keys.
func Screens() []string { return slices.Clone(screenNames) }

// Canvas is the workbench without a terminal, its run and data read, for measuring
// what a frame costs.
type Canvas struct{ drawer }

// NewCanvas opens the workbench on o in full colour. Close has to be called.
func NewCanvas(ctx context.Context, o Options) (*Canvas, error) {
	a := newApp(ctx, o, newLive(o.Version), newTheme(io.Discard, termenv.TrueColor, true, o.ASCII))
	a.after = func(time.Duration, tea.Msg) tea.Cmd { return nil } // nothing comes by itself
	c := &Canvas{drawer{newShell(a)}}
	c.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	c.run(c.Init())
	for id := range screenCount {
		c.run(c.show(id))
	}
	if c.crash != nil {
		return nil, fmt.Errorf("opening the workbench: %v", c.crash.value)
	}
	return c, nil
}

// Draw draws a screen in a terminal of a size, anew unless it was drawn last and in
// that size.
func (c *Canvas) Draw(screen string, width, height int) (string, error) {
	id := slices.Index(screenNames, screen)
	if id < 0 {
		return "", fmt.Errorf("no screen %q; they are %s", screen, strings.Join(screenNames, ", "))
	}
	c.run(c.show(screenID(id)))
	c.resize(width, height)
	frame := c.View()
	if c.crash != nil {
		return "", fmt.Errorf("drawing %s: %v", screen, c.crash.value)
	}
	return frame, nil
}

// Close ends what is still being read.
func (c *Canvas) Close() {
	if c.workStop != nil {
		c.workStop()
	}
}
