package tui

import (
	"errors"
	"testing"

	"hone/data"
)

// A verdict belongs to the settings that it was asked for.
func TestPreflightOfTheForm(t *testing.T) {
	b := start(t, full(), 120, 40)
	b.press("2")
	b.sees("c looks before the first step")
	b.press("c")
	if !b.fake.has("preflight r=16") {
		t.Errorf("calls %q", b.fake.calls)
	}
	b.sees("✓ triage ! data ✓ mask ✓ weights", "✓ single ✓ batch ✓ loop ✓ terms", "DUP-LEAK: 1 of 120 test rows")
	b.press("/", "text:lora.r", "enter", "right")
	if b.config.LoRA.R != 32 {
		t.Fatalf("r is %d", b.config.LoRA.R)
	}
	b.lacks("DUP-LEAK: 1 of 120")
	b.sees("c looks before the first step")
	// An answer to what was asked before says nothing of it.
	b.send(preflightMsg{gen: 1, preflight: samplePreflight(6)})
	b.lacks("SHIFT-TWICE")
	b.fake.preErr = errors.New("the model went away")
	b.press("c")
	b.sees("the model went away")
}

// What preflight refuses is started only without it, and says so in the experiment.
func TestARefusedRunIsAskedAbout(t *testing.T) {
	f := full()
	f.pre = samplePreflight(6)
	f.work.Findings = nil
	b := start(t, f, 120, 40)
	b.press("2", "c")
	b.sees("✗ loop – terms", "SHIFT-TWICE: step 1: 8 of 8 rows")
	b.press("s")
	b.sees("preflight refuses this run", "SHIFT-TWICE")
	if f.started != nil {
		t.Fatal("it was started")
	}
	b.press("s")
	if f.started == nil || f.started.Train.Preflight || !b.config.Train.Preflight {
		t.Errorf("started %+v", f.started)
	}
	b.press("2", "c") // this process trains now
	b.sees("preflight would take its time and memory")

	f = full()
	f.work.Findings = []data.Finding{{ID: "MASK-ALL", Severity: "error", Message: "1 of 554 train rows has no supervised token"}}
	b = start(t, f, 120, 40)
	b.press("2", "s")
	b.sees("the data has problems", "without preflight")
	b.press("s")
	if f.started == nil || f.started.Train.Preflight {
		t.Errorf("started %+v", f.started)
	}
}
