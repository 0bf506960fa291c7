package tui

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"hone/experiments"
	"hone/runs"
)

// telling is a view of a fake's runs, and what it says.
func telling() (*plainView, *strings.Builder) {
	var out strings.Builder
	return &plainView{w: &out, t: plainTheme(false)}, &out
}

// A finished run is told whole: events, evaluations with their worst fields, the
// last step and the verdict.
func TestPlainTellsOfARun(t *testing.T) {
	f := full()
	f.snap = story(350, runs.Finished)
	p, out := telling()
	if err := p.follow(context.Background(), f, storyDir); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Run 2026-11-23-1530-calendar: finished, step 350 of 350.\n",
		"15:34:01 You halved the learning rate to 2.5e-4 at step 131.\n",
		"Evaluation at step 25 over 32 rows: exact match 0.27, valid JSON 0.95, fields 0.86, loss ",
		"; worst fields date 0.68, action 0.89, time 0.94.\n",
		"Step 350 of 350: loss ", "learning rate 2.5e-4",
		"Watched row 8 at step 350, field 1.00: {",
		"Verdict: finished after 350 steps; best exact match 0.69 at step 350",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("sentences have escapes")
	}
}

// While a run is live only what is new is said, also after it went back.
func TestPlainSaysNothingTwice(t *testing.T) {
	p, out := telling()
	p.tell(story(60, runs.Running), 1)
	said := out.Len()
	p.tell(story(60, runs.Running), 1)
	if out.Len() != said {
		t.Errorf("twice: %q", out.String()[said:])
	}
	p.tell(story(80, runs.Running), 1)
	if more := out.String()[said:]; strings.Count(more, "Evaluation") != 1 || !strings.Contains(more, "Evaluation at step 75") || !strings.Contains(more, "Step 80 of 350") || strings.Contains(more, "Following") {
		t.Errorf("after 20 steps: %q", more)
	}
	back := story(80, runs.Running)
	back.Version++
	back.History.Steps = back.History.Steps[:60]
	back.History.Evals = back.History.Evals[:2]
	back.History.Events = append(back.History.Events, event(60, back.Info.Updated, runs.Resume{From: 60}))
	said = out.Len()
	p.tell(back, 1)
	if more := out.String()[said:]; strings.Count(more, "\n") != 1 || !strings.Contains(more, "Resumed after step 60.") {
		t.Errorf("after a resume: %q", more)
	}
}

// Without a run it tells of data, cost and the store; and what cannot be read is
// said, too.
func TestPlainTellsOfTheExperiment(t *testing.T) {
	f := full()
	p, out := telling()
	p.experiment(context.Background(), f, Options{Config: experiments.Default()})
	for _, want := range []string{
		"Data calendar.jsonl, rows: train 554, eval 118, test 120.", "Finding, error: 1 row of test is in train as well",
		"Training changes 4884480 of 139399680 parameters (3.504 %) in 350 steps, needs about 1.3 GB and about ",
		"Run 2026-11-23-1402-calendar: finished at step 350 of 350, loss 0.0412, best exact match 0.69.",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	f = full()
	f.workErr, f.planErr, f.rows = errors.New("no such file"), errors.New("no model"), nil
	p, out = telling()
	p.experiment(context.Background(), f, Options{Config: experiments.Default()})
	for _, want := range []string{"The data cannot be read: no such file.", "not known: no model.", "No runs in runs."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}

func TestPlainRefusesWhatIsNoRun(t *testing.T) {
	f := full()
	f.snap = nil
	p, out := telling()
	if err := p.follow(context.Background(), f, "nowhere"); err == nil || out.Len() > 0 {
		t.Errorf("%v: %q", err, out)
	}
}

// An evaluation that generated nothing, as of texts, has a loss and no shares.
func TestEvaluationWithoutOutputs(t *testing.T) {
	p := evalPoint{step: 7, loss: 1.5, exact: math.NaN(), valid: math.NaN(), field: math.NaN()}
	if got := evalSentence(p); got != "Evaluation at step 7: loss 1.500." {
		t.Errorf("%q", got)
	}
	lower := p
	lower.step, lower.loss = 9, 1.25
	for _, by := range []string{"", runs.ScoreExact, runs.ScoreLoss} {
		f := &trainFeed{feedSettings: feedSettings{by: by}, scores: []evalPoint{p, lower, p}}
		if best, ok := f.best(); !ok || best.step != 9 {
			t.Errorf("by %q the best is that of step %d", by, best.step)
		}
		if got := f.bestText(lower); got != "lowest loss 1.250 at step 9" {
			t.Errorf("%q", got)
		}
	}
}
