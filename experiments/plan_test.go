package experiments

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The plan of SmolLM-360M needs nothing but config.json.
func TestPlanOfConfigAlone(t *testing.T) {
	dir := t.TempDir()
	config := `{"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":960,"num_hidden_layers":32,"num_attention_heads":15,"num_key_value_heads":5,
		"intermediate_size":2560,"vocab_size":49152,"tie_word_embeddings":true,"rms_norm_eps":1e-5,"rope_theta":10000,"hidden_act":"silu","max_position_embeddings":2048,"eos_token_id":0}`
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	p, err := MakePlan(toyConfig(t, "model.path="+dir, "lora.r=16"))
	if err != nil {
		t.Fatal(err)
	}
	if p.TrainableParams != 8683520 || math.Abs(p.TrainablePercent-2.34) > 0.005 || p.TotalParams != 361821120+8683520 {
		t.Errorf("%+v", p)
	}
	text, _ := json.Marshal(p)
	for _, null := range []string{`"steps":null`, `"tokens":null`, `"memory_bytes":null`, `"seconds":null`, `"eos":null`} {
		if !strings.Contains(string(text), null) {
			t.Errorf("no %s in %s", null, text)
		}
	}
}

func TestPlanOfToy(t *testing.T) {
	c := toyConfig(t)
	p, err := MakePlan(c)
	if err != nil {
		t.Fatal(err)
	}
	w, err := OpenWorkspace(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if *p.Steps != 8 || *p.Tokens != 2*w.Encoded["train"].Tokens || *p.EOS != "<|im_end|>" || *p.MemoryBytes <= 0 || *p.Seconds <= 0 || p.TrainableParams != 3712 {
		t.Errorf("%+v", p)
	}
	small := toyConfig(t, "train.micro_batch=200")
	if p, err := MakePlan(small); err != nil || *p.MicroBatch != 200 {
		t.Errorf("%+v: %v", p, err)
	}
}

func TestPlanRefuses(t *testing.T) {
	if _, err := MakePlan(toyConfig(t, "train.memory=64MB", "lora.r=1024")); !errors.Is(err, ErrMemory) || !strings.Contains(err.Error(), "train.memory") {
		t.Errorf("%v", err)
	}
	if _, err := MakePlan(toyConfig(t, "data.max_length=8")); err == nil || !strings.Contains(err.Error(), "data.max_length") {
		t.Errorf("%v", err)
	}
	if _, err := MakePlan(toyConfig(t, "data.eos=<|nothing|>")); err == nil || !strings.Contains(err.Error(), "data.eos") {
		t.Errorf("%v", err)
	}
}

// Less memory means smaller micro-batches.
func TestMemoryDecidesMicroBatch(t *testing.T) {
	tokens := func(memory string) int {
		w, err := OpenWorkspace(context.Background(), toyConfig(t, "train.memory="+memory, "lora.r=1024"))
		if err != nil {
			t.Fatal(err)
		}
		n, _, err := w.microBatch()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	w, _ := OpenWorkspace(context.Background(), toyConfig(t, "lora.r=1024"))
	_, peak, err := w.microBatch()
	if err != nil {
		t.Fatal(err)
	}
	whole := tokens(FormatSize(peak + 1))
	if less := tokens(FormatSize(peak - 2_000_000)); less >= whole || less < 1 {
		t.Errorf("%d tokens in all the memory, %d in less", whole, less)
	}
}
