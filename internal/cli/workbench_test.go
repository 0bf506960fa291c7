package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// terminal is a real terminal in which a robot works: a tmux session of its own
// server.
type terminal struct {
	t      *testing.T
	socket string
}

// openTerminal starts command in a terminal of the given size, from a shell, so
// that what the program leaves behind can be seen.
func openTerminal(t *testing.T, width, height, dir string) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("HONE_REQUIRE_SHARED") == "1" {
			t.Fatal("tmux is needed to walk through the workbench: ", err)
		}
		t.Skip("tmux is needed to walk through the workbench: ", err)
	}
	x := &terminal{t, filepath.Join(t.TempDir(), "tmux")}
	hone, err := exec.LookPath("hone") // the test binary under the program's name
	if err != nil {
		t.Fatal(err)
	}
	x.tmux("-f", "/dev/null", "new-session", "-d", "-x", width, "-y", height, "-c", dir,
		"env", "PS1=ready> ", "XDG_CONFIG_HOME="+filepath.Join(dir, "config"), "PATH="+filepath.Dir(hone)+":"+os.Getenv("PATH"), "sh", "-i")
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", x.socket, "kill-server").Run() })
	x.see("ready>")
	return x
}

func (x *terminal) tmux(args ...string) string {
	x.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", x.socket}, args...)...).CombinedOutput()
	if err != nil {
		x.t.Fatalf("tmux %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// press sends keys by tmux's names; text is typed as it is.
func (x *terminal) press(keys ...string) {
	x.t.Helper()
	x.tmux(append([]string{"send-keys"}, keys...)...)
}

func (x *terminal) screen() string {
	x.t.Helper()
	return x.tmux("capture-pane", "-p")
}

// joined is the screen with wrapped lines whole, and what scrolled off it.
func (x *terminal) joined() string {
	x.t.Helper()
	return x.tmux("capture-pane", "-p", "-J", "-S", "-200")
}

// see waits until every text stands on the screen.
func (x *terminal) see(texts ...string) {
	x.t.Helper()
	x.until("no "+strings.Join(texts, ", "), func(screen string) bool {
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return false
			}
		}
		return true
	})
}

// until waits for a screen that fits.
func (x *terminal) until(missing string, fits func(screen string) bool) {
	x.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		screen := x.screen()
		if fits(screen) {
			return
		}
		if time.Now().After(end) {
			x.t.Fatalf("%s on the screen:\n%s", missing, screen)
		}
	}
}

// reach presses a key until text stands on the screen: a screen that has just
// changed by itself lets keys pass for a moment, so that nobody confirms by
// accident what came up under their fingers.
func (x *terminal) reach(key, text string) {
	x.t.Helper()
	last := time.Time{}
	x.until("no "+text, func(screen string) bool {
		if strings.Contains(screen, text) {
			return true
		}
		if time.Since(last) > time.Second {
			x.press(key)
			last = time.Now()
		}
		return false
	})
}

// pausedAt waits until the run is paused after a step, at least this one, and
// returns it.
func (x *terminal) pausedAt(least int) (step int) {
	x.t.Helper()
	x.until(fmt.Sprintf("no pause after step %d or later", least), func(screen string) bool {
		_, rest, _ := strings.Cut(screen, "paused after step ")
		_, err := fmt.Sscanf(rest, "%d:", &step)
		return err == nil && step >= least
	})
	return step
}

// A robot walks the main path in a real terminal: browse the data, edit the
// rank, start, pause, go on, compare, quit.
func TestWorkbenchWalkThrough(t *testing.T) {
	dir := workDir(t)
	x := openTerminal(t, "100", "30", dir)
	x.press("hone --model model --data events --store runs --set train.epochs=80 --set train.eval_every=0 --set eval.max_new=8", "Enter")

	x.see("1 Data", "train 24", "eval 8", "test 8", "Lunch with Ines")
	x.press("Down")
	x.see("Dentist 2025-06-11", "row       train.jsonl:2")

	x.press("2")
	x.see("what it costs", "trainable  14 848")
	// The rank is among the keys of the form; its new value shows its cost at once.
	for downs := 0; !strings.Contains(x.screen(), "▸ r "); downs++ {
		if downs == 60 {
			t.Fatal("no rank in the form")
		}
		before := x.screen()
		x.press("Down")
		x.until("no other row", func(screen string) bool { return screen != before })
	}
	x.press("Enter")
	x.see("enter accept")
	x.press("C-u", "4", "Enter")
	x.see("trainable  3 712")

	x.press("s")
	x.see("step", "/ 240")
	x.press("Space")
	at := x.pausedAt(0)
	x.press(".")
	x.pausedAt(at + 1)
	x.press("Space")
	x.until("no end of the run", func(screen string) bool { return strings.Contains(screen, "finished") })

	x.reach("5", "generates every output that is missing")
	x.press("g")
	x.see("8 test rows", "Call Priya", "target", "base", "tuned")

	x.press("q")
	// The first prompt is back with the screen before the program has ended; what is typed then is lost.
	x.until("no new prompt", func(screen string) bool { return strings.Count(screen, "ready>") == 2 })
	if text := x.joined(); !strings.Contains(text, "finished after 240 steps; loss") || !strings.Contains(text, "hone compare --run-dir") {
		t.Errorf("the run is not summed up on the normal screen:\n%s", text)
	}
	// The shell echoes again: the terminal is as it was.
	x.press("stty -a | grep -q ' echo ' && printf 'echo:%s\\n' back; ls runs", "Enter")
	x.see("echo:back", "-calendar")
}

// A terminal too small for any screen says so and still quits.
func TestWorkbenchInATinyTerminal(t *testing.T) {
	dir := workDir(t)
	x := openTerminal(t, "20", "5", dir)
	x.press("clear; hone --model model --data events", "Enter")
	x.see("needs 40x10", "this is 20x5")
	x.press("q")
	x.see("ready>")
}
