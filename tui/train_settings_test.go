package tui

import (
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
	"hone/runs"
)

func TestTrainChangesBatchAndLossAndSetsThemBack(t *testing.T) {
	b := trainBench(t, story(143, runs.Running), runs.Running, 120, 40)
	run := b.fake.run
	b.press("b", "text:0", "enter")
	b.sees("out of range")
	b.press("ctrl+u", "text:many", "enter")
	b.sees("is not a whole number")
	b.press("ctrl+u", "text:x2", "enter")
	b.sees("batch size 16 from the next step on; u sets it back to 8")
	b.press("o")
	b.sees("ce 1  json 0.2  field 0.1  confidence 0.05")
	b.press("ctrl+u", "text:speed 3", "enter")
	b.sees("is not a term of the loss")
	b.press("ctrl+u", "text:ce 0 js=0 f 0", "enter")
	b.sees("nothing would be learned")
	b.press("ctrl+u", "text:json=0.5 conf 0", "enter")
	if want := "loss ce 1  json 0.5  field 0.1  confidence 0"; !run.did("batch 16", want) {
		t.Fatalf("calls %q", run.calls)
	}
	// The newest first, and no further than what was changed here.
	b.press("u")
	b.sees("loss weights back to ce 1  json 0.2")
	b.press("u")
	b.sees("batch size back to 8")
	b.press("u")
	if !run.did("batch 16", "loss ce 1  json 0.5  field 0.1  confidence 0", "loss ce 1  json 0.2  field 0.1  confidence 0.05", "batch 8") {
		t.Errorf("calls %q", run.calls)
	}
}

// A change is told in the log and marked on the charts, and the stacked terms are
// those of the weights that each step was trained with.
func TestTrainShowsChangedSettings(t *testing.T) {
	snap := story(20, runs.Running)
	old := &runs.LossWeights{CE: 1, JSON: 0.2, Field: 0.1, Confidence: 0.05}
	snap.History.Events = append(snap.History.Events,
		event(10, snap.Info.Updated, runs.Intervention{Step: 10, Action: runs.ActionSetLoss, By: "user", PreviousWeights: old, Weights: &runs.LossWeights{CE: 1, JSON: 2, Field: 0.1}}),
		event(12, snap.Info.Updated, runs.Intervention{Step: 12, Action: runs.ActionSetBatchSize, By: "user", Previous: 8, Value: 4}))
	b := trainBench(t, snap, runs.Running, 200, 60)
	b.sees("you changed the loss weights: json from 0.2 to 2, confidence from 0.05 to 0 at step 10", "you changed the batch size from 8 to 4 at step 12", "batch 4")
	s := b.screens[trainScreenID].(*trainScreen)
	for _, step := range []int{10, 11} {
		w, at := experiments.Default().Loss, snap.History.Steps[step-1]
		if step > 10 {
			w.JSON, w.Confidence = 2, 0
		}
		want := w.CE*float64(at.CE) + w.JSON*float64(at.JSON) + w.Field*float64(at.Field) + w.Confidence*float64(at.Confidence)
		if _, got, _, _ := s.feed.loss.At(s.feed.loss.stack[3], float64(step)); math.Abs(got-want) > 1e-12 {
			t.Errorf("step %d: the stack is %g high, the weighted sum is %g", step, got, want)
		}
	}
	if s.currentBatch() != 4 {
		t.Errorf("the batch size is %d", s.currentBatch())
	}
	if w, ok := s.currentLoss(); !ok || w.JSON != 2 {
		t.Errorf("the weights are %+v", w)
	}
}

// Each way to stop does what it says, and none is chosen by accident.
func TestTrainStopsInThreeWays(t *testing.T) {
	for key, want := range map[string]string{"s": "stop", "enter": "stop", "e": "evaluate stop", "n": "abandon", "esc": ""} {
		b := trainBench(t, story(143, runs.Running), runs.Running, 80, 24)
		b.press("s")
		b.sees("stop after this step and save", "evaluate first", "drop the step under way")
		b.press(key)
		if got := strings.Join(b.fake.run.calls, " "); got != want {
			t.Errorf("%s did %q, want %q", key, got, want)
		}
	}
	b := trainBench(t, story(143, runs.Running), runs.Running, 80, 24)
	b.press("q", "n")
	if !b.fake.run.did("abandon") || !b.leaving {
		t.Errorf("leaving now did %q", b.fake.run.calls)
	}
}

