package tokenizer

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// bySentencePiece merges as llama.cpp does: of all neighbours that are a token together those
// of the highest score, the leftmost of several; what is no token in the end is spelled in
// bytes.
func bySentencePiece(v Vocabulary, text string) (ids []int32) {
	id := map[string]int32{}
	for i, token := range v.Tokens {
		id[token] = int32(i)
	}
	var parts []string
	for _, r := range strings.ReplaceAll(text, " ", spaceSign) {
		parts = append(parts, string(r))
	}
	for {
		best := -1
		for i := 1; i < len(parts); i++ {
			token, ok := id[parts[i-1]+parts[i]]
			if ok && (best < 0 || v.Scores[token] > v.Scores[id[parts[best-1]+parts[best]]]) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		parts[best-1] += parts[best]
		parts = slices.Delete(parts, best, best+1)
	}
	for _, part := range parts {
		if token, ok := id[part]; ok {
			ids = append(ids, token)
			continue
		}
		for _, b := range []byte(part) {
			ids = append(ids, id[byteToken(int(b))])
		}
	}
	return ids
}

// A vocabulary that says scores gives, by SentencePiece's own rule, the tokens of the
// tokenizer that it was made of, and is read as that tokenizer.
func TestScores(t *testing.T) {
	tok := kind(t, "scores.json")
	v, err := tok.Vocabulary(tok.Size())
	if err != nil {
		t.Fatal(err)
	}
	if v.Model != ModelScores || !v.SpacePrefix || v.Merges != nil || v.Types[0] != typeControl || v.Types[tok.byteID['a']] != typeByte {
		t.Errorf("%+v", v)
	}
	again, err := FromVocabulary(v)
	if err != nil {
		t.Fatal(err)
	}
	if again.Hash() != tok.Hash() {
		t.Error("read again it is another tokenizer")
	}
	check := func(text string) {
		t.Helper()
		if want := bySentencePiece(v, " "+text); text != "" && !slices.Equal(tok.Encode(text), want) {
			t.Errorf("%q: %v, by scores %v", text, tok.Encode(text), want)
		}
	}
	var expected map[string][]golden
	readJSON(t, "testdata/kinds/expected.json", &expected)
	for _, g := range expected["scores.json"] {
		if !strings.Contains(g.Text, "s>") { // special tokens
			check(g.Text)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var b strings.Builder
		for range 1 + r.IntN(6) {
			b.WriteString(v.Tokens[259+r.IntN(len(v.Tokens)-259)])
		}
		check(strings.ReplaceAll(b.String(), spaceSign, " "))
	}
}

// scored is a vocabulary with scores: the bytes, the characters and the given tokens, each
// of a lower score than those before.
func scored(tokens ...string) Vocabulary {
	v := Vocabulary{Model: ModelScores, BOS: -1}
	add := func(token string, score float32, kind int32) {
		v.Tokens, v.Scores, v.Types = append(v.Tokens, token), append(v.Scores, score), append(v.Types, kind)
	}
	for b := range 256 {
		add(byteToken(b), 0, typeByte)
	}
	for i, token := range tokens {
		add(token, -float32(i), typeNormal)
	}
	for _, r := range spaceSign + "abcxyz" {
		add(string(r), -1000, typeNormal)
	}
	return v
}

// Runs of spaces have one score in the vocabularies of Llama 2 and Mistral.
func TestScoresOfRuns(t *testing.T) {
	var runs []string
	for _, n := range []int{2, 4, 8, 5, 16, 6, 12, 13, 10, 14, 3, 9, 7, 11} {
		runs = append(runs, strings.Repeat(spaceSign, n))
	}
	v := scored(append(runs, "ab", spaceSign+"a")...)
	for i := range runs {
		v.Scores[256+i] = -1e9
	}
	tok, err := FromVocabulary(v)
	if err != nil {
		t.Fatal(err)
	}
	w, err := tok.Vocabulary(tok.Size())
	if err != nil {
		t.Fatal(err)
	}
	for n := range 70 {
		for _, text := range []string{strings.Repeat(" ", n), strings.Repeat(" ", n) + "ab", "a" + strings.Repeat(" ", n) + "b"} {
			for _, v := range []Vocabulary{v, w} {
				if want, got := bySentencePiece(v, text), tok.Encode(text); !slices.Equal(got, want) {
					t.Errorf("%q: %v, by scores %v", text, got, want)
				}
			}
		}
	}
	v.Scores[slices.Index(v.Tokens, "ab")] = -1e9
	if _, err := FromVocabulary(v); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "same score") {
		t.Errorf("a word with the score of spaces: %v", err)
	}
}

// Metaspace is kept though llama.cpp does not know it: written and read it is the same
// tokenizer, without it another one.
func TestScoresOfMetaspace(t *testing.T) {
	for _, scheme := range metaspaces {
		v := scored("ab", spaceSign+"a")
		v.SpacePrefix, v.Metaspace = true, scheme
		tok, err := FromVocabulary(v)
		if err != nil {
			t.Fatal(err)
		}
		out, err := tok.Vocabulary(tok.Size())
		if err != nil || out.Metaspace != scheme || !out.SpacePrefix {
			t.Fatalf("%s: %q, %v", scheme, out.Metaspace, err)
		}
		again, err := FromVocabulary(out)
		if err != nil || again.Hash() != tok.Hash() {
			t.Errorf("%s: another tokenizer: %v", scheme, err)
		}
		text, err := tok.JSON()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Parse(text); err != nil || again.Hash() != tok.Hash() {
			t.Errorf("%s: as JSON another tokenizer: %v", scheme, err)
		}
		out.Metaspace = ""
		if again, err := FromVocabulary(out); err != nil || slices.Equal(again.Encode(" a"), tok.Encode(" a")) || !slices.Equal(again.Encode("ab a"), tok.Encode("ab a")) {
			t.Errorf("%s: without it %v: %v", scheme, again.Encode(" a"), err)
		}
	}
}

// The order in which a token's merges come is kept beside scores that do not say it.
func TestScoresWithMerges(t *testing.T) {
	v := scored("ab", "bc", "abc", "cx")
	tok, err := FromVocabulary(v)
	if err != nil {
		t.Fatal(err)
	}
	merges := tok.rankedMerges()
	for _, c := range []struct {
		name  string
		order func([][2]string) [][2]string
		want  string // of the refusal
	}{
		{"as scores say", func(m [][2]string) [][2]string { return m }, ""},
		{"two ways the other way round", func(m [][2]string) [][2]string { m[2], m[3] = m[3], m[2]; return m }, ""},
		{"one missing", func(m [][2]string) [][2]string { return slices.Delete(m, 2, 3) }, "are no merge"},
		{"another token between", func(m [][2]string) [][2]string { return [][2]string{m[0], m[1], m[3], m[4], m[2]} }, `"abcx" would be the tokens`},
	} {
		w := v
		w.Merges = nil
		for _, m := range c.order(slices.Clone(merges)) {
			w.Merges = append(w.Merges, m[0]+" "+m[1])
		}
		tok, err := FromVocabulary(w)
		if err != nil {
			t.Fatal(err)
		}
		out, err := tok.Vocabulary(tok.Size())
		if c.want != "" {
			if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if again, err := FromVocabulary(out); err != nil || again.Hash() != tok.Hash() || (out.Merges == nil) != (c.name == "as scores say") {
			t.Errorf("%s: another tokenizer, %d merges: %v", c.name, len(out.Merges), err)
		}
	}
}

func TestScoresRefused(t *testing.T) {
	for want, change := range map[string]func(*Vocabulary){
		"a token for every byte": func(v *Vocabulary) { v.Types[65] = typeUnused },
		"scores":                 func(v *Vocabulary) { v.Scores = v.Scores[1:] },
		"Metaspace":              func(v *Vocabulary) { v.Metaspace = "never" },
		"not a number":           func(v *Vocabulary) { v.Scores[256] = float32(math.NaN()) },
		"bytes among scores":     func(v *Vocabulary) { v.Tokens[256] = strings.Repeat("a", maxScored+1) },
	} {
		v := scored("ab", "abc")
		change(&v)
		if _, err := FromVocabulary(v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	// A character that is no token merges all the same where there are scores.
	v := scored("日本")
	tok, err := FromVocabulary(v)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tok.Vocabulary(tok.Size()); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), `"日本" is a token`) {
		t.Error(err)
	}
}

// FuzzScores makes vocabularies of any tokens and scores; whatever is accepted encodes, and
// what is written is read as the same tokenizer.
func FuzzScores(f *testing.F) {
	f.Add("ab abc bc "+spaceSign+"a", []byte{1, 2, 3, 4}, "abcab a")
	f.Add(spaceSign+spaceSign+" "+strings.Repeat(spaceSign, 3), []byte{7, 7}, "     ")
	f.Add("xy yx xyx", []byte{3, 2, 1}, "xyxyx")
	f.Fuzz(func(t *testing.T, tokens string, scores []byte, text string) {
		v := scored()
		for i, token := range strings.Fields(tokens) {
			if i >= len(scores) || !utf8.ValidString(token) {
				break
			}
			v.Tokens, v.Scores, v.Types = append(v.Tokens, token), append(v.Scores, -float32(scores[i])), append(v.Types, typeNormal)
		}
		tok, err := FromVocabulary(v)
		if err != nil {
			return
		}
		ids, spans := tok.EncodeSpans(text)
		if len(ids) != len(spans) {
			t.Fatalf("%d ids, %d spans", len(ids), len(spans))
		}
		out, err := tok.Vocabulary(tok.Size())
		if err != nil {
			return
		}
		again, err := FromVocabulary(out)
		if err != nil || again.Hash() != tok.Hash() {
			t.Fatalf("another tokenizer: %v", err)
		}
		if fmt.Sprint(again.Encode(text)) != fmt.Sprint(ids) {
			t.Fatalf("%q: other tokens", text)
		}
	})
}
