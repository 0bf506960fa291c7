package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/term"
	"github.com/muesli/termenv"

	"hone/experiments"
	"hone/runs"
)

// ErrNotTerminal is returned by Run when standard input or output is not a
// terminal; every action of the workbench is a command too.
var ErrNotTerminal = errors.New("the workbench needs a terminal")

// Options say what the workbench opens on.
type Options struct {
	Config     experiments.Config // the experiment to edit
	ConfigPath string             // the file it was read from; "" = none
	Store      string             // directory of runs; "" = "runs"
	RunDir     string             // a run to look at; "" = none
	Version    string
	ASCII      bool   // only characters up to U+007E; also by HONE_ASCII=1
	Theme      string // one of Themes; "" = by HONE_THEME or as it was kept

	// Replay plays RunDir, a recorded run, at this many seconds of the run a second;
	// +Inf is everything at once, 0 no replay: the run is followed.
	Replay float64
	// Recording is what RunDir is called where it is a recording that is taken away
	// afterwards; "" = it stays.
	Recording string
}

// Run shows the workbench until the user leaves or ctx ends. A run that it
// started is stopped at its next step boundary, and Run returns after its
// checkpoint is saved. The error is ErrNotTerminal, ErrPanic, the cause of ctx, or
// what made the run fail to stop.
func Run(ctx context.Context, o Options) error {
	if !term.IsTerminal(os.Stdin.Fd()) || !term.IsTerminal(os.Stdout.Fd()) {
		return ErrNotTerminal
	}
	path, prefs, problem := openPreferences()
	name := chosenTheme(o.Theme, os.Getenv("HONE_THEME"), prefs.Theme)
	profile, dark := termenv.EnvColorProfile(), true
	if name == Themes[0] {
		dark = termenv.HasDarkBackground() // asks the terminal, before anything else listens to it
	}
	themed := func(name string) *theme {
		return themeNamed(os.Stdout, name, profile, dark, o.ASCII || asciiWanted())
	}
	t := themed(name)
	if dir, err := filepath.Abs(o.RunDir); err == nil && o.RunDir != "" {
		o.RunDir = dir // as an own run names it
	}
	a := newApp(ctx, o, newLive(o.Version), t)
	a.themeName, a.themed = name, themed
	if o.Replay > 0 {
		player, err := runs.OpenPlayer(o.RunDir)
		if err != nil {
			return err
		}
		defer player.Close()
		a.play(newReplay(player, o.Replay, a.now))
	}
	s := newShell(a)
	s.prefer(prefs)
	if problem != nil {
		s.note = &noticeMsg{text: problem.Error() + "; until it is repaired, nothing is kept", bad: true}
	}
	if a.runDir != "" {
		s.active = trainScreenID
	}

	a.prints = newPrints()
	terminal, restore, err := capture(a.prints)
	if err != nil {
		return fmt.Errorf("running the workbench: %w", err)
	}
	a.notify = notifier(terminal)
	a.clip = clipboard(terminal, os.Getenv("TMUX") != "", os.Getenv("STY") != "")
	s.faults = faultsDir()
	program := tea.NewProgram(s,
		tea.WithContext(ctx), tea.WithAltScreen(), tea.WithFPS(15), tea.WithOutput(terminal), tea.WithReportFocus(),
		tea.WithoutSignalHandler(), tea.WithFilter(coalesce()),
	)
	s.leave = func() { go program.Quit() } // View is drawn by who takes the message
	_, err = program.Run()
	restore()

	out := os.Stdout
	if a.workStop != nil {
		a.workStop()
	}
	if a.exporting() {
		fmt.Fprintf(out, "stopping the export to %s ...\n", a.export.o.Path)
		a.endExport()
	}
	if a.own != nil && !closed(a.own.Done()) {
		fmt.Fprintf(out, "stopping %s after this step ...\n", a.own.Dir())
		a.own.Stop()
		<-a.own.Done()
	}
	looked := a.runDir
	if o.Recording != "" && samePath(looked, o.RunDir) {
		looked = ""
	}
	writeSummary(out, a.own, looked, t)
	a.prints.report(os.Stderr, t)
	if now := s.preferences(); path != "" && now != prefs {
		if err := writePreferences(path, now); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	if s.crash != nil && s.crash.fatal {
		return reportFault(os.Stderr, s.faults, s.crash, a.version, a.now(), t)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("running the workbench: %w", err)
	}
	if a.own != nil && !errors.Is(a.own.Err(), context.Canceled) {
		return a.own.Err()
	}
	return nil
}

// later is a command that brings a message after a while.
func later(d time.Duration, msg tea.Msg) tea.Cmd {
	return tea.Tick(d, func(time.Time) tea.Msg { return msg })
}

// newApp is the shared state at the start.
func newApp(ctx context.Context, o Options, back backend, t *theme) *app {
	store := o.Store
	if store == "" {
		store = "runs"
	}
	return &app{
		ctx: ctx, back: back, t: t, now: time.Now, after: later, version: o.Version, store: store, recording: o.Recording,
		config: o.Config, savedAs: o.Config, configPath: o.ConfigPath, runDir: o.RunDir,
	}
}

// play makes the recorded run the one being looked at.
func (a *app) play(r *replay) {
	a.replay, a.back, a.runDir = r, replaying{a.back, r}, r.dir
}

// closed reports whether a channel is closed.
func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// openPreferences reads the preferences; path is "" where they have no place. A
// file that somebody wrote wrongly is theirs to repair: nothing is kept until then.
func openPreferences() (path string, p preferences, problem error) {
	path, err := preferencesPath()
	if err != nil {
		return "", defaultPreferences(), nil // no home directory: nothing is kept
	}
	if p, problem = readPreferences(path); problem != nil {
		return "", p, problem
	}
	return path, p, nil
}

// coalesce drops wheel turns that come faster than the screen is drawn, so that
// a key press never waits behind them.
func coalesce() func(tea.Model, tea.Msg) tea.Msg {
	var last time.Time
	return func(_ tea.Model, msg tea.Msg) tea.Msg {
		m, ok := msg.(tea.MouseMsg)
		if !ok {
			return msg
		}
		now := time.Now()
		if !tea.MouseEvent(m).IsWheel() || now.Sub(last) < 16*time.Millisecond {
			return nil
		}
		last = now
		return msg
	}
}
