package tokenizer

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestRepairedAsPython holds the reading of ill-formed text against Python's errors="replace".
func TestRepairedAsPython(t *testing.T) {
	const r = "\uFFFD"
	for source, want := range map[string]string{
		"plain":                    "plain",
		"\x80":                     r,
		"\xc0\x80":                 r + r,
		"\xc3":                     r,
		"\xc3a":                    r + "a",
		"\xe0\x80\x80":             r + r + r, // overlong
		"\xe0\xa0":                 r,
		"\xe6\x97":                 r,
		"\xe6\x97x":                r + "x",
		"\xed\xa0\x80":             r + r + r, // a surrogate
		"\xed\x9f":                 r,
		"\xf0\x80\x80\x80":         r + r + r + r,
		"\xf0\x9f\x98":             r,
		"\xf0\x9f\x98\xf0\x9f\x98": r + r,
		"\xf4\x8f\xbf":             r,
		"\xf4\x90\x80\x80":         r + r + r + r,
		"\xf5\x80":                 r + r,
		"\xffé\xfe":                r + "é" + r,
		r + "\xff":                 r + r,
	} {
		if got, _ := repaired(source); got != want {
			t.Errorf("%q: %q, want %q", source, got, want)
		}
		if got := lossy([]byte(source)); got != want {
			t.Errorf("lossy %q: %q, want %q", source, got, want)
		}
	}
}

func TestSpansOfIllFormedText(t *testing.T) {
	tok := small(t, "llama.json")
	text := "a\xe6\x97 the\xff\xfe\uFFFDb"
	ids, spans := tok.EncodeSpans(text)
	checkSpans(t, tok, text, ids, spans)
	if got, want := tok.Decode(ids), "a\uFFFD the\uFFFD\uFFFD\uFFFDb"; got != want {
		t.Errorf("decoded %q, want %q", got, want)
	}
	var parts []string
	for _, s := range spans {
		if s.Start < s.End {
			parts = append(parts, text[s.Start:s.End])
		}
	}
	// The U+FFFD that stands in the text is three tokens of a byte each, as any character may be.
	want := []string{"a", "\xe6\x97", " the", "\xff", "\xfe", "\xef", "\xbf", "\xbd", "b"}
	if !slices.Equal(parts, want) {
		t.Errorf("spans hold %q, want %q", parts, want)
	}
}

// FuzzEncode takes any bytes, UTF-8 or not.
func FuzzEncode(f *testing.F) {
	for _, s := range scannerSeeds {
		f.Add(s)
	}
	for _, s := range []string{
		"<|begin|>a<|end|>more", "<|begin", "lost\x00\x01!", "\xff\xe6\x97", "\xf0\x9f\x98a\xf0\x9f", "\xed\xa0\x80",
		strings.Repeat("ab", 50), strings.Repeat("=", 100), "\uFFFD\xff\uFFFD",
	} {
		f.Add(s)
	}
	complete, lacking := small(f, "llama.json"), small(f, "digits.json")
	f.Fuzz(func(t *testing.T, text string) {
		read, _ := repaired(text)
		if !utf8.ValidString(read) {
			t.Fatalf("%q is repaired to %q", text, read)
		}
		for _, tok := range []*Tokenizer{complete, lacking} {
			ids, spans := tok.EncodeSpans(text)
			if again := tok.Encode(text); !slices.Equal(ids, again) {
				t.Fatalf("%q: %v, then %v", text, ids, again)
			}
			if text == read {
				checkSpans(t, tok, text, ids, spans)
			}
			at := 0
			for _, s := range spans {
				if s.Start < at || s.End < s.Start || s.End > len(text) {
					t.Fatalf("%q: spans %v", text, spans)
				}
				at = s.End
			}
		}
		ids := complete.Encode(text)
		if got := complete.Decode(ids); got != read {
			t.Fatalf("%q comes back as %q", read, got)
		}
	})
}

// FuzzMerge holds the heap against the scan.
func FuzzMerge(f *testing.F) {
	f.Add("calendar information")
	f.Add(strings.Repeat("the", 12))
	f.Add("                 ")
	tok := small(f, "llama.json")
	f.Fuzz(func(t *testing.T, word string) {
		e := encoding{t: tok}
		e.bytes(word[:min(len(word), scanLimit)])
		byScan := slices.Clone(tok.mergeScan(slices.Clone(e.symbols)))
		if byHeap := tok.mergeHeap(e.symbols); !slices.Equal(byScan, byHeap) {
			t.Fatalf("%q: %v by scan, %v by heap", word, byScan, byHeap)
		}
	})
}

// FuzzParse feeds any file; whatever is accepted must encode and decode.
func FuzzParse(f *testing.F) {
	// Small, so that the fuzzer reaches every part and does not spend its time on shrinking.
	minimal, err := json.Marshal(object{
		"added_tokens":   []any{object{"id": 3, "content": "<s>", "special": true}},
		"pre_tokenizer":  sequence("pretokenizers", object{"type": "Digits"}, object{"type": "ByteLevel"}),
		"post_processor": object{"type": "TemplateProcessing", "single": []any{object{"Sequence": object{"id": "A"}}}},
		"decoder":        object{"type": "ByteLevel"},
		"model":          object{"vocab": object{"a": 0, "b": 1, "ab": 2}, "merges": []any{[]string{"a", "b"}}, "unk_token": "a"},
	})
	if err != nil {
		f.Fatal(err)
	}
	if _, err := Parse(minimal); err != nil {
		f.Fatal(err)
	}
	f.Add(minimal)
	f.Add([]byte(`{"model":{"vocab":{"\u0120":0},"merges":["` + "\\ud800" + ` a"]}}`))
	f.Add([]byte(`{"model" : {"vocab" : { } , "merges" : [ [ ] ] } }`))
	f.Fuzz(func(t *testing.T, data []byte) {
		tok, err := Parse(data)
		if err != nil {
			return
		}
		text := "ab a<s>b \xff 12 <|begin|>é" + strings.Repeat("ab", 30)
		ids, spans := tok.EncodeSpans(text)
		if len(ids) != len(spans) {
			t.Fatalf("%d ids, %d spans", len(ids), len(spans))
		}
		for _, id := range ids {
			if id < 0 || int(id) >= tok.Size() {
				t.Fatalf("id %d of %d", id, tok.Size())
			}
			tok.Bytes(id)
		}
		tok.DecodeSkip(ids)
		tok.Hash()
	})
}

// TestRoundTripRandom runs random texts of the ranges that people write through the real vocabulary.
func TestRoundTripRandom(t *testing.T) {
	tok := smolLM(t)
	ranges := [][2]rune{{' ', '~'}, {0xa0, 0x257}, {0x370, 0x4ff}, {0x4e00, 0x9fff}, {0x1f300, 0x1faff}, {'\t', '\r'}}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var b strings.Builder
		for range rng.IntN(60) {
			r := ranges[rng.IntN(len(ranges))]
			b.WriteRune(r[0] + rng.Int32N(r[1]-r[0]+1))
		}
		text := b.String()
		ids, spans := tok.EncodeSpans(text)
		checkSpans(t, tok, text, ids, spans)
		if got := tok.Decode(ids); got != text {
			t.Fatalf("%q comes back as %q", text, got)
		}
	}
}
