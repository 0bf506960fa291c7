// Command probe writes what this engine computes with a model and an adapter as
// a file that another engine can be held against:
//
//	go run ./internal/probe -model M -adapter DIR -data D -out probe.json
//
// The file is a list of {"ids", "last_logits", "greedy"}: the prompt of a test
// row, the logits after it, and the greedy continuation up to the end of the
// text. The peer's check loads the same adapter and compares.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"hone/engine/decode"
	"hone/engine/kernel"
	"hone/engine/llama"
	"hone/engine/weights"
	"hone/experiments"
)

type probe struct {
	IDs        []int32   `json:"ids"`
	LastLogits []float32 `json:"last_logits"`
	Greedy     []int32   `json:"greedy"`
}

func main() {
	model := flag.String("model", "", "model directory, .gguf file or builtin")
	adapter := flag.String("adapter", "", "adapter directory; none: the base model")
	data := flag.String("data", "", "dataset whose test prompts are probed")
	rows := flag.Int("rows", 3, "number of prompts")
	out := flag.String("out", "probe.json", "file to write")
	flag.Parse()
	if err := run(*model, *adapter, *data, *rows, *out); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func run(path, adapterDir, dataPath string, rows int, out string) error {
	ctx := context.Background()
	c, err := experiments.Load("", "model.path="+path, "data.path="+dataPath)
	if err != nil {
		return err
	}
	w, err := experiments.OpenWorkspace(ctx, c)
	if err != nil {
		return err
	}
	if w.ModelProblem != nil {
		return w.ModelProblem
	}
	file, err := experiments.OpenModel(path)
	if err != nil {
		return err
	}
	defer file.Close()
	pool := kernel.NewPool(0)
	defer pool.Close()
	packed, err := llama.Load(ctx, pool, file, llama.Frozen, llama.F32)
	if err != nil {
		return err
	}
	var adapter *llama.Adapter
	if adapterDir != "" {
		a, err := weights.ReadAdapter(adapterDir)
		if err != nil {
			return err
		}
		if adapter, err = llama.FromFile(w.Model, a); err != nil {
			return err
		}
	}
	m := decode.New(pool, packed, adapter, 1024)
	var probes []probe
	for _, r := range w.Dataset.Test[:min(rows, len(w.Dataset.Test))] {
		ids, err := w.Encoder.PromptOf(r)
		if err != nil {
			return err
		}
		logits, err := m.NextLogits(ctx, ids)
		if err != nil {
			return err
		}
		texts, err := m.Generate(ctx, [][]int32{ids}, decode.Options{MaxNew: 100, Batch: 1, EOS: w.EOS})
		if err != nil {
			return err
		}
		probes = append(probes, probe{ids, logits, texts[0].IDs})
	}
	text, err := json.Marshal(probes)
	if err != nil {
		return err
	}
	return os.WriteFile(out, text, 0o644)
}
