package tokenizer

import (
	"errors"
	"strings"
	"testing"
)

// A tokenizer written for GGUF or as JSON and read again is the same tokenizer.
func TestExport(t *testing.T) {
	for _, name := range []string{"../testdata/toy/tokenizer.json", "../testdata/arch/llama3/tokenizer.json", "../testdata/arch/qwen2/tokenizer.json", "testdata/kinds/scores.json", "../../data/builtin/model/tokenizer.json"} {
		a, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		v, err := a.Vocabulary(a.Size() + 3)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n := len(v.Tokens); n != a.Size()+3 || v.Types[n-1] != typeUnused || v.Tokens[n-1] == v.Tokens[n-2] {
			t.Errorf("%s: %d tokens, the last %q", name, n, v.Tokens[n-3:])
		}
		b, err := FromVocabulary(v)
		if err != nil {
			t.Fatal(err)
		}
		text, err := a.JSON()
		if err != nil {
			t.Fatal(err)
		}
		c, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if c.Hash() != a.Hash() {
			t.Errorf("%s: written as JSON it is another one", name)
		}
		const sample = "Lunch with Zoë at 12:30,  room 7\n<|im_end|>{\"a\": null} e\u0301 日"
		for _, other := range []*Tokenizer{b, c} {
			x, y := a.Encode(sample), other.Encode(sample)
			if len(x) != len(y) {
				t.Fatalf("%s: %v and %v", name, x, y)
			}
			for i := range x {
				if x[i] != y[i] {
					t.Fatalf("%s: %v and %v", name, x, y)
				}
			}
		}
		if _, err := a.Vocabulary(a.Size() - 1); err == nil {
			t.Errorf("%s: a model of fewer tokens", name)
		}
	}
	for name, want := range map[string]string{"prepend.json": "are no merge", "metaspace.json": "are no merge", "split.json": "Metaspace with split"} {
		if _, err := kind(t, name).Vocabulary(1000); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
