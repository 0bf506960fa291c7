package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"hone/data"
	"hone/data/builtin/pretrain"
	"hone/engine/tokenizer"
	"hone/engine/weights"
)

func TestRunWritesWhatHoneLoads(t *testing.T) {
	out, again := t.TempDir(), t.TempDir()
	for _, dir := range []string{out, again} {
		if err := run(2000, 50, 1, 0, dir); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"train.jsonl", "eval.jsonl", "test.jsonl", "model/tokenizer.json", "model/config.json"} {
		a, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(again, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs from one run to the next", name)
		}
	}

	tok, err := tokenizer.Load(filepath.Join(out, "model", "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	config, err := weights.OpenConfig(filepath.Join(out, "model"))
	if err != nil {
		t.Fatal(err)
	}
	if n := config.Parameters(); n < 3_600_000 || n > 3_800_000 || config.Vocab != tok.Size() || !config.Tied || len(config.EOS) != 1 || config.EOS[0] != 0 {
		t.Errorf("configuration %+v with %d parameters, %d tokens", config, n, tok.Size())
	}

	o := data.DefaultOptions()
	o.BadRows, o.MaxLength, o.Overlong = data.Fail, pretrain.MaxTokens, data.Fail
	d, err := data.Load(out, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Train) != 2000 || len(d.Eval) != 50 || len(d.Test) != 50 || d.JSON() {
		t.Fatalf("%d, %d and %d rows, JSON %t", len(d.Train), len(d.Eval), len(d.Test), d.JSON())
	}
	corpus := pretrain.New(1, 2000, tok)
	for i, row := range d.Train {
		want := corpus.Document(i)
		if row.Prompt != want.Prompt || row.Completion != want.Completion {
			t.Fatalf("row %d: %q %q, document %q %q", i, row.Prompt, row.Completion, want.Prompt, want.Completion)
		}
	}
	enc, err := d.EncodeSplit(data.NewEncoder(tok, config.EOS[0], d.Schema), data.Train, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(enc.Examples) != 2000 {
		t.Errorf("%d examples of 2000 rows", len(enc.Examples))
	}
}

func TestRunRefuses(t *testing.T) {
	if run(0, 1, 1, 0, t.TempDir()) == nil || run(1, -1, 1, 0, t.TempDir()) == nil || run(1, 1, 1, 0, "") == nil {
		t.Error("a number or a directory that makes no sense is accepted")
	}
}
