package trace

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
)

// filled is a log in which every known series has n values of f.
func filled(n int, f func(name string, i int) float64) *Log {
	l := &Log{
		Tool: Transformers, Files: []string{"x"}, Series: map[string][]Sample{},
		State: map[string]float64{}, Totals: map[string]float64{}, Args: Args{}, Model: Args{},
	}
	for _, name := range []string{Loss, GradNorm, LearningRate, Epoch, EvalLoss, Targets, Tokens} {
		for i := range n {
			l.Series[name] = append(l.Series[name], Sample{Step: i + 1, Value: f(name, i)})
		}
	}
	for _, name := range []string{MaxSteps, GlobalStep, NumEpochs, BatchSize, LoggingSteps, EvalSteps, TotalFLOs, TokensSeen} {
		l.State[name] = f(name, 0)
	}
	for _, name := range []string{TrainRuntime, SamplesPerSecond, TrainLoss, TotalFLOs} {
		l.Totals[name] = f(name, 0)
	}
	for _, name := range []string{LearningRate, "warmup_ratio", "warmup_steps", "gradient_accumulation_steps", "max_length"} {
		l.Args[name] = f(name, 0)
	}
	l.Args["lr_scheduler_type"] = "cosine"
	for _, name := range []string{"hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size"} {
		l.Model[name] = f(name, 0)
	}
	for i := range 3 {
		l.Checkpoints = append(l.Checkpoints, Checkpoint{Step: i + 1, FLOs: f(TotalFLOs, i)})
	}
	return l
}

// Every rule alone, and all together, fed with nothing but NaN, infinities, zeros
// and extremes: a run that has no number is never called sound, and no rule makes
// up anything that needs one.
func TestRulesOnNoNumbers(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for _, n := range []int{1, 2, 3, 40} {
			l := filled(n, func(string, int) float64 { return x })
			name := fmt.Sprintf("%d of %v", n, x)
			found := Diagnose(l)
			if len(found) == 0 || found[0].ID != MaskAll || found[0].Severity != Error {
				t.Errorf("%s: %+v", name, found)
			}
			for _, f := range found {
				if slices.Contains([]string{Spike, ConstExample, FP16Underflow, LoRABoth0, SchedSilent, DupLeak, LogRound, LogFilter, LogSticky, OOVLabel}, f.ID) && f.Severity != Note {
					t.Errorf("%s: %+v", name, f)
				}
			}
			v := newView(l)
			for _, r := range rules {
				for _, f := range r.check(v) { // whatever it needs
					sane(t, name, f)
				}
			}
			Facts(l)
			Limits(l)
			Siblings([]*Log{l, l})
		}
	}
	for _, x := range []float64{0, -1, 1e308, -1e308, math.SmallestNonzeroFloat64, 1 << 53, 0.5} {
		for _, n := range []int{0, 1, 2, 40} {
			for _, f := range Diagnose(filled(n, func(string, int) float64 { return x })) {
				sane(t, fmt.Sprintf("%d of %v", n, x), f)
			}
		}
	}
}

// Each name alone is NaN, the rest is plain.
func TestOneNameOfNaN(t *testing.T) {
	names := []string{
		Loss, GradNorm, LearningRate, Epoch, EvalLoss, Targets, Tokens, MaxSteps, GlobalStep, NumEpochs, BatchSize, LoggingSteps, EvalSteps, TotalFLOs, TokensSeen,
		TrainRuntime, SamplesPerSecond, TrainLoss, "warmup_ratio", "warmup_steps", "gradient_accumulation_steps", "hidden_size", "vocab_size",
	}
	for _, bad := range names {
		l := filled(40, func(name string, i int) float64 {
			if name == bad {
				return math.NaN()
			}
			return 1 + float64(i)
		})
		for _, f := range Diagnose(l) {
			sane(t, bad, f)
		}
	}
}

func sane(t *testing.T, what string, f Finding) {
	t.Helper()
	m, ok := ByID(f.ID)
	if !ok || m.ID != f.ID {
		t.Errorf("%s: %s is not in the catalogue", what, f.ID)
	}
	if !(f.Confidence > 0 && f.Confidence <= 1) || f.Advice == "" || len(f.Evidence) == 0 || !slices.Contains([]Severity{Error, Warning, Note}, f.Severity) {
		t.Errorf("%s: %+v", what, f)
	}
}

