package bpe

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"

	"hone/engine/tokenizer"
)

func learn(t testing.TB, vocab, minCount int, texts ...string) *Model {
	t.Helper()
	m, err := Learn(slices.Values(texts), Options{Vocab: vocab, Special: []string{"<|end|>"}, MinCount: minCount})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func parse(t testing.TB, m *Model) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.Parse(m.JSON())
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// merges returns the learned merges as text, "ab+c".
func merges(m *Model) []string {
	var all []string
	for _, r := range m.Merges {
		all = append(all, m.Tokens[r.Left]+"+"+m.Tokens[r.Right])
	}
	return all
}

// Counted by hand. The words are low x5, lower x2, newest x6, widest x3 and spaces.
//
//	e+s 9, s+t 9, w+e 8, l+o 7, o+w 7, n+e 6, e+w 6, i+d 3, ..: e < s, so e+s is first
//	es+t 9; then l+o 7 and o+w 7, l < o; then lo+w 7
//	left are w+e 6 (newest), n+e 6, e+w 6, w+est 6: newest is n e w est. e+w, n+e, w+est have 6,
//	w+e none there, and lower is low e r. e < n < w: e+w; then of n+ew and ew+est with 6 the first.
func TestLearnByHand(t *testing.T) {
	m := learn(t, 257+6, 2, strings.Repeat("low ", 5), strings.Repeat("lower ", 2), strings.Repeat("newest ", 6), strings.Repeat("widest ", 3))
	want := []string{"e+s", "es+t", "l+o", "lo+w", "e+w", "n+ew"}
	if got := merges(m); !slices.Equal(got, want) {
		t.Fatalf("merges %q, by hand %q", got, want)
	}
	if got := m.Tokens[257:]; !slices.Equal(got, []string{"es", "est", "lo", "low", "ew", "new"}) {
		t.Fatalf("tokens %q", got)
	}
}

func TestLearnTies(t *testing.T) {
	// x+y and z+w twice each: the smaller left id. Then b+d before b+e by the right one.
	m := learn(t, 257+4, 2, "zw", "xy", "zw", "xy", "be", "bd", "be", "bd")
	want := []string{"b+d", "b+e", "x+y", "z+w"}
	if got := merges(m); !slices.Equal(got, want) {
		t.Fatalf("merges %q, want %q", got, want)
	}
}

func TestLearnErrors(t *testing.T) {
	for name, c := range map[string]struct {
		o    Options
		text string
		want error
	}{
		"too few tokens for bytes":  {Options{Vocab: 255}, "abc", nil},
		"a vocabulary beyond reach": {Options{Vocab: 1 << 30}, "abc", nil},
		"one special token twice":   {Options{Vocab: 300, Special: []string{"<a>", "<a>"}}, "abc", nil},
		"an empty special token":    {Options{Vocab: 300, Special: []string{""}}, "abc", nil},
		"too little text":           {Options{Vocab: 300}, "ab ab", ErrTooLittleText},
		"not UTF-8":                 {Options{Vocab: 256}, "a\xff", ErrUTF8},
	} {
		_, err := Learn(slices.Values([]string{c.text}), c.o)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
}

// prose makes text of words that repeat, with some of everything in it.
func prose(r *rand.Rand, n int) string {
	letters := []string{"a", "b", "c", "ab", "ca", "é", "ß", "日", "Q"}
	marks := []string{" ", " ", " ", "  ", ", ", ". ", "\n", "\": \"", " (", "'s ", "'", "7", "42 ", "🙂", "\t"}
	var b strings.Builder
	for range n {
		for range 1 + r.IntN(4) {
			b.WriteString(letters[r.IntN(len(letters))])
		}
		b.WriteString(marks[r.IntN(len(marks))])
	}
	return b.String()
}

// naive learns by counting everything again before every merge.
func naive(text string, vocab int) []Merge {
	m, _ := newModel(Options{Vocab: vocab})
	ids := map[string]int32{}
	for id, token := range m.Tokens {
		ids[token] = int32(id)
	}
	var split [][]int32
	words(text, func(w string) {
		var tokens []int32
		for i := range len(w) {
			tokens = append(tokens, ids[w[i:i+1]])
		}
		split = append(split, tokens)
	})
	for len(m.Tokens) < vocab {
		counts := map[pair]int{}
		for _, tokens := range split {
			for i := 1; i < len(tokens); i++ {
				counts[pairOf(tokens[i-1], tokens[i])]++
			}
		}
		var best pair
		for p, n := range counts {
			if n > counts[best] || n == counts[best] && p < best {
				best = p
			}
		}
		left, right := int32(best>>32), int32(uint32(best))
		joined := m.Tokens[left] + m.Tokens[right]
		if _, known := ids[joined]; !known {
			ids[joined] = int32(len(m.Tokens))
			m.Tokens = append(m.Tokens, joined)
		}
		rule := Merge{left, right, ids[joined]}
		if !slices.Contains(m.Merges, rule) {
			m.Merges = append(m.Merges, rule)
		}
		for i := range split {
			if holds(split[i], left, right) {
				split[i] = replaced(split[i], left, right, rule.Result)
			}
		}
	}
	return m.Merges
}

func TestLearnEqualsCountingAgain(t *testing.T) {
	for seed := range uint64(20) {
		text := prose(rand.New(rand.NewPCG(seed, 1)), 400)
		m, err := Learn(slices.Values([]string{text}), Options{Vocab: 330, MinCount: 1})
		if err != nil {
			t.Fatal(err)
		}
		if want := naive(text, 330); !slices.Equal(m.Merges, want) {
			t.Fatalf("seed %d: merges differ from those of counting again", seed)
		}
	}
}

func TestEncodesAsLearned(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	var texts []string
	for range 30 {
		texts = append(texts, prose(r, 100))
	}
	m := learn(t, 400, 2, texts...)
	if again := learn(t, 400, 2, texts...); !bytes.Equal(m.JSON(), again.JSON()) {
		t.Fatal("the same texts gave another file")
	}
	tok := parse(t, m)
	if tok.Size() != 400 {
		t.Fatalf("%d tokens, want 400", tok.Size())
	}
	for id, text := range m.Tokens {
		if got := string(tok.Bytes(int32(id))); got != text {
			t.Fatalf("token %d is %q in the file, %q in the model", id, got, text)
		}
		if rest, spaced := strings.CutPrefix(text, " "); spaced && strings.ContainsFunc(rest, unicode.IsLetter) {
			t.Errorf("token %d, %q, holds a space and a letter", id, text)
		}
	}
	for range 200 {
		text := prose(r, 60)
		ids := tok.Encode(text)
		if got := tok.Decode(ids); got != text {
			t.Fatalf("%q came back as %q", text, got)
		}
		// The tokenizer joins a space to its word, the learner does not: the tokens are the same.
		var apart []int32
		words(text, func(w string) { apart = append(apart, tok.Encode(w)...) })
		if !slices.Equal(ids, apart) {
			t.Fatalf("%q: %v as a whole, %v word by word", text, ids, apart)
		}
	}
}

func TestWordCopiesAsItself(t *testing.T) {
	tok := parse(t, learn(t, 270, 2, strings.Repeat("Liam met Zoe. Zoe and Liam ate. {\"who\": \"Liam\"} ", 40)))
	bare := tok.Encode("Liam")
	for _, text := range []string{" Liam", "\"Liam", "(Liam", "\nLiam"} {
		if got := tok.Encode(text); !slices.Equal(got[1:], bare) {
			t.Errorf("%q is %v, the word alone %v", text, got, bare)
		}
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"Lunch at 12:30":    {"Lunch", " ", "at", " ", "1", "2", ":", "3", "0"},
		`{"a": "Mia's"}`:    {`{"`, "a", `":`, ` "`, "Mia", "'s", `"}`},
		"a  b":              {"a", " ", " ", "b"},
		"a  7":              {"a", "  ", "7"},
		"a \n":              {"a", " \n"},
		"w/ é!":             {"w", "/", " ", "é", "!"},
		"":                  nil,
		"4 - Nov (½) don't": {"4", " -", " ", "Nov", " (", "½", ")", " ", "don", "'t"},
	} {
		var got []string
		words(text, func(w string) { got = append(got, w) })
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzLearn(f *testing.F) {
	f.Add("ab ab abc abc")
	f.Add("aaaa aaa 11 '' 日本 日本")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Learn(slices.Values([]string{text}), Options{Vocab: 262, MinCount: 1})
		if err != nil {
			return
		}
		tok, err := tokenizer.Parse(m.JSON())
		if err != nil {
			t.Fatal(err)
		}
		if got := tok.Decode(tok.Encode(text)); got != text {
			t.Fatalf("%q came back as %q", text, got)
		}
	})
}
