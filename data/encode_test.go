package data

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hone/engine/batch"
	"hone/engine/tokenizer"
)

// toyEOS and toyBOS are special tokens of the toy tokenizer.
const (
	toyEOS = 256
	toyBOS = 257
)

// toyTokenizer has a token a byte, the special tokens <eos> and <bos>, and the
// given merges ("a b", with U+0120 for a space).
func toyTokenizer(t testing.TB, addBOS bool, merges ...string) *tokenizer.Tokenizer {
	t.Helper()
	v := tokenizer.Vocabulary{Pre: "gpt2", BOS: toyBOS, EOS: toyEOS, AddBOS: addBOS, Merges: merges}
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		if b <= ' ' || 127 <= b && b <= 160 || b == 173 {
			r = next
			next++
		}
		v.Tokens = append(v.Tokens, string(r))
		v.Types = append(v.Types, 1)
	}
	v.Tokens = append(v.Tokens, "<eos>", "<bos>")
	v.Types = append(v.Types, 3, 3)
	for _, m := range merges {
		v.Tokens = append(v.Tokens, strings.ReplaceAll(m, " ", ""))
		v.Types = append(v.Types, 1)
	}
	tok, err := tokenizer.FromVocabulary(v)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// painted shows an example as text: every token between bars, with its class.
func painted(e *Encoder, ex batch.Example) string {
	var b strings.Builder
	for _, v := range e.View(ex) {
		switch {
		case !v.Target:
			fmt.Fprintf(&b, "%s|", v.Text)
		case v.Field != "":
			fmt.Fprintf(&b, "%s=%s|", v.Text, v.Field)
		default:
			fmt.Fprintf(&b, "%s=|", v.Text)
		}
	}
	return b.String()
}

