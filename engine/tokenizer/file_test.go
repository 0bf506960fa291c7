package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type object = map[string]any

// edited returns testdata/digits.json after a change.
func edited(t testing.TB, change func(file object)) []byte {
	t.Helper()
	var file object
	readJSON(t, "testdata/digits.json", &file)
	change(file)
	data, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func model(file object) object { return file["model"].(object) }

func set(section string, value any) func(object) {
	return func(file object) { file[section] = value }
}

func setModel(key string, value any) func(object) {
	return func(file object) { model(file)[key] = value }
}

// setAdded changes the last added token, which is not in the vocabulary.
func setAdded(key string, value any) func(object) {
	return func(file object) {
		all := file["added_tokens"].([]any)
		all[len(all)-1].(object)[key] = value
	}
}

func sequence(key string, parts ...any) object { return object{"type": "Sequence", key: parts} }

func split(pattern object, behavior string) object {
	return object{"type": "Split", "pattern": pattern, "behavior": behavior, "invert": false}
}

// templateOf is a post-processor that puts token id before the text.
func templateOf(id int) object {
	return object{
		"type":           "TemplateProcessing",
		"single":         []any{object{"SpecialToken": object{"id": "<s>"}}, object{"Sequence": object{"id": "A"}}},
		"special_tokens": object{"<s>": object{"id": "<s>", "ids": []int{id}}},
	}
}

func TestParseRefusesByName(t *testing.T) {
	byteLevel := object{"type": "ByteLevel", "add_prefix_space": false}
	template := func(items ...any) object {
		return object{"type": "TemplateProcessing", "single": items, "special_tokens": object{
			"<s>": object{"id": "<s>", "ids": []int{0}}, "two": object{"id": "two", "ids": []int{0, 1}},
		}}
	}
	text := object{"Sequence": object{"id": "A"}}
	token := func(name string) object { return object{"SpecialToken": object{"id": name}} }
	for _, c := range []struct {
		change func(object)
		want   string
	}{
		{setModel("type", "WordPiece"), "WordPiece"},
		{setModel("type", "Unigram"), "Unigram"},
		{setModel("byte_fallback", true), "byte_fallback"},
		{set("normalizer", object{"type": "Prepend", "prepend": "x"}), "Prepend"},
		{setModel("dropout", 0.1), "dropout"},
		{setModel("continuing_subword_prefix", "##"), "continuing_subword_prefix"},
		{setModel("end_of_word_suffix", "</w>"), "end_of_word_suffix"},
		{set("normalizer", object{"type": "NFD"}), "NFD"},
		{set("normalizer", sequence("normalizers", object{"type": "Lowercase"})), "Lowercase"},
		{set("decoder", object{"type": "Metaspace"}), "Metaspace"},
		{set("decoder", sequence("decoders", object{"type": "ByteFallback"}, object{"type": "Fuse"})), "ByteFallback"},
		{set("decoder", nil), "0 decoders"},
		{set("pre_tokenizer", nil), "without ByteLevel"},
		{set("pre_tokenizer", object{"type": "Whitespace"}), "Whitespace"},
		{set("pre_tokenizer", object{"type": "Digits", "individual_digits": true}), "without ByteLevel"},
		{set("pre_tokenizer", object{"type": "ByteLevel", "add_prefix_space": true}), "add_prefix_space"},
		{set("pre_tokenizer", sequence("pretokenizers", byteLevel, object{"type": "Digits"})), "Digits after ByteLevel"},
		{set("pre_tokenizer", sequence("pretokenizers", split(object{"Regex": `\w+`}, "Isolated"), byteLevel)), `\\w+`},
		{set("pre_tokenizer", sequence("pretokenizers", split(object{"String": " "}, "Isolated"), byteLevel)), "String"},
		{set("pre_tokenizer", sequence("pretokenizers", split(object{"Regex": patternGPT2}, "Removed"), byteLevel)), "Removed"},
		{set("post_processor", object{"type": "RobertaProcessing"}), "RobertaProcessing"},
		{set("post_processor", sequence("processors", template(text), template(text))), "more than one"},
		{set("post_processor", template(token("<s>"), token("<s>"), text)), "one token before"},
		{set("post_processor", template(token("two"), text)), "one token before"},
		{set("post_processor", template(text, text)), "$A once"},
		{set("post_processor", template(token("<s>"))), "$A once"},
		{func(f object) {
			setAdded("rstrip", true)(f)
			added := f["added_tokens"].([]any)
			f["added_tokens"] = append(added, object{"id": added[len(added)-1].(object)["id"].(float64) + 1, "content": "  ", "special": false})
		}, "which begins with white space"},
	} {
		_, err := Parse(edited(t, c.change))
		if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want ErrUnsupported with %q", err, c.want)
		}
	}
}

