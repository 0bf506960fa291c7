// Command cmd writes the pretraining corpus of the built-in base model as a dataset that Hone loads, and
// beside it a model directory that has everything but weights.
//
//	go run ./data/builtin/pretrain/cmd -n 100000 -seed 1 -out corpus
//
// corpus/train.jsonl, eval.jsonl and test.jsonl hold {"prompt", "completion"} rows; corpus/model holds
// tokenizer.json and config.json. The same seed and number give the same bytes.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"hone/data/builtin/pretrain"
	"hone/engine/tokenizer"
)

func main() {
	n := flag.Int("n", 100000, "documents to train on")
	held := flag.Int("held", 500, "documents of eval.jsonl and of test.jsonl")
	seed := flag.Uint64("seed", 1, "seed of the tokenizer and the documents")
	late := flag.Int("late", 0, "runs that came before: the documents of the one after them, without an easy stage")
	out := flag.String("out", "", "directory to write to")
	flag.Parse()
	if err := run(*n, *held, *seed, *late, *out); err != nil {
		fmt.Fprintln(os.Stderr, "pretrain:", err)
		os.Exit(1)
	}
}

func run(n, held int, seed uint64, late int, out string) error {
	if n < 1 || held < 0 || late < 0 || out == "" {
		return errors.New("-out is needed, -n of at least 1, -held and -late of at least 0")
	}
	model := filepath.Join(out, "model")
	if err := os.MkdirAll(model, 0o755); err != nil {
		return err
	}
	file, err := pretrain.LearnTokenizer(seed)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"tokenizer.json": file, "config.json": pretrain.Config()} {
		if err := os.WriteFile(filepath.Join(model, name), content, 0o644); err != nil {
			return err
		}
	}
	t, err := tokenizer.Parse(file)
	if err != nil {
		return err
	}
	corpus := pretrain.New(seed, n, t)
	if late > 0 {
		corpus = corpus.Late(late)
	}
	from := 0
	for _, split := range []struct {
		name  string
		count int
	}{{"train", n}, {"eval", held}, {"test", held}} {
		if err := write(filepath.Join(out, split.name+".jsonl"), corpus, from, split.count); err != nil {
			return err
		}
		from += split.count
	}
	return nil
}

// write writes count documents from index from on.
func write(path string, corpus *pretrain.Corpus, from, count int) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b := bufio.NewWriter(f)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	for i := from; i < from+count; i++ {
		d := corpus.Document(i)
		row := struct {
			Prompt     string `json:"prompt"`
			Completion string `json:"completion"`
		}{d.Prompt, d.Completion}
		if err := e.Encode(row); err != nil {
			return err
		}
	}
	return b.Flush()
}
