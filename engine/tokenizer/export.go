package tokenizer

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Vocabulary returns the tokenizer as a GGUF file holds it, the reverse of
// [FromVocabulary]; size, at least [Tokenizer.Size], is how many ids the model has: those
// that are no token are filled up. EOS is left to the caller.
//
// The error wraps ErrUnsupported where such a file cannot say how texts are cut: what was
// built again from the vocabulary has to have the hash of this tokenizer.
func (t *Tokenizer) Vocabulary(size int) (Vocabulary, error) {
	v := Vocabulary{Model: ModelBytes, BOS: -1, EOS: -1}
	pre := t.cut()
	switch {
	case t.fallback && len(t.steps) > 0:
		return v, fmt.Errorf("%w: pre_tokenizer Metaspace with split, in a vocabulary with scores", ErrUnsupported)
	case t.fallback && t.marks.name != "":
		v.Model, v.SpacePrefix, v.Metaspace = ModelScores, true, strings.TrimPrefix(t.marks.name, "metaspace-")
	case t.fallback && t.normalizer.name == "":
		return v, fmt.Errorf("%w: byte_fallback without a sign for spaces", ErrUnsupported)
	case t.fallback:
		v.Model, v.SpacePrefix = ModelScores, t.normalizer.name == markPrepend.name
	case pre == "":
		return v, fmt.Errorf("%w: texts cut by %s", ErrUnsupported, t.stepNames())
	case pre != "qwen2" && t.normalizer.name != "":
		return v, fmt.Errorf("%w: normalizer %s", ErrUnsupported, t.normalizer.name)
	default:
		v.Pre = pre
	}
	if size < t.Size() {
		return v, fmt.Errorf("the tokenizer has %d tokens, the model only %d", t.Size(), size)
	}
	v.Tokens, v.Types = make([]string, size), make([]int32, size)
	for i := range v.Types {
		v.Types[i] = typeUnused
	}
	for text, id := range t.vocabulary {
		v.Tokens[id], v.Types[id] = text, typeNormal
		if t.fallback && t.isByte[id] {
			v.Types[id] = typeByte
		}
	}
	for text, id := range t.addedIDs {
		v.Tokens[id], v.Types[id] = text, typeUserDefined
		if t.special[id] {
			v.Types[id] = typeControl
		}
	}
	for i, kind := range v.Types {
		if kind == typeUnused { // readers want texts that differ
			v.Tokens[i] = fmt.Sprintf("[PAD%d]", i)
		}
	}
	for _, m := range t.rankedMerges() {
		v.Merges = append(v.Merges, m[0]+" "+m[1])
	}
	if t.fallback {
		var err error
		if v.Scores, err = t.scores(size); err != nil {
			return v, err
		}
	}
	if t.bos >= 0 {
		v.BOS, v.AddBOS = int(t.bos), true
	}
	check := v
	check.Tokens, check.Types = v.Tokens[:t.Size()], v.Types[:t.Size()] // what fills up is no token
	if t.fallback {
		check.Scores, check.Merges = v.Scores[:t.Size()], nil
		if again, err := FromVocabulary(check); err == nil && again.Hash() == t.Hash() {
			v.Merges = nil // the scores say them
			return v, nil
		}
		check.Merges = v.Merges
	}
	again, err := FromVocabulary(check)
	if err != nil {
		return v, err
	}
	if again.Hash() != t.Hash() {
		return v, fmt.Errorf("%w: added tokens, unknown bytes, merges or a decoder that a GGUF vocabulary cannot say", ErrUnsupported)
	}
	return v, nil
}

// cut is what a GGUF file calls the way in which texts are cut into words, "" where it has
// no name.
func (t *Tokenizer) cut() string {
	switch names := t.stepNames(); {
	case names == "digit, gpt2" && !t.whole:
		return "smollm"
	case names == "gpt2" && !t.whole:
		return "gpt-2"
	case names == "llama3" && t.whole:
		return "llama-bpe"
	case names == "qwen" && !t.whole:
		return "qwen2"
	}
	return ""
}

