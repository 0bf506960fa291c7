package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hone/engine"
	"hone/engine/batch"
	"hone/engine/decode"
	"hone/engine/kernel"
	"hone/engine/llama"
	"hone/engine/loss"
	"hone/engine/weights"
)

// figures is figures.json of a toy model; testdata/toy/README.md explains it.
type figures struct {
	Parameters int64 `json:"parameters"`
	Examples   []struct {
		IDs     []int32 `json:"ids"`
		Prompt  int     `json:"prompt"`
		Classes []int32 `json:"classes"`
	} `json:"examples"`
	Forward      []forwardFigures            `json:"forward"`
	Adapter      []forwardFigures            `json:"adapter"`
	Trajectories map[string]trajectoryFigure `json:"trajectories"`
}

type forwardFigures struct {
	Example     int       `json:"example"`
	TokenNLL    []float64 `json:"token_nll"`
	LastLogits  []float64 `json:"last_logits"`
	HiddenNorms []float64 `json:"hidden_norms"`
	Greedy      []int32   `json:"greedy"`
	IDs         []int32   `json:"ids"` // of ../shared/golden only
}

type trajectoryFigure struct {
	Method string `json:"method"`
	LoRA   *struct {
		R       int      `json:"r"`
		Alpha   float64  `json:"alpha"`
		Modules []string `json:"modules"`
		RSLoRA  bool     `json:"rslora"`
		BInit   string   `json:"b_init"`
	} `json:"lora"`
	R           int                `json:"r"` // ../shared/golden has these outside
	Alpha       float64            `json:"alpha"`
	Modules     []string           `json:"modules"`
	BatchSize   int                `json:"batch_size"`
	LR          float64            `json:"lr"`
	WeightDecay float64            `json:"weight_decay"`
	Clip        float64            `json:"clip"`
	Weights     map[string]float64 `json:"weights"`
	Trainable   int                `json:"trainable"`
	Steps       []struct {
		Rows         []int              `json:"rows"`
		Loss         float64            `json:"loss"`
		CE           float64            `json:"ce"`
		JSON         float64            `json:"json"`
		Field        float64            `json:"field"`
		Confidence   float64            `json:"confidence"`
		GradNorm     float64            `json:"grad_norm"`
		Tokens       int                `json:"tokens"`
		TargetTokens int                `json:"target_tokens"`
		GradNorms    map[string]float64 `json:"grad_norms"`
		Gradients    map[string]struct {
			Rows   []int     `json:"rows"`
			Values []float64 `json:"values"`
		} `json:"gradients"`
	} `json:"steps"`
	FinalNorms map[string]float64 `json:"final_norms"`
}

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatal(path, err)
	}
}

// toy is a toy model with its figures.
type toy struct {
	figures
	model    *weights.Model
	examples []batch.Example
}

func openToy(t testing.TB, variant string) *toy {
	t.Helper()
	return openFigures(t, filepath.Join("testdata", "toy", variant))
}

func openFigures(t testing.TB, dir string) *toy {
	t.Helper()
	x := &toy{model: openModel(t, dir)}
	readJSON(t, filepath.Join(dir, "figures.json"), &x.figures)
	for i, e := range x.figures.Examples {
		x.examples = append(x.examples, batch.Example{Row: i, IDs: e.IDs, Class: e.Classes, Prompt: e.Prompt})
	}
	return x
}

