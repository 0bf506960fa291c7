package decode_test

import (
	"context"
	"slices"
	"testing"

	"hone/engine"
	"hone/engine/batch"
	"hone/engine/decode"
	"hone/engine/kernel"
	"hone/engine/llama"
	"hone/engine/loss"
	"hone/engine/tokenizer"
	"hone/engine/weights"
)

// A model that writes objects of the schema by itself writes the same ones,
// token by token, when it can write nothing else.
func TestConstrainedEqualsFreeOfATunedModel(t *testing.T) {
	ctx := context.Background()
	file, err := weights.Open("../testdata/toy/tied")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	pool := kernel.NewPool(2)
	defer pool.Close()
	w, err := llama.Load(ctx, pool, file, llama.Frozen, llama.F32)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load("../testdata/toy/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	eos := w.Config.EOS
	schema := []string{"what", "when"}
	rows := [][2]string{
		{"Tea at 9:\n", ` {"what": "Tea", "when": 9}`},
		{"Call Zoé\n", ` {"what": ["Zoé", true], "when": null}`},
		{"?\n", ` {"what": null, "when": {"at": "\"?\""}}`},
	}
	var examples []batch.Example
	var prompts, want [][]int32
	for i, r := range rows {
		prompt, completion := tok.Encode(r[0]), append(tok.Encode(r[1]), eos[0])
		class := slices.Concat(slices.Repeat([]int32{batch.NotTarget}, len(prompt)), make([]int32, len(completion)))
		examples = append(examples, batch.Example{Row: i, IDs: slices.Concat(prompt, completion), Class: class, Prompt: len(prompt)})
		prompts, want = append(prompts, prompt), append(want, completion)
	}
	adapter, err := llama.NewAdapter(w.Config, llama.LoRA{R: 16, Alpha: 32, Targets: weights.Linears[:]}, 1)
	if err != nil {
		t.Fatal(err)
	}
	trainer, err := engine.NewTrainer(pool, w, adapter, examples, engine.Config{
		Epochs: 400, BatchSize: len(rows), LR: 1e-2, Schedule: "cosine", Warmup: 0.05, Clip: 1, Loss: loss.Weights{CE: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer trainer.Close()
	for range trainer.Steps() {
		if _, err := trainer.Step(ctx); err != nil {
			t.Fatal(err)
		}
	}

	c, err := decode.NewConstraint(tok, schema, eos)
	if err != nil {
		t.Fatal(err)
	}
	m := decode.New(pool, w, adapter, 256)
	passes := 0
	m.Hook = func(name string, _ []float32, _ int) {
		if name == "norm" {
			passes++
		}
	}
	counts := map[bool]int{}
	for _, constrained := range []bool{false, true} {
		o := decode.Options{MaxNew: 80, Batch: 2, EOS: eos}
		if constrained {
			o.Constraint = c
		}
		passes = 0
		out, err := m.Generate(ctx, prompts, o)
		if err != nil {
			t.Fatal(err)
		}
		counts[constrained] = passes
		for i := range out {
			if !slices.Equal(out[i].IDs, want[i]) || out[i].Stopped != decode.StopEOS {
				t.Errorf("constrained %v: %q, trained on %q", constrained, tok.Decode(out[i].IDs), tok.Decode(want[i]))
			}
		}
	}
	if counts[true]*3 > counts[false]*2 {
		t.Errorf("%d passes with the constraint, %d without", counts[true], counts[false])
	}
}
