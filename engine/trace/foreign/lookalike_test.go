package foreign

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"hone/engine/trace"
	"hone/internal/lookalike"
)

// bothLogs are a run's trainer_state.json and its event file.
func bothLogs(t *testing.T, r *lookalike.Run) map[string]*trace.Log {
	t.Helper()
	state, err := ReadTrainerState(bytes.NewReader(r.TrainerState(0)), "trainer_state.json")
	if err != nil {
		t.Fatal(err)
	}
	events, err := ReadEvents(bytes.NewReader(r.Events()), "events")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*trace.Log{"trainer_state.json": state, "event file": events}
}

func TestFailingRuns(t *testing.T) {
	for _, r := range lookalike.Failing() {
		for format, l := range bothLogs(t, r) {
			if len(l.Notes) > 0 {
				t.Errorf("%s, %s: notes %q", r.Name, format, l.Notes)
			}
			found := trace.Diagnose(l)
			if len(found) == 0 || found[0].ID != r.Cause {
				t.Errorf("%s, %s: the first cause is not %s: %+v", r.Name, format, r.Cause, found)
				continue
			}
			if first := found[0]; len(first.Evidence) == 0 || first.Advice == "" {
				t.Errorf("%s, %s: %+v", r.Name, format, first)
			}
		}
	}
}

func TestHealthyRuns(t *testing.T) {
	for seed := range uint64(20) {
		r := lookalike.Healthy(seed)
		for format, l := range bothLogs(t, r) {
			for _, f := range trace.Diagnose(l) {
				if f.Severity != trace.Note {
					t.Errorf("%s, %s: %+v", r.Name, format, f)
				}
			}
		}
	}
}

// The law that a run followed is recovered to its last digit, warm-up and length
// included.
func TestLaw(t *testing.T) {
	runs := lookalike.Failing()
	for seed := range uint64(20) {
		runs = append(runs, lookalike.Healthy(seed))
	}
	for _, r := range runs {
		for format, l := range bothLogs(t, r) {
			law, ok := l.FitLaw()
			if len(l.Series[trace.LearningRate]) < 3 {
				if ok {
					t.Errorf("%s, %s: a law from two rates", r.Name, format)
				}
				continue
			}
			warmup := int(math.Ceil(r.Warmup * float64(r.Steps())))
			if !ok || law.Kind != r.Schedule || law.Warmup != warmup || law.Steps != r.Steps() && law.Kind != "constant" || law.Lag != len(r.Skipped) ||
				law.Peak != r.LR {
				t.Errorf("%s, %s: %v, peak %v, %v; it was %s, %d of %d steps of warm-up, peak %v", r.Name, format, law, law.Peak, ok, r.Schedule, warmup, r.Steps(), r.LR)
			}
		}
	}
}

// An older trainer logs the rate of the next step; a schedule of no known law has
// none.
func TestLawForms(t *testing.T) {
	r := lookalike.Fallback()
	log := func(rate func(step int) float64) *trace.Log {
		l := &trace.Log{Tool: trace.Transformers, Series: map[string][]trace.Sample{}, State: map[string]float64{trace.MaxSteps: float64(r.Steps())}}
		for s := 10; s <= r.Steps(); s += 10 {
			l.Series[trace.LearningRate] = append(l.Series[trace.LearningRate], trace.Sample{Step: s, Value: rate(s)})
		}
		return l
	}
	if law, ok := log(func(s int) float64 { return r.Rate(s + 1) }).FitLaw(); !ok || law.Kind != "linear" || law.Warmup != 0 || law.Peak != r.LR {
		t.Errorf("of the next step: %v %v", law, ok)
	}
	if law, ok := log(func(s int) float64 { return 1e-3 / math.Sqrt(float64(s)) }).FitLaw(); ok {
		t.Errorf("an inverse root is %v", law)
	}
	if law, ok := log(func(s int) float64 { return r.Rate(s) * (1 + 1e-6*float64(s%3)) }).FitLaw(); ok {
		t.Errorf("a rate off in the sixth digit is %v", law)
	}
	if law, ok := log(func(int) float64 { return math.NaN() }).FitLaw(); ok {
		t.Errorf("NaN is %v", law)
	}
}

// Tokens are recovered to the last one from trainer_state.json, and tokens per
// sequence where they are one number, also of an unfinished run and at float32's
// precision.
func TestTokens(t *testing.T) {
	total := func(r *lookalike.Run) (n int64) {
		for row := range r.Rows {
			n += int64(r.Tokens(row))
		}
		return n * int64(r.Epochs)
	}
	for _, r := range append(lookalike.Failing(), lookalike.Healthy(0), lookalike.Healthy(5), lookalike.Healthy(9)) {
		for format, l := range bothLogs(t, r) {
			c, ok := l.CountTokens()
			if !ok {
				t.Errorf("%s, %s: not counted", r.Name, format)
				continue
			}
			want := total(r)
			mean := float64(want) / float64(r.Rows*r.Epochs)
			if !(c.Low <= mean*1.000001 && c.High >= mean*0.999999) {
				t.Errorf("%s, %s: %v to %v tokens a sequence, it was %v", r.Name, format, c.Low, c.High, mean)
			}
			if c.Exact && c.Tokens != want {
				t.Errorf("%s, %s: %d tokens, it was %d", r.Name, format, c.Tokens, want)
			}
			if format == "trainer_state.json" && !c.Exact {
				t.Errorf("%s: %+v", r.Name, c)
			}
			if whole := mean == math.Trunc(mean); whole != (c.Whole > 0) && mean < 100 || c.Whole > 0 && float64(c.Whole) != mean {
				t.Errorf("%s, %s: %d tokens in every sequence, the mean was %v", r.Name, format, c.Whole, mean)
			}
		}
	}
	l, err := ReadTrainerState(bytes.NewReader(lookalike.MaskedMPS().TrainerState(100)), "x")
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := l.CountTokens(); !ok || c.Tokens != 794 || c.Whole != 1 || !strings.Contains(c.Sequences, "1 x 554 rows + 30 x 8") {
		t.Errorf("at step 100: %+v", c)
	}
}

