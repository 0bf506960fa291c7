package experiments

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// consumerJob is what testdata/consumers.py is asked.
type consumerJob struct {
	Kind  string    `json:"kind"`
	Path  string    `json:"path"`
	Base  string    `json:"base"`
	Rows  [][]int32 `json:"rows"`
	From  []int     `json:"from"`
	Vocab int       `json:"vocab"`
	Plain int32     `json:"plain"`
	Texts []string  `json:"texts"`
	Chats []any     `json:"chats"`
}

type consumerAnswer struct {
	Missing string                  `json:"missing"`
	Logits  [][][]float32           `json:"logits"`
	IDs     [][]int32               `json:"ids"`
	Chats   []string                `json:"rendered"`
	EOS     []int32                 `json:"eos"`
	Scalars map[string][][2]float64 `json:"scalars"`
}

// consume opens an export with the program that it is for.
func consume(t *testing.T, job consumerJob) consumerAnswer {
	t.Helper()
	var a consumerAnswer
	askConsumer(t, "testdata/consumers.py", job, func(out []byte) (string, error) {
		a = consumerAnswer{}
		err := json.Unmarshal(out, &a)
		return a.Missing, err
	})
	return a
}

// askConsumer gives a job to a script, with the first Python of HONE_EXPORT_PYTHON that has
// what it needs. read takes its answer and says what was missing.
func askConsumer(t *testing.T, script string, job any, read func(answer []byte) (missing string, err error)) {
	t.Helper()
	pythons := filepath.SplitList(os.Getenv("HONE_EXPORT_PYTHON"))
	if len(pythons) == 0 {
		t.Skip("HONE_EXPORT_PYTHON names no Python with peft, xllamacpp or tensorboard")
	}
	text, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	missing := ""
	for _, python := range pythons {
		cmd := exec.Command(python, script)
		cmd.Env = append(os.Environ(), "HF_HUB_OFFLINE=1", "CUDA_VISIBLE_DEVICES=")
		cmd.Stdin = bytes.NewReader(text)
		var problem bytes.Buffer
		cmd.Stderr = &problem
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", script, err, problem.String())
		}
		if missing, err = read(out); err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		if missing == "" {
			return
		}
	}
	t.Skipf("no Python of HONE_EXPORT_PYTHON has %s", missing)
}

// consumer is a program that opens a format.
type consumer struct {
	format, kind string
	tolerance    float64 // share of the range; llama.cpp rounds activations to the type of the weights
}

// What was exported computes in PEFT, transformers and llama.cpp what the run computes
// here, from the same tokens.
func TestExportInConsumers(t *testing.T) {
	checkConsumers(t, trainedToy(t, "lora.rslora=true", "lora.alpha=3"), []consumer{
		{"peft", "peft", 2e-6},
		{"safetensors-f32", "transformers", 2e-6},
		{"safetensors-bf16", "transformers", 0.04},
		{"gguf-f32", "llama.cpp", 2e-6},
		{"gguf-bf16", "llama.cpp", 0.04},
		{"gguf-f16", "llama.cpp", 0.01},
		{"gguf-q8_0", "llama.cpp", 0.06},
		{"gguf-q4_1", "llama.cpp", 0.4},
		{"gguf-lora", "llama.cpp lora", 2e-6},
	})
}

// So does every architecture in llama.cpp, and its tokenizer gives the same tokens.
func TestExportInConsumersOfArchitectures(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(ggufModels)) {
		t.Run(name, func(t *testing.T) {
			checkConsumers(t, trainedToy(t, "model.path="+archCopy(t, name), "lora.rslora=true", "lora.alpha=3"), []consumer{
				{"gguf-f32", "llama.cpp", 2e-6},
				{"gguf-f16", "llama.cpp", 0.01},
				{"gguf-lora", "llama.cpp lora", 2e-6},
			})
		})
	}
}

// An adapter on some layers is one for llama.cpp.
func TestExportInConsumersOfSomeLayers(t *testing.T) {
	for _, set := range []string{"lora.layers=[1]", `lora.targets=["layers.0.self_attn.q_proj","layers.1.mlp.up_proj","k_proj"]`} {
		checkConsumers(t, trainedToy(t, archModel("qwen3"), set), []consumer{{"gguf-lora", "llama.cpp lora", 2e-6}})
	}
}

// llama.cpp asks as training did: its own rendering of the template in the file.
func TestExportInConsumersOfChat(t *testing.T) {
	const own = `{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content | trim }}{{ eos_token }}
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}`
	for name, set := range map[string]struct{ template, config string }{
		"chatml": {"chatml", "{}"},
		"own":    {"", fmt.Sprintf(`{"bos_token": "it's", "eos_token": "<|im_end|>", "chat_template": %q}`, own)},
	} {
		t.Run(name, func(t *testing.T) {
			c := chatConfig(t, 8, "data.chat_template="+set.template, "train.epochs=1", "train.eval_every=0")
			writeFile(t, filepath.Join(c.Model.Path, "tokenizer_config.json"), set.config)
			run := train(t, c, StartOptions{RunDir: filepath.Join(t.TempDir(), "run")}).RunDir
			made := export(t, run, "gguf-f32")
			s, err := openArtifactSource(context.Background(), TunedOf(run))
			if err != nil {
				t.Fatal(err)
			}
			defer s.base.Close()
			job := consumerJob{Kind: "llama.cpp", Path: made.Path, Vocab: s.base.Config.Vocab}
			var want []string
			for _, r := range s.work.Dataset.Train {
				var chat []map[string]string
				for _, m := range r.Messages[:len(r.Messages)-1] {
					chat = append(chat, map[string]string{"role": m.Role, "content": m.Content})
				}
				rendered, err := s.work.Encoder.Chat().Render(r.Messages[:len(r.Messages)-1], true)
				if err != nil {
					t.Fatal(err)
				}
				job.Chats, want = append(job.Chats, chat), append(want, rendered.Text)
			}
			if got := consume(t, job).Chats; len(want) == 0 || !slices.Equal(got, want) {
				t.Errorf("%q, here %q", got, want)
			}
		})
	}
}

