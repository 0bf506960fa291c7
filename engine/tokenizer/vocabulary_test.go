package tokenizer

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// vocabularyOf reads a tokenizer.json independently of the package, as a GGUF file would hold it.
func vocabularyOf(t testing.TB, path string) Vocabulary {
	t.Helper()
	var file struct {
		Added []struct {
			ID      int32
			Content string
			Special bool
		} `json:"added_tokens"`
		Model struct {
			Vocab  map[string]int32
			Merges []json.RawMessage
		}
	}
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	size := int32(0)
	for _, id := range file.Model.Vocab {
		size = max(size, id+1)
	}
	for _, a := range file.Added {
		size = max(size, a.ID+1)
	}
	v := Vocabulary{Tokens: make([]string, size), Types: make([]int32, size), BOS: -1, EOS: -1}
	for id := range v.Types {
		v.Types[id] = typeUnused // unless a token says otherwise
	}
	for token, id := range file.Model.Vocab {
		v.Tokens[id], v.Types[id] = token, typeNormal
	}
	for _, a := range file.Added {
		v.Tokens[a.ID], v.Types[a.ID] = a.Content, typeUserDefined
		if a.Special {
			v.Types[a.ID] = typeControl
		}
	}
	for _, raw := range file.Model.Merges {
		var pair []string
		var text string
		if json.Unmarshal(raw, &pair) == nil {
			text = strings.Join(pair, " ")
		} else if err := json.Unmarshal(raw, &text); err != nil {
			t.Fatal(err)
		}
		v.Merges = append(v.Merges, text)
	}
	return v
}

// TestVocabularyEqualsFile makes each tokenizer both ways: same ids, spans, text and hash.
func TestVocabularyEqualsFile(t *testing.T) {
	var expected map[string][]golden
	readJSON(t, "testdata/expected.json", &expected)
	for _, c := range []struct {
		name, pre string
		addBOS    bool
	}{
		{"digits.json", "smollm", false},
		{"llama.json", "llama-bpe", true},
	} {
		v := vocabularyOf(t, "testdata/"+c.name)
		v.Pre, v.AddBOS, v.BOS = c.pre, c.addBOS, 0
		tok, err := FromVocabulary(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range expected[c.name] {
			checkGolden(t, tok, g)
		}
		file := small(t, c.name)
		if tok.Hash() != file.Hash() {
			t.Errorf("%s: hashes differ", c.name)
		}
		if _, has := tok.BOS(); has != c.addBOS {
			t.Errorf("%s: BOS %t", c.name, has)
		}
		if tok.Size() != file.Size() {
			t.Errorf("%s: size %d, want %d", c.name, tok.Size(), file.Size())
		}
	}
}

func TestVocabularySmolLM(t *testing.T) {
	v := vocabularyOf(t, sharedFile(t, "models/SmolLM-tokenizer.json"))
	v.Pre = "smollm"
	tok, err := FromVocabulary(v)
	if err != nil {
		t.Fatal(err)
	}
	var cases []golden
	readJSON(t, sharedFile(t, "golden/tokenizer.json"), &cases)
	for _, c := range cases {
		checkGolden(t, tok, c)
	}
	if tok.Hash() != smolLM(t).Hash() {
		t.Error("hashes differ")
	}
	for id := range int32(tok.Size()) {
		if tok.IsSpecial(id) != smolLM(t).IsSpecial(id) {
			t.Errorf("token %d: special %t", id, tok.IsSpecial(id))
		}
	}
}

func TestVocabularyPre(t *testing.T) {
	v := Vocabulary{Tokens: []string{"1", "11", "a"}, Merges: []string{"1 1"}, BOS: -1}
	for pre, want := range map[string][]int32{
		"smollm":    {0, 0, 2},
		"gpt-2":     {1, 2},
		"default":   {1, 2},
		"":          {1, 2},
		"llama-bpe": {1, 2},
		"qwen2":     {0, 0, 2},
	} {
		v.Pre = pre
		tok, err := FromVocabulary(v)
		if err != nil {
			t.Errorf("%s: %v", pre, err)
			continue
		}
		if got := tok.Encode("11a"); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", pre, got, want)
		}
	}
	for _, pre := range []string{"deepseek-llm", "tekken"} {
		v.Pre = pre
		if _, err := FromVocabulary(v); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), pre) {
			t.Errorf("%s: %v", pre, err)
		}
	}
}

