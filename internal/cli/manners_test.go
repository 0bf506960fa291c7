//go:build unix

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"hone/runs"
)

// workbench opens the workbench of a toy experiment in a terminal and returns its
// process; before stands before its command.
func workbench(t *testing.T, before, flags string) (x *terminal, dir string, pid int) {
	t.Helper()
	dir = workDir(t)
	x = openTerminal(t, "100", "30", dir)
	x.press(before+` sh -c 'echo $$ >pid; exec hone --model model --data events --store runs `+flags+`'`, "Enter")
	x.see("1 Data", "train 24")
	text, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err == nil {
		pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
	}
	if err != nil {
		t.Fatal(err)
	}
	return x, dir, pid
}

// sane fails unless the shell has the terminal as it had it before: it echoes,
// lines are edited, the normal screen and its cursor are shown, and the mouse is
// the terminal's.
func (x *terminal) sane() {
	x.t.Helper()
	x.until("no prompt", func(screen string) bool { return strings.HasSuffix(strings.TrimRight(screen, " \n"), "ready>") })
	x.press("stty -a | tr ';' ' ' | grep -q ' echo .*' && stty -a | grep -q ' icanon' && printf 'sane:%s\\n' yes", "Enter")
	x.see("sane:yes")
	if got := strings.TrimSpace(x.tmux("display-message", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag}")); got != "0 1 0" {
		x.t.Errorf("alternate screen, cursor, mouse: %s, want 0 1 0", got)
	}
}

// However the workbench ends, the terminal is as it was.
func TestTerminalIsSaneAfterTheWorkbench(t *testing.T) {
	for name, end := range map[string]func(x *terminal, pid int){
		"quit": func(x *terminal, _ int) { x.press("q") },
		"ctrl-c twice": func(x *terminal, _ int) {
			x.press("C-c")
			x.see("press ctrl+c again")
			x.press("C-c")
		},
		"TERM": func(_ *terminal, pid int) { _ = syscall.Kill(pid, syscall.SIGTERM) },
		"HUP":  func(_ *terminal, pid int) { _ = syscall.Kill(pid, syscall.SIGHUP) },
		"with mouse, INT": func(x *terminal, pid int) {
			x.press("C-t")
			x.see("mouse wheel scrolls")
			_ = syscall.Kill(pid, syscall.SIGINT)
		},
	} {
		t.Run(name, func(t *testing.T) {
			x, _, pid := workbench(t, "", "")
			end(x, pid)
			x.sane()
		})
	}
}

// TERM or HUP in the middle of training: the run keeps a checkpoint, the terminal is
// sane, and the normal screen says what became of the run.
func TestSignalWhileTraining(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			x, dir, pid := workbench(t, "", "--set train.epochs=2000 --set train.eval_every=0")
			x.press("2")
			x.see("what it costs", "trainable  14 848")
			x.press("s")
			// A run that is stopped while it looks before its first step has nothing to keep.
			x.until("no step taken", regexp.MustCompile(`step [1-9][0-9]* / 6000`).MatchString)
			_ = syscall.Kill(pid, sig)
			x.until("no summary", func(string) bool { return strings.Contains(x.joined(), "stopped after step") })
			x.sane()
			if text := x.joined(); !strings.Contains(text, "no evaluation; gradients ") || !strings.Contains(text, "goes on with it") {
				t.Errorf("the summary is not there:\n%s", text)
			}
			whole(t, dir, runs.Stopped)
		})
	}
}

// Suspended, the shell has a sane terminal; back in the foreground the screen is
// drawn whole again.
func TestSuspendAndResume(t *testing.T) {
	x, _, _ := workbench(t, "", "")
	x.press("C-z")
	x.sane()
	x.press("clear; fg", "Enter")
	x.until("no whole frame", func(screen string) bool {
		lines := strings.Split(strings.TrimRight(screen, "\n"), "\n")
		return strings.Contains(lines[0], "1 Data") && strings.Contains(lines[len(lines)-1], "? help") &&
			strings.Count(screen, "1 Data") == 1 && strings.Contains(screen, "train 24") && !strings.Contains(screen, "fg")
	})
	x.press("q")
	x.sane()
}

// Resized again and again, the workbench ends with a whole frame of the last size.
func TestResizeStorm(t *testing.T) {
	x, _, _ := workbench(t, "", "")
	for i := range 40 {
		x.tmux("resize-window", "-x", fmt.Sprint(30+i*37%150), "-y", fmt.Sprint(8+i*11%50))
	}
	x.tmux("resize-window", "-x", "90", "-y", "26")
	x.until("no whole frame", func(screen string) bool {
		lines := strings.Split(strings.TrimRight(screen, "\n"), "\n")
		return len(lines) == 26 && strings.Contains(lines[0], "1 Data") && strings.Contains(lines[25], "? help") && strings.Count(screen, "1 Data") == 1
	})
	x.press("q")
	x.sane()
}

// What the process prints meanwhile, here the runtime's reports of every
// collection, is not on the screen but in the log, and printed afterwards.
func TestPrintsDoNotBreakTheFrame(t *testing.T) {
	x, _, _ := workbench(t, "GODEBUG=gctrace=1", "--set train.epochs=40 --set train.eval_every=0")
	x.press("2")
	x.see("what it costs", "trainable  14 848")
	x.press("s")
	x.until("no end of the run", func(screen string) bool { return strings.Contains(screen, "finished after 120 steps") })
	for i, line := range strings.Split(x.screen(), "\n") {
		if strings.Contains(line, "gc ") && !strings.Contains(line, "printed: gc ") {
			t.Errorf("line %d of the frame is torn: %q", i, line)
		}
	}
	x.press("q")
	x.until("nothing was printed afterwards", func(string) bool { return strings.Contains(x.joined(), "MB goal") })
	x.sane()
}

// What was chosen is kept in the user's folder, and a file that makes no sense is
// said and survived.
func TestPreferencesAreKept(t *testing.T) {
	dir := workDir(t)
	x := openTerminal(t, "100", "30", dir)
	file := filepath.Join(dir, "kept", "hone", "config.toml")
	open := func() {
		x.press("clear; XDG_CONFIG_HOME="+filepath.Join(dir, "kept")+" HOME="+dir+" hone --model model --data events", "Enter")
		x.see("1 Data", "train 24")
	}
	open()
	x.press("C-t", "C-y")
	x.see("theme dark")
	x.press("q")
	x.sane()
	text, err := os.ReadFile(file)
	if err != nil {
		file = filepath.Join(dir, "Library", "Application Support", "hone", "config.toml") // of macOS
		text, err = os.ReadFile(file)
	}
	if err != nil || !strings.Contains(string(text), "theme = 'dark'") || !strings.Contains(string(text), "mouse = true") {
		t.Fatalf("kept: %v\n%s", err, text)
	}
	if err := os.WriteFile(file, []byte("theme = [[[\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	open()
	x.see("reading the preferences")
	x.press("q")
	x.sane()
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "[[[") {
		t.Errorf("the file of somebody was replaced: %v\n%s", err, text)
	}
}
