package experiments

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hone/data"
	"hone/runs"
)

// textConfig is the toy experiment on the texts of the toy's events.
func textConfig(t testing.TB, set ...string) Config {
	t.Helper()
	d, err := data.Load(toyDir+"events", data.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, split := range data.Splits() {
		rows, _ := d.Split(split)
		var b strings.Builder
		for _, r := range rows[:min(len(rows), 24)] {
			b.WriteString(`{"text": ` + data.ValueText(r.Event) + "}\n")
		}
		writeFile(t, filepath.Join(dir, split+".jsonl"), b.String())
	}
	return toyConfig(t, append([]string{"data.path=" + dir, "data.fields=[]", "train.epochs=2", "train.eval_every=2", "train.lr=1e-2"}, set...)...)
}

// A dataset of texts trains, is compared by loss and perplexity alone, and leaves
// the program as what it is.
func TestTextsTrainAndCompare(t *testing.T) {
	ctx := context.Background()
	c := textConfig(t)
	r := train(t, c, StartOptions{RunDir: filepath.Join(t.TempDir(), "run")})
	h, err := runs.ReadHistory(r.RunDir)
	if err != nil {
		t.Fatal(err)
	}
	best := math.Inf(1)
	for _, e := range h.Evals {
		if e.N != 0 || !math.IsNaN(float64(e.ExactMatch)) || !e.Loss.Finite() {
			t.Errorf("evaluation %+v", e)
		}
		best = min(best, float64(e.Loss))
	}
	if len(h.Evals) < 2 || r.Eval == nil || float64(r.Eval.Loss) != best {
		t.Errorf("%d evaluations, best %+v of %v", len(h.Evals), r.Eval, best)
	}

	if info, err := runs.ReadInfo(r.RunDir); err != nil || info.BestBy != runs.ScoreLoss {
		t.Errorf("best by %q: %v", info.BestBy, err)
	}

	cmp, err := Compare(ctx, r.RunDir, data.Test, nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range cmp.Difference.Scores {
		names = append(names, s.Score)
	}
	if got := strings.Join(names, " "); got != "target_loss perplexity" || cmp.Base.N != 0 || cmp.Seen != nil {
		t.Errorf("scores %s, %+v", got, cmp.Base)
	}
	// Both perplexities are those of the packed forward pass over the whole split.
	for i, adapter := range []string{"", runs.AdapterDir(r.RunDir)} {
		g, err := OpenGenerator(ctx, c, adapter)
		if err != nil {
			t.Fatal(err)
		}
		e, err := g.Evaluate(ctx, data.Test, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		terms, _, err := g.model.Loss(ctx, g.Encoded[data.Test].Examples, LossWeights(c, false))
		if err != nil {
			t.Fatal(err)
		}
		s, _ := cmp.Difference.Score("perplexity")
		compared := float64([]runs.Number{s.Base, s.Tuned}[i])
		if want := math.Exp(terms.CE); math.Abs(compared-want) > 1e-4*want || math.Abs(float64(e.Perplexity)-want) > 1e-4*want || s.Low > s.Change || s.High < s.Change {
			t.Errorf("perplexity %v compared, %v evaluated, want %v", compared, e.Perplexity, want)
		}
		if _, err := g.Generate(ctx, "Lunch", true, 2, Sampling{}); err == nil || !strings.Contains(err.Error(), "no template") {
			t.Errorf("a template of texts: %v", err)
		}
		g.Close()
	}
	for _, p := range cmp.Examples {
		if p.Verdict != VerdictUnscored || p.Base.Text != "" || p.Base.Loss == nil || p.Event == "" {
			t.Errorf("row %+v", p)
		}
	}
	for _, ending := range []string{".md", ".csv", ".html"} {
		text, err := cmp.Render(ending)
		if err != nil || strings.Contains(string(text), "still wrong |") || strings.Contains(string(text), "exact match") || !strings.Contains(string(text), cmp.Examples[0].Event) && ending != ".md" {
			t.Errorf("%s: %v\n%s", ending, err, text)
		}
	}

	// What is tried goes on from the text as it is.
	p, err := OpenPrompt(ctx, BaseOf(r.RunDir), TunedOf(r.RunDir))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if out, err := p.Try(ctx, "Lunch with", false, [2]bool{true, true}, nil); err != nil || out[1] == nil {
		t.Errorf("try: %v", err)
	}

	card, err := os.ReadFile(export(t, r.RunDir, "card").Path)
	if err != nil || !strings.Contains(string(card), "learned as a whole") || strings.Contains(string(card), "An answer begins") || strings.Contains(string(card), "NaN") {
		t.Errorf("%v\n%s", err, card)
	}
	rows, err := os.ReadFile(filepath.Join(export(t, r.RunDir, "trl").Path, "train.jsonl"))
	if err != nil || !strings.Contains(string(rows), `"completion_mask":[0,1,1`) || strings.Contains(string(rows), `[0,0`) {
		t.Errorf("%v\n%s", err, rows)
	}
	export(t, r.RunDir, "tensorboard")
}

// What only answers have cannot decide about texts.
func TestTextsHaveNoScoresToStopBy(t *testing.T) {
	if _, err := MakePlan(textConfig(t, "train.early_stopping=exact_match")); err == nil || !strings.Contains(err.Error(), "train.early_stopping") {
		t.Errorf("early stopping by exact match: %v", err)
	}
	p, err := MakePlan(textConfig(t, "train.early_stopping=loss"))
	if err != nil || !strings.Contains(strings.Join(p.Notes, "\n"), "rows are texts") {
		t.Errorf("%v, %v", err, p.Notes)
	}
	c := textConfig(t, "data.format=text")
	c.Data.Fields = []string{"action"}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "rows of text have no answer") {
		t.Errorf("fields: %v", err)
	}
}
