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

	"hone/runs"
)

// FrameOptions say which frame of a replay to draw.
type FrameOptions struct {
	Screen        string   // data, experiment, train, trace, compare or runs
	At            string   // share of the run as "60%", or a step as "120"; "" = its end
	Width, Height int      // in cells
	Keys          []string // pressed before, by their names: "down", "ctrl+p", "x"
	Light         bool     // for a light background
	Plain         bool     // without colour
}

// Bounds of a frame that is drawn without a terminal.
const (
	maxFrameWidth  = 500
	maxFrameHeight = 200
)

// screenNames are the screens as FrameOptions names them.
var screenNames = []string{
	dataScreenID: "data", experimentScreenID: "experiment", trainScreenID: "train", traceScreenID: "trace", compareScreenID: "compare", runsScreenID: "runs",
}

// Frame draws one frame of the replay of o.RunDir, with colours as escape codes and
// without a terminal. The same run and options give the same frame.
func Frame(ctx context.Context, o Options, f FrameOptions) (string, error) {
	id := slices.Index(screenNames, f.Screen)
	if id < 0 {
		return "", fmt.Errorf("no screen %q; they are %s", f.Screen, strings.Join(screenNames, ", "))
	}
	if f.Width < 1 || f.Width > maxFrameWidth || f.Height < 1 || f.Height > maxFrameHeight {
		return "", fmt.Errorf("a frame of %dx%d: it has to be within %dx%d", f.Width, f.Height, maxFrameWidth, maxFrameHeight)
	}
	player, err := runs.OpenPlayer(o.RunDir)
	if err != nil {
		return "", err
	}
	defer player.Close()
	now := player.Info().Started.UTC()
	still := func() time.Time { return now }
	r := newReplay(player, o.Replay, still)
	r.hold()
	to := player.Length()
	if f.At != "" {
		if to, err = r.place(f.At); err != nil {
			return "", err
		}
	}
	r.seek(to)

	profile := termenv.ANSI256
	if f.Plain {
		profile = termenv.Ascii
	}
	a := newApp(ctx, o, newLive(o.Version), newTheme(io.Discard, profile, !f.Light, o.ASCII))
	a.now = still
	a.after = func(_ time.Duration, msg tea.Msg) tea.Cmd {
		if _, ok := msg.(settleMsg); ok {
			return func() tea.Msg { return msg }
		}
		return nil // nothing more comes while the clock stands
	}
	a.play(r)
	s := newShell(a)
	s.active = trainScreenID
	d := drawer{s}
	d.send(tea.WindowSizeMsg{Width: f.Width, Height: f.Height})
	d.run(s.Init())
	d.run(s.show(screenID(id)))
	for _, k := range f.Keys {
		d.send(keyPress(k))
	}
	if s.crash != nil {
		return "", fmt.Errorf("drawing a frame: %v", s.crash.value)
	}
	return s.View(), nil
}

// drawer runs the shell and its commands one after the other.
type drawer struct{ *shell }

func (d drawer) send(msg tea.Msg) {
	_, cmd := d.Update(msg)
	d.run(cmd)
}

func (d drawer) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case nil:
	case tea.BatchMsg:
		for _, c := range msg {
			d.run(c)
		}
	default:
		d.send(msg)
	}
}

// keyPress is the message of a key's name.
func keyPress(name string) tea.KeyMsg {
	for t := tea.KeyType(-100); t < 200; t++ {
		if m := (tea.KeyMsg{Type: t}); t != tea.KeyRunes && m.String() == name {
			return m
		}
	}
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(name)}
}
