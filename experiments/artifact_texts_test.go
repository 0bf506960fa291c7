package experiments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hone/data"
	"hone/data/builtin"
	"hone/engine/decode"
)

// writerJob is what testdata/writers.py is asked.
type writerJob struct {
	Kind    string    `json:"kind"`
	Path    string    `json:"path"`
	Base    string    `json:"base"`
	Prompts [][]int32 `json:"prompts"`
	Texts   []string  `json:"texts"`
	EOS     []int32   `json:"eos"`
	MaxNew  int       `json:"max_new"`
	Plain   bool      `json:"plain"`
}

type writerAnswer struct {
	Missing string    `json:"missing"`
	IDs     [][]int32 `json:"ids"`
	Texts   []written `json:"texts"`
}

// written is a text that a consumer wrote.
type written struct {
	IDs      []int32   `json:"ids"`      // its end included
	LogProbs []float64 `json:"logprobs"` // what the consumer thinks of them, nats
}

// textCheck is how a consumer's texts stand to Hone's.
type textCheck struct {
	same, tokens int
	// noise is the largest difference of what both think of a token that the consumer
	// wrote, nats.
	noise float64
	flips []textFlip
}

// textFlip is where a consumer first wrote another token.
type textFlip struct {
	row, position int
	ours, theirs  int32
	gap           float64 // by how much Hone prefers its own, nats
}

// compareTexts holds a consumer's texts against those of the model m.
func compareTexts(ctx context.Context, m *decode.Model, prompts [][]int32, ours, theirs []written) (textCheck, error) {
	var c textCheck
	for i, w := range theirs {
		if len(w.IDs) == 0 || len(w.IDs) != len(w.LogProbs) {
			return c, fmt.Errorf("row %d: %d tokens with %d probabilities", i, len(w.IDs), len(w.LogProbs))
		}
		// All positions at once, after what the consumer wrote.
		logits, err := m.Logits(ctx, append(slices.Clone(prompts[i]), w.IDs[:len(w.IDs)-1]...), len(prompts[i])-1)
		if err != nil {
			return c, err
		}
		vocab := len(logits) / len(w.IDs)
		at := func(position int) []float32 {
			return normalized([][]float32{logits[position*vocab : (position+1)*vocab]}, vocab)[0]
		}
		for j, id := range w.IDs {
			c.noise = max(c.noise, math.Abs(float64(at(j)[id])-w.LogProbs[j]))
		}
		c.tokens += len(w.IDs)
		j := 0
		for j < min(len(w.IDs), len(ours[i].IDs)) && w.IDs[j] == ours[i].IDs[j] {
			j++
		}
		switch {
		case j == len(w.IDs) && j == len(ours[i].IDs):
			c.same++
		case j == len(w.IDs) || j == len(ours[i].IDs): // one goes on where the other stopped
			c.flips = append(c.flips, textFlip{row: i, position: j, gap: math.Inf(1)})
		default:
			a, b := ours[i].IDs[j], w.IDs[j]
			c.flips = append(c.flips, textFlip{i, j, a, b, float64(at(j)[a] - at(j)[b])})
		}
	}
	return c, nil
}

// writer is a program that writes with an export.
type writer struct {
	name, format, kind string
	base               func(x *textRun) string // what an adapter is put on
	plain              bool
	// nats bounds what the program's precision may change of the logarithm of a
	// probability, and so what may lie between two tokens where it takes the other; 0: only for the record.
	nats float64
}

// writers is the table of consumers. Bounds are several times what was measured with
// SmolLM2-135M (docs/exports.md).
func writers() []writer {
	own := func(x *textRun) string { return x.base }
	f16 := func(x *textRun) string { return x.baseF16 }
	return []writer{
		{name: "PEFT", format: "peft", kind: "peft", base: own, nats: 0.001},
		{name: "transformers", format: "safetensors-f32", kind: "transformers", nats: 0.001},
		{name: "transformers", format: "safetensors-bf16", kind: "transformers", nats: 0.5},
		{name: "llama.cpp", format: "gguf-f16", kind: "llama.cpp", nats: 0.1},
		{name: "llama.cpp as it comes", format: "gguf-f16", kind: "llama.cpp", plain: true}, // caches in F16
		{name: "llama.cpp, base F16", format: "gguf-lora", kind: "llama.cpp", base: f16, nats: 0.05},
		{name: "llama.cpp, own base", format: "gguf-lora", kind: "llama.cpp", base: own, nats: 1}, // a Q4_1 base: activations become Q8_1
		{name: "llama.cpp", format: "gguf-q8_0", kind: "llama.cpp"},
		{name: "llama.cpp", format: "gguf-q4_1", kind: "llama.cpp"},
	}
}

