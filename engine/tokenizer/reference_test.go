package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"unicode/utf8"
)

const sharedDir = "../../../shared"

// sharedFile returns the path of a reference file. Without the reference files the test is skipped,
// unless HONE_REQUIRE_SHARED=1.
func sharedFile(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(sharedDir, name)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("HONE_REQUIRE_SHARED") == "1" {
			t.Fatalf("HONE_REQUIRE_SHARED is set: %v", err)
		}
		t.Skipf("reference file %s is not here", name)
	}
	return path
}

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		t.Fatalf("reading %s: %v", path, err)
	}
}

var loadSmolLM = sync.OnceValues(func() (*Tokenizer, error) {
	return Load(filepath.Join(sharedDir, "models/SmolLM-tokenizer.json"))
})

func smolLM(t testing.TB) *Tokenizer {
	t.Helper()
	sharedFile(t, "models/SmolLM-tokenizer.json")
	tok, err := loadSmolLM()
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// A golden is a text and what the library of record makes of it.
type golden struct {
	Text    string   `json:"text"`
	IDs     []int32  `json:"ids"`
	Offsets [][2]int `json:"char_offsets"` // nil: not known
	Decoded string   `json:"decoded"`
}

func TestGoldenTokenizer(t *testing.T) {
	tok := smolLM(t)
	var cases []golden
	readJSON(t, sharedFile(t, "golden/tokenizer.json"), &cases)
	if len(cases) < 200 {
		t.Fatalf("only %d reference strings", len(cases))
	}
	for _, c := range cases {
		checkGolden(t, tok, c)
	}
}

// checkGolden compares everything, twice: the second time from the word cache.
func checkGolden(t *testing.T, tok *Tokenizer, c golden) {
	t.Helper()
	for range 2 {
		ids, spans := tok.EncodeSpans(c.Text)
		if !slices.Equal(ids, c.IDs) {
			t.Errorf("%q: ids %v, want %v", c.Text, ids, c.IDs)
			return
		}
		if got := charOffsets(c.Text, spans); c.Offsets != nil && !slices.Equal(got, c.Offsets) {
			t.Errorf("%q: offsets %v, want %v", c.Text, got, c.Offsets)
		}
		if ids := tok.Encode(c.Text); !slices.Equal(ids, c.IDs) {
			t.Errorf("%q: Encode %v, EncodeSpans %v", c.Text, ids, c.IDs)
		}
	}
	if got := tok.Decode(c.IDs); got != c.Decoded {
		t.Errorf("%v: decoded %q, want %q", c.IDs, got, c.Decoded)
	}
}

// charOffsets turns byte spans into the library's character offsets: a token that is a part of a
// character gets all of it.
func charOffsets(text string, spans []Span) [][2]int {
	char := make([]int, len(text)+1)
	n := 0
	for i := range text {
		_, size := utf8.DecodeRuneInString(text[i:])
		for k := range size {
			char[i+k] = n
		}
		n++
	}
	char[len(text)] = n
	offsets := make([][2]int, len(spans))
	for i, s := range spans {
		offsets[i] = [2]int{char[s.Start], char[s.End]}
		if s.End > 0 {
			offsets[i][1] = char[s.End-1] + 1
		}
	}
	return offsets
}

// TestGoldenSmall compares with the library on the two tokenizers of testdata, which need no
// reference files.
func TestGoldenSmall(t *testing.T) {
	var expected map[string][]golden
	readJSON(t, "testdata/expected.json", &expected)
	for _, name := range []string{"digits.json", "llama.json"} {
		t.Run(name, func(t *testing.T) {
			tok := small(t, name)
			if len(expected[name]) < 40 {
				t.Fatalf("only %d texts", len(expected[name]))
			}
			for _, c := range expected[name] {
				checkGolden(t, tok, c)
			}
		})
	}
}

// small loads a tokenizer of testdata.
func small(t testing.TB, name string) *Tokenizer {
	t.Helper()
	tok, err := Load("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestGoldenPrompts(t *testing.T) {
	tok := smolLM(t)
	var encodings []struct {
		PromptIDs     []int32 `json:"prompt_ids"`
		CompletionIDs []int32 `json:"completion_ids"` // EOS last
	}
	readJSON(t, sharedFile(t, "golden/encoding.json"), &encodings)
	if len(encodings) < 64 {
		t.Fatalf("only %d reference rows", len(encodings))
	}
	f, err := os.Open(sharedFile(t, "data/train.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows := json.NewDecoder(f)
	for i, want := range encodings {
		var row struct{ Prompt, Completion string }
		if err := rows.Decode(&row); err != nil {
			t.Fatal(err)
		}
		if got := tok.Encode(row.Prompt); !slices.Equal(got, want.PromptIDs) {
			t.Errorf("row %d: prompt ids %v, want %v", i, got, want.PromptIDs)
		}
		completion := want.CompletionIDs[:len(want.CompletionIDs)-1]
		if got := tok.Encode(" " + row.Completion); !slices.Equal(got, completion) {
			t.Errorf("row %d: completion ids %v, want %v", i, got, completion)
		}
		if eos := want.CompletionIDs[len(completion)]; tok.Decode([]int32{eos}) != "<|im_end|>" || !tok.IsSpecial(eos) {
			t.Errorf("row %d: EOS %d is %q", i, eos, tok.Decode([]int32{eos}))
		}
	}
}
