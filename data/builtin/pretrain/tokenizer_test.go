package pretrain

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode"

	"hone/engine/tokenizer"
)

func TestTokenizerIsReproducible(t *testing.T) {
	a, err := learnedFile()
	if err != nil {
		t.Fatal(err)
	}
	b, err := LearnTokenizer(testSeed)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Fatal("the same seed learned another tokenizer")
	}
	tok, err := tokenizer.Parse(a)
	if err != nil {
		t.Fatal(err)
	}
	if id, ok := tok.ID(EndOfText); !ok || id != 0 || !tok.IsSpecial(0) {
		t.Errorf("%s is token %d", EndOfText, id)
	}
}

// What makes copying easy: a word is the same tokens after a space and after a quote.
func TestTokensDoNotHoldSpaces(t *testing.T) {
	tok := testTokenizer(t)
	for id := range int32(tok.Size()) {
		text := string(tok.Bytes(id))
		if rest, spaced := strings.CutPrefix(text, " "); spaced && strings.ContainsFunc(rest, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
			t.Errorf("token %d, %q, holds a space and a letter or digit", id, text)
		}
		if len(text) > 1 && strings.ContainsFunc(text, unicode.IsDigit) {
			t.Errorf("token %d, %q, holds a digit and more", id, text)
		}
	}
	for _, name := range []string{"Liam", "Okonkwo", "Zyx", "review", "Dr", "São"} {
		bare := tok.Encode(name)
		for _, before := range []string{" ", "\"", "\n", "@"} {
			if got := tok.Encode(before + name); !slices.Equal(got[1:], bare) {
				t.Errorf("%q is %v after %q and %v alone", name, got[1:], before, bare)
			}
		}
	}
}

func TestRoundTrip(t *testing.T) {
	tok := testTokenizer(t)
	for _, d := range testDocuments(t)[:3000] {
		for _, text := range []string{d.Prompt, " " + d.Completion} {
			if got := tok.Decode(tok.Encode(text)); got != text {
				t.Fatalf("%q came back as %q", text, got)
			}
		}
	}
}