// series makes a log of losses and norms, one a step.
func series(losses, norms []float64) *Log {
	l := &Log{Tool: Transformers, Files: []string{"x"}, Series: map[string][]Sample{}, State: map[string]float64{}}
	for i, x := range losses {
		l.Series[Loss] = append(l.Series[Loss], Sample{Step: 10 * (i + 1), Value: x})
	}
	for i, x := range norms {
		l.Series[GradNorm] = append(l.Series[GradNorm], Sample{Step: 10 * (i + 1), Value: x})
	}
	return l
}

func repeat(x float64, n int) []float64 { return slices.Repeat([]float64{x}, n) }

// The signature key of the catalogue: what loss and norm look like, and what comes
// first.
func TestSignatures(t *testing.T) {
	nan := math.NaN()
	fall := []float64{2.1, 1.8, 1.5, 1.3, 1.2, 1.15, 1.1, 1.05, 1.0, 0.98, 0.97, 0.96}
	sound := repeat(0.8, 12)
	for name, c := range map[string]struct {
		losses, norms []float64
		args          Args
		want          string
	}{
		"0.0 always, NaN always":              {repeat(0, 12), repeat(nan, 12), nil, MaskAll},
		"0.0 always, 0.0":                     {repeat(0, 12), repeat(0, 12), nil, MaskAll},
		"0.0 always, no norms":                {repeat(0, 12), nil, nil, MaskAll},
		"NaN always, NaN always":              {repeat(nan, 12), repeat(nan, 12), nil, MaskAll},
		"0.0 from k, NaN from k":              {append(slices.Clone(fall[:6]), repeat(0, 6)...), append(repeat(0.8, 6), repeat(nan, 6)...), nil, ActInf},
		"the same in fp16":                    {append(slices.Clone(fall[:6]), repeat(0, 6)...), append(repeat(0.8, 6), repeat(nan, 6)...), Args{"fp16": true}, FP16Overflow},
		"NaN from k, finite after":            {append(slices.Clone(fall[:6]), repeat(nan, 6)...), sound, nil, LogSticky},
		"plausible, NaN always":               {fall, repeat(nan, 12), nil, Log0},
		"real and constant, 0":                {repeat(2.3, 12), repeat(0, 12), nil, LoRABoth0},
		"constant, above 0":                   {repeat(2.3, 12), repeat(0.5, 12), nil, FP16Underflow},
		"far above guessing":                  {append([]float64{28}, fall[1:]...), sound, nil, OOVLabel},
		"one far above its neighbours":        {append(append(slices.Clone(fall[:5]), 9.5), fall[6:]...), sound, nil, Spike},
		"up and away":                         {[]float64{2, 1.5, 1.2, 1.1, 1.0, 1.3, 1.9, 2.6, 3.3, 4.1, 5.2, 6.3}, sound, nil, LRDiverge},
		"up, then nothing":                    {[]float64{2, 1.5, 1.2, 1.1, 1.0, 1.3, 1.9, 2.6, 4.3, 0, 0, 0}, append(repeat(1, 9), nan, nan, nan), nil, LRDiverge},
		"zeros that are small losses":         {append(slices.Clone(fall[:9]), 0.0002, 0, 0), append(repeat(0.8, 9), 0.01, 0.003, 0.002), nil, LogRound},
		"NaN norms in bf16 now and then":      {fall, []float64{1, 1, nan, 1, 1, nan, 1, 1, nan, 1, 1, 1}, Args{"fp16": false}, LogFilter},
		"a NaN norm at first":                 {fall, append([]float64{nan}, sound[1:]...), nil, FP16ScalerWarmup},
		"a NaN norm at first, surely no fp16": {fall, append([]float64{nan}, sound[1:]...), Args{"fp16": false}, LogFilter},
	} {
		l := series(c.losses, c.norms)
		l.Args = c.args
		found := Diagnose(l)
		if len(found) == 0 || found[0].ID != c.want {
			t.Errorf("%s: not %s first: %+v", name, c.want, found)
		}
	}
	if found := Diagnose(series(fall, sound)); len(found) != 0 {
		t.Errorf("a sound curve: %+v", found)
	}
}

