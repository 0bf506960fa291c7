package experiments

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hone/engine/trace/inject"
)

// stepOf reads a step of a run with its dataset.
func stepOf(t testing.TB, dir string, step int) *StepRecord {
	t.Helper()
	w, err := RunWorkspace(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ReadStep(dir, step, w)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// chain writes stages as "data ok, mask ok, forward BAD, ...".
func chain(stages []Stage) string {
	var out []string
	for _, s := range stages {
		text := s.Name + map[Verdict]string{NotReached: " -", WentWell: " ok", WentWrong: " BAD"}[s.Verdict]
		if s.First {
			text += "!"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// The chain of a step that failed names its first cause, the rows to blame, and has
// the tokens as they were consumed with the loss of each; a sound step has those of
// the dataset.
func TestStepRecord(t *testing.T) {
	for _, c := range []struct {
		id      string
		chain   string
		rows    int // to blame
		from    string
		targets func(StepRow) bool // of a row to blame
	}{
		{"ACT-INF", "data ok, mask ok, forward BAD!, loss BAD, gradient BAD, update -", 1, FromRecord, func(r StepRow) bool { return r.Targets > 0 && !finite(r.NLL) }},
		{"MASK-ALL", "data ok, mask BAD!", -1, FromRecord, func(r StepRow) bool { return r.Targets == 0 && r.Odd != "" }},
		{"CORRUPT-ROW", "data BAD!, mask ok, forward ok, loss ok, gradient ok, update ok", 1, FromRecord, func(r StepRow) bool { return strings.Contains(r.Odd, "not those of the dataset") }},
		{"OPT-POISON", "data ok, mask ok, forward ok, loss ok, gradient ok, update BAD!", 0, FromRecord, nil},
	} {
		dir := filepath.Join(t.TempDir(), "run")
		_, _ = ends(t, plainConfig(t, "lora.dropout=0"), StartOptions{RunDir: dir, MaxSteps: 6, Inject: []inject.Fault{{ID: c.id, Step: 5}}})
		r := stepOf(t, dir, 5)
		if r.Step != 5 || !strings.HasPrefix(chain(r.Stages), c.chain) {
			t.Errorf("%s: step %d, %s\n%+v", c.id, r.Step, chain(r.Stages), r.Stages)
		}
		if c.rows >= 0 && len(r.Suspects) != c.rows {
			t.Errorf("%s: rows %v are to blame", c.id, r.Suspects)
		}
		for _, row := range r.Rows {
			if row.From != c.from || len(row.Text) != row.Tokens || row.Source == "" {
				t.Errorf("%s: row %d has %d of %d tokens from %q: %s", c.id, row.Row, len(row.Text), row.Tokens, row.From, row.Why)
			}
			targets, sum, given := 0, 0.0, false
			for _, x := range row.Text {
				if x.Target {
					targets++
				}
				if x.NLL != nil {
					sum, given = sum+float64(*x.NLL), true
				}
			}
			if targets != row.Targets || given && finite(row.NLL) && math.Abs(sum-row.NLL) > 0.01*math.Abs(row.NLL)+1e-3 {
				t.Errorf("%s: row %d: %d targets, want %d; %g nats, want %g", c.id, row.Row, targets, row.Targets, sum, row.NLL)
			}
			if slices.Contains(r.Suspects, row.Row) && c.targets != nil && !c.targets(row) {
				t.Errorf("%s: row %d: %+v", c.id, row.Row, row)
			}
		}
		before := stepOf(t, dir, 4)
		if got := chain(before.Stages); got != "data ok, mask ok, forward ok, loss ok, gradient ok, update ok" || !before.Applied || len(before.Suspects) > 0 {
			t.Errorf("%s: the step before: %s", c.id, got)
		}
		for _, row := range before.Rows {
			if row.From != FromDataset || len(row.Text) != row.Tokens || !slices.ContainsFunc(row.Text, func(x StepToken) bool { return x.Target && x.Field != "" }) {
				t.Errorf("%s: row %d of the step before: %q, %d tokens: %s", c.id, row.Row, row.From, len(row.Text), row.Why)
			}
		}
		if n := len(before.Gradients.Steps); n != 4 {
			t.Errorf("%s: gradients of %d steps", c.id, n)
		}
	}
}

// A replay has the tokens of every row with their loss, which add up to the row's,
// and tells how far it is.
func TestReplayHasTokens(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	train(t, plainConfig(t), StartOptions{RunDir: dir})
	var said []string
	r := replay(t, dir, ReplayOptions{Step: 5, Progress: func(what string, done, total int) { said = append(said, what) }})
	if !slices.Contains(said, "loading the model and the data") || !slices.Contains(said, "re-executing step 3") || said[len(said)-1] != "tracing every operation" {
		t.Errorf("progress: %q", said)
	}
	for _, row := range r.Base.PerRow {
		sum, targets := 0.0, 0
		for _, x := range row.PerToken {
			if x.NLL != nil {
				sum, targets = sum+float64(*x.NLL), targets+1
			}
		}
		if len(row.PerToken) != row.Tokens || targets != row.Targets || math.Abs(sum-float64(row.NLL)) > 1e-9*math.Abs(sum) {
			t.Errorf("row %d: %d tokens, %d targets, %g nats of %v", row.Row, len(row.PerToken), targets, sum, row.NLL)
		}
	}
	r.Base.Leave(false, false)
	if r.Base.Ops != nil || r.Base.PerRow[0].PerToken != nil {
		t.Error("what was not asked for is there")
	}
}

// Where the dataset is another one by now, or gone, tokens are not made up.
func TestStepRecordWithoutItsDataset(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	train(t, plainConfig(t), StartOptions{RunDir: dir, MaxSteps: 2})
	r, err := ReadStep(dir, 2, nil)
	if err != nil || len(r.Rows) == 0 || r.Rows[0].Text != nil || r.Rows[0].Why == "" {
		t.Errorf("%+v: %v", r, err)
	}
	other, err := OpenWorkspace(context.Background(), plainConfig(t, "seed=7"))
	if err != nil {
		t.Fatal(err)
	}
	e := &other.Encoded["train"].Examples[r.Rows[0].Row]
	e.IDs = slices.Clone(e.IDs)
	e.IDs[3]++
	if r, err = ReadStep(dir, 2, other); err != nil || r.Rows[0].Text != nil || !strings.Contains(r.Rows[0].Why, "not the one that was trained on") {
		t.Errorf("%+v: %v", r.Rows[0], err)
	}
	if r, err = ReadStep(dir, 99, other); err != nil || r.Step != 0 || r.Rows != nil {
		t.Errorf("a step that was not taken: %+v: %v", r, err)
	}
}

// Every finding of a rule about steps belongs to a stage, so that the chain shows
// it; findings about a whole run are the list's.
func TestEveryPlantedFailureHasAStage(t *testing.T) {
	for _, m := range FaultModes() {
		if m.Title == "" || !m.Data && !m.Steps {
			t.Errorf("%+v", m)
		}
		if m.Steps && stageOf[m.ID] == "" && m.ID != "SDC" {
			t.Errorf("%s has no stage", m.ID)
		}
	}
	if _, err := ParseFaults([]string{"ACT-INF@5", "MASK-ALL@0"}); err != nil {
		t.Error(err)
	}
	if _, err := ParseFaults([]string{"PAD-ID@5"}); err == nil {
		t.Error("a failure that cannot happen was taken")
	}
}
