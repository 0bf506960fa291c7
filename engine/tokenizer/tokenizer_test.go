package tokenizer

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

func ExampleLoad() {
	t, err := Load("testdata/digits.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	text := "<|begin|>the café"
	ids, spans := t.EncodeSpans(text)
	for i, id := range ids {
		fmt.Printf("%3d %q\n", id, text[spans[i].Start:spans[i].End])
	}
	fmt.Println(t.Decode(ids))
	fmt.Println(t.DecodeSkip(ids))
	// Output:
	//   0 "<|begin|>"
	// 116 "th"
	//  39 "e"
	// 353 " café"
	// <|begin|>the café
	// the café
}

func TestLookups(t *testing.T) {
	tok := small(t, "llama.json")
	if n := tok.Size(); n != 425 {
		t.Errorf("size %d", n)
	}
	if id, ok := tok.BOS(); !ok || id != 0 {
		t.Errorf("BOS %d %t", id, ok)
	}
	if id, ok := small(t, "digits.json").BOS(); ok {
		t.Errorf("BOS %d where no template asks for one", id)
	}
	for _, c := range []struct {
		token   string
		bytes   string
		special bool
	}{
		{"<|begin|>", "<|begin|>", true},
		{"<|end|>more", "<|end|>more", false},
		{"Ġappointment", " appointment", false},
		{"Ċ", "\n", false},
		{"Ã", "\xc3", false},
	} {
		id, ok := tok.ID(c.token)
		if !ok {
			t.Errorf("no token %q", c.token)
			continue
		}
		if got := string(tok.Bytes(id)); got != c.bytes {
			t.Errorf("%q has bytes %q, want %q", c.token, got, c.bytes)
		}
		if got := tok.IsSpecial(id); got != c.special {
			t.Errorf("%q special: %t", c.token, got)
		}
	}
	if id, ok := tok.ID("no such token"); ok {
		t.Errorf("found token %d", id)
	}
	for _, id := range []int32{-1, 425, 1 << 30} {
		if tok.IsSpecial(id) || len(tok.Bytes(id)) > 0 || tok.Decode([]int32{id}) != "" {
			t.Errorf("id %d stands for something", id)
		}
	}
	// Bytes hands out a copy.
	id, _ := tok.ID("Ċ")
	tok.Bytes(id)[0] = 'x'
	if got := tok.Decode([]int32{id}); got != "\n" {
		t.Errorf("changed a token to %q", got)
	}
}

func TestDecodeCutsCharacters(t *testing.T) {
	tok := small(t, "llama.json")
	var ids []int32
	for _, b := range []byte("\xe6\x97") { // two of the three bytes of 日
		ids = append(ids, tok.byteID[b])
	}
	for _, c := range []struct {
		ids  []int32
		want string
	}{
		{ids, "\uFFFD"},
		{append(slices.Clone(ids), tok.byteID['a']), "\uFFFDa"},
		{append(slices.Clone(ids), tok.byteID[0xa5]), "日"},
		{[]int32{ids[1], ids[1]}, "\uFFFD\uFFFD"},
	} {
		if got := tok.Decode(c.ids); got != c.want {
			t.Errorf("%v: %q, want %q", c.ids, got, c.want)
		}
	}
}

func TestSpansOfLostBytes(t *testing.T) {
	tok := small(t, "digits.json")
	for _, lost := range []string{"\x00", "\x01\x02"} {
		for i := range len(lost) {
			if tok.byteID[lost[i]] >= 0 {
				t.Fatalf("byte %#x has a token", lost[i])
			}
		}
		text := "at " + lost + "the" + lost
		ids, spans := tok.EncodeSpans(text)
		checkSpans(t, tok, text, ids, spans)
		if got, want := tok.Decode(ids), "at the"; got != want {
			t.Errorf("%q: decoded %q", text, got)
		}
		for i, id := range ids {
			if got := text[spans[i].Start:spans[i].End]; got != string(tok.Bytes(id)) {
				t.Errorf("%q: token %d stands for %q, its span is %q", text, i, tok.Bytes(id), got)
			}
		}
	}

	// Pieces on both sides of a lost byte merge, as in the library: the span covers it.
	text := "!!\x00!" // one word: all neither letter nor number nor space
	def := smallDefinition(nil)
	def.merges = []mergeRule{{0, 0, 1}, {1, 0, 2}}
	tok = build(def)
	ids, spans := tok.EncodeSpans(text)
	if !slices.Equal(ids, []int32{2}) || !slices.Equal(spans, []Span{{0, 4}}) {
		t.Errorf("ids %v, spans %v", ids, spans)
	}
}

// smallDefinition has the tokens ! !! !!! " and what added says.
func smallDefinition(added []addedToken) definition {
	pieces := []string{"!", "!!", "!!!", `"`}
	ids := map[string]int32{}
	for i, p := range pieces {
		ids[p] = int32(i)
	}
	return definition{pieces: pieces, ids: ids, unknown: -1, bos: -1, steps: []step{stepGPT2}, added: added}
}

func TestUnknownToken(t *testing.T) {
	d := smallDefinition(nil)
	d.unknown = 3
	for _, c := range []struct {
		fuse  bool
		ids   []int32
		spans []Span
	}{
		{false, []int32{0, 3, 3, 0}, []Span{{0, 1}, {1, 2}, {2, 3}, {3, 4}}},
		{true, []int32{0, 3, 0}, []Span{{0, 1}, {1, 3}, {3, 4}}},
	} {
		d.fuse = c.fuse
		ids, spans := build(d).EncodeSpans("!é!")
		if !slices.Equal(ids, c.ids) || !slices.Equal(spans, c.spans) {
			t.Errorf("fuse %t: ids %v, spans %v", c.fuse, ids, spans)
		}
	}
}

func TestAddedTokens(t *testing.T) {
	tok := build(smallDefinition([]addedToken{
		{id: 4, text: "ab"},
		{id: 5, text: "abcd"},
		{id: 6, text: "bc", special: true},
		{id: 7, text: "!a", late: true},
		{id: 8, text: "é"},  // a byte when taken for a piece
		{id: 9, text: "日本"}, // no piece
	}))
	for _, c := range []struct {
		text  string
		ids   []int32
		spans []Span
	}{
		{"abcd", []int32{5}, []Span{{0, 4}}},                       // the longest
		{"abc", []int32{4}, []Span{{0, 2}}},                        // the leftmost; c is lost
		{"abab", []int32{4, 4}, []Span{{0, 2}, {2, 4}}},            // neighbours
		{"!ab!", []int32{0, 4, 0}, []Span{{0, 1}, {1, 3}, {3, 4}}}, // late ones take what is left
		{"!ac!", []int32{7, 0}, []Span{{0, 2}, {3, 4}}},
		{"bcé", []int32{6, 8}, []Span{{0, 2}, {2, 4}}},
	} {
		ids, spans := tok.EncodeSpans(c.text)
		if !slices.Equal(ids, c.ids) || !slices.Equal(spans, c.spans) {
			t.Errorf("%q: ids %v, spans %v", c.text, ids, spans)
		}
	}
	if got := tok.DecodeSkip([]int32{4, 6, 7}); got != "ab!a" {
		t.Errorf("DecodeSkip %q", got)
	}
	if got := string(tok.Bytes(8)); got != "é" {
		t.Errorf("bytes %q", got)
	}
	if got := tok.Decode([]int32{9}); got != "日本" {
		t.Errorf("decoded %q", got)
	}
	if got := tok.Decode([]int32{8}); got != "\uFFFD" { // so does the library
		t.Errorf("decoded %q", got)
	}
}

// TestLongWords takes words far above the limits of the scan and of the cache.
func TestLongWords(t *testing.T) {
	tok := smolLM(t)
	for _, unit := range []string{"a", "=", "中", "ab", "\n"} {
		text := strings.Repeat(unit, 20_000)
		ids, spans := tok.EncodeSpans(text)
		checkSpans(t, tok, text, ids, spans)
		if got := tok.Decode(ids); got != text {
			t.Errorf("%q repeated does not come back", unit)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	var expected map[string][]golden
	readJSON(t, "testdata/expected.json", &expected)
	tok := small(t, "llama.json")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				for _, c := range expected["llama.json"] {
					if ids := tok.Encode(c.Text); !slices.Equal(ids, c.IDs) {
						t.Errorf("%q: %v, want %v", c.Text, ids, c.IDs)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

// checkSpans checks what the package comment promises of spans: in order, no overlap, gaps only at
// bytes without a token.
func checkSpans(t *testing.T, tok *Tokenizer, text string, ids []int32, spans []Span) {
	t.Helper()
	if len(ids) != len(spans) {
		t.Fatalf("%q: %d ids, %d spans", text, len(ids), len(spans))
	}
	at := 0
	lost := func(to int) {
		for ; at < to; at++ {
			if tok.byteID[text[at]] >= 0 {
				t.Fatalf("%q: no span covers byte %d %q: %v", text, at, text[at], spans)
			}
		}
	}
	for _, s := range spans {
		if s.Start < at || s.End < s.Start || s.End > len(text) {
			t.Fatalf("%q: bad spans %v", text, spans)
		}
		lost(s.Start)
		at = s.End
	}
	lost(len(text))
}
