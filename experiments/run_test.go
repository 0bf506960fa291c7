package experiments

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hone/data"
	"hone/engine"
	"hone/engine/weights"
	"hone/internal/hub"
	"hone/runs"
)

const toyDir = "../engine/testdata/toy/"

// toyConfig is a short experiment on the toy model.
func toyConfig(t testing.TB, set ...string) Config {
	t.Helper()
	base := []string{
		"name=toy", "model.path=" + toyDir + "tied", "data.path=" + toyDir + "events", "train.epochs=2", "train.batch_size=6", "train.eval_every=3",
		"train.checkpoint_every=2", "train.eval_examples=4", "eval.max_new=12", "lora.r=4", "threads=2", "lora.dropout=0.1",
	}
	c, err := Load("", append(base, set...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// train runs an experiment to its end.
func train(t testing.TB, c Config, o StartOptions) Result {
	t.Helper()
	r, err := Start(context.Background(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func readAdapter(t testing.TB, dir string) *weights.Adapter {
	t.Helper()
	a, err := weights.ReadAdapter(dir)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestRunToTheEnd(t *testing.T) {
	c := toyConfig(t)
	result := train(t, c, StartOptions{Store: t.TempDir(), Version: "test"})
	if result.State != engine.Finished || result.Step != 8 || result.Steps != 8 || result.Eval == nil {
		t.Errorf("%+v", result)
	}
	info, err := runs.ReadInfo(result.RunDir)
	if err != nil {
		t.Fatal(err)
	}
	if info.State != runs.Finished || info.Step != 8 || info.Version != "test" || info.Resolved["kernels"] == "" || len(info.Hashes) != 3 {
		t.Errorf("%+v", info)
	}
	h, err := runs.ReadHistory(result.RunDir)
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Steps) != 8 || len(h.Evals) != 3 || len(h.Notes) != 0 {
		t.Errorf("%d steps, %d evaluations, notes %v", len(h.Steps), len(h.Evals), h.Notes)
	}
	samples, checkpoints := 0, 0
	for _, e := range h.Events {
		switch e.Record.(type) {
		case runs.Sample:
			samples++
		case runs.Checkpoint:
			checkpoints++
		}
	}
	if samples != 9 || checkpoints != 4 {
		t.Errorf("%d samples, %d checkpoints", samples, checkpoints)
	}
	first, last := h.Steps[0], h.Steps[7]
	if last.Loss >= first.Loss || last.Epoch != 2 || first.LR <= 0 || first.TargetTokens >= first.Tokens {
		t.Errorf("first %+v\nlast %+v", first, last)
	}
	gradients, err := runs.ReadGradients(result.RunDir, 100)
	if err != nil || len(gradients.Steps) != 8 || len(gradients.Steps[3].Norms) != 28 {
		t.Errorf("gradients: %v, %d steps", err, len(gradients.Steps))
	}
	// The same directory again gives the result, another experiment an error.
	again := train(t, c, StartOptions{RunDir: result.RunDir})
	if !again.AlreadyFinished || again.Step != 8 || again.BestStep != result.BestStep {
		t.Errorf("%+v", again)
	}
	other := toyConfig(t, "lora.r=2", "train.lr=1e-3")
	if _, err := Start(context.Background(), other, StartOptions{RunDir: result.RunDir}); !errors.Is(err, ErrConfigDiffers) ||
		!strings.Contains(err.Error(), "lora.r is 4 there, 2 here") || !strings.Contains(err.Error(), "train.lr") {
		t.Errorf("another experiment: %v", err)
	}
}

// A run that was stopped after every step and resumed is the uninterrupted run,
// bit for bit: last checkpoint, moments and best adapter.
func TestResumedRunEqualsUninterrupted(t *testing.T) {
	t.Run("events", func(t *testing.T) { resumedEqualsUninterrupted(t, toyConfig(t)) })
	t.Run("chat", func(t *testing.T) { resumedEqualsUninterrupted(t, chatConfig(t, 24)) })
}

func resumedEqualsUninterrupted(t *testing.T, c Config) {
	whole := train(t, c, StartOptions{RunDir: filepath.Join(t.TempDir(), "whole")})
	dir := filepath.Join(t.TempDir(), "parts")
	for step := 1; step <= 8; step++ {
		r := train(t, c, StartOptions{RunDir: dir, MaxSteps: step})
		if want := map[bool]string{true: engine.Finished, false: engine.Stopped}[step == 8]; r.State != want || r.Step != step {
			t.Fatalf("session %d: %+v", step, r)
		}
	}
	for _, file := range []string{"checkpoints/step-000008/adapter_model.safetensors", "checkpoints/step-000008/optimizer.safetensors", "adapter/adapter_model.safetensors"} {
		a, err := os.ReadFile(filepath.Join(whole.RunDir, file))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs", file)
		}
	}
	h, err := runs.ReadHistory(dir)
	if err != nil || len(h.Steps) != 8 {
		t.Errorf("%d steps in the history: %v", len(h.Steps), err)
	}
}

// A run whose data has changed does not go on as if nothing had happened.
func TestResumeNeedsTheSameData(t *testing.T) {
	copied := filepath.Join(t.TempDir(), "events")
	if err := os.CopyFS(copied, os.DirFS(toyDir+"events")); err != nil {
		t.Fatal(err)
	}
	c := toyConfig(t, "data.path="+copied)
	dir := filepath.Join(t.TempDir(), "run")
	train(t, c, StartOptions{RunDir: dir, MaxSteps: 2})
	text, err := os.ReadFile(filepath.Join(copied, "train.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, text[:bytes.IndexByte(text, '\n')+1]...)
	if err := os.WriteFile(filepath.Join(copied, "train.jsonl"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := Start(context.Background(), c, StartOptions{RunDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Wait(); err == nil || !strings.Contains(err.Error(), "data has changed") {
		t.Errorf("%v", err)
	}
	if info, _ := runs.ReadInfo(dir); info.State != runs.Failed || info.Error == "" {
		t.Errorf("%+v", info)
	}
}

// A run ends as failed, with the op that did it, when an adapter overflows.
func TestNonFiniteRun(t *testing.T) {
	c := toyConfig(t, "train.lr=1", "train.clip=0", "train.schedule=constant", "train.warmup=0", "train.epochs=400", "train.eval_every=0", "lora.alpha=65536")
	r, err := Start(context.Background(), c, StartOptions{RunDir: filepath.Join(t.TempDir(), "run")})
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Wait()
	if !errors.Is(err, engine.ErrNonFinite) || result.State != engine.Failed {
		t.Fatalf("%+v: %v", result, err)
	}
	h, _ := runs.ReadHistory(r.Dir())
	found := false
	for _, e := range h.Events {
		if a, ok := e.Record.(runs.Alert); ok && a.ID == "NONFINITE" && a.Step == result.Step+1 {
			found = true
		}
	}
	if !found {
		t.Error("no alert in the history")
	}
}

func TestRunTakesCommands(t *testing.T) {
	c := toyConfig(t, "train.epochs=200", "train.eval_every=0", "train.checkpoint_every=0")
	r, err := Start(context.Background(), c, StartOptions{RunDir: filepath.Join(t.TempDir(), "run")})
	if err != nil {
		t.Fatal(err)
	}
	r.Watch([]int{6})
	r.SetLR(1e-5)
	r.Pause()
	r.Evaluate()
	r.Step()
	r.Checkpoint()
	r.Stop()
	result, err := r.Wait()
	if err != nil || result.State != engine.Stopped {
		t.Fatalf("%+v: %v", result, err)
	}
	h, _ := runs.ReadHistory(r.Dir())
	var actions []string
	for _, e := range h.Events {
		switch x := e.Record.(type) {
		case runs.Intervention:
			actions = append(actions, x.Action)
		case runs.Sample:
			if x.Row != 6 {
				t.Errorf("row %d was sampled", x.Row)
			}
		}
	}
	if got := strings.Join(actions, " "); got != "set-lr pause evaluate step checkpoint stop" {
		t.Errorf("recorded %s", got)
	}
}

func TestStartRefuses(t *testing.T) {
	t.Setenv("HF_HUB_CACHE", t.TempDir())
	buildWith(t, "")
	for _, c := range []struct {
		set  string
		want error
	}{
		{"model.path=builtin", ErrNoBuiltin},
		{"model.path=HuggingFaceTB/SmolLM-360M", hub.ErrNotCached},
	} {
		if _, err := Start(context.Background(), toyConfig(t, c.set), StartOptions{Store: t.TempDir()}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.set, err)
		}
	}
}

// Compare generates both models' outputs once, keeps them, and notices that the
// adapter has changed.
func TestCompare(t *testing.T) {
	c := toyConfig(t)
	result := train(t, c, StartOptions{RunDir: filepath.Join(t.TempDir(), "run"), MaxSteps: 4})
	dir := result.RunDir
	if _, err := ReadComparison(dir, data.Test); !errors.Is(err, ErrNotCompared) {
		t.Errorf("before: %v", err)
	}
	calls, last := 0, 0
	progress := func(done, total int) {
		calls++
		if last = done; total != 32 {
			t.Errorf("of %d", total)
		}
	}
	comparison, err := Compare(context.Background(), dir, data.Test, progress)
	if err != nil {
		t.Fatal(err)
	}
	if len(comparison.Examples) != 8 || comparison.Base.N != 8 || comparison.Tuned.N != 8 || calls < 16 || last != 32 || len(comparison.Schema) != 5 {
		t.Errorf("%d examples, %d calls up to %d, schema %v", len(comparison.Examples), calls, last, comparison.Schema)
	}
	if comparison.Examples[0].Base.Text == comparison.Examples[0].Tuned.Text && comparison.Examples[1].Base.Text == comparison.Examples[1].Tuned.Text {
		t.Error("training changed no output")
	}
	if _, err := Compare(context.Background(), dir, data.Test, func(int, int) { t.Error("generated again") }); err != nil {
		t.Error(err)
	}
	train(t, c, StartOptions{RunDir: dir})
	calls = 0
	if _, err := Compare(context.Background(), dir, data.Test, func(done, total int) { calls++ }); err != nil || (calls < 8 && calls != 0) {
		t.Errorf("after more training: %d rows generated again: %v", calls, err)
	}
	// The eval command's view of the same adapter has the same scores.
	g, err := OpenGenerator(context.Background(), c, runs.AdapterDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	e, err := g.Evaluate(context.Background(), data.Test, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	compared, err := ReadComparison(dir, data.Test)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range e.Examples {
		if x.Text != compared.Examples[i].Tuned.Text {
			t.Errorf("row %d: %q and %q", i, x.Text, compared.Examples[i].Tuned.Text)
		}
	}
}

func TestPrompt(t *testing.T) {
	result := train(t, toyConfig(t, "train.lr=2e-2"), StartOptions{RunDir: filepath.Join(t.TempDir(), "run")})
	p, err := OpenPrompt(context.Background(), BaseOf(result.RunDir), TunedOf(result.RunDir))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var order []int
	var grown [2]string
	both, err := p.Try(context.Background(), "Lunch with Zoe", false, [2]bool{true, true}, func(side int, token TriedToken) {
		order = append(order, side)
		if !token.End {
			grown[side] += token.Text
		}
		if len(token.Top) != topTokens || token.Top[0].P < token.P || math.Abs(token.Top[0].P-token.P) > 1e-9 {
			t.Errorf("greedy decoding took a token of %g, the likeliest has %g", token.P, token.Top[0].P)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for side, g := range both {
		if g.Tokens == 0 || string([]rune(grown[side])) != g.Text { // bytes of the toy's texts are no characters
			t.Errorf("side %d: %+v grew to %q", side, g, grown[side])
		}
		var only [2]bool
		only[side] = true
		alone, err := p.Try(context.Background(), "Lunch with Zoe", false, only, nil)
		if err != nil || alone[side].Text != g.Text || alone[1-side] != nil {
			t.Errorf("side %d alone: %+v, %v", side, alone, err)
		}
	}
	if both[0].Text == both[1].Text {
		t.Error("both sides write the same")
	}
	for i := range 2 * min(both[0].Tokens, both[1].Tokens) {
		if order[i] != i%2 {
			t.Fatalf("the sides did not take turns: %v", order)
		}
	}
}

func TestInitAdapter(t *testing.T) {
	first := train(t, toyConfig(t), StartOptions{RunDir: filepath.Join(t.TempDir(), "first")})
	adapter := runs.AdapterDir(first.RunDir)
	// With a learning rate of next to nothing the continued adapter is the first.
	c := toyConfig(t, "lora.init_adapter="+adapter, "train.lr=1e-12", "train.weight_decay=0")
	second := train(t, c, StartOptions{RunDir: filepath.Join(t.TempDir(), "second"), MaxSteps: 1})
	a, b := readAdapter(t, adapter), readAdapter(t, runs.AdapterDir(second.RunDir))
	for i := range a.Tensors {
		for j, v := range a.Tensors[i].Data {
			if math.Abs(float64(v-b.Tensors[i].Data[j])) > 1e-9 {
				t.Fatalf("%s does not start from init_adapter", a.Tensors[i].Name)
			}
		}
	}
	bad := toyConfig(t, "lora.init_adapter="+adapter, "lora.r=8")
	r, err := Start(context.Background(), bad, StartOptions{RunDir: filepath.Join(t.TempDir(), "third")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Wait(); err == nil || !strings.Contains(err.Error(), "its rank at model.layers.0.self_attn.q_proj is 4") {
		t.Errorf("%v", err)
	}
}
