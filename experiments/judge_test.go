package experiments

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hone/engine/trace/inject"
	"hone/runs"
)

// The rules find in a run's file what they found while it trained.
func TestStepFindingsAreThoseOfTheRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	faults := []inject.Fault{{ID: "MASK-LATE", Step: 2}, {ID: "ACCUM-NORM", Step: 4}, {ID: "ORDER", Step: 7}, {ID: "SCHED-SILENT", Step: 8}}
	if _, err := ends(t, plainConfig(t, "train.micro_batch=300"), StartOptions{RunDir: dir, MaxSteps: 8, Inject: faults}); err != nil {
		t.Fatal(err)
	}
	var live []string
	for _, r := range scanTrace(t, dir) {
		if a, ok := r.(runs.TraceAlert); ok {
			live = append(live, fmt.Sprint(a.Step, a.ID, a.Severity, a.Evidence))
		}
	}
	found, notes, err := StepFindings(dir)
	if err != nil || len(notes) != 0 {
		t.Fatal(err, notes)
	}
	var read []string
	for _, f := range found {
		read = append(read, fmt.Sprint(f.Step, f.ID, f.Severity, f.Evidence))
	}
	if !slices.Equal(live, read) || len(read) < 4 {
		t.Errorf("while it trained:\n%q\nfrom its file:\n%q", live, read)
	}
	// A file that was cut anywhere loses no more than its end, and upsets no rule.
	text, err := os.ReadFile(runs.TracePath(dir))
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(text); n += 1 + len(text)/150 {
		if err := os.WriteFile(runs.TracePath(dir), text[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		if found, _, err := StepFindings(dir); err != nil || len(found) > len(read) {
			t.Errorf("cut at %d: %d findings: %v", n, len(found), err)
		}
	}
}

// The operations around the first bad one of a failed step are in the trace.
func TestFailedStepLeavesItsOperations(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if _, err := ends(t, plainConfig(t), StartOptions{RunDir: dir, Inject: []inject.Fault{{ID: "LOG0", Step: 2}}}); err == nil {
		t.Fatal("no failure")
	}
	var list []runs.TraceOp
	for _, r := range scanTrace(t, dir) {
		if o, ok := r.(runs.TraceOp); ok {
			list = append(list, o)
		}
	}
	i := slices.IndexFunc(list, func(o runs.TraceOp) bool { return o.BadIndex >= 0 })
	if len(list) != opsBefore+1+opsAfter || i != opsBefore || list[i].Op != "lm_head" || list[i].Phase != "backward" || list[i].NaN != 1 || list[i].Step != 2 || list[i].Layer != -1 {
		t.Errorf("%d operations, the first bad one is %d: %+v", len(list), i, list)
	}
}