func TestVocabularyRefused(t *testing.T) {
	for name, c := range map[string]struct {
		v    Vocabulary
		want string
	}{
		"empty":         {Vocabulary{}, "no tokens"},
		"types":         {Vocabulary{Tokens: []string{"a"}, Types: []int32{1, 1}}, "2 token types"},
		"byte type":     {Vocabulary{Tokens: []string{"<0x00>"}, Types: []int32{6}}, `token "<0x00>" for a byte`},
		"no byte":       {Vocabulary{Model: ModelScores, Tokens: []string{"a"}, Types: []int32{6}}, `token "a" for a byte`},
		"unigram":       {Vocabulary{Model: "t5", Tokens: []string{"a"}}, `tokenizer model "t5"`},
		"type 7":        {Vocabulary{Tokens: []string{"a"}, Types: []int32{7}}, "token type 7"},
		"twice":         {Vocabulary{Tokens: []string{"a", "a"}}, "ids 0 and 1"},
		"merge absent":  {Vocabulary{Tokens: []string{"a"}, Merges: []string{"a b"}}, `"b" is not in the vocabulary`},
		"result absent": {Vocabulary{Tokens: []string{"a", "b"}, Merges: []string{"a b"}}, `"ab" is not in the vocabulary`},
		"merge of one":  {Vocabulary{Tokens: []string{"a"}, Merges: []string{"a"}}, "two tokens"},
		"bos":           {Vocabulary{Tokens: []string{"a"}, BOS: 1, AddBOS: true}, "token 1"},
		"bos unused":    {Vocabulary{Tokens: []string{"a", "b"}, Types: []int32{1, 5}, BOS: 1, AddBOS: true}, "token 1"},
		"control bytes": {Vocabulary{Tokens: []string{"\xff"}, Types: []int32{3}}, "not UTF-8"},
		"many":          {Vocabulary{Tokens: make([]string, maxTokens+1)}, "more than"},
		"many merges":   {Vocabulary{Tokens: []string{"a"}, Merges: make([]string, maxMerges+1)}, "more than"},
		"much added": {
			Vocabulary{Tokens: []string{strings.Repeat("a", maxAddedBytes+1)}, Types: []int32{3}},
			"more than",
		},
	} {
		if _, err := FromVocabulary(c.v); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

// TestHash changes one thing at a time: everything that decides ids must show.
func TestHash(t *testing.T) {
	base := func() Vocabulary {
		return Vocabulary{
			Tokens: []string{"a", "b", "ab", "ba"},
			Merges: []string{"a b", "b a"},
			Types:  []int32{1, 1, 1, 1},
			BOS:    0, Pre: "gpt-2",
		}
	}
	seen := map[string]string{}
	for _, c := range []struct {
		name   string
		change func(v *Vocabulary)
	}{
		{"nothing", func(*Vocabulary) {}},
		{"pre", func(v *Vocabulary) { v.Pre = "smollm" }},
		{"merge order", func(v *Vocabulary) { slices.Reverse(v.Merges) }},
		{"fewer merges", func(v *Vocabulary) { v.Merges = v.Merges[:1] }},
		{"token order", func(v *Vocabulary) { v.Tokens[0], v.Tokens[1] = v.Tokens[1], v.Tokens[0] }},
		{"added", func(v *Vocabulary) { v.Types[2] = typeControl }},
		{"bos", func(v *Vocabulary) { v.AddBOS = true }},
	} {
		v := base()
		c.change(&v)
		tok, err := FromVocabulary(v)
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := seen[tok.Hash()]; twice {
			t.Errorf("%q and %q have the same hash", c.name, other)
		}
		seen[tok.Hash()] = c.name
	}
	if h := small(t, "digits.json").Hash(); len(h) != 64 || h != small(t, "digits.json").Hash() {
		t.Errorf("hash %q is not stable", h)
	}
}
