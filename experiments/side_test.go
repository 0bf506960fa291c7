package experiments

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hone/data"
	"hone/runs"
)

// Two runs and the checkpoints of one, put side by side; notes and losses stay
// with their rows.
func TestCompareSides(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	a := train(t, toyConfig(t, "train.lr=2e-2", "train.keep_checkpoints=9"), StartOptions{RunDir: filepath.Join(dir, "first")}).RunDir
	// The second run has rows of its own: the last is another one.
	copied := filepath.Join(dir, "events")
	if err := os.CopyFS(copied, os.DirFS(toyDir+"events")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(copied, "test.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(string(text)), "\n")
	rows[len(rows)-1] = `{"event_text": "Tea", "output": {"action": "Tea"}}`
	rows[0], rows[1] = rows[1], rows[0]
	if err := os.WriteFile(filepath.Join(copied, "test.jsonl"), []byte(strings.Join(rows, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	b := train(t, toyConfig(t, "data.path="+copied, "lora.r=2"), StartOptions{RunDir: filepath.Join(dir, "second"), MaxSteps: 4}).RunDir

	if _, err := ReadSides(TunedOf(a), TunedOf(b), data.Test); !errors.Is(err, ErrNotCompared) {
		t.Errorf("before: %v", err)
	}
	c, err := CompareSides(ctx, TunedOf(a), TunedOf(b), data.Test, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Examples) != 7 || c.Unpaired != 2 || c.Labels != [2]string{"first", "second"} || c.RunDir != b {
		t.Errorf("%d pairs, %d alone, %v of %s", len(c.Examples), c.Unpaired, c.Labels, c.RunDir)
	}
	for i, p := range c.Examples {
		if p.Row != i || p.Base.Row != [...]int{1, 0, 2, 3, 4, 5, 6}[i] || p.Base.Loss == nil || p.Tuned.Loss == nil || p.Tuned.Loss.Tokens < 10 {
			t.Errorf("pair %d: rows %d and %d, loss %+v", i, p.Base.Row, p.Row, p.Tuned.Loss)
		}
		if l := p.Tuned.Loss; !(l.Nats > 0) || l.WorstNats < l.Nats || l.Worst == "" {
			t.Errorf("pair %d: %+v", i, l)
		}
	}

	// A checkpoint, generated once; the losses fall with training.
	k, err := CompareSides(ctx, CheckpointOf(a, 2), TunedOf(a), data.Test, nil)
	if err != nil || k.Labels != [2]string{"step 2", "tuned"} {
		t.Fatalf("%v: %v", k, err)
	}
	if loss, ok := k.Difference.Score("target_loss"); !ok || loss.N != 8 || loss.Change >= 0 {
		t.Errorf("the loss went by %+v", loss)
	}
	if _, err := CompareSides(ctx, CheckpointOf(a, 2), TunedOf(a), data.Test, func(int, int) { t.Error("generated again") }); err != nil {
		t.Error(err)
	}

	// A note is on the row in whatever comparison of the run.
	if err := SetNote(b, c.Examples[2].ID, c.Examples[2].Event, "odd"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(runs.EvalFile(b, tuned, data.Test)); err != nil {
		t.Fatal(err)
	}
	if c, err = CompareSides(ctx, BaseOf(b), TunedOf(b), data.Test, nil); err != nil || c.Examples[2].Note != "odd" || c.Examples[1].Note != "" {
		t.Errorf("notes %q and %q: %v", c.Examples[2].Note, c.Examples[1].Note, err)
	}
	if _, err := ReadSides(TunedOf(a), TunedOf(a), data.Test); !errors.Is(err, ErrSameSide) {
		t.Errorf("a model with itself: %v", err)
	}

	// Base, checkpoints, what is kept.
	sides, err := Sides(a)
	if err != nil || len(sides) != 6 || sides[0] != BaseOf(a) || sides[1] != CheckpointOf(a, 2) || sides[5] != TunedOf(a) {
		t.Errorf("%v, %v", sides, err)
	}

	// A prompt on two runs reads the weights once.
	p, err := OpenPrompt(ctx, TunedOf(a), TunedOf(b))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if p.sides[0].weights != p.sides[1].weights {
		t.Error("the weights were read twice")
	}
	out, err := p.Try(ctx, c.Examples[0].Event, false, [2]bool{true, true}, nil)
	if err != nil || out[1].Text != c.Examples[0].Tuned.Text {
		t.Errorf("%+v: %v", out, err)
	}
}

// Outputs of an earlier version have no losses: they are measured, nothing is
// generated again.
func TestMissingLossesAreMeasured(t *testing.T) {
	ctx := context.Background()
	dir := train(t, toyConfig(t), StartOptions{RunDir: filepath.Join(t.TempDir(), "run"), MaxSteps: 4}).RunDir
	want, err := Compare(ctx, dir, data.Test, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := TunedOf(dir).readEval(data.Test)
	if err != nil {
		t.Fatal(err)
	}
	f.Measured = false
	for i := range f.Outputs {
		f.Outputs[i].Loss = nil
	}
	f.Outputs[0].Text = "kept as it is"
	if err := TunedOf(dir).writeEval(data.Test, f); err != nil {
		t.Fatal(err)
	}
	read, err := ReadComparison(dir, data.Test)
	if err != nil || read.Examples[0].Tuned.Loss != nil {
		t.Fatalf("%v, %v", read, err)
	}
	total := 0
	got, err := Compare(ctx, dir, data.Test, func(_, of int) { total = of })
	if err != nil || total != 8 {
		t.Fatalf("%d steps: %v", total, err)
	}
	if got.Examples[0].Tuned.Text != "kept as it is" || *got.Examples[3].Tuned.Loss != *want.Examples[3].Tuned.Loss {
		t.Errorf("%+v", got.Examples[3].Tuned)
	}
}

func TestParseSide(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(CheckpointOf(dir, 50).dir(), 0o755); err != nil {
		t.Fatal(err)
	}
	for model, want := range map[string]Side{"": TunedOf(dir), "tuned": TunedOf(dir), "base": BaseOf(dir), "50": CheckpointOf(dir, 50), "step-000050": CheckpointOf(dir, 50)} {
		if got, err := ParseSide(dir, model); err != nil || got != want {
			t.Errorf("%q: %v, %v", model, got, err)
		}
	}
	if _, err := ParseSide(dir, "51"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a checkpoint that is not there: %v", err)
	}
	for _, model := range []string{"last", "-3", "../x", "step-"} {
		if s, err := ParseSide(dir, model); err == nil {
			t.Errorf("%q is %v", model, s)
		}
	}
}

// Rows have the same identity wherever they stand; equal ones are told apart.
func TestRowIDs(t *testing.T) {
	rows := []evalRow{{Event: "a", Target: "bc"}, {Event: "ab", Target: "c"}, {Event: "a", Target: "bc"}, {Event: "a", Target: "bd"}}
	ids := rowIDs(rows)
	if ids[2] != ids[0]+"-2" || ids[0] == ids[1] || ids[0] == ids[3] || len(ids[0]) != 12 {
		t.Errorf("%v", ids)
	}
	if moved := rowIDs(rows[1:2]); moved[0] != ids[1] {
		t.Errorf("%s elsewhere, %s here", moved[0], ids[1])
	}
}