// A constant example that is learned slowly is recognized by its length.
func TestSlowConstant(t *testing.T) {
	r := lookalike.Constant()
	level := func(s int) float64 { return 1e-4 + 0.6*math.Exp(-float64(s)/90) }
	r.Micro = func(s, _ int) float64 { return level(s) }
	r.Norm = level
	for format, l := range bothLogs(t, r) {
		if found := trace.Diagnose(l); len(found) == 0 || found[0].ID != trace.ConstExample || found[0].Severity != trace.Error {
			t.Errorf("%s: %+v", format, found)
		}
	}
	// A loss as low late in a run on rows that differ is not.
	r.Tokens = func(row int) int { return 60 + row%53 }
	for format, l := range bothLogs(t, r) {
		for _, f := range trace.Diagnose(l) {
			if f.Severity != trace.Note {
				t.Errorf("%s: %+v", format, f)
			}
		}
	}
}

// The story's own numbers.
func TestStory(t *testing.T) {
	l := bothLogs(t, lookalike.MaskedMPS())["trainer_state.json"]
	text := trace.Verdict(trace.Diagnose(l)) + strings.Join(trace.Facts(l), "\n")
	for _, want := range []string{
		"Loss 0.0 is not a loss", "8 of 8 logged losses are exactly 0.0", "COLLATE-EMPTY", "1,662 tokens for 1,662 sequences", "exactly one token each", "Confidence 0.97",
		"linear decay without warm-up, peak 0.0005, over 210 steps", "no evaluation",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if rate := l.Series[trace.LearningRate][0].Value; rate != 5e-4*(210-24)/210 {
		t.Errorf("the rate at step 25 is %v", rate)
	}
}

// The filter's arithmetic, as it was measured: a window of ten steps of loss 2.
func TestFilteredWindows(t *testing.T) {
	for name, c := range map[string]struct {
		bad  func(step int) bool
		want float64
	}{
		"all":          {func(int) bool { return true }, 0},
		"first":        {func(s int) bool { return s == 1 }, 1.8},
		"one mid":      {func(s int) bool { return s == 6 }, 1.9667},
		"from 6 on":    {func(s int) bool { return s >= 6 }, 1.8333},
		"none of them": {func(int) bool { return false }, 2},
	} {
		r := lookalike.MaskedMPS()
		r.Accum, r.LoggingSteps = 1, 10
		r.Micro = func(s, _ int) float64 {
			if c.bad(s) {
				return math.NaN()
			}
			return 2
		}
		entries, _ := r.Log(10)
		if got := entries[0]["loss"]; got != c.want {
			t.Errorf("%s: %v, not %v", name, got, c.want)
		}
	}
}

// NaN at any one place of a healthy log neither hides what else is there nor makes
// up a spike, a rise or a perfect run.
func TestNaNAnywhere(t *testing.T) {
	for seed := range uint64(3) {
		for name := range bothLogs(t, lookalike.Healthy(seed))["trainer_state.json"].Series {
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				l := bothLogs(t, lookalike.Healthy(seed))["trainer_state.json"]
				s := l.Series[name]
				s[len(s)/2].Value = bad
				for _, f := range trace.Diagnose(l) {
					switch f.ID {
					case trace.Spike, trace.LRDiverge, trace.ConstExample, trace.FP16Underflow, trace.SchedSilent, trace.DupLeak:
						if f.Severity != trace.Note {
							t.Errorf("seed %d, %s in %s: %+v", seed, number(bad), name, f)
						}
					}
				}
			}
		}
	}
	// And a sick run stays sick whatever else is NaN.
	for _, r := range lookalike.Failing() {
		for _, name := range []string{trace.Epoch, trace.EvalLoss} {
			l := bothLogs(t, r)["trainer_state.json"]
			for i := range l.Series[name] {
				l.Series[name][i].Value = math.NaN()
			}
			if found := trace.Diagnose(l); len(found) == 0 || found[0].ID != r.Cause && r.Cause != trace.ConstExample {
				t.Errorf("%s with %s of NaN: %+v", r.Name, name, found)
			}
		}
	}
}

func number(x float64) string {
	if math.IsNaN(x) {
		return "NaN"
	}
	return "an infinity"
}
