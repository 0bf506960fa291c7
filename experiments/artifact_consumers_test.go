package experiments

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
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
}

type consumerAnswer struct {
	Missing string                  `json:"missing"`
	Logits  [][][]float32           `json:"logits"`
	IDs     [][]int32               `json:"ids"`
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

// What was exported computes in PEFT, transformers and llama.cpp what the run computes
// here, from the same tokens.
func TestExportInConsumers(t *testing.T) {
	run := trainedToy(t, "lora.rslora=true", "lora.alpha=3")
	consumers := []struct {
		format, kind string
		tolerance    float64 // share of the range; llama.cpp rounds activations to the type of the weights
	}{
		{"peft", "peft", 2e-6},
		{"safetensors-f32", "transformers", 2e-6},
		{"safetensors-bf16", "transformers", 0.04},
		{"gguf-f16", "llama.cpp", 0.01},
		{"gguf-q8_0", "llama.cpp", 0.06},
		{"gguf-q4_1", "llama.cpp", 0.4},
		{"gguf-lora", "llama.cpp lora", 0.01},
	}
	base, err := ExportArtifact(context.Background(), BaseOf(run), ArtifactOptions{Format: "gguf-f16", Path: filepath.Join(t.TempDir(), "base.gguf")})
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