// textRun is a run with what its model writes to the first prompts of the test split, in
// float32.
type textRun struct {
	*loaded
	model   *decode.Model
	rows    []data.Row
	job     writerJob
	ours    []written
	base    string // the run's base model
	baseF16 string // the same as gguf-f16
}

func openTextRun(ctx context.Context, t *testing.T, run string, rows int) *textRun {
	t.Helper()
	models, err := openRunModels(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(models.close)
	models.workspace.Config.Model.DType = "f32"
	x := &textRun{}
	if x.loaded, x.model, err = models.open(ctx, TunedOf(run)); err != nil {
		t.Fatal(err)
	}
	if x.rows, err = x.Dataset.Split(data.Test); err != nil {
		t.Fatal(err)
	}
	x.rows = x.rows[:min(rows, len(x.rows))]
	x.job = writerJob{EOS: x.EOS, MaxNew: x.Config.Eval.MaxNew}
	for _, r := range x.rows {
		ids, err := x.Encoder.PromptOf(r)
		if err != nil {
			t.Fatal(err)
		}
		x.job.Prompts = append(x.job.Prompts, ids)
		x.job.Texts = append(x.job.Texts, r.Prompt)
	}
	out, err := x.model.Generate(ctx, x.job.Prompts, decode.Options{MaxNew: x.job.MaxNew, Batch: x.Config.Eval.Batch, EOS: x.EOS})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out {
		x.ours = append(x.ours, written{IDs: o.IDs})
	}
	base := func(format, name string) string {
		made, err := ExportArtifact(ctx, BaseOf(run), ArtifactOptions{Format: format, Path: filepath.Join(t.TempDir(), name)})
		if errors.Is(err, ErrArtifact) || errors.Is(err, ErrNoBase) {
			return ""
		} else if err != nil {
			t.Fatal(err)
		}
		return made.Path
	}
	x.baseF16 = base("gguf-f16", "base.gguf")
	if x.base, err = modelPath(models.config.Model.Path); err != nil {
		t.Fatal(err)
	}
	if models.config.Model.Path == builtin.Name {
		x.base = base("safetensors-f32", "base")
	}
	return x
}

// scoresOf scores texts with Hone's own scorer.
func (x *textRun) scoresOf(texts []written) Scores {
	var list []Output
	for i, w := range texts {
		list = append(list, ScoreText(x.text(w.IDs), x.rows[i].Completion, x.Dataset.Schema))
	}
	return Summarize(list, x.Dataset.Schema)
}

// The comparison finds a model that is not the run's, and a text that ends early.
func TestTextsOfAnotherModel(t *testing.T) {
	ctx, run := context.Background(), trainedToy(t)
	models, err := openRunModels(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	defer models.close()
	prompts := make([][]int32, 4)
	write := func(s Side) (*decode.Model, []written) {
		l, m, err := models.open(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		for i := range prompts {
			prompts[i] = l.Encoder.Prompt(l.Dataset.Test[i].Prompt)
		}
		list := make([]written, len(prompts))
		out, err := m.Generate(ctx, prompts, decode.Options{MaxNew: 12, Batch: 4, EOS: l.EOS, Chosen: func(i int, c decode.Choice) {
			list[i].LogProbs = append(list[i].LogProbs, math.Log(c.P))
		}})
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range out {
			list[i].IDs = o.IDs
		}
		return m, list
	}
	m, ours := write(TunedOf(run))
	_, other := write(BaseOf(run))
	c, err := compareTexts(ctx, m, prompts, ours, ours)
	if err != nil || c.same != 4 || c.flips != nil || c.noise > 1e-4 || c.tokens == 0 {
		t.Errorf("its own texts: %+v, %v", c, err)
	}
	c, err = compareTexts(ctx, m, prompts, ours, other)
	if err != nil || len(c.flips) == 0 || c.noise < 0.1 {
		t.Fatalf("the base model's: %+v, %v", c, err)
	}
	for _, f := range c.flips {
		if f.gap <= 0 || f.ours == f.theirs || f.ours != ours[f.row].IDs[f.position] || f.theirs != other[f.row].IDs[f.position] {
			t.Errorf("%+v", f)
		}
	}
	short := []written{{ours[0].IDs[:3], ours[0].LogProbs[:3]}}
	c, err = compareTexts(ctx, m, prompts, ours, short)
	if err != nil || len(c.flips) != 1 || c.flips[0].position != 3 || !math.IsInf(c.flips[0].gap, 1) {
		t.Errorf("a shorter text: %+v, %v", c, err)
	}
	if _, err = compareTexts(ctx, m, prompts, ours, []written{{IDs: ours[0].IDs}}); err == nil {
		t.Error("a text without probabilities is taken")
	}
}

// A run's exports write in the programs that they are for what the run writes in Hone's
// float32, token for token; where one takes another token, the two were as good as equally
// likely to Hone. HONE_EXPORT_RUN names the run, `make exports` sets it.
func TestExportWrites(t *testing.T) {
	run, rows := os.Getenv("HONE_EXPORT_RUN"), 20
	if run == "" {
		t.Skip("HONE_EXPORT_RUN names no run")
	}
	if n, err := strconv.Atoi(os.Getenv("HONE_EXPORT_ROWS")); err == nil {
		rows = n
	}
	ctx := context.Background()
	x := openTextRun(ctx, t, run, rows)
	say := func(s Scores) string {
		return fmt.Sprintf("%d rows: exact %.4f, validity %.4f, fields %.4f", s.N, s.ExactMatch, s.JSONValidity, s.FieldAccuracy)
	}
	t.Logf("Hone in f32, %s", say(x.scoresOf(x.ours)))
	for _, w := range writers() {
		t.Run(strings.ReplaceAll(w.format+" in "+w.name, " ", "_"), func(t *testing.T) {
			job := x.job
			job.Kind, job.Plain = w.kind, w.plain
			if w.base != nil {
				if job.Base = w.base(x); job.Base == "" || w.kind == "llama.cpp" && filepath.Ext(job.Base) != ".gguf" {
					t.Skip("the base model is no GGUF file")
				}
			}
			made, err := ExportArtifact(ctx, TunedOf(run), ArtifactOptions{Format: w.format, Path: filepath.Join(t.TempDir(), w.format)})
			if errors.Is(err, ErrArtifact) {
				t.Skip(err)
			} else if err != nil {
				t.Fatal(err)
			}
			job.Path = made.Path
			var a writerAnswer
			askConsumer(t, "testdata/writers.py", job, func(out []byte) (string, error) {
				a = writerAnswer{}
				err := json.Unmarshal(out, &a)
				return a.Missing, err
			})
			for i, ids := range a.IDs {
				if !slices.Equal(ids, x.job.Prompts[i]) {
					t.Errorf("the prompt of row %d is %v there, here %v", i, ids, x.job.Prompts[i])
				}
			}
			if len(a.Texts) != len(x.ours) {
				t.Fatalf("%d texts of %d", len(a.Texts), len(x.ours))
			}
			c, err := compareTexts(ctx, x.model, x.job.Prompts, x.ours, a.Texts)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("the same text for %d of %d prompts, %d tokens, log-probabilities differ by at most %.3g nats", c.same, len(a.Texts), c.tokens, c.noise)
			for _, f := range c.flips {
				t.Logf("row %d, token %d: %q for %q, which Hone finds likelier by %.3g nats", f.row, f.position, x.Tokenizer.Bytes(f.theirs), x.Tokenizer.Bytes(f.ours), f.gap)
				if w.nats > 0 && !(f.gap <= w.nats) {
					t.Errorf("row %d is another text", f.row)
				}
			}
			if w.nats > 0 && !(c.noise <= w.nats) {
				t.Errorf("the probabilities are another model's: %.3g nats, at most %g", c.noise, w.nats)
			}
			t.Log(say(x.scoresOf(a.Texts)))
		})
	}
}
