package tokenizer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Values of tokenizer.ggml.model.
const (
	ModelBytes  = "gpt2"  // byte-level BPE
	ModelScores = "llama" // SentencePiece: scores, ▁ and tokens of bytes
)

// A Vocabulary is a tokenizer as a GGUF file holds it, in the keys tokenizer.ggml.*
type Vocabulary struct {
	Model  string    // ModelBytes (also ""), ModelScores
	Tokens []string  // by id, in the byte-level alphabet or with ▁; added tokens as text
	Merges []string  // "a b", by rank; of ModelScores there may be none
	Scores []float32 // by id, of ModelScores
	Types  []int32   // token_type by id; empty: all are normal
	// Pre is, of ModelBytes, smollm, gpt-2 (also gpt2, default and ""), llama-bpe (also
	// llama3, llama-v3) or qwen2, which composes texts (NFC) first.
	Pre string
	// SpacePrefix is add_space_prefix of ModelScores: a ▁ before a text, and after every
	// added token.
	SpacePrefix bool
	// Metaspace is the pre_tokenizer Metaspace's scheme, first or always, which puts fewer
	// signs than SpacePrefix: before a text that begins with a space none, with first none
	// after an added token. llama.cpp does not know it.
	Metaspace string
	BOS       int // bos_token_id; -1: none
	EOS       int // eos_token_id; -1: none. It decides no ids and is carried for the reader's callers.
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
	typeByte        = 6
)

// FromVocabulary makes the tokenizer of a GGUF file. Control and unknown tokens are special,
// user-defined ones are added tokens, unused ones are left out. The error wraps ErrUnsupported for a
// Model, a Pre or a token type that is not implemented.
func FromVocabulary(v Vocabulary) (*Tokenizer, error) {
	var d definition
	var err error
	switch v.Model {
	case ModelBytes, "":
		d, err = fromBytes(v)
	case ModelScores:
		d, err = fromScores(v)
	default:
		err = fmt.Errorf("%w: tokenizer model %q (%s and %s are supported)", ErrUnsupported, v.Model, ModelBytes, ModelScores)
	}
	if err != nil {
		return nil, fmt.Errorf("vocabulary: %w", err)
	}
	if len(v.Merges) > maxMerges {
		return nil, fmt.Errorf("vocabulary: more than %d merges", maxMerges)
	}
	d.merges = slices.Grow(d.merges, len(v.Merges))
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

// fromBytes makes the definition of a byte-level vocabulary, without its merges.
func fromBytes(v Vocabulary) (definition, error) {
	d := definition{unknown: -1, bos: -1}
	switch v.Pre {
	case "smollm":
		d.steps = []step{stepDigit, stepGPT2}
	case "gpt-2", "gpt2", "default", "":
		d.steps = []step{stepGPT2}
	case "llama-bpe", "llama3", "llama-v3":
		d.steps = []step{stepLlama3}
		d.whole = true
	case "qwen2":
		d.steps = []step{stepQwen}
		d.normalizer = composed
	default:
		return d, fmt.Errorf("%w: pre-tokenizer %q (smollm, gpt-2, llama-bpe and qwen2 are supported)", ErrUnsupported, v.Pre)
	}
	return d, readTokens(&d, v)
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
		case typeByte:
			if _, ok := tokenByte(text); !ok || !d.fallback {
				return fmt.Errorf("%w: token %q for a byte", ErrUnsupported, abbreviated([]byte(text)))
			}
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
