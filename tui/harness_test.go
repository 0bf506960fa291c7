package tui

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
)

var update = flag.Bool("update", false, "write the golden frames anew")

// bench is a shell with a fake backend, run without a terminal.
type bench struct {
	*shell
	t    *testing.T
	fake *fakeBackend
	quit bool
	// clock goes on by half a second a key.
	clock time.Time
	// depth is how many messages led to the present one.
	depth int
}

// start opens a shell of a size on a backend and runs its first commands.
func start(t *testing.T, f *fakeBackend, width, height int, change ...func(*Options)) *bench {
	t.Helper()
	o := Options{Config: experiments.Default(), Store: "runs", Version: "test"}
	o.Config.Model.Path, o.Config.Data.Path = "models/SmolLM2-135M", "calendar.jsonl"
	for _, c := range change {
		c(&o)
	}
	a := newApp(context.Background(), o, f, plainTheme(o.ASCII))
	a.after = func(_ time.Duration, msg tea.Msg) tea.Cmd {
		if _, ok := msg.(settleMsg); ok {
			return func() tea.Msg { return msg }
		}
		return nil // ticks do not come
	}
	b := &bench{shell: newShell(a), t: t, fake: f, clock: time.Date(2026, 11, 23, 15, 30, 0, 0, time.UTC)}
	a.now = func() time.Time { return b.clock }
	b.send(tea.WindowSizeMsg{Width: width, Height: height})
	b.run(b.Init())
	return b
}

// send gives a message to the shell and runs what it returns.
func (b *bench) send(msg tea.Msg) {
	b.t.Helper()
	if b.depth++; b.depth > 200 {
		b.t.Fatalf("messages without end, now %T", msg)
	}
	defer func() { b.depth-- }()
	_, cmd := b.shell.Update(msg)
	if _, started := msg.(startedMsg); started {
		// One of its commands waits for the run to end.
		b.runFor(cmd, 500*time.Millisecond)
		return
	}
	b.run(cmd)
}

// run runs a command and everything that follows from it.
func (b *bench) run(cmd tea.Cmd) {
	b.t.Helper()
	if !b.runFor(cmd, 10*time.Second) {
		b.t.Fatal("a command does not end")
	}
}

// runFor runs a command; it is left alone when it takes longer than patience.
func (b *bench) runFor(cmd tea.Cmd, patience time.Duration) bool {
	b.t.Helper()
	if cmd == nil {
		return true
	}
	got := make(chan tea.Msg, 1)
	go func() { got <- cmd() }()
	select {
	case msg := <-got:
		switch msg := msg.(type) {
		case nil:
		case tea.BatchMsg:
			all := true
			for _, c := range msg {
				all = b.runFor(c, patience) && all
			}
			return all
		case tea.QuitMsg:
			b.quit = true
		default:
			if strings.HasPrefix(fmt.Sprintf("%T", msg), "tea.") {
				return true
			}
			b.send(msg)
		}
		return true
	case <-time.After(patience):
		return false
	}
}

// press sends keys by name, as "down", "ctrl+p", "x"; "text:abc" types letters.
func (b *bench) press(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		b.clock = b.clock.Add(500 * time.Millisecond)
		if text, ok := strings.CutPrefix(k, "text:"); ok {
			for _, r := range text {
				b.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}})
			}
			continue
		}
		b.send(keyPress(k))
	}
}

// sees fails unless the frame holds every text.
func (b *bench) sees(texts ...string) {
	b.t.Helper()
	frame := b.View()
	for _, text := range texts {
		if !strings.Contains(frame, text) {
			b.t.Errorf("the frame does not say %q:\n%s", text, frame)
		}
	}
}

// lacks fails if the frame holds any text.
func (b *bench) lacks(texts ...string) {
	b.t.Helper()
	frame := b.View()
	for _, text := range texts {
		if strings.Contains(frame, text) {
			b.t.Errorf("the frame says %q:\n%s", text, frame)
		}
	}
}

// golden compares the frame with a file of testdata.
func (b *bench) golden(name string) {
	b.t.Helper()
	compareGolden(b.t, name, b.View())
}

// compareGolden compares a frame with a file of testdata.
func compareGolden(t *testing.T, name, frame string) {
	t.Helper()
	var got strings.Builder
	for _, l := range strings.Split(frame, "\n") {
		got.WriteString(strings.TrimRight(l, " ") + "\n")
	}
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("%s differs; -update writes it anew. Now:\n%s", path, got.String())
	}
}

// checkFrame fails unless a frame is exactly width x height.
func checkFrame(t *testing.T, what, frame string, width, height int) {
	t.Helper()
	lines := strings.Split(frame, "\n")
	if len(lines) != height {
		t.Errorf("%s at %dx%d: %d lines", what, width, height, len(lines))
		return
	}
	for i, l := range lines {
		if w := textWidth(l); w != width {
			t.Errorf("%s at %dx%d: line %d has %d cells: %q", what, width, height, i, w, l)
			return
		}
	}
}
