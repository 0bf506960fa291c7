package tui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hone/data"
	"hone/data/builtin"
	"hone/experiments"
	"hone/internal/testmodel"
	"hone/runs"
)

// liveConfig is an experiment on a toy model with the real tokenizer and a
// dataset of n rows.
func liveConfig(t *testing.T, n int) experiments.Config {
	t.Helper()
	tokenizer, err := filepath.Abs("../../shared/models/SmolLM-tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tokenizer); err != nil {
		if os.Getenv("HONE_REQUIRE_SHARED") == "1" {
			t.Fatal(err)
		}
		t.Skip("the tokenizer of the reference files is not there")
	}
	dir := t.TempDir()
	model := filepath.Join(dir, "model")
	shape := testmodel.Shape{Hidden: 16, Layers: 1, Heads: 2, KVHeads: 1, FFN: 32, Vocab: 49152, Tied: true}
	if err := testmodel.Write(model, shape, testmodel.Options{Seed: 1, Tokenizer: tokenizer}); err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder
	for i := range n {
		fmt.Fprintf(&rows, `{"event_text": "Sync %d with Ana at HQ", "output": {"action": "Sync %d", "attendees": ["Ana"], "notes": null}}`+"\n", i, i)
	}
	rows.WriteString("not a row\n")
	file := filepath.Join(dir, "data.jsonl")
	if err := os.WriteFile(file, []byte(rows.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	c := experiments.Default()
	c.Name, c.Model.Path, c.Data.Path = "toy", model, file
	c.LoRA.R, c.Train.Epochs, c.Train.BatchSize, c.Train.EvalEvery, c.Train.EvalExamples, c.Eval.MaxNew = 2, 1, 4, 2, 2, 4
	return c
}

func TestLiveOpensAndPlans(t *testing.T) {
	c := liveConfig(t, 20)
	l := newLive("test")
	planned, err := l.Plan(c) // before anything is open
	if err != nil {
		t.Fatal(err)
	}
	w, err := l.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if w.ModelProblem != nil {
		t.Fatal(w.ModelProblem)
	}
	again, err := l.Plan(c)
	if err != nil {
		t.Fatal(err)
	}
	if *planned.Steps != *again.Steps || *planned.Steps != 4 || planned.TrainableParams != again.TrainableParams {
		t.Errorf("plans: %d steps, then %d, want 4", *planned.Steps, *again.Steps)
	}
	if got := fmt.Sprint(w.Schema, len(w.Splits[0].Rows), len(w.Splits[1].Rows), len(w.Splits[2].Rows), len(w.Bad)); got != "[action attendees notes] 14 3 3 1" {
		t.Errorf("workspace: %s", got)
	}
	row := w.Splits[0].Rows[0]
	var text strings.Builder
	for _, token := range w.Tokens(0, 0) {
		if token.Target {
			text.WriteString(token.Text)
		}
	}
	if got := text.String(); !strings.HasPrefix(got, " "+row.Target) {
		t.Errorf("the target's tokens are %q, the target %q", got, row.Target)
	}
	found, err := w.Index.Search(context.Background(), "train", data.Query{}, nil)
	if s := found.Summary; err != nil || fmt.Sprint(s.Filled) != "[14 14 0]" || s.Rows != 14 || s.Min < 20 {
		t.Errorf("summary %+v: %v", s, err)
	}
	raw, err := w.Raw(0, 0)
	if err != nil || !strings.HasPrefix(raw, `{"event_text": "`+row.Text+`"`) {
		t.Errorf("the row in its file is %q: %v", raw, err)
	}
	var whole strings.Builder
	for _, p := range w.Trained(0, 0) {
		whole.WriteString(p.Text)
	}
	if want := row.Prompt + " " + row.Target; !strings.HasPrefix(whole.String(), want) || len(whole.String()) == len(want) {
		t.Errorf("as trained: %q, want %q and what ends it", whole.String(), want)
	}

	c.Model.Path = filepath.Join(t.TempDir(), "none")
	if w, err = l.Open(context.Background(), c); err != nil || w.ModelProblem == nil || w.Tokens != nil {
		t.Errorf("without a model: %v, %+v", err, w)
	}
	c.Data.Path = "none.jsonl"
	if _, err = l.Open(context.Background(), c); err == nil {
		t.Error("a dataset that is not there was opened")
	}
}

// Without settings the workbench opens what the program has with it.
func TestLiveOpensWhatIsBuiltIn(t *testing.T) {
	l := newLive("test")
	w, err := l.Open(context.Background(), experiments.Default())
	if err != nil {
		t.Fatal(err)
	}
	if w.Source != builtin.Name || len(w.Splits[0].Rows) != 554 {
		t.Errorf("%d train rows of %s", len(w.Splits[0].Rows), w.Source)
	}
	p, planErr := l.Plan(experiments.Default())
	if _, err := builtin.Model(); err != nil { // a build without the weights says how to name others
		if !errors.Is(w.ModelProblem, experiments.ErrNoBuiltin) || !errors.Is(planErr, experiments.ErrNoBuiltin) {
			t.Errorf("without a model: %v, %v", w.ModelProblem, planErr)
		}
		return
	}
	if w.ModelProblem != nil || w.Tokens == nil || len(w.Tokens(0, 0)) == 0 || planErr != nil || p.Steps == nil {
		t.Errorf("the built-in model: %v, %v", w.ModelProblem, planErr)
	}
}

// TestLiveTrainsFollowsAndCompares runs the whole loop on a toy model.
func TestLiveTrainsFollowsAndCompares(t *testing.T) {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	c := liveConfig(t, 20)
	store := filepath.Join(t.TempDir(), "runs")
	l := newLive("test")
	run, err := l.Start(ctx, c, experiments.StartOptions{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-run.Done():
	case <-ctx.Done():
		t.Fatal(ctx.Err())
	}
	if run.Err() != nil {
		t.Fatal(run.Err())
	}

	f := l.Follow(run.Dir())
	snap, changed := f.Poll()
	for snap.Behind {
		snap, _ = f.Poll()
	}
	if !changed || snap.State != runs.Finished || len(snap.History.Steps) != 4 || snap.Info.Step != 4 || snap.live() {
		t.Errorf("snapshot: %s, %d steps, at %d", snap.State, len(snap.History.Steps), snap.Info.Step)
	}
	if again, changed := f.Poll(); changed || again != snap {
		t.Error("a poll without news made another snapshot")
	}

	rows, err := l.Runs(ctx, store)
	if err != nil || len(rows) != 1 {
		t.Fatalf("runs: %v, %v", rows, err)
	}
	if r := rows[0]; r.Dir != run.Dir() || r.State != runs.Finished || r.Config == nil || r.Config.LoRA.R != 2 || len(r.Curve) != 4 {
		t.Errorf("row: %+v", r)
	}
	if points, err := l.Curve(run.Dir()); err != nil || len(points) != 4 || points[3].Step != 4 {
		t.Errorf("curve: %v, %v", points, err)
	}
	own, err := l.RunConfig(run.Dir())
	if err != nil || own.LoRA.R != 2 {
		t.Errorf("config: %v, %v", own, err)
	}

	sides := [2]experiments.Side{experiments.BaseOf(run.Dir()), experiments.TunedOf(run.Dir())}
	if _, err := l.ReadComparison(sides, "test"); !errors.Is(err, errNotCompared) {
		t.Errorf("before comparing: %v", err)
	}
	last := 0
	cmp, err := l.Compare(ctx, sides, "test", func(done, total int) { last = total - done })
	if err != nil {
		t.Fatal(err)
	}
	if len(cmp.Pairs) != 3 || last != 0 || cmp.Counts[showAll] != 3 || cmp.Pairs[0].Fields[1] != `["Ana"]` {
		t.Errorf("comparison: %+v", cmp)
	}
	if _, err := l.ReadComparison(sides, "test"); err != nil {
		t.Errorf("after comparing: %v", err)
	}

	if err := l.SetNote(run.Dir(), cmp.Pairs[1].ID, cmp.Pairs[1].Event, "odd"); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(t.TempDir(), "report.html")
	if err := l.Export(cmp, page, false); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), `<p class="note">odd</p>`) {
		t.Errorf("the page has no note: %v", err)
	}
	if err := l.Export(cmp, page, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("overwriting unasked: %v", err)
	}
	all, err := l.Sides(ctx, store, run.Dir())
	if err != nil || len(all) < 3 || all[0] != sides[0] || all[len(all)-1] != sides[1] {
		t.Errorf("sides %v: %v", all, err)
	}

	p, err := l.OpenPrompt(ctx, sides)
	if err != nil {
		t.Fatal(err)
	}
	var grown [2]string
	out, err := p.Try(ctx, "Sync 7 with Ana", false, [2]bool{true, true}, func(side int, t experiments.TriedToken) { grown[side] += t.Text })
	for side, o := range out {
		if err != nil || o == nil || o.Tokens == 0 || grown[side] == "" {
			t.Errorf("try: %+v, %v", o, err)
		}
	}
	p.Close()
	p.Close()
	if _, err := p.Try(ctx, "x", false, [2]bool{true, true}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after Close: %v", err)
	}
	if err := l.Remove(store, rows[0].ID); err != nil {
		t.Error(err)
	}
	if rows, err := l.Runs(ctx, store); err != nil || len(rows) != 0 {
		t.Errorf("after removing: %v, %v", rows, err)
	}
}

func TestSaveConfigKeepsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.toml")
	c := experiments.Default()
	l := newLive("test")
	if err := l.SaveConfig(path, c, false); err != nil {
		t.Fatal(err)
	}
	c.LoRA.R = 4
	if err := l.SaveConfig(path, c, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("overwriting unasked: %v", err)
	}
	if err := l.SaveConfig(path, c, true); err != nil {
		t.Fatal(err)
	}
	if got, err := experiments.Load(path); err != nil || got.LoRA.R != 4 {
		t.Errorf("read back: r %d, %v", got.LoRA.R, err)
	}
	if err := l.SaveConfig(filepath.Join(path, "no", "dir.toml"), c, false); err == nil {
		t.Error("a path below a file was written")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".hone-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestDecodedValuesAreShown holds the kinds of values that an output may have.
func TestDecodedValuesAreShown(t *testing.T) {
	o, err := experiments.DecodeObject(`{"a": "text", "b": "", "c": "null", "d": null, "e": [1, 2.5, true, "x\n"], "f": {"k": {}}, "g": NaN, "h": -Infinity, "i": 123456789012345678901234567890}`)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"a": "text", "b": `""`, "c": `"null"`, "d": "null", "e": `[1, 2.5, true, "x\n"]`, "f": `{"k": {}}`,
		"g": "NaN", "h": "-Infinity", "i": "123456789012345678901234567890",
	} {
		if got := shownJSON(o.Object[key]); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
}
