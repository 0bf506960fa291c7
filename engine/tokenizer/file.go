package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// Load reads a tokenizer.json, of at most 64 MB.
func Load(path string) (*Tokenizer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("loading the tokenizer: %w", err)
	}
	defer f.Close()
	return load(f, path)
}

// LoadFS is Load for a file of a file system.
func LoadFS(files fs.FS, name string) (*Tokenizer, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("loading the tokenizer: %w", err)
	}
	defer f.Close()
	return load(f, name)
}

func load(r io.Reader, name string) (*Tokenizer, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("loading the tokenizer: %w", err)
	}
	t, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("loading the tokenizer %s: %w", name, err)
	}
	return t, nil
}

// Parse reads the contents of a tokenizer.json. The error wraps ErrUnsupported where the file asks
// for something that is not implemented.
//
// The sections truncation and padding are about calls, not about ids, and are left alone.
func Parse(data []byte) (*Tokenizer, error) {
	if len(data) > maxFileBytes {
		return nil, fmt.Errorf("tokenizer.json is larger than %d MB", maxFileBytes>>20)
	}
	if err := checkJSON(data); err != nil {
		return nil, err
	}
	sections, err := sectionsOf(data, "model", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder")
	if err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	var d definition
	if err := readModel(&d, sections["model"]); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if err := readAdded(&d, sections["added_tokens"]); err != nil {
		return nil, fmt.Errorf("added_tokens: %w", err)
	}
	if d.fallback {
		err = readMarks(&d, sections)
	} else {
		err = readByteLevel(&d, sections)
	}
	if err != nil {
		return nil, err
	}
	if d.bos, err = readPostProcessor(sections["post_processor"]); err != nil {
		return nil, err
	}
	if d.bos >= 0 && !d.has(d.bos) {
		return nil, fmt.Errorf("post_processor: there is no token %d", d.bos)
	}
	return build(d), nil
}

// readByteLevel reads the sections before and after the merges of a byte-level tokenizer.
func readByteLevel(d *definition, sections map[string][]byte) (err error) {
	if d.normalizer, err = readNormalizer(sections["normalizer"]); err != nil {
		return err
	}
	if d.steps, err = readPreTokenizer(sections["pre_tokenizer"]); err != nil {
		return err
	}
	return checkDecoder(sections["decoder"])
}

// sectionsOf returns the raw values of the named members of an object, each at most once.
func sectionsOf(raw []byte, names ...string) (map[string][]byte, error) {
	sections := map[string][]byte{}
	return sections, members(bytes.TrimSpace(raw), func(key, value []byte) error {
		if !slices.Contains(names, string(key)) {
			return nil
		}
		if _, twice := sections[string(key)]; twice {
			return fmt.Errorf("%q occurs twice", key)
		}
		sections[string(key)] = value
		return nil
	})
}

func readModel(d *definition, raw []byte) error {
	if isNull(raw) {
		return errors.New("there is none")
	}
	sections, err := sectionsOf(raw, "type", "vocab", "merges", "dropout", "unk_token", "fuse_unk",
		"continuing_subword_prefix", "end_of_word_suffix", "byte_fallback", "ignore_merges")
	if err != nil {
		return err
	}
	var options struct {
		Type     *string
		Dropout  *float64
		Unknown  *string
		Fuse     bool
		Prefix   *string
		Suffix   *string
		Fallback bool
		Whole    bool
	}
	for _, o := range []struct {
		name  string
		value any
	}{
		{"type", &options.Type},
		{"dropout", &options.Dropout},
		{"unk_token", &options.Unknown},
		{"fuse_unk", &options.Fuse},
		{"continuing_subword_prefix", &options.Prefix},
		{"end_of_word_suffix", &options.Suffix},
		{"byte_fallback", &options.Fallback},
		{"ignore_merges", &options.Whole},
	} {
		if isNull(sections[o.name]) {
			continue
		}
		if err := json.Unmarshal(sections[o.name], o.value); err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
	}
	switch {
	case options.Type != nil && *options.Type != "BPE":
		return fmt.Errorf("%w: model type %s", ErrUnsupported, *options.Type)
	case options.Type == nil && isNull(sections["merges"]): // old files name no type
		return fmt.Errorf("%w: model without type and merges", ErrUnsupported)
	case options.Dropout != nil && *options.Dropout != 0:
		return fmt.Errorf("%w: BPE dropout", ErrUnsupported)
	case options.Prefix != nil && *options.Prefix != "":
		return fmt.Errorf("%w: continuing_subword_prefix", ErrUnsupported)
	case options.Suffix != nil && *options.Suffix != "":
		return fmt.Errorf("%w: end_of_word_suffix", ErrUnsupported)
	}
	if err := readVocabulary(d, sections["vocab"]); err != nil {
		return fmt.Errorf("vocab: %w", err)
	}
	if err := readMerges(d, sections["merges"]); err != nil {
		return fmt.Errorf("merges: %w", err)
	}
	d.whole, d.unknown, d.fallback = options.Whole, -1, options.Fallback
	if d.fallback { // with a token for every byte, there is nothing unknown
		if !d.hasByteTokens() {
			return fmt.Errorf("%w: byte_fallback without a token for every byte", ErrUnsupported)
		}
		return nil
	}
	// Where every byte has a token, the unknown token is never used and may as well be missing.
	if options.Unknown != nil && !d.allBytes() {
		id, ok := d.ids[*options.Unknown]
		if !ok {
			return fmt.Errorf("unk_token %q is not in the vocabulary", *options.Unknown)
		}
		d.unknown, d.fuse = id, options.Fuse
	}
	return nil
}

// allBytes tells whether every byte has a token.
func (d *definition) allBytes() bool {
	for _, r := range byteRune {
		if _, ok := d.ids[string(r)]; !ok {
			return false
		}
	}
	return true
}

func readVocabulary(d *definition, raw []byte) error {
	// A guess from the size, so that growing costs little and a lie gains nothing.
	guess := min(len(raw)/16, maxTokens)
	d.ids = make(map[string]int32, guess)
	d.pieces = make([]string, 0, guess)
	used := make([]bool, 0, guess)
	return members(raw, func(key, value []byte) error {
		id, err := integer(value, maxTokens) // ids differ, so this bounds their number too
		if err != nil {
			return fmt.Errorf("token %q: %w", key, err)
		}
		for int(id) >= len(used) {
			used = append(used, false)
			d.pieces = append(d.pieces, "")
		}
		piece := string(key)
		if used[id] {
			return fmt.Errorf("tokens %q and %q share id %d", d.pieces[id], piece, id)
		}
		before := len(d.ids)
		d.ids[piece] = id
		if len(d.ids) == before {
			return fmt.Errorf("token %q occurs twice", piece)
		}
		used[id] = true
		d.pieces[id] = piece
		return nil
	})
}

// readMerges reads pairs ["a", "b"] or strings "a b", as older versions of the library wrote them.
func readMerges(d *definition, raw []byte) error {
	d.merges = make([]mergeRule, 0, min(len(raw)/12, maxMerges))
	var texts [2][]byte
	var scratch []byte
	var asPairs, asStrings bool
	return elements(raw, func(value []byte) (err error) {
		if len(d.merges) == maxMerges {
			return fmt.Errorf("more than %d merges", maxMerges)
		}
		var left, right []byte
		if value[0] == '[' {
			asPairs = true
			n := 0
			err = elements(value, func(part []byte) (err error) {
				if n < 2 {
					texts[n], err = appendText(texts[n][:0], part)
				}
				n++
				return err
			})
			if err == nil && n != 2 {
				err = fmt.Errorf("%d tokens", n)
			}
			left, right = texts[0], texts[1]
		} else {
			if texts[0], err = appendText(texts[0][:0], value); err == nil {
				if isMergeHeader(string(texts[0])) {
					return nil
				}
				left, right, err = splitMerge(texts[0])
			}
			asStrings = true
		}
		if err == nil && asPairs && asStrings {
			err = errors.New("pairs and strings are mixed")
		}
		var rule mergeRule
		if err == nil {
			rule, scratch, err = newMergeRule(d.ids, left, right, scratch)
		}
		if err != nil {
			return fmt.Errorf("merge %d: %s: %w", len(d.merges), abbreviated(value), err)
		}
		d.merges = append(d.merges, rule)
		return nil
	})
}
