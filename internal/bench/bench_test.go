package bench

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hone/data"
	"hone/engine"
	"hone/experiments"
	"hone/internal/testmodel"
	"hone/runs"
)

const toy = "../../engine/testdata/toy"

// toyOptions are a few steps on the toy model.
func toyOptions(t *testing.T, set ...string) Options {
	t.Helper()
	// A measurement leaves nothing behind in the temporary directory.
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Cleanup(func() {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	})
	c, err := experiments.Load("", append([]string{"model.path=" + filepath.Join(toy, "tied"), "data.path=" + filepath.Join(toy, "events"), "threads=2"}, set...)...)
	if err != nil {
		t.Fatal(err)
	}
	return Options{Config: c}
}

// A measured step is a step of hone train: the same rows, the same loss.
func TestTrainTakesTheStepsOfARun(t *testing.T) {
	const steps = 6
	o := toyOptions(t, "train.eval_every=0", "train.micro_batch=300")
	got, err := MeasureTrain(context.Background(), TrainOptions{Options: o, Steps: steps, Profile: true})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	run, err := experiments.Start(context.Background(), o.Config, experiments.StartOptions{RunDir: dir, MaxSteps: steps})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Wait(); err != nil {
		t.Fatal(err)
	}
	h, err := runs.ReadHistory(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Steps) != steps || len(got.Losses) != steps {
		t.Fatalf("%d losses measured, %d recorded", len(got.Losses), len(h.Steps))
	}
	for i, s := range h.Steps {
		if got.Losses[i] != float64(s.Loss) {
			t.Errorf("step %d: loss %v measured, %v in a run", i+1, got.Losses[i], s.Loss)
		}
	}
	if got.What != "train" || got.Model != "tied" || got.DType != "f32" || got.Threads != 2 || got.MicroBatch != 300 || got.Random {
		t.Errorf("setting %+v, micro-batch %d", got.Setting, got.MicroBatch)
	}
	if len(got.GemmBounds) != 2 {
		t.Errorf("bounds %v, want one before and one after", got.GemmBounds)
	}
	for name, x := range map[string]float64{
		"rate": got.TokensPerSecond, "best": got.Best, "bound": got.GemmBound, "share": got.ShareOfBound, "estimate": float64(got.MemoryBytes),
	} {
		if !(x > 0) || math.IsInf(x, 0) {
			t.Errorf("%s is %v", name, x)
		}
	}
	sum, shares := 0.0, 0.0
	for _, op := range got.Ops {
		sum, shares = sum+op.Seconds, shares+op.Share
	}
	if math.Abs(sum-got.StepSeconds) > 1e-9 || math.Abs(shares-1) > 1e-9 {
		t.Errorf("operations sum to %v s and a share of %v, the step took %v", sum, shares, got.StepSeconds)
	}
	down := slices.IndexFunc(got.Ops, func(o Op) bool { return o.Name == "mlp.down_proj" && o.Phase == "backward" })
	if down < 0 || got.Ops[down].Calls%2 != 0 || got.Ops[down].Calls < 4 {
		t.Errorf("no backward pass of two layers' down_proj in several micro-batches: %+v", got.Ops)
	}
}