func (t *Tokenizer) stepNames() string {
	var names []string
	for _, s := range t.steps {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

// rankedMerges are the pieces of every merge by rank.
func (t *Tokenizer) rankedMerges() [][2]string {
	pieces := make(map[int32]string, len(t.vocabulary))
	for text, id := range t.vocabulary {
		pieces[id] = text
	}
	var out [][2]string
	for _, p := range t.byRank() {
		out = append(out, [2]string{pieces[int32(p>>32)], pieces[int32(uint32(p))]})
	}
	return out
}

// byRank are the merges by rank.
func (t *Tokenizer) byRank() []pair {
	list := make([]pair, 0, len(t.merges))
	for p := range t.merges {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b pair) int { return cmp.Compare(t.merges[a].rank, t.merges[b].rank) })
	return list
}

// JSON returns the tokenizer as a tokenizer.json, for a model that came without one: a
// GGUF file. The error wraps ErrUnsupported for what such a file does not hold.
func (t *Tokenizer) JSON() ([]byte, error) {
	if _, err := t.Vocabulary(t.Size()); err != nil {
		return nil, err
	}
	type object = map[string]any
	var normalizer any
	byteLevel := object{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}
	split := func(pattern string) object {
		return object{"type": "Split", "pattern": object{"Regex": pattern}, "behavior": "Isolated", "invert": false}
	}
	steps := []any{byteLevel}
	switch t.cut() {
	case "smollm":
		steps = []any{object{"type": "Digits", "individual_digits": true}, byteLevel}
	case "llama-bpe":
		byteLevel["use_regex"] = false
		steps = []any{split(patternLlama3), byteLevel}
	case "qwen2":
		byteLevel["use_regex"] = false
		steps = []any{split(patternQwen), byteLevel}
		normalizer = object{"type": "NFC"}
	}
	var pre any = object{"type": "Sequence", "pretokenizers": steps}
	decoder := object{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}
	if t.fallback {
		normalizer, pre, decoder = t.marksJSON()
	}
	added := []any{}
	var ids []int32
	texts := map[int32]string{}
	for text, id := range t.addedIDs {
		ids = append(ids, id)
		texts[id] = text
	}
	slices.Sort(ids)
	for _, id := range ids {
		added = append(added, object{
			"id": id, "content": texts[id], "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": t.special[id],
		})
	}
	var post any
	if t.bos >= 0 {
		first := string(t.Bytes(t.bos))
		sequence := func(id string, kind int) object { return object{"Sequence": object{"id": id, "type_id": kind}} }
		post = object{
			"type": "TemplateProcessing", "single": []any{object{"SpecialToken": object{"id": first, "type_id": 0}}, sequence("A", 0)},
			"pair":           []any{sequence("A", 0), sequence("B", 1)},
			"special_tokens": object{first: object{"id": first, "ids": []int32{t.bos}, "tokens": []string{first}}},
		}
	}
	merges := t.rankedMerges()
	text, err := json.Marshal(object{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added, "normalizer": normalizer,
		"pre_tokenizer": pre, "post_processor": post, "decoder": decoder,
		"model": object{
			"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
			"fuse_unk": false, "byte_fallback": t.fallback, "ignore_merges": t.whole, "vocab": t.vocabulary, "merges": merges,
		},
	})
	if err != nil {
		return nil, err
	}
	again, err := Parse(text)
	if err != nil {
		return nil, err
	}
	if again.Hash() != t.Hash() {
		return nil, fmt.Errorf("%w: a tokenizer that tokenizer.json would cut differently", ErrUnsupported)
	}
	return text, nil
}

// marksJSON are normalizer, pre-tokenizer and decoder of a vocabulary with ▁ and byte tokens.
func (t *Tokenizer) marksJSON() (normalizer, pre any, decoder map[string]any) {
	type object = map[string]any
	replace := func(from, to string) object {
		return object{"type": "Replace", "pattern": object{"String": from}, "content": to}
	}
	switch {
	case t.marks.name != "":
		pre = object{"type": "Metaspace", "replacement": spaceSign, "prepend_scheme": strings.TrimPrefix(t.marks.name, "metaspace-"), "split": false}
	case t.normalizer.name == markPrepend.name:
		normalizer = object{"type": "Sequence", "normalizers": []any{object{"type": "Prepend", "prepend": spaceSign}, replace(" ", spaceSign)}}
	default:
		normalizer = replace(" ", spaceSign)
	}
	decoders := []any{replace(spaceSign, " "), object{"type": "ByteFallback"}, object{"type": "Fuse"}}
	if t.strip {
		decoders = append(decoders, object{"type": "Strip", "content": " ", "start": 1, "stop": 0})
	}
	return normalizer, pre, object{"type": "Sequence", "decoders": decoders}
}
