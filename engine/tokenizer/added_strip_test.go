package tokenizer

import (
	"encoding/json"
	"slices"
	"testing"
	"unicode"
	"unicode/utf8"
)

// flagged are the tokens with lstrip, rstrip and single_word that the library was asked
// about, what it made of texts, and what it takes for words and white space.
type flagged struct {
	Kinds map[string]struct {
		Added []object
		Rows  [][2]json.RawMessage // text, ids
	}
	Words, Spaces [][2]rune
}

// withAdded is a tokenizer of testdata/kinds with more added tokens.
func withAdded(t testing.TB, name string, added []object) *Tokenizer {
	t.Helper()
	var file object
	readJSON(t, "testdata/kinds/"+name, &file)
	list := file["added_tokens"].([]any)
	for _, a := range added {
		list = append(list, a)
	}
	file["added_tokens"] = list
	data, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestAddedTokensStripAsLibrary(t *testing.T) {
	var f flagged
	readJSON(t, "testdata/flags.json", &f)
	if len(f.Kinds) < 4 {
		t.Fatalf("only %d kinds", len(f.Kinds))
	}
	for name, k := range f.Kinds {
		tok := withAdded(t, name, k.Added)
		if len(k.Rows) < 1000 {
			t.Errorf("%s: only %d texts", name, len(k.Rows))
		}
		wrong := 0
		for _, row := range k.Rows {
			var text string
			var want []int32
			if err := json.Unmarshal(row[0], &text); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(row[1], &want); err != nil {
				t.Fatal(err)
			}
			ids, spans := tok.EncodeSpans(text)
			if !slices.Equal(ids, want) {
				if wrong++; wrong < 5 {
					t.Errorf("%s: %q: ids %v, want %v", name, text, ids, want)
				}
			}
			at := 0
			for _, s := range spans { // the white space that a token takes is its own
				if s.Start != at || s.End < at {
					t.Fatalf("%s: %q: spans %v do not cover it", name, text, spans)
				}
				at = s.End
			}
			if at != len(text) {
				t.Fatalf("%s: %q: spans %v end before it", name, text, spans)
			}
		}
		plain := kind(t, name)
		if tok.Hash() == plain.Hash() {
			t.Errorf("%s: more tokens, the same hash", name)
		}
		first := k.Added[0]
		first["lstrip"] = !first["lstrip"].(bool)
		if other := withAdded(t, name, k.Added); other.Hash() == tok.Hash() {
			t.Errorf("%s: lstrip leaves the hash as it is", name)
		}
	}
}

// Every character is part of a word, or white space, as it is to the library.
func TestWordsAsLibrary(t *testing.T) {
	var f flagged
	readJSON(t, "testdata/flags.json", &f)
	in := func(list [][2]rune, c rune) bool {
		_, ok := slices.BinarySearchFunc(list, c, func(r [2]rune, c rune) int {
			switch {
			case r[1] < c:
				return -1
			case r[0] > c:
				return 1
			}
			return 0
		})
		return ok
	}
	for c := rune(0); c <= unicode.MaxRune; c++ {
		if !utf8.ValidRune(c) {
			continue
		}
		if got, want := isWord(c), in(f.Words, c); got != want {
			t.Errorf("%U in words: %v, with the library %v", c, got, want)
		}
		if got, want := unicode.IsSpace(c), in(f.Spaces, c); got != want {
			t.Errorf("%U is white space: %v, with the library %v", c, got, want)
		}
	}
}