// The verdict says how the run ended in numbers that are the run's.
func TestVerdict(t *testing.T) {
	of := func(snap *snapshot) string {
		return builtFeed(snap, feedSettings{clip: 1}, plainTheme(false), snap.Info.Updated.Location()).verdict(snap.State, snap.Info)
	}
	has := func(what, got string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: %q does not say %q", what, got, w)
			}
		}
	}
	rising := story(350, runs.Finished)
	has("rising", of(rising), "finished after 350 steps", "best exact match 0.69 at step 350 (0.27 at step 25)", "still rising at the end", "of steps", "no alerts", "took 10:44")
	flat := story(350, runs.Finished)
	flat.History.Evals[len(flat.History.Evals)-1].ExactMatch, flat.History.Evals[len(flat.History.Evals)-2].ExactMatch = 0.1, 0.2
	has("falling", of(flat), "at step 300", "not better in the 2 evaluations after it")
	same := story(350, runs.Finished)
	for i := range same.History.Evals {
		same.History.Evals[i].ExactMatch, same.History.Evals[i].Loss = 0.5, runs.Number(1/float64(i+1))
	}
	has("level", of(same), "no longer rising at the end")
	early := story(350, runs.Finished)
	early.Info.Step, early.Info.Early = 200, "loss has not fallen below 0.3 of step 150 in 2 evaluations"
	early.History.Steps = early.History.Steps[:200]
	has("early", of(early), "finished, early, after 200 of 350 steps; loss has not fallen below 0.3 of step 150 in 2 evaluations; best")
	by := func(score string) string {
		snap := story(350, runs.Finished)
		for i := range snap.History.Evals {
			e := &snap.History.Evals[i]
			e.Loss, e.FieldAccuracy = runs.Number(1+math.Abs(float64(e.Step-100))), runs.Number(1/(1+math.Abs(float64(e.Step-150))))
		}
		return builtFeed(snap, feedSettings{by: score}, plainTheme(false), time.UTC).verdict(snap.State, snap.Info)
	}
	has("by loss", by(runs.ScoreLoss), "best eval loss 1.000 at step 100 (76.00 at step 25)", "not better in the 10 evaluations after it")
	has("by fields", by(runs.ScoreFields), "best field accuracy 1.00 at step 150", ", exact 0.")
	has("by exact match", by(runs.ScoreExact), "best exact match 0.69 at step 350")
	has("failed", of(oddStory()), "failed after step 41 of 350", "1 step not finite", "1 alert")
	has("nothing", of(story(0, runs.Stopped)), "stopped after step 0 of 350")
}

// A run's end is told to a terminal that said that it is not looked at, once, and
// to no other.
func TestEndIsToldToAnUnfocusedTerminal(t *testing.T) {
	for _, c := range []struct {
		what string
		msgs []tea.Msg
		err  error
		want string
	}{
		{"never reported", nil, nil, ""},
		{"focused", []tea.Msg{tea.BlurMsg{}, tea.FocusMsg{}}, nil, ""},
		{"unfocused", []tea.Msg{tea.BlurMsg{}}, nil, "hone: 2026-11-23-1530-calendar finished"},
		{"failed", []tea.Msg{tea.BlurMsg{}}, errors.New("disk\nfull"), "hone: 2026-11-23-1530-calendar failed: disk"},
	} {
		b := trainBench(t, story(143, runs.Running), runs.Finished, 80, 24)
		said := ""
		b.notify = func(text string) { said += text }
		for _, m := range c.msgs {
			b.send(m)
		}
		b.send(ownDoneMsg{dir: storyDir, err: c.err})
		if said != c.want {
			t.Errorf("%s: the terminal was told %q, want %q", c.what, said, c.want)
		}
	}
	var out strings.Builder
	notifier(&out)("end\x1b[2J\n\u202e" + strings.Repeat("x", 500))
	if want := "\x1b]9;end[2J" + strings.Repeat("x", maxNotification-6) + "\x1b\\\a"; out.String() != want {
		t.Errorf("the terminal got %q", out.String())
	}
}

// Watched outputs say which words changed, and the worst field comes first.
func TestTrainPanelShowsWordsAndFields(t *testing.T) {
	b := trainBench(t, story(130, runs.Running), runs.Running, 200, 60)
	b.sees("time  ~5:00 PM~ +17:00+")
	frame := b.View()
	if date, action := strings.Index(frame, " date "), strings.Index(frame, " action "); date < 0 || action < date {
		t.Errorf("the worst field is not the first:\n%s", frame)
	}
	b.sees("+0.0")
}

func FuzzParseLossWeights(f *testing.F) {
	f.Add("json 0.5 conf=0")
	f.Add("ce NaN")
	f.Fuzz(func(t *testing.T, in string) {
		if w, err := parseLossWeights(in, experiments.Default().Loss); err == nil && w.Check() != nil {
			t.Errorf("%q gives %+v", in, w)
		}
	})
}

// The summary on the normal screen is of runs on disk; a directory that holds
// none says nothing.
func TestSummaryOfNothing(t *testing.T) {
	var out strings.Builder
	writeSummary(&out, nil, t.TempDir(), newTheme(io.Discard, 3, true, false))
	writeSummary(&out, nil, "", plainTheme(false))
	if out.Len() > 0 {
		t.Errorf("it says %q", out.String())
	}
}