func TestParseRefusesBrokenFiles(t *testing.T) {
	for _, c := range []struct {
		change func(object)
		want   string
	}{
		{set("model", nil), "model: there is none"},
		{set("model", []int{1}), "not an object"},
		{setModel("vocab", []int{1}), "not an object"},
		{setModel("vocab", object{"a": -1}), "not an id"},
		{setModel("vocab", object{"a": 1.5}), "not an id"},
		{setModel("vocab", object{"a": maxTokens}), "not an id"},
		{setModel("vocab", object{"a": "0"}), "not an id"},
		{setModel("vocab", object{"a": 7, "b": 7}), "share id 7"},
		{setModel("merges", []any{"a nowhere"}), `"nowhere" is not in the vocabulary`},
		{setModel("merges", []any{[]string{"Ġ", "q"}}), "is not in the vocabulary"},
		{setModel("merges", []any{[]string{"a"}}), "1 tokens"},
		{setModel("merges", []any{[]string{"a", "b", "c"}}), "3 tokens"},
		{setModel("merges", []any{"a"}), "two tokens"},
		{setModel("merges", []any{"a b c"}), "two tokens"},
		{setModel("merges", []any{7}), "not a string"},
		{setModel("merges", []any{"t h", []string{"t", "h"}}), "mixed"},
		{setModel("unk_token", "nowhere"), "unk_token"},
		{setModel("ignore_merges", "yes"), "ignore_merges"},
		{set("added_tokens", []any{object{"id": 367, "content": ""}}), "without text"},
		{set("added_tokens", []any{7}), "added_tokens"},
		{setAdded("id", 368), "id 368"},
		{setAdded("content", "<|end|>"), "occurs twice"},
		{setAdded("content", strings.Repeat("a", maxAddedBytes)), "of added tokens"},
		{set("post_processor", object{"type": "TemplateProcessing", "single": []any{object{}}}), "neither"},
		{set("post_processor", object{"type": "TemplateProcessing", "single": []any{object{"SpecialToken": object{"id": "x"}}}}), "not defined"},
		{set("post_processor", templateOf(999)), "no token 999"},
		{set("post_processor", templateOf(-1)), "has id -1"},
		{set("post_processor", 7), "post_processor"},
		{set("decoder", 7), "decoder"},
		{set("normalizer", 7), "normalizer"},
		{set("pre_tokenizer", sequence("pretokenizers", slices.Repeat([]any{object{"type": "Digits"}}, maxSteps+1)...)), "more than 8 parts"},
		{set("pre_tokenizer", object{"type": strings.Repeat("x", maxPartBytes)}), "more than"},
		{set("pre_tokenizer", 7), "pre_tokenizer"},
	} {
		_, err := Parse(edited(t, c.change))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
		if errors.Is(err, ErrUnsupported) {
			t.Errorf("%v: a broken file is not an unsupported one", err)
		}
	}
	for data, want := range map[string]string{
		"":                           "malformed JSON",
		"{":                          "malformed JSON",
		"[]":                         "not an object",
		"null":                       "not an object",
		"\"\xff\"":                   "not UTF-8",
		`{"model":{},"model":{}}`:    `"model" occurs twice`,
		strings.Repeat("[", 100_000): "malformed JSON",
		`{"model":{"vocab":{"a":0,"a":1},"merges":[]}}`: `"a" occurs twice`,
	} {
		if _, err := Parse([]byte(data)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want one with %q", data, err, want)
		}
	}
	if _, err := Parse(make([]byte, maxFileBytes+1)); err == nil || !strings.Contains(err.Error(), "64 MB") {
		t.Errorf("a file that is too large: %v", err)
	}
}

func TestParseBoundsMerges(t *testing.T) {
	merges := strings.Repeat(`"a b",`, maxMerges)
	data := `{"model":{"vocab":{"a":0,"b":1,"ab":2},"merges":[` + merges + `"a b"]}}`
	if _, err := Parse([]byte(data)); err == nil || !strings.Contains(err.Error(), "merges") {
		t.Errorf("too many merges: %v", err)
	}
}