// moreTexts are what tokenizers differ in, beside the prompts of a dataset.
var moreTexts = []string{
	"", "a", "Ünïcödé 日本語 🎉 ßtraße", "12345 67,890.10 x2", "  two  spaces   and more    ", "don't DON'T we'LL I'd", "tab\tnew\n\n\nlines \r\n end\n",
	"{\"a\": [1, 2], \"b\": null}", "!!! ... ??? ---", "نص عربي", "x\u00a0y\u3000z", "ends with spaces   ",
}

// checkConsumers exports a run to every format and compares what its program computes.
func checkConsumers(t *testing.T, run string, consumers []consumer) {
	base, err := ExportArtifact(context.Background(), BaseOf(run), ArtifactOptions{Format: "gguf-f32", Path: filepath.Join(t.TempDir(), "base.gguf")})
	if err != nil {
		t.Fatal(err)
	}
	s, err := openArtifactSource(context.Background(), TunedOf(run))
	if err != nil {
		t.Fatal(err)
	}
	defer s.base.Close()
	p, err := s.reference(context.Background(), 4)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range consumers {
		t.Run(c.format, func(t *testing.T) {
			made := export(t, run, c.format)
			plain, _ := s.work.Tokenizer.ID("a")
			job := consumerJob{Plain: plain, Kind: c.kind, Path: made.Path, Base: s.base.Path, Vocab: s.base.Config.Vocab, Rows: p.ids, From: p.from}
			if c.kind == "llama.cpp lora" {
				job.Base = base.Path
			}
			for _, r := range s.work.Dataset.Eval {
				job.Texts = append(job.Texts, r.Prompt)
			}
			job.Texts = append(job.Texts, moreTexts...)
			a := consume(t, job)
			var got [][]float32
			for _, row := range a.Logits {
				var flat []float32
				for _, position := range row {
					flat = append(flat, position...)
				}
				got = append(got, flat)
			}
			q := *p // some say logits, some their logarithms of probabilities
			q.logits = normalized(p.logits, s.base.Config.Vocab)
			r := q.differences(normalized(got, s.base.Config.Vocab), s.base.Config.Vocab)
			t.Logf("%s of %s: largest difference %.3g of a range of %.3g (%.2e), same best %.3f", c.kind, c.format, r.Largest, r.Range, r.Largest/r.Range, r.SameBest)
			if r.Positions == 0 || !(r.Largest <= c.tolerance*r.Range) {
				t.Errorf("the logits are another model's: %+v", r)
			}
			if a.EOS != nil && a.EOS[0] != s.work.EOS[0] {
				t.Errorf("texts end with %v, not %v", a.EOS, s.work.EOS)
			}
			for i, ids := range a.IDs {
				if want := s.work.Encoder.Prompt(job.Texts[i]); fmt.Sprint(ids) != fmt.Sprint(want) {
					t.Errorf("%q is %v, here %v", job.Texts[i], ids, want)
				}
			}
		})
	}
}

// TensorBoard shows what the run recorded.
func TestExportInTensorBoard(t *testing.T) {
	run := trainedToy(t, "train.eval_every=2")
	made := export(t, run, "tensorboard")
	a := consume(t, consumerJob{Kind: "tensorboard", Path: made.Path})
	s := &artifactSource{side: TunedOf(run)}
	list, _, err := s.readScalars()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, series := range a.Scalars {
		n += len(series)
	}
	if n != len(list) || n == 0 {
		t.Errorf("TensorBoard has %d values of %d", n, len(list))
	}
	for _, x := range list {
		found := false
		for _, y := range a.Scalars[x.Tag] {
			found = found || int(y[0]) == x.Step && y[1] == float64(float32(x.Value))
		}
		if !found {
			t.Errorf("TensorBoard does not have %s of step %d, %v: %v", x.Tag, x.Step, x.Value, a.Scalars[x.Tag])
		}
	}
}

// normalized are the logarithms of the probabilities of logits [positions, vocab].
func normalized(rows [][]float32, vocab int) [][]float32 {
	out := make([][]float32, len(rows))
	for i, row := range rows {
		out[i] = append([]float32(nil), row...)
		for at := 0; at+vocab <= len(row); at += vocab {
			sum := 0.0
			for _, x := range row[at : at+vocab] {
				sum += math.Exp(float64(x))
			}
			for j := range vocab {
				out[i][at+j] -= float32(math.Log(sum))
			}
		}
	}
	return out
}
