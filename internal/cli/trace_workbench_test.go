package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hone/internal/lookalike"
)

// From an alert to its cause to a finished run, by keyboard: a value of a step is
// made infinite on purpose; the robot opens the failed run, goes from the mark of
// the alert to the batch, reads the cause, has the step replayed, and lets the run
// go on without the row.
func TestWorkbenchFromAlertToFinishedRun(t *testing.T) {
	dir := workDir(t)
	x := openTerminal(t, "120", "40", dir)
	x.press("hone train --model model --data events --run-dir run --inject ACT-INF@5 --quiet --set train.epochs=3 --set train.eval_every=0 --set train.checkpoint_every=2 --set lora.r=4; echo code:$?", "Enter")
	x.see("code:1")
	x.press("clear; hone run", "Enter")
	x.see("failed after step 4", "ACT-INF")

	x.press("Enter") // from the mark of the alert to the batch
	x.see("halted before its update", "chain of step 5", "[batch 8 rows]", "first cause", "not applied: the weights are as they were", "as consumed", "ACT-INF")
	x.press("Tab")
	x.press("r")
	x.see("the same bits", "step 5 from checkpoint 4", "layers.0.mlp.act_fn, forward", "bisected   row")
	row := ""
	for _, line := range strings.Split(x.screen(), "\n") {
		if _, rest, ok := strings.Cut(line, "bisected   row "); ok {
			row = strings.Fields(rest)[0]
		}
	}
	x.press("w")
	x.see("go back before step 5?", "without row "+row+": left out of all steps after 4")
	x.press("w")
	x.see("finished after 9 steps", "rewound")

	x.reach("4", "undone: layers")
	x.see("went back to step 4, without row "+row, "the run finished")
	x.press("q")
	x.until("no new prompt", func(screen string) bool {
		return strings.Contains(screen, "ready>") && !strings.Contains(screen, "findings")
	})
	x.press("clear; hone runs show run", "Enter")
	x.see("finished", "ACT-INF@5")
}

// A failure is planted from the workbench, and the run that meets it is live there.
func TestWorkbenchPlantsAFailure(t *testing.T) {
	dir := workDir(t)
	x := openTerminal(t, "100", "30", dir)
	x.press("hone --model model --data events --store runs --set train.epochs=3 --set train.eval_every=0", "Enter")
	x.see("1 Data", "train 24")
	x.press("4")
	x.see("No run is open")
	x.press("i")
	x.see("plant a failure on purpose")
	x.press("mask-all", "Enter")
	x.see("no token is trained", "At which step")
	x.press("C-u", "3", "Enter")
	x.until("no end of the run", func(screen string) bool { return strings.Contains(screen, "finished") })
	x.reach("4", "first cause")
	x.see("MASK-ALL", "step 3 of 9")
	x.press("q")
	x.see("ready>")
}

// The log of another trainer is looked at, and says what it cannot tell.
func TestWorkbenchOpensAForeignLog(t *testing.T) {
	dir := workDir(t)
	if err := os.WriteFile(filepath.Join(dir, "trainer_state.json"), lookalike.MaskedMPS().TrainerState(0), 0o644); err != nil {
		t.Fatal(err)
	}
	x := openTerminal(t, "120", "40", dir)
	x.press("clear; hone trainer_state.json --model model --data events", "Enter") // what is on the screen after it is a new prompt
	x.see("a log of transformers, read only", "logged losses", "grad")
	x.press("4")
	x.see("COLLATE-EMPTY", "0.97", "it cannot tell", "(EOS)", "one token each")
	x.press("q")
	x.see("ready>")
	x.press("clear; hone model; echo code:$?", "Enter")
	x.see("code:2", "hone doctor looks at it")
}