func TestMergeAndSort(t *testing.T) {
	list := Merge(nil,
		Finding{ID: Spike, Severity: Warning, Confidence: 0.5, Evidence: []string{"a"}},
		Finding{ID: MaskAll, Severity: Error, Confidence: 0.3, Evidence: []string{"b"}},
		Finding{ID: Spike, Severity: Warning, Confidence: 0.9, Evidence: []string{"c"}},
		Finding{ID: LogFilter, Severity: Warning, Confidence: 0.7})
	Sort(list)
	if len(list) != 3 || list[0].ID != MaskAll || list[1].ID != Spike || list[1].Confidence != 0.9 || !slices.Equal(list[1].Evidence, []string{"c", "a"}) {
		t.Errorf("%+v", list)
	}
	if worst, ok := Worst(list); worst != Error || !ok {
		t.Error(worst)
	}
	if _, ok := Worst(nil); ok {
		t.Error("nothing has a worst severity")
	}
}

// A loss that is summed over the accumulated batches is as many times that of the
// evaluation.
func TestAccumulated(t *testing.T) {
	losses, evals := []float64{280, 161, 9.9, 5.39, 5.18, 5.02}, []float64{15.4, 2.38, 0.347, 0.319, 0.308, 0.304}
	log := func(factor float64, args Args) *Log {
		l := series(losses, repeat(2, 6))
		l.Args = args
		for i, e := range evals {
			l.Series[EvalLoss] = append(l.Series[EvalLoss], Sample{Step: 10 * (i + 1), Value: e * factor})
		}
		return l
	}
	for name, c := range map[string]struct {
		l    *Log
		want string
	}{
		"sixteen times":             {log(1, nil), AccumNorm},
		"sixteen, as accumulated":   {log(1, Args{"gradient_accumulation_steps": 16.0}), AccumNorm},
		"sixteen, four accumulated": {log(1, Args{"gradient_accumulation_steps": 4.0}), OOVLabel},
	} {
		if found := Diagnose(c.l); len(found) == 0 || found[0].ID != c.want {
			t.Errorf("%s: %+v", name, found)
		}
	}
	if found := Diagnose(log(16, nil)); slices.ContainsFunc(found, func(f Finding) bool { return f.ID == AccumNorm || f.ID == DupLeak }) {
		t.Errorf("as large: %+v", found)
	}
}

func TestSiblings(t *testing.T) {
	fast, slow := series(nil, nil), series(nil, nil)
	fast.Files, slow.Files = []string{"fast"}, []string{"slow"}
	fast.State[SamplesPerSecond], slow.State[SamplesPerSecond] = 38.1, 7.8
	if f := Siblings([]*Log{slow, fast}); len(f) != 1 || f[0].ID != CollateEmpty {
		t.Errorf("%+v", f)
	}
	fast.State[SamplesPerSecond] = 20
	if f := Siblings([]*Log{slow, fast}); len(f) != 0 {
		t.Errorf("%+v", f)
	}
}

func TestComparePrompts(t *testing.T) {
	if _, ok := ComparePrompts("a: {event_text}", "a: {event_text}"); ok {
		t.Error("the same prompt")
	}
	if f, ok := ComparePrompts("a: {event_text}", "a: {event_text} "); !ok || f.ID != PromptDrift {
		t.Errorf("%+v", f)
	}
}

// A configuration of each family counts the weights that its tiny model has.
func TestShapeOfArchitectures(t *testing.T) {
	for _, name := range []string{"llama3", "llama-bias", "mistral", "qwen2", "qwen3"} {
		var config Args
		text, err := os.ReadFile("../testdata/arch/" + name + "/config.json")
		if err != nil {
			t.Fatal(err)
		}
		var figures struct {
			Parameters int64 `json:"parameters"`
		}
		numbers, err := os.ReadFile("../testdata/arch/" + name + "/figures.json")
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(json.Unmarshal(text, &config), json.Unmarshal(numbers, &figures)); err != nil {
			t.Fatal(err)
		}
		s, ok := (&Log{Model: config}).shapeOf()
		want := figures.Parameters - int64(s.vocab)*int64(s.hidden) // all but the embedding
		if !ok || s.weights() != want {
			t.Errorf("%s: %d weights, want %d", name, s.weights(), want)
		}
	}
}

// The three public sizes that the token count rests on, by hand.
func TestShapeWeights(t *testing.T) {
	for name, want := range map[string][2]int64{
		"SmolLM-360M": {314_635_200, 8_683_520},
		"SmolLM-135M": {106_203_456, 4_884_480},
	} {
		i := slices.IndexFunc(knownShapes, func(s shape) bool { return s.name == name })
		s := knownShapes[i]
		if got := [2]int64{s.weights(), s.lora(16, targetSets[0])}; got != want {
			t.Errorf("%s: %v, not %v", name, got, want)
		}
	}
}
