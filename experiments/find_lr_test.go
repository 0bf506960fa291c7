package experiments

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hone/runs"
)

// The suggestion follows from the curve by its rule.
func TestSuggestedRate(t *testing.T) {
	curve := func(n int, loss func(log float64) float64) FoundRate {
		var f FoundRate
		for i := range n {
			log := -6 + 6*float64(i)/float64(n-1)
			f.Trials = append(f.Trials, RateTrial{Step: i + 1, LR: runs.Number(math.Pow(10, log)), Smoothed: runs.Number(loss(log))})
		}
		f.suggest()
		return f
	}
	for what, c := range map[string]struct {
		loss           func(log float64) float64
		want, steepest float64
		rule           string
	}{
		"a valley at 1e-2": {func(x float64) float64 { return 2 - math.Exp(-(x+2)*(x+2)) }, 1e-3, math.Pow(10, -2-math.Sqrt(0.5)), "1/10 of the rate at which"},
		"falls to the end": {func(x float64) float64 { return 2 - 0.1*x }, 0.1, 0, "still falling"},
		"rises from 1e-6":  {func(x float64) float64 { return 2 + 0.1*x }, math.NaN(), math.NaN(), "begin the sweep lower"},
	} {
		f := curve(241, c.loss)
		if got := float64(f.Suggestion); got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) || !strings.Contains(f.Rule, c.rule) {
			t.Errorf("%s: %g (%s), want %g", what, got, f.Rule, c.want)
		}
		if got := float64(f.Steepest); c.steepest > 0 && math.Abs(math.Log10(got/c.steepest)) > 0.05 || math.IsNaN(got) != math.IsNaN(c.steepest) {
			t.Errorf("%s: steepest at %g, want %g", what, got, c.steepest)
		}
	}
	var none FoundRate
	if none.suggest(); !math.IsNaN(float64(none.Suggestion)) || none.Rule == "" {
		t.Errorf("%+v", none)
	}
	for x, want := range map[float64]float64{0.0123: 0.012, 4.56e-5: 4.6e-5, 0.1: 0.1, 1: 1, 99.6: 100} {
		if got := twoDigits(x); got != want {
			t.Errorf("%g is %g in two digits, want %g", x, got, want)
		}
	}
}

// A sweep takes real batches: its first loss is that of a run's first step. It
// begins low and ends where the loss explodes, says the same twice, and leaves
// nothing behind: neither a file nor anything that the run after it could see.
func TestFindLR(t *testing.T) {
	c := toyConfig(t, "train.schedule=cosine", "train.warmup=0.5", "train.eval_every=2")
	store := filepath.Join(t.TempDir(), "runs")
	before := train(t, c, StartOptions{RunDir: filepath.Join(store, "before")})
	t.Chdir(t.TempDir())
	seen := 0
	o := FindOptions{Low: 1e-6, High: 100, Steps: 40, Seen: func(RateTrial) { seen++ }}
	found, err := FindLR(context.Background(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir("."); err != nil || len(files) != 0 {
		t.Errorf("%d files were left: %v", len(files), err)
	}
	h, err := runs.ReadHistory(before.RunDir)
	if err != nil {
		t.Fatal(err)
	}
	first, last := found.Trials[0], found.Trials[len(found.Trials)-1]
	if first.LR != 1e-6 || first.Loss != h.Steps[0].Loss || first.Smoothed != first.Loss && math.Abs(float64(first.Smoothed/first.Loss)-1) > 1e-12 {
		t.Errorf("the first step is %+v, that of a run has loss %v", first, h.Steps[0].Loss)
	}
	if len(found.Trials) == 40 || seen != len(found.Trials) || !strings.Contains(found.Ended, "finite") && !strings.Contains(found.Ended, "4 times") {
		t.Errorf("%d steps of 40, %d seen, ended: %s", len(found.Trials), seen, found.Ended)
	}
	for i, p := range found.Trials {
		if want := 1e-6 * math.Pow(1e8, float64(i)/39); math.Abs(float64(p.LR)/want-1) > 1e-9 {
			t.Errorf("step %d has rate %g, want %g", p.Step, p.LR, want)
		}
	}
	if s := float64(found.Suggestion); !(s > 1e-5 && s < 100) || math.Abs(s*10/float64(found.Lowest)-1) > 0.05 {
		t.Errorf("suggestion %g, lowest at %g", s, float64(found.Lowest))
	}
	again, err := FindLR(context.Background(), c, FindOptions{Low: 1e-6, High: 100, Steps: 40})
	if err != nil || len(again.Trials) != len(found.Trials) || again.Trials[len(again.Trials)-1] != last || again.Suggestion != found.Suggestion {
		t.Errorf("the second sweep is another: %v", err)
	}
	after := train(t, c, StartOptions{RunDir: filepath.Join(store, "after")})
	if readAdapter(t, runs.AdapterDir(after.RunDir)).Hash() != readAdapter(t, runs.AdapterDir(before.RunDir)).Hash() {
		t.Error("a run after a sweep is another than before it")
	}
	for _, bad := range []FindOptions{{}, {Low: 1, High: 0.1, Steps: 50}, {Low: 1e-5, High: 1, Steps: 3}, {Low: math.NaN(), High: 1, Steps: 50}} {
		if _, err := FindLR(context.Background(), c, bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}