func openModel(t testing.TB, path string) *weights.Model {
	t.Helper()
	m, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func newPool(t testing.TB, workers int) *kernel.Pool {
	t.Helper()
	p := kernel.NewPool(workers)
	t.Cleanup(p.Close)
	return p
}

func load(t testing.TB, pool *kernel.Pool, m *weights.Model, use llama.Use) *llama.Weights {
	t.Helper()
	return loadAs(t, pool, m, use, llama.F32)
}

func loadAs(t testing.TB, pool *kernel.Pool, m *weights.Model, use llama.Use, dtype llama.DType) *llama.Weights {
	t.Helper()
	w, err := llama.Load(context.Background(), pool, m, use, dtype)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// sineAdapter is the adapter that the reference figures start from.
func sineAdapter(t testing.TB, c weights.Config, l llama.LoRA, cosine bool) *llama.Adapter {
	t.Helper()
	a, err := llama.NewAdapter(c, l, 0)
	if err != nil {
		t.Fatal(err)
	}
	for layer := range c.Layers {
		for index, module := range weights.Linears {
			f := a.Factors(layer, module)[0]
			if f.A == nil {
				continue
			}
			r, in := f.A.Shape[0], f.A.Shape[1]
			for i := range r {
				for j := range in {
					f.A.Data[i*in+j] = float32(math.Sqrt(1/float64(in)) * math.Sin(1+0.37*float64(i)+0.11*float64(j)+0.05*float64(layer)+0.9*float64(index)))
				}
			}
			if cosine {
				for i := range f.B.Shape[0] {
					for j := range r {
						f.B.Data[i*r+j] = float32(0.05 * math.Sqrt(1/float64(r)) * math.Cos(2+0.23*float64(i)+0.31*float64(j)+0.07*float64(layer)+0.5*float64(index)))
					}
				}
			}
		}
	}
	return a
}

// tolerances of a trajectory: relative, but for the absolute slack on single tensors.
type tolerances struct{ loss, norm, tensor1, tensor2, final float64 }

var float32Tolerances = tolerances{loss: 2e-4, norm: 5e-4, tensor1: 1e-3, tensor2: 5e-3, final: 5e-4}

// checkTrajectory trains as the figure did and compares every figure.
func checkTrajectory(t *testing.T, pool *kernel.Pool, m *weights.Model, examples []batch.Example, f trajectoryFigure, tol tolerances, change func(*engine.Config)) {
	t.Helper()
	use, c := llama.Frozen, m.Config
	var adapter *llama.Adapter
	if f.Method == "full" {
		use = llama.Full
	} else {
		l, cosine := llama.LoRA{R: f.R, Alpha: f.Alpha, Targets: f.Modules}, false
		if f.LoRA != nil {
			l = llama.LoRA{R: f.LoRA.R, Alpha: f.LoRA.Alpha, RSLoRA: f.LoRA.RSLoRA, Targets: f.LoRA.Modules}
			cosine = f.LoRA.BInit == "cos"
		}
		adapter = sineAdapter(t, c, l, cosine)
	}
	config := engine.Config{
		Epochs: 1, BatchSize: f.BatchSize, LR: f.LR, Schedule: "constant", WeightDecay: f.WeightDecay, Clip: f.Clip,
		Loss: loss.Weights{CE: f.Weights["ce"], JSON: f.Weights["json"], Field: f.Weights["field"], Confidence: f.Weights["confidence"]},
	}
	if change != nil {
		change(&config)
	}
	var ordered []batch.Example
	for _, s := range f.Steps {
		rows := s.Rows
		if len(rows) == 2 && rows[1]-rows[0] == f.BatchSize { // ../shared/golden: from, to
			rows = nil
			for r := s.Rows[0]; r < s.Rows[1]; r++ {
				rows = append(rows, r)
			}
		}
		for _, r := range rows {
			ordered = append(ordered, examples[r])
		}
	}
	trainer, err := engine.NewTrainer(pool, load(t, pool, m, use), adapter, ordered, config)
	if err != nil {
		t.Fatal(err)
	}
	defer trainer.Close()
	worst := map[string]float64{}
	check := func(what string, step int, got, want, relative, slack float64) {
		t.Helper()
		d := math.Abs(got-want) / math.Max(math.Abs(want), 1e-30)
		if math.Abs(got-want) > slack {
			worst[what] = math.Max(worst[what], d)
		}
		if !(math.Abs(got-want) <= relative*math.Abs(want)+slack) {
			t.Errorf("step %d: %s is %.8g, the reference %.8g (%.1e)", step, what, got, want, d)
		}
	}
	for i, want := range f.Steps {
		got, err := trainer.Step(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if got.Counts.Tokens != want.Tokens || got.Counts.Targets != want.TargetTokens {
			t.Errorf("step %d: %d tokens, %d targets, the reference %d, %d", i+1, got.Counts.Tokens, got.Counts.Targets, want.Tokens, want.TargetTokens)
		}
		check("loss", i+1, got.Terms.Loss, want.Loss, tol.loss, 0)
		check("ce", i+1, got.Terms.CE, want.CE, tol.loss, 0)
		check("json", i+1, got.Terms.JSON, want.JSON, tol.loss, 0)
		check("field", i+1, got.Terms.Field, want.Field, tol.loss, 0)
		check("confidence", i+1, got.Terms.Confidence, want.Confidence, tol.loss, 0)
		check("gradient norm", i+1, got.GradNorm, want.GradNorm, tol.norm, 0)
		if i < 2 {
			for name := range want.GradNorms { // of the real model some layers only
				if !slices.Contains(trainer.Names(), name) {
					t.Errorf("%s is not trained", name)
				}
			}
			relative := []float64{tol.tensor1, tol.tensor2}[i]
			for j, name := range trainer.Names() {
				if ref, ok := want.GradNorms[name]; ok {
					check(fmt.Sprintf("tensor norm %d", i+1), i+1, got.Norms[j], ref, relative, 1e-6)
				}
			}
			for j, name := range trainer.Names() {
				g, ok := want.Gradients[name]
				if !ok {
					continue
				}
				gradient, shape := trainer.Gradient(j)
				width := shape[len(shape)-1]
				if len(shape) == 1 {
					width = 1
				}
				for k, row := range g.Rows {
					for x := range width {
						ref := g.Values[k*width+x]
						if d := math.Abs(float64(gradient[row*width+x]) - ref); !(d <= 2e-3*math.Abs(ref)+2e-5*math.Max(got.Norms[j], 1e-3)) {
							t.Fatalf("step %d: gradient of %s[%d,%d] is %g, the reference %g", i+1, name, row, x, gradient[row*width+x], ref)
						}
					}
				}
			}
		}
	}
	for j, name := range trainer.Names() {
		want, ok := f.FinalNorms[name]
		if !ok {
			continue
		}
		sum := 0.0
		for _, v := range trainer.Tensor(j) {
			sum += float64(v) * float64(v)
		}
		check("final norm", len(f.Steps), math.Sqrt(sum), want, tol.final, 1e-7)
	}
	t.Logf("worst relative differences: %v", worst)
}

func TestToyTrajectories(t *testing.T) {
	for _, variant := range []string{"tied", "untied"} {
		x := openToy(t, variant)
		for name, f := range x.Trajectories {
			t.Run(variant+"/"+name, func(t *testing.T) {
				checkTrajectory(t, newPool(t, 2), x.model, x.examples, f, float32Tolerances, nil)
			})
		}
	}
}

func checkForward(t *testing.T, m *decode.Model, ids []int32, f forwardFigures) {
	t.Helper()
	ctx := context.Background()
	var norms []float64
	m.Hook = func(_ string, out []float32, width int) {
		norms = append(norms, math.Sqrt(kernel.SumSquares(out[len(out)-width:])))
	}
	logits, err := m.NextLogits(ctx, ids)
	m.Hook = nil
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for i, want := range f.LastLogits {
		worst = math.Max(worst, math.Abs(float64(logits[i])-want))
	}
	if !(worst <= 2e-3) {
		t.Errorf("logits differ by %g", worst)
	}
	norms = append(norms[:len(norms)-2], norms[len(norms)-1]) // the last layer's state is not in the reference
	if len(norms) != len(f.HiddenNorms) {
		t.Fatalf("%d hidden states, the reference has %d", len(norms), len(f.HiddenNorms))
	}
	for i, want := range f.HiddenNorms {
		if math.Abs(norms[i]-want) > 1e-4*want {
			t.Errorf("hidden norm %d is %.8g, the reference %.8g", i, norms[i], want)
		}
	}
	// Every token but the first as a target gives the negative log-likelihoods.
	e := batch.Example{IDs: ids, Class: make([]int32, len(ids))}
	_, stats, err := m.Loss(ctx, []batch.Example{e}, loss.Weights{CE: 1})
	if err != nil {
		t.Fatal(err)
	}
	nll := 0.0
	for i, want := range f.TokenNLL {
		nll = math.Max(nll, math.Abs(-stats[0][i].LogP-want))
	}
	if !(nll <= 1e-4) {
		t.Errorf("negative log-likelihoods differ by %g", nll)
	}
	t.Logf("worst differences: logits %.2e, nll %.2e", worst, nll)
}

func TestToyForward(t *testing.T) {
	for _, variant := range []string{"tied", "untied"} {
		x := openToy(t, variant)
		pool := newPool(t, 2)
		w := load(t, pool, x.model, llama.Frozen)
		m := decode.New(pool, w, nil, 64)
		for _, f := range x.Forward {
			ids := x.examples[f.Example].IDs
			checkForward(t, m, ids, f)
			checkGreedy(t, m, ids, f.Greedy, nil)
		}
		if x.Adapter == nil {
			continue
		}
		file, err := weights.ReadAdapter(filepath.Join("testdata", "toy", variant, "adapter"))
		if err != nil {
			t.Fatal(err)
		}
		adapter, err := llama.FromFile(x.model.Config, file)
		if err != nil {
			t.Fatal(err)
		}
		m = decode.New(pool, w, adapter, 64)
		for _, f := range x.Adapter {
			ids := x.examples[f.Example].IDs
			checkForward(t, m, ids, f)
			checkGreedy(t, m, ids, f.Greedy, nil)
		}
	}
}

func checkGreedy(t *testing.T, m *decode.Model, ids, want, eos []int32) {
	t.Helper()
	out, err := m.Generate(context.Background(), [][]int32{ids}, decode.Options{MaxNew: len(want), Batch: 1, EOS: eos})
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(out[0].IDs) != fmt.Sprint(want) {
		t.Errorf("greedy tokens are %v, the reference %v", out[0].IDs, want)
	}
}