func TestSummarizeTakesMediansAndLeavesTheRest(t *testing.T) {
	step := func(a, b, r float64) []engine.OpTime {
		return []engine.OpTime{{Name: "a", Phase: "forward", Calls: 3, Seconds: a}, {Name: "b", Calls: 1, Seconds: b}, {Name: rest, Calls: 1, Seconds: r}}
	}
	got := summarize([][]engine.OpTime{step(1, 5, 0), step(2, 7, 1), step(9, 6, 0)}, 10)
	want := []Op{{"b", "", 1, 6, 0.6}, {"a", "forward", 3, 2, 0.2}, {rest, "", 1, 2, 0.2}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestMedian(t *testing.T) {
	for want, values := range map[float64][]float64{3: {9, 3, 1}, 2.5: {4, 1, 2, 3}, 7: {7}} {
		before := slices.Clone(values)
		if got := median(values); got != want || !slices.Equal(values, before) {
			t.Errorf("median of %v is %v, want %v", before, got, want)
		}
	}
}

func TestTrainRefusesStepsThatAreNotThere(t *testing.T) {
	for _, steps := range []int{2, 16} { // nothing to time; the run has 15
		if _, err := MeasureTrain(context.Background(), TrainOptions{Options: toyOptions(t), Steps: steps}); !errors.Is(err, ErrSteps) {
			t.Errorf("%d steps: %v", steps, err)
		}
	}
}

// The scores are those of hone eval, also of random weights in a shape.
func TestEvalScores(t *testing.T) {
	o := toyOptions(t, "eval.max_new=8", "eval.batch=3")
	o.Repeat = 2
	got, err := MeasureEval(context.Background(), EvalOptions{Options: o, Limit: 4, Adapter: filepath.Join(toy, "tied", "adapter")})
	if err != nil {
		t.Fatal(err)
	}
	g, err := experiments.OpenGenerator(context.Background(), o.Config, filepath.Join(toy, "tied", "adapter"))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	want, err := g.Evaluate(context.Background(), data.Test, 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	tokens := 0
	for _, e := range want.Examples {
		tokens += e.Tokens
	}
	if got.N != 4 || got.Tokens != tokens || got.FieldAccuracy != want.FieldAccuracy || got.Failures["no-brace"] != want.Failures["no-brace"] {
		t.Errorf("measured %+v, evaluated %+v with %d tokens", got, want.Scores, tokens)
	}
	if got.Batch != 3 || !got.Adapter || got.Repeat != 2 || got.Random {
		t.Errorf("setting %+v", got)
	}

	o.Shape = "tiny"
	shape, err := MeasureEval(context.Background(), EvalOptions{Options: o, Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	if shape.Model != "tiny" || !shape.Random || shape.Adapter || shape.N != 2 {
		t.Errorf("of a shape: %+v", shape)
	}
}

// The generated tokens are those of hone generate.
func TestDecodeIsGreedy(t *testing.T) {
	o := toyOptions(t)
	got, err := MeasureDecode(context.Background(), DecodeOptions{Options: o, New: 20})
	if err != nil {
		t.Fatal(err)
	}
	g, err := experiments.OpenGenerator(context.Background(), o.Config, "")
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	want, err := g.Generate(context.Background(), g.Dataset.Test[0].Prompt, false, shownIDs, experiments.Sampling{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(want.IDs); n < 2 || len(got.IDs) != shownIDs || !slices.Equal(got.IDs[:n], want.IDs) {
		t.Errorf("measured %v, generated %v", got.IDs, want.IDs)
	}
	if got.New != 20 || got.Prompt != len(g.Encoder.Prompt(g.Dataset.Test[0].Prompt)) || !(got.TokensPerSecond > 0) || !(got.PromptTokensPerSecond > 0) {
		t.Errorf("%+v", got)
	}
}

func TestKernelMeasuresEveryProduct(t *testing.T) {
	o := toyOptions(t, "model.dtype=bf16")
	seen := map[string]int{}
	err := MeasureKernel(context.Background(), KernelOptions{Options: o, Rows: []int{3}, Workers: []int{3}}, func(p Product) error {
		seen[p.Name+" "+p.DType]++
		if !(p.GFlops > 0) || p.Best < p.GFlops || !(p.GBs > 0) || p.Threads != 3 || p.Name != InCache && p.Rows != 3 {
			t.Errorf("%+v", p)
		}
		if p.Name == "gate_up_projᵀ" && (p.N != 32 || p.K != 96) {
			t.Errorf("%s is %d x %d", p.Name, p.N, p.K)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{InCache, "qkv_proj", "o_proj", "gate_up_proj", "down_proj", "lm_head"} {
		if seen[name+" bf16"] != 1 || name != InCache && seen[name+"ᵀ bf16"] != 1 {
			t.Errorf("%s: %v", name, seen)
		}
	}
	if len(seen) != 11 {
		t.Errorf("%d products measured: %v", len(seen), seen)
	}
	o.Config.Model.DType = "auto" // both types, f32 first
	stop := errors.New("enough")
	if err := MeasureKernel(context.Background(), KernelOptions{Options: o, Rows: []int{1}}, func(p Product) error {
		if p.DType != "f32" {
			t.Errorf("the first is in %s", p.DType)
		}
		return stop
	}); !errors.Is(err, stop) {
		t.Errorf("error %v, want that of whoever takes the products", err)
	}
}

func TestShapesAreRefusedByName(t *testing.T) {
	o := toyOptions(t)
	o.Shape = "smollm-136m"
	if _, err := open(context.Background(), o); !errors.Is(err, ErrShape) {
		t.Errorf("error %v", err)
	}
	o.Shape, o.Config.Model.Path = "tiny", t.TempDir()
	if _, err := open(context.Background(), o); !errors.Is(err, ErrTokenizer) {
		t.Errorf("error %v", err)
	}
}

// Every measurement ends when its context does.
func TestMeasurementsEndWithTheContext(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	o := toyOptions(t)
	o.Shape = "tiny"
	for name, measure := range map[string]func() error{
		"train":  func() error { _, err := MeasureTrain(ctx, TrainOptions{Options: o, Steps: 3}); return err },
		"eval":   func() error { _, err := MeasureEval(ctx, EvalOptions{Options: o}); return err },
		"decode": func() error { _, err := MeasureDecode(ctx, DecodeOptions{Options: o, New: 1}); return err },
		"kernel": func() error {
			return MeasureKernel(ctx, KernelOptions{Options: o, Rows: []int{1}}, func(Product) error { return nil })
		},
		"ui": func() error { _, err := MeasureUI(ctx, UIOptions{Options: o, Steps: 3}); return err },
	} {
		if err := measure(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryShapeIsValid(t *testing.T) {
	for _, name := range Shapes() {
		s, err := findShape(name)
		if err == nil {
			err = s.Validate()
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := testmodel.SmolLM17B.Parameters(); n != 1711376384 { // as transformers counts the published model
		t.Errorf("SmolLM2-1.7B has %d weights", n)
	}
}
