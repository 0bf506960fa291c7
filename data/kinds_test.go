package data

import (
	"strings"
	"testing"

	"hone/engine/batch"
	"hone/engine/tokenizer"
)

// Tokenizers that put a sign of a space before a text put none before a
// completion, which goes on from its prompt; the tokens spell the row, and
// preflight finds nothing.
func TestCompletionsContinue(t *testing.T) {
	rows := clean + `{"prompt": " Zoë  asks:", "completion": "日本\n  two spaces"}` + "\n"
	d := mustLoad(t, map[string]string{"train.jsonl": rows, "eval.jsonl": `{"prompt": "Say a:", "completion": "a"}`, "test.jsonl": `{"prompt": "Say b:", "completion": "b"}`}, nil)
	for _, name := range []string{"llama3", "qwen", "prepend", "metaspace", "split"} {
		tok, err := tokenizer.Load("../engine/tokenizer/testdata/kinds/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		e := NewEncoder(tok, 2, d.Schema)
		enc := map[string][]batch.Example{}
		for _, split := range Splits() {
			enc[split] = must(d.EncodeSplit(e, split, DefaultOptions())).Examples
		}
		for _, f := range Preflight(d, enc, tok, 384) {
			if f.Severity != SeverityNote || f.ID == BoundaryMerge {
				t.Errorf("%s: %+v", name, f)
			}
		}
		train, _ := d.Split(Train)
		for _, ex := range enc[Train] {
			row := train[ex.Row]
			want := row.Prompt + " " + row.Completion
			if name == "metaspace" || name == "split" {
				want = strings.TrimPrefix(want, " ") // decoding takes it for the sign
			}
			if got := tok.DecodeSkip(ex.IDs[:len(ex.IDs)-1]); got != want {
				t.Errorf("%s: row %d reads %q, want %q", name, ex.Row, got, want)
			}
		}
	}
}
