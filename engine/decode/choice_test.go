package decode

import (
	"context"
	"math"
	"slices"
	"testing"

	"hone/engine/llama"
)

// What Chosen sees is the softmax of the logits that a forward pass of the text
// so far gives, for every token, EOS included; watching changes no text.
func TestChosenSeesTheModelsProbabilities(t *testing.T) {
	x := openToy(t, "tied")
	ctx := context.Background()
	prompts := x.prompts(3)
	for _, temperature := range []float64{0, 1.5} {
		o := Options{MaxNew: 12, Batch: 2, EOS: x.eos, Temperature: temperature, Seed: 3}
		want, err := x.model.Generate(ctx, prompts, o)
		if err != nil {
			t.Fatal(err)
		}
		seen := make([][]Choice, len(prompts))
		o.Top, o.Chosen = 4, func(i int, c Choice) { seen[i] = append(seen[i], c) }
		got, err := x.model.Generate(ctx, prompts, o)
		if err != nil {
			t.Fatal(err)
		}
		for i, out := range got {
			if !slices.Equal(out.IDs, want[i].IDs) || len(seen[i]) != len(out.IDs) {
				t.Fatalf("prompt %d: %v with Chosen (%d seen), %v without", i, out.IDs, len(seen[i]), want[i].IDs)
			}
			for j, c := range seen[i] {
				logits, err := x.model.NextLogits(ctx, append(slices.Clone(prompts[i]), out.IDs[:j]...))
				if err != nil {
					t.Fatal(err)
				}
				p := softmax(logits)
				if c.ID != out.IDs[j] || math.Abs(c.P-p[c.ID]) > 1e-4 || c.Forced {
					t.Errorf("prompt %d, token %d: %+v, want id %d with %g", i, j, c, out.IDs[j], p[c.ID])
				}
				if len(c.Top) != 4 || temperature == 0 && c.Top[0].ID != c.ID {
					t.Errorf("prompt %d, token %d: the likeliest are %+v", i, j, c.Top)
				}
				order := slices.Clone(p)
				slices.Sort(order)
				for k, top := range c.Top {
					if math.Abs(top.P-order[len(order)-1-k]) > 1e-4 || math.Abs(p[top.ID]-top.P) > 1e-4 {
						t.Errorf("prompt %d, token %d: place %d is %+v, want %g", i, j, k, top, order[len(order)-1-k])
					}
				}
			}
		}
	}
}

func softmax(logits []float32) []float64 {
	p := make([]float64, len(logits))
	sum := 0.0
	for i, z := range logits {
		p[i] = math.Exp(float64(z))
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

func TestDistributionOfOddLogits(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	s := distribution([]float32{2, nan, 2, 1}, 9)
	if len(s.top) != 3 || s.top[0].ID != 0 || s.top[1].ID != 2 || s.top[2].ID != 3 || !math.IsNaN(s.top[0].P) {
		t.Errorf("with NaN: %+v", s.top)
	}
	if s := distribution([]float32{-inf, 0, -inf}, 2); s.top[0] != (Candidate{1, 1}) || s.top[1].P != 0 {
		t.Errorf("with -Inf: %+v", s.top)
	}
	if s := distribution([]float32{1, 1, 1}, 2); s.top[0].ID != 0 || s.top[1].ID != 1 || math.Abs(s.top[0].P-1./3) > 1e-12 {
		t.Errorf("equal: %+v", s.top)
	}
	if s := distribution([]float32{1, 2}, 0); len(s.top) != 0 || math.Abs(s.of(2)-1/(1+math.Exp(-1))) > 1e-12 {
		t.Errorf("without a top: %+v", s)
	}
}

// A constraint's own tokens are marked: the model was not asked for them.
func TestForcedTokensAreMarked(t *testing.T) {
	x := openToy(t, "tied")
	var seen []Choice
	out, err := x.model.Generate(context.Background(), x.prompts(1), Options{
		MaxNew: 60, Batch: 1, EOS: x.eos, Constraint: x.constraint(t, []string{"action"}), Top: 1,
		Chosen: func(_ int, c Choice) { seen = append(seen, c) },
	})
	if err != nil {
		t.Fatal(err)
	}
	forced := 0
	for i, c := range seen {
		if c.ID != out[0].IDs[i] {
			t.Fatalf("token %d is %d, seen was %+v", i, out[0].IDs[i], c)
		}
		if c.Forced {
			forced++
		}
	}
	if len(seen) != len(out[0].IDs) || forced == 0 || forced == len(seen) || !seen[0].Forced {
		t.Errorf("%d of %d seen tokens are forced, of %d", forced, len(seen), len(out[0].IDs))
	}
}

// Two models on the same weights and workers take turns token by token and write
// what each writes alone.
func TestGenerationsTakeTurns(t *testing.T) {
	x := openToy(t, "untied")
	ctx := context.Background()
	adapter, err := llama.NewAdapter(x.weights.Config, llama.LoRA{R: 2, Alpha: 64, Targets: []string{"q_proj", "down_proj"}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range adapter.Factors(0, "q_proj", "down_proj") {
		if f.B != nil {
			for i := range f.B.Data {
				f.B.Data[i] = 0.3 * float32(i%5-2)
			}
		}
	}
	models := []*Model{x.model, New(x.model.pool, x.weights, adapter, 256)}
	o := Options{MaxNew: 16, Batch: 2, EOS: x.eos}
	var want [2][]Output
	var turns [2]*Generation
	for i, m := range models {
		if want[i], err = m.Generate(ctx, x.prompts(3), o); err != nil {
			t.Fatal(err)
		}
		if turns[i], err = m.Begin(ctx, x.prompts(3), o); err != nil {
			t.Fatal(err)
		}
	}
	if slices.Equal(want[0][0].IDs, want[1][0].IDs) {
		t.Fatal("both models write the same")
	}
	for live := 2; live > 0; {
		live = 0
		for _, g := range turns {
			more, err := g.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if more {
				live++
			}
		}
	}
	for i, g := range turns {
		for j, out := range g.Outputs() {
			if !slices.Equal(out.IDs, want[i][j].IDs) || out.Stopped != want[i][j].Stopped {
				t.Errorf("model %d, prompt %d: %v (%s) in turns, %v alone", i, j, out.IDs, out.Stopped, want[i][j].IDs)
			}
		}
	}
}