// TestParseAccepts lists variations that mean the same tokenizer.
func TestParseAccepts(t *testing.T) {
	want := small(t, "digits.json")
	for name, change := range map[string]func(object){
		"nothing": func(object) {},
		"merges as strings": func(file object) {
			var merges []any
			for _, m := range model(file)["merges"].([]any) {
				merges = append(merges, m.([]any)[0].(string)+" "+m.([]any)[1].(string))
			}
			model(file)["merges"] = append([]any{"#version: 0.2"}, merges...)
		},
		"no type": func(file object) { delete(model(file), "type") },
		"empty affixes": func(file object) {
			setModel("continuing_subword_prefix", "")(file)
			setModel("end_of_word_suffix", "")(file)
		},
		"empty normalizer":   set("normalizer", sequence("normalizers")),
		"decoder in a list":  set("decoder", sequence("decoders", object{"type": "ByteLevel"})),
		"byte-level offsets": set("post_processor", object{"type": "ByteLevel", "trim_offsets": true}),
		"all added tokens late": func(file object) {
			for _, a := range file["added_tokens"].([]any) {
				a.(object)["normalized"] = true
			}
		},
		"truncation": set("truncation", object{"max_length": 5}),
		"nested sequences": func(file object) {
			file["pre_tokenizer"] = sequence("pretokenizers", file["pre_tokenizer"])
		},
	} {
		got, err := Parse(edited(t, change))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Hash() != want.Hash() {
			t.Errorf("%s: another hash", name)
		}
		text := "<|begin|>It's 12:30 at the café <|end|>more"
		if a, b := got.Encode(text), want.Encode(text); fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%s: ids %v, want %v", name, a, b)
		}
	}
}

// TestParseBOS: the token may be an added one that is not in the vocabulary.
func TestParseBOS(t *testing.T) {
	for _, id := range []int{0, 367} {
		tok, err := Parse(edited(t, set("post_processor", templateOf(id))))
		if err != nil {
			t.Error(err)
			continue
		}
		if bos, ok := tok.BOS(); !ok || int(bos) != id {
			t.Errorf("BOS %d %t, want %d", bos, ok, id)
		}
	}
}

// TestWholeTextAsWord: ByteLevel without a pattern cuts nothing.
func TestWholeTextAsWord(t *testing.T) {
	tok, err := Parse(edited(t, func(file object) {
		file["pre_tokenizer"] = object{"type": "ByteLevel", "use_regex": false}
		model(file)["vocab"] = object{"a": 0, "Ġ": 1, "aĠ": 2, "aĠa": 3}
		model(file)["merges"] = []any{"a Ġ", "aĠ a"}
		file["added_tokens"] = nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	if ids, spans := tok.EncodeSpans("a aa"); fmt.Sprint(ids, spans) != "[3 0] [{0 3} {3 4}]" {
		t.Errorf("%v %v", ids, spans)
	}
}

func TestParseUnknownTokenThatIsNeverUsed(t *testing.T) {
	var file object
	readJSON(t, "testdata/llama.json", &file) // has all bytes
	model(file)["unk_token"] = "nowhere"
	data, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(data); err != nil {
		t.Error(err)
	}
}

// A file of a file system gives the tokenizer that the same file on disk gives.
func TestLoadFS(t *testing.T) {
	disk, err := Load("testdata/digits.json")
	if err != nil {
		t.Fatal(err)
	}
	inside, err := LoadFS(os.DirFS("testdata"), "digits.json")
	if err != nil || inside.Hash() != disk.Hash() {
		t.Errorf("another tokenizer, or %v", err)
	}
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	inside := func(name string) (*Tokenizer, error) { return LoadFS(os.DirFS(dir), name) }
	for _, absent := range []func() (*Tokenizer, error){
		func() (*Tokenizer, error) { return Load(filepath.Join(dir, "absent.json")) },
		func() (*Tokenizer, error) { return inside("absent.json") },
		func() (*Tokenizer, error) { return inside("../absent.json") },
	} {
		if _, err := absent(); err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("absent: %v", err)
		}
	}
	if _, err := Load(dir); err == nil {
		t.Error("a directory was read")
	}
	if _, err := inside("."); err == nil {
		t.Error("a directory of a file system was read")
	}
	large := filepath.Join(dir, "large.json")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, maxFileBytes+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(large); err == nil || !strings.Contains(err.Error(), large) || !strings.Contains(err.Error(), "64 MB") {
		t.Errorf("too large: %v", err)
	}
	if _, err := inside("large.json"); err == nil || !strings.Contains(err.Error(), "64 MB") {
		t.Errorf("too large in a file system: %v", err)
	}
}

// TestLaterMergeCounts: of two equal pairs the library keeps the later rank.
func TestLaterMergeCounts(t *testing.T) {
	data := edited(t, func(file object) {
		model(file)["vocab"] = object{"a": 0, "b": 1, "c": 2, "ab": 3, "bc": 4}
		model(file)["merges"] = []any{"a b", "b c", "a b"}
		file["added_tokens"] = nil
	})
	tok, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if ids := tok.Encode("abc"); fmt.Sprint(ids) != "[0 4]" {
		t.Errorf("ids %v, want a bc", ids)
	}
}
