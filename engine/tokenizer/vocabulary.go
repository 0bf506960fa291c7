package tokenizer

import (
	"errors"
	"fmt"
	"strings"
)

// A Vocabulary is a tokenizer as a GGUF file holds it, in the keys tokenizer.ggml.* of a file whose
// tokenizer.ggml.model is "gpt2".
type Vocabulary struct {
	Tokens []string // by id, in the byte-level alphabet; added tokens as text
	Merges []string // "a b", by rank
	Types  []int32  // token_type by id; empty: all are normal
	Pre    string   // smollm, gpt-2 (also gpt2, default and ""), llama-bpe (also llama3, llama-v3)
	BOS    int      // bos_token_id; -1: none
	EOS    int      // eos_token_id; -1: none. It decides no ids and is carried for the reader's callers.
	// AddBOS is add_bos_token. Files of llama-bpe often leave it out and mean true; the reader of the
	// file decides, here false is false.
	AddBOS bool
}

// Values of token_type.
const (
	typeNormal      = 1
	typeUnknown     = 2
	typeControl     = 3
	typeUserDefined = 4
	typeUnused      = 5
)

// FromVocabulary makes the tokenizer of a GGUF file. Control and unknown tokens are special,
// user-defined ones are added tokens, unused ones are left out. The error wraps ErrUnsupported for a
// Pre or a token type that is not implemented.
func FromVocabulary(v Vocabulary) (*Tokenizer, error) {
	d := definition{unknown: -1, bos: -1}
	switch v.Pre {
	case "smollm":
		d.steps = []step{stepDigit, stepGPT2}
	case "gpt-2", "gpt2", "default", "":
		d.steps = []step{stepGPT2}
	case "llama-bpe", "llama3", "llama-v3":
		d.steps = []step{stepLlama3}
		d.whole = true
	default:
		return nil, fmt.Errorf("%w: pre-tokenizer %q (smollm, gpt-2 and llama-bpe are supported)", ErrUnsupported, v.Pre)
	}
	if err := readTokens(&d, v); err != nil {
		return nil, fmt.Errorf("vocabulary: %w", err)
	}
	if len(v.Merges) > maxMerges {
		return nil, fmt.Errorf("vocabulary: more than %d merges", maxMerges)
	}
	d.merges = make([]mergeRule, 0, len(v.Merges))
	var scratch []byte
	for i, text := range v.Merges {
		left, right, err := splitMerge([]byte(text))
		var rule mergeRule
		if err == nil {
			rule, scratch, err = newMergeRule(d.ids, left, right, scratch)
		}
		if err != nil {
			return nil, fmt.Errorf("vocabulary: merge %d: %s: %w", i, abbreviated([]byte(text)), err)
		}
		d.merges = append(d.merges, rule)
	}
	if v.AddBOS {
		if v.BOS < 0 || v.BOS >= len(d.pieces) || d.pieces[v.BOS] == "" {
			return nil, fmt.Errorf("vocabulary: texts start with token %d, which does not exist", v.BOS)
		}
		d.bos = int32(v.BOS)
	}
	return build(d), nil
}

func readTokens(d *definition, v Vocabulary) error {
	switch {
	case len(v.Tokens) == 0:
		return errors.New("no tokens")
	case len(v.Tokens) > maxTokens:
		return fmt.Errorf("more than %d tokens", maxTokens)
	case len(v.Types) > 0 && len(v.Types) != len(v.Tokens):
		return fmt.Errorf("%d tokens but %d token types", len(v.Tokens), len(v.Types))
	}
	d.pieces = make([]string, len(v.Tokens))
	d.ids = make(map[string]int32, len(v.Tokens))
	total := 0
	for i, text := range v.Tokens {
		kind := int32(typeNormal)
		if len(v.Types) > 0 {
			kind = v.Types[i]
		}
		if text == "" || kind == typeUnused {
			continue
		}
		if total += len(text); total > maxFileBytes {
			return fmt.Errorf("more than %d MB of tokens", maxFileBytes>>20)
		}
		id := int32(i)
		if twin, twice := d.ids[text]; twice {
			return fmt.Errorf("token %q has ids %d and %d", abbreviated([]byte(text)), twin, id)
		}
		text = strings.Clone(text) // the caller's may be a part of a mapped file
		d.pieces[id] = text
		d.ids[text] = id
		switch kind {
		case typeNormal:
		case typeControl, typeUnknown, typeUserDefined:
			if err := d.addToken(addedToken{id: id, text: text, special: kind != typeUserDefined}); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: token type %d of token %q", ErrUnsupported, kind, abbreviated([]byte(text)))
		}
	}
	return nil
}