func object(t testing.TB, text string) *Object {
	t.Helper()
	o, err := ParseObject([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestEncodeClasses(t *testing.T) {
	e := NewEncoder(toyTokenizer(t, false), toyEOS, []string{"a", "b"})
	for _, c := range []struct{ object, want string }{
		{`{"a": 12, "b": null}`, `p|:| =|{=|"=|a=|"=|:=| =a|1=a|2=a|,=| =|"=|b=|"=|:=| =b|n=b|u=b|l=b|l=b|}=|<eos>=|`},
		// Spaces within a value are the value's, the one before it too.
		{`{"a": "x  y "}`, `p|:| =|{=|"=|a=|"=|:=| =a|"=a|x=a| =a| =a|y=a| =a|"=a|}=|<eos>=|`},
		{`{"b": [1, {"a": 2}]}`, `p|:| =|{=|"=|b=|"=|:=| =b|[=b|1=b|,=b| =b|{=b|"=b|a=b|"=b|:=b| =b|2=b|}=b|]=b|}=|<eos>=|`},
		{`{"a": "é"}`, "p|:| =|{=|\"=|a=|\"=|:=| =a|\"=a|\uFFFD=a|\uFFFD=a|\"=a|}=|<eos>=|"},
		{`{}`, `p|:| =|{=|}=|<eos>=|`},
	} {
		ex, err := e.Encode(Row{Prompt: "p:", Object: object(t, c.object)}, 3)
		if err != nil {
			t.Fatal(err)
		}
		if got := painted(e, ex); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.object, got, c.want)
		}
		if ex.Row != 3 || ex.Prompt != 2 {
			t.Errorf("%s: row %d, %d prompt tokens", c.object, ex.Row, ex.Prompt)
		}
	}
}

// TestEncodeMergedTokens: a token that begins in one span and ends in another
// belongs to where its first character is that is no space.
func TestEncodeMergedTokens(t *testing.T) {
	e := NewEncoder(toyTokenizer(t, false, `Ġ "`, `" ,`, `" }`, `Ġ Ġ`), toyEOS, []string{"a", "b"})
	ex, err := e.Encode(Row{Prompt: "p", Object: object(t, `{"a": "x", "b": "y  z"}`)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := painted(e, ex), `p| =|{=|"=|a=|"=|:=| "=a|x=a|",=a| "=|b=|"=|:=| "=b|y=b| =b| =b|z=b|"}=b|<eos>=|`; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestEncodeLeadingSpace(t *testing.T) {
	tok := toyTokenizer(t, false)
	e := NewEncoder(tok, toyEOS, nil)
	for completion, want := range map[string]string{
		"hi":            " hi",
		" hi":           " hi",
		"\nhi":          "\nhi",
		"\u2003hi":      "\u2003hi",
		"":              "",
		`{"a": 1}`:      ` {"a": 1}`,
		"<eos> in text": " <eos> in text",
	} {
		ex, err := e.Encode(Row{Prompt: "p", Completion: completion}, 0)
		if err != nil {
			t.Fatal(err)
		}
		n := len(ex.IDs)
		if got := tok.Decode(ex.IDs[ex.Prompt : n-1]); got != want || ex.IDs[n-1] != toyEOS {
			t.Errorf("%q is encoded as %q and id %d, want %q and EOS", completion, got, ex.IDs[n-1], want)
		}
		for i, class := range ex.Class {
			if supervised := i >= ex.Prompt; supervised && class != batch.Structure || !supervised && class != batch.NotTarget {
				t.Errorf("%q: token %d has class %d", completion, i, class)
			}
		}
	}
}

func TestEncodeSpans(t *testing.T) {
	tok := toyTokenizer(t, true, "o n")
	e := NewEncoder(tok, toyEOS, []string{"a"})
	row := Row{Prompt: "on é", Object: object(t, `{"a": "né"}`)}
	ex, err := e.Encode(row, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(ex.Class) != len(ex.IDs) || len(ex.Spans) != len(ex.IDs) {
		t.Fatalf("%d ids, %d classes, %d spans", len(ex.IDs), len(ex.Class), len(ex.Spans))
	}
	if ex.IDs[0] != toyBOS || ex.Spans[0] != (batch.Span{}) || ex.Class[0] != batch.NotTarget {
		t.Errorf("first token is %d, %v, class %d; want BOS", ex.IDs[0], ex.Spans[0], ex.Class[0])
	}
	if !slices.Equal(e.Prompt(row.Prompt), ex.IDs[:ex.Prompt]) {
		t.Errorf("inference feeds %v, training %v", e.Prompt(row.Prompt), ex.IDs[:ex.Prompt])
	}
	text := ` {"a": "né"}`
	for i, id := range ex.IDs[1 : len(ex.IDs)-1] {
		source, span := text, ex.Spans[i+1]
		if i+1 < ex.Prompt {
			source = row.Prompt
		}
		if got := source[span.Start:span.End]; got != string(tok.Bytes(id)) {
			t.Errorf("token %d is %q, its span %q", i+1, tok.Bytes(id), got)
		}
	}
	if last := ex.Spans[len(ex.Spans)-1]; last != (batch.Span{Start: len(text), End: len(text)}) {
		t.Errorf("span of EOS %v", last)
	}
}

func TestEncodeRefusesForeignEOS(t *testing.T) {
	tok := toyTokenizer(t, false)
	for _, eos := range []int32{-1, int32(tok.Size())} {
		_, err := NewEncoder(tok, eos, nil).Encode(Row{File: "f.jsonl", Line: 7, Prompt: "p", Completion: "c"}, 0)
		if err == nil || !strings.Contains(err.Error(), "f.jsonl:7") || !strings.Contains(err.Error(), "outside the vocabulary") {
			t.Errorf("EOS %d: %v", eos, err)
		}
	}
}

func TestEncodeSplit(t *testing.T) {
	d := mustLoad(t, map[string]string{"train.jsonl": text1 + `{"prompt": "Say something long:", "completion": "supercalifragilistic"}` + "\n" + text2}, nil)
	e := NewEncoder(toyTokenizer(t, false), toyEOS, d.Schema)
	o := DefaultOptions()
	all, err := d.EncodeSplit(e, Train, o)
	if err != nil {
		t.Fatal(err)
	}
	// "Say hi:" + " hi" + EOS is 7 + 3 + 1 tokens.
	if len(all.Examples) != 3 || all.Tokens != 11+41+11 || all.Targets != 4+22+4 || all.Lengths.Max != 41 || len(all.Dropped) != 0 {
		t.Errorf("%+v", all)
	}
	counts := batch.Count(all.Examples)
	if counts.Tokens != all.Tokens || counts.Targets != all.Targets {
		t.Errorf("%d tokens and %d targets, batch counts %+v", all.Tokens, all.Targets, counts)
	}

	o.MaxLength = 40
	short, err := d.EncodeSplit(e, Train, o)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(short.Rows) != "[0 2]" || short.Examples[1].Row != 2 || short.Tokens != 22 || short.Lengths.N != 3 || short.Lengths.Over(40) != 1 {
		t.Errorf("%+v", short)
	}
	if len(short.Dropped) != 1 || short.Dropped[0].Row != 1 || short.Dropped[0].Tokens != 41 || short.Dropped[0].Line != 2 {
		t.Errorf("dropped %+v", short.Dropped)
	}
	if o.MaxLength = 41; len(must(d.EncodeSplit(e, Train, o)).Dropped) != 0 {
		t.Error("a row of exactly max_length is dropped")
	}

	o.MaxLength, o.Overlong = 10, Fail
	_, err = d.EncodeSplit(e, Train, o)
	if !errors.Is(err, ErrOverlong) || !strings.Contains(err.Error(), "train.jsonl:2: 41 tokens") || !strings.Contains(err.Error(), "3 rows of the train split longer than max_length 10 (the longest needs 41)") {
		t.Errorf("overlong = fail: %v", err)
	}
	if _, err := d.EncodeSplit(e, "dev", o); err == nil {
		t.Error("split dev is encoded")
	}
	o.Overlong = "cut"
	if _, err := d.EncodeSplit(e, Train, o); err == nil {
		t.Error("overlong = cut is taken")
	}
	if empty := must(d.EncodeSplit(e, Test, DefaultOptions())); len(empty.Examples) != 0 || empty.Lengths.N != 0 || empty.Lengths.Histogram(5) != nil {
		t.Errorf("empty split: %+v", empty)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// FuzzEncode: whatever the texts, the example is whole and the loss rows of a
// batch are exactly its supervised tokens.
func FuzzEncode(f *testing.F) {
	f.Add("p:", `{"a": "x  y", "b": [1, null]}`)
	f.Add("", "")
	f.Add("é\xff<eos>", ` {"b": "\u0000 "}`)
	tok := toyTokenizer(f, false, "Ġ Ġ", `" ,`, "Ã ©")
	e := NewEncoder(tok, toyEOS, []string{"a", "b"})
	f.Fuzz(func(t *testing.T, prompt, completion string) {
		row := Row{Prompt: prompt, Completion: completion}
		if o, err := ParseObject([]byte(completion)); err == nil {
			row.Object = o
		}
		ex, err := e.Encode(row, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(ex.IDs) != len(ex.Class) || len(ex.IDs) != len(ex.Spans) || ex.Targets() != len(ex.IDs)-ex.Prompt {
			t.Fatalf("%d ids, %d classes, %d spans, %d targets, %d prompt", len(ex.IDs), len(ex.Class), len(ex.Spans), ex.Targets(), ex.Prompt)
		}
		if len(e.View(ex)) != len(ex.IDs) {
			t.Fatal("the view has not every token")
		}
		text, fields := e.completion(row)
		for _, field := range fields {
			value, _ := row.Object.Get(e.schema[field.Field])
			if text[field.Start:field.End] != ValueText(value) {
				t.Fatalf("span of field %d is %q, want %q", field.Field, text[field.Start:field.End], ValueText(value))
			}
		}
	})
}
