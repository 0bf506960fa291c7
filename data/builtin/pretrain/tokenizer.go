package pretrain

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"hone/engine/tokenizer"
	"hone/internal/bpe"
)

// What the built-in model's tokenizer is.
const (
	VocabSize = 2048
	EndOfText = "<|endoftext|>" // id 0
)

// learnFrom is how many documents the vocabulary is learned from.
const learnFrom = 20000

// fieldNames are the keys of the built-in dataset. No document has them as keys; as words that make
// tokens they keep the answers of a tuned model short.
const fieldNames = "action date time attendees location duration recurrence notes "

// LearnTokenizer learns the tokenizer of a seed from the first documents that it gives without one, and
// returns it as a tokenizer.json. It takes a few seconds.
func LearnTokenizer(seed uint64) ([]byte, error) {
	c := &Corpus{seed: seed}
	texts := func(yield func(string) bool) {
		if !yield(strings.Repeat(fieldNames, 200)) {
			return
		}
		for i := range learnFrom {
			d := c.Document(i)
			if !yield(d.Prompt) || !yield(" "+d.Completion) {
				return
			}
		}
	}
	model, err := bpe.Learn(texts, bpe.Options{Vocab: VocabSize, Special: []string{EndOfText}})
	if err != nil {
		return nil, fmt.Errorf("learning the built-in model's tokenizer: %w", err)
	}
	return model.JSON(), nil
}

// vocabulary is the tokens that can be copied.
type vocabulary struct {
	pieces  []string // text without white space at its ends
	letters []string // ASCII letters only
}

// newVocabulary returns the tokens of t that are text of their own; nil of nil. A token that is part of
// a character or cannot be seen is none.
func newVocabulary(t *tokenizer.Tokenizer) *vocabulary {
	if t == nil {
		return nil
	}
	v := &vocabulary{}
	for id := range int32(t.Size()) {
		text := string(t.Bytes(id))
		if t.IsSpecial(id) || !utf8.ValidString(text) || strings.TrimSpace(text) == "" || strings.ContainsFunc(text, unicode.IsControl) {
			continue
		}
		v.pieces = append(v.pieces, strings.TrimSpace(text))
		if !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) }) {
			v.letters = append(v.letters, text)
		}
	}
	return v
}
