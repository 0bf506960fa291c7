//go:build unix

package cli

import (
	"strings"
	"testing"
)

// The whole story on the built-in model and data, by keyboard in a real terminal:
// browse, change the rank and see what it costs, train, pause, take one step, change
// the learning rate, stop, compare, look at what has regressed, fork, quit.
func TestStoryByKeyboard(t *testing.T) {
	x := openTerminal(t, "120", "40", workDir(t))
	x.press("hone --store runs --set train.eval_every=0 --set eval.max_new=16", "Enter")

	x.see("train 554", "eval 118", "test 120", "as trained")
	x.press("Tab")
	x.see("▸tokens")
	x.press("/")
	x.see("tab complete, or letters")
	x.press("has:notes")
	x.see("11 of 554 rows")
	x.press("Enter")

	x.press("2")
	x.see("what it costs", "trainable  315 392")
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
	x.press("C-u", "8", "Enter")
	x.see("trainable  157 696")

	x.press("s")
	x.see("step", "/ 350")
	x.press("Space")
	at := x.pausedAt(0)
	x.press(".")
	x.pausedAt(at + 1)
	x.press("l")
	x.see("enter accept")
	x.press("C-u", "1e-3", "Enter")
	x.see("1e-3 from the next step on", "u undo")
	x.press("Space")
	x.until("no step", func(screen string) bool { return !strings.Contains(screen, "paused after step") })
	x.press("s")
	x.see("stop after this step and save")
	x.press("s")
	x.see("stopped after step")

	x.reach("5", "generates every output that is missing")
	x.press("g")
	x.see("120 test rows", "target", "base", "tuned")
	x.reach("Tab", "▸still wrong") // none has regressed, which tab passes over: the base model gets none right

	x.press("6")
	x.see("-calendar", "stopped")
	x.press("f")
	x.see("what it costs", "trainable  157 696")
	x.press("q")
	x.sane()
}
