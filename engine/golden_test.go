package engine_test

import (
	"context"
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

// The reference figures of the real model stand beside the project. In CI they
// must be there.
const (
	shared    = "../../shared/"
	realModel = shared + "models/SmolLM2-135M-Instruct-Q4_1.gguf"
)

func needShared(t testing.TB) {
	t.Helper()
	if _, err := os.Stat(realModel); err != nil {
		if os.Getenv("HONE_REQUIRE_SHARED") == "1" {
			t.Fatal(err)
		}
		t.Skip("no reference model beside the project: ", err)
	}
}

// goldenExamples are the first 64 rows of the real train split, as encoded by
// the reference.
func goldenExamples(t testing.TB) []batch.Example {
	t.Helper()
	var rows []struct {
		Prompt     []int32 `json:"prompt_ids"`
		Completion []int32 `json:"completion_ids"`
		Class      []int32 `json:"token_class"`
	}
	readJSON(t, shared+"golden/encoding.json", &rows)
	var out []batch.Example
	for i, r := range rows {
		class := slices.Repeat([]int32{batch.NotTarget}, len(r.Prompt))
		out = append(out, batch.Example{Row: i, IDs: slices.Concat(r.Prompt, r.Completion), Class: append(class, r.Class...), Prompt: len(r.Prompt)})
	}
	return out
}

func TestGoldenForward(t *testing.T) {
	needShared(t)
	var figures []forwardFigures
	readJSON(t, shared+"golden/forward.json", &figures)
	logits, _, err := weights.ReadSafetensors(shared + "golden/forward.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	pool := newPool(t, 0)
	w := load(t, pool, openModel(t, realModel), llama.Frozen)
	m := decode.New(pool, w, nil, 512)
	var prompts [][]int32
	for i, f := range figures {
		for _, x := range logits[i].Data {
			f.LastLogits = append(f.LastLogits, float64(x))
		}
		checkForward(t, m, f.IDs, f)
		checkGreedy(t, m, f.IDs, f.Greedy, []int32{2})
		prompts = append(prompts, f.IDs)
	}
	// All three side by side give the same tokens.
	out, err := m.Generate(context.Background(), prompts, decode.Options{MaxNew: 40, Batch: 3, EOS: []int32{2}})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range figures {
		if !slices.Equal(out[i].IDs, f.Greedy) {
			t.Errorf("batched greedy tokens of %d are %v, the reference %v", i, out[i].IDs, f.Greedy)
		}
	}
}

func TestGoldenTraining(t *testing.T) {
	needShared(t)
	for _, name := range []string{"lora_ce", "lora_entity"} {
		t.Run(name, func(t *testing.T) {
			var f trajectoryFigure
			readJSON(t, filepath.Join(shared, "golden", name+".json"), &f)
			checkTrajectory(t, newPool(t, 0), openModel(t, realModel), goldenExamples(t), f, float32Tolerances, nil)
		})
	}
}

// The plain kernels hold the first two steps of the same figures.
func TestGoldenTrainingPlain(t *testing.T) {
	needShared(t)
	active := kernel.Active()
	if err := kernel.Use("plain"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := kernel.Use(active); err != nil {
			t.Fatal(err)
		}
	}()
	var f trajectoryFigure
	readJSON(t, shared+"golden/lora_ce.json", &f)
	f.Steps, f.FinalNorms = f.Steps[:1], nil
	checkTrajectory(t, newPool(t, 0), openModel(t, realModel), goldenExamples(t), f, float32Tolerances, nil)
}

// With weights in bf16 the losses stray from float32 no further than PyTorch's
// bf16 autocast does.
func TestGoldenTrainingBF16(t *testing.T) {
	needShared(t)
	var exact, autocast trajectoryFigure
	readJSON(t, shared+"golden/lora_ce.json", &exact)
	readJSON(t, shared+"golden/lora_ce_autocast.json", &autocast)
	m, pool := openModel(t, realModel), newPool(t, 0)
	adapter := sineAdapter(t, m.Config, llama.LoRA{R: exact.R, Alpha: exact.Alpha, Targets: exact.Modules}, false)
	examples := goldenExamples(t)[:exact.BatchSize*len(exact.Steps)]
	trainer, err := engine.NewTrainer(pool, loadAs(t, pool, m, llama.Frozen, llama.BF16), adapter, examples, engine.Config{
		Epochs: 1, BatchSize: exact.BatchSize, LR: exact.LR, Schedule: "constant", WeightDecay: exact.WeightDecay, Clip: exact.Clip, Loss: loss.Weights{CE: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer trainer.Close()
	ours, theirs := 0.0, 0.0
	for i, want := range exact.Steps {
		got, err := trainer.Step(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		ours += math.Abs(got.Terms.Loss-want.Loss) / float64(len(exact.Steps))
		theirs += math.Abs(autocast.Steps[i].Loss-want.Loss) / float64(len(exact.Steps))
	}
	if ours > theirs {
		t.Errorf("bf16 losses stray by %.4f, PyTorch's autocast by %.4f", ours, theirs)
	}
	t.Logf("mean absolute loss error: ours %.4f, autocast %.4f", ours, theirs)
}
