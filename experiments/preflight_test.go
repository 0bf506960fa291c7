package experiments

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hone/engine"
	"hone/engine/trace/inject"
	"hone/engine/weights"
	"hone/runs"
)

func looksAt(t *testing.T, c Config, faults ...inject.Fault) Preflight {
	t.Helper()
	w, err := openWorkspace(context.Background(), c, faults)
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.Preflight(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A sound experiment passes all stages, whatever it trains and computes in.
func TestPreflightPasses(t *testing.T) {
	for _, set := range [][]string{
		nil,
		{"model.dtype=f32"},
		{"model.dtype=bf16"},
		{"train.batch_size=1"},
		{"train.micro_batch=60", "lora.dropout=0.5"},
		{"method=full"},
		{"method=full", "model.init=random"},
		{"loss.json=0", "loss.field=0", "loss.confidence=0"},
	} {
		p := looksAt(t, toyConfig(t, set...))
		if _, failed := p.Failure(); failed || len(p.Stages) != len(stageNames) || p.Err() != nil || p.Verdict == PreflightSkipped || !(p.Seconds > 0) {
			t.Errorf("%v: %s: %+v", set, p.Line(), p.Stages)
		}
		for i, s := range p.Stages {
			if s.Number != i || s.Name != stageNames[i] || s.Text == "" || i > 2 && s.State != PreflightPassed {
				t.Errorf("%v: %+v", set, s)
			}
		}
		t.Log(set, p.Stages[5].Text, "|", p.Stages[6].Text)
	}
	terms := looksAt(t, toyConfig(t)).Stages[7].Text
	for _, want := range []string{"ce ", "json ", "field ", "confidence ", "A has none while B is zero"} {
		if !strings.Contains(terms, want) {
			t.Errorf("%q is not in %q", want, terms)
		}
	}
}

// Completions that are no objects leave nothing for two of the terms, and it is said.
func TestPreflightOfPlainText(t *testing.T) {
	file := filepath.Join(t.TempDir(), "text.jsonl")
	var b strings.Builder
	for i := range 24 {
		fmt.Fprintf(&b, "{\"prompt\": \"say %d\", \"completion\": \"it is %d\"}\n", i, i*i)
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	p := looksAt(t, toyConfig(t, "data.path="+file))
	if _, failed := p.Failure(); failed || !strings.Contains(p.Stages[7].Text, "json and field off (completions are not JSON objects)") {
		t.Errorf("%s: %+v", p.Line(), p.Stages[7])
	}
}

// Without weights, or without a model, the stages that need them are passed over and
// say why.
func TestPreflightWithoutAModel(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"config.json", "tokenizer.json", "generation_config.json"} {
		if text, err := os.ReadFile(toyDir + "tied/" + name); err == nil {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	p := looksAt(t, toyConfig(t, "model.path="+dir))
	if p.Verdict != PreflightSkipped || p.Stages[2].State == PreflightSkipped || p.Stages[3].State != PreflightSkipped || !strings.Contains(p.Line(), "no weights") {
		t.Errorf("%s: %+v", p.Line(), p.Stages)
	}
	small := looksAt(t, toyConfig(t, "train.memory=64MB", "train.batch_size=4096", "train.micro_batch=1000000", "lora.r=1024"))
	if small.Verdict != PreflightSkipped || !strings.Contains(small.Stages[4].Text, "memory") {
		t.Errorf("%s: %+v", small.Line(), small.Stages[4])
	}
}

// A run has the same bits with it and without it.
func TestRunHasTheSameBitsWithoutPreflight(t *testing.T) {
	var losses [2][]runs.Number
	var adapters [2][]weights.Tensor
	for i, set := range []string{"train.preflight=true", "train.preflight=false"} {
		dir := filepath.Join(t.TempDir(), "run")
		train(t, toyConfig(t, set), StartOptions{RunDir: dir})
		h, err := runs.ReadHistory(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range h.Steps {
			losses[i] = append(losses[i], s.Loss, s.GradNorm, s.LR)
		}
		adapters[i] = readAdapter(t, runs.AdapterDir(dir)).Tensors
		said := slices.ContainsFunc(h.Events, func(e runs.Event) bool {
			l, ok := e.Record.(runs.Log)
			return ok && strings.HasPrefix(l.Message, "preflight: stages 0 to 7 passed") && l.Step == 0
		})
		if said != (i == 0) {
			t.Errorf("%s: a line about it: %v", set, said)
		}
	}
	if len(losses[0]) < 9 || !slices.Equal(losses[0], losses[1]) {
		t.Errorf("figures %v, without it %v", losses[0], losses[1])
	}
	for i, a := range adapters[0] {
		if !slices.Equal(a.Data, adapters[1][i].Data) {
			t.Errorf("%s is another", a.Name)
		}
	}
}

// badModel is the toy model with a weight that is no number.
func badModel(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(toyDir+"tied")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "model.safetensors")
	tensors, meta, err := weights.ReadSafetensors(file)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(tensors, func(x weights.Tensor) bool { return strings.HasSuffix(x.Name, "layers.1.mlp.up_proj.weight") })
	tensors[i].Data[7] = float32(math.NaN())
	if err := weights.WriteSafetensors(file, tensors, meta); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Each failure is refused at its stage, by its name, before a step is taken; what
// goes on says what is the matter.
func TestPreflightRefuses(t *testing.T) {
	plant := func(id string) func(t *testing.T, trainer *engine.Trainer) {
		return func(t *testing.T, trainer *engine.Trainer) {
			if err := inject.Plant(trainer, inject.Fault{ID: id, Step: 1}, 1<<20); err != nil {
				t.Error(err)
			}
		}
	}
	for name, c := range map[string]struct {
		set   []string
		spoil func(t *testing.T, trainer *engine.Trainer)
		stage int
		id    string
		words string
	}{
		"the file holds a NaN": {[]string{"model.path=" + badModel(t)}, nil, 3, "WEIGHT-NAN-FILE", "up_proj"},
		"an adapter turns NaN": {nil, func(_ *testing.T, trainer *engine.Trainer) { trainer.Tensor(2)[1] = float32(math.NaN()) }, 3, "WEIGHT-NAN-FILE", "lora_A"},
		"another model":        {nil, plant("MODEL-WIRING"), 5, "MODEL-WIRING", "the two compute different models"},
		"shifted twice":        {nil, plant("SHIFT-TWICE"), 6, "SHIFT-TWICE", "predict the token after the next"},
		"not shifted":          {nil, plant("SHIFT-NONE"), 6, "SHIFT-NONE", "predict their own tokens"},
		"nothing is consumed":  {nil, plant("COLLATE-EMPTY"), 6, "COLLATE-EMPTY", "tokens a row"},
		"one row is masked":    {nil, plant("MASK-ALL"), 6, "MASK-ALL", "have no supervised token"},
		"constant":             {nil, plant("CONST-EXAMPLE"), 6, "CONST-EXAMPLE", "collapse to 1 distinct sequence"},
		"denominators":         {nil, plant("ACCUM-NORM"), 6, "ACCUM-NORM", "times the cross entropy"},
		"a token it lacks":     {nil, plant("OOV-LABEL"), 6, "OOV-LABEL", "outside the vocabulary"},
		"a constant penalty":   {nil, plant("PENALTY-CONST"), 7, "PENALTY-CONST", "the gradient that of"},
		"no gradient":          {nil, plant("LORA-BOTH0"), 7, "LORA-BOTH0", "trained tensors is zero"},
		"the adapter is off":   {[]string{"lora.alpha=1e-60"}, nil, 7, "LORA-BOTH0", "trained tensors is zero"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			o := StartOptions{RunDir: dir, spoil: func(trainer *engine.Trainer) {
				if c.spoil != nil {
					c.spoil(t, trainer)
				}
			}}
			result, err := ends(t, toyConfig(t, c.set...), o)
			var refused *PreflightError
			if !errors.As(err, &refused) || !errors.Is(err, ErrPreflight) {
				t.Fatalf("%+v, %v", result, err)
			}
			s, _ := refused.Preflight.Failure()
			if s.Number != c.stage || s.Findings[0].ID != c.id || !strings.Contains(err.Error(), c.words) || !strings.Contains(err.Error(), c.id) {
				t.Errorf("%v: %+v", err, s)
			}
			if advice := refused.Advice(); len(advice) != 2 || advice[0] == "" {
				t.Errorf("advice %q", advice)
			}
			if rest := refused.Preflight.Stages; len(rest) != len(stageNames) || c.stage < 7 && rest[7].State != PreflightSkipped {
				t.Errorf("%+v", rest)
			}
			h, herr := runs.ReadHistory(dir)
			if herr != nil || len(h.Steps) != 0 || result.State != engine.Failed || result.Step != 0 {
				t.Errorf("%d steps, %+v, %v", len(h.Steps), result, herr)
			}
			if found := alerts(t, dir); c.stage > 3 && (len(found) == 0 || found[0].ID != c.id || found[0].Step != 0) {
				t.Errorf("alerts %+v", found)
			}
		})
	}

	// The weights' own error is still there for who asks.
	if _, err := ends(t, toyConfig(t, "model.path="+badModel(t)), StartOptions{RunDir: filepath.Join(t.TempDir(), "run")}); !errors.Is(err, weights.ErrNonFinite) {
		t.Errorf("%v", err)
	}
	// Switched off, the run begins.
	dir := filepath.Join(t.TempDir(), "run")
	o := StartOptions{RunDir: dir, MaxSteps: 1, spoil: func(trainer *engine.Trainer) { plant("SHIFT-TWICE")(t, trainer) }}
	if result, err := ends(t, toyConfig(t, "train.preflight=false"), o); err != nil || result.Step != 1 {
		t.Errorf("switched off: %+v, %v", result, err)
	}
	// A tensor that is left out is told of, and the run goes on.
	o = StartOptions{RunDir: filepath.Join(t.TempDir(), "run"), MaxSteps: 1, spoil: func(trainer *engine.Trainer) { plant("DETACHED")(t, trainer) }}
	if _, err := ends(t, toyConfig(t), o); err != nil {
		t.Error(err)
	} else if found := alerts(t, o.RunDir); len(found) == 0 || found[0].ID != "DETACHED" || found[0].Step != 0 {
		t.Errorf("%+v", found)
	}
}

// Data that cannot be trained on is refused where the flow looks at it, and nothing
// is computed.
func TestPreflightRefusesData(t *testing.T) {
	for id, stage := range map[string]int{"MASK-ALL": 2, "MASK-LATE": 2, "EOS-MASKED": 2, "CONST-EXAMPLE": 1} {
		p := looksAt(t, toyConfig(t), inject.Fault{ID: id})
		s, failed := p.Failure()
		if !failed || s.Number != stage || s.Findings[0].ID != id || p.Stages[7].State != PreflightSkipped || p.Verdict != PreflightFailed {
			t.Errorf("%s: %s: %+v", id, p.Line(), p.Stages)
		}
	}
	if p := looksAt(t, toyConfig(t), inject.Fault{ID: "DUP-LEAK"}); p.Verdict != PreflightWarning || !strings.Contains(p.Line(), "DUP-LEAK") || p.Err() != nil {
		t.Errorf("a leak: %s", p.Line())
	}
}
