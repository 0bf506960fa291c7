package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestCompletionTextIsPythonsDumps compares with what CPython 3.12 prints for
// json.dumps(json.loads(line), ensure_ascii=False).
func TestCompletionTextIsPythonsDumps(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{}`, `{}`},
		{`{"b":1,"a":2}`, `{"b": 1, "a": 2}`},
		{`{"a":[],"b":{},"c":[1,[2,{"d":null}]]}`, `{"a": [], "b": {}, "c": [1, [2, {"d": null}]]}`},
		{`{"a":"caf\u00e9 \u2028 \ud83d\ude00"}`, "{\"a\": \"café \u2028 😀\"}"},
		{`{"a":"\"\\\/\b\f\n\r\t"}`, `{"a": "\"\\/\b\f\n\r\t"}`},
		{`{"a":"\u0000\u001f\u007f"}`, "{\"a\": \"\\u0000\\u001f\x7f\"}"},
		{`{"a":"<b>&'\u003c"}`, `{"a": "<b>&'<"}`},
		{`{"a":true,"b":false,"c":null}`, `{"a": true, "b": false, "c": null}`},
		{`{"k\n\"":1}`, `{"k\n\"": 1}`},
		{" \t{ \"a\" :\r\n1.50 , \"b\": -0 } ", `{"a": 1.50, "b": -0}`}, // literals are kept: Python prints 1.5
		{`{"a":1e400,"b":123456789012345678901234567890}`, `{"a": 1e400, "b": 123456789012345678901234567890}`},
	} {
		o, err := ParseObject([]byte(c.in))
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if got := CompletionText(o, o.Keys()); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.in, got, c.want)
		}
		if o.String() != c.want {
			t.Errorf("%s: String %s, want %s", c.in, o, c.want)
		}
	}
}

func TestCompletionFollowsTheSchema(t *testing.T) {
	o, err := ParseObject([]byte(`{"c":[1],"x":9,"a":"é"}`))
	if err != nil {
		t.Fatal(err)
	}
	text, spans := CompletionSpans(o, []string{"a", "b", "c"})
	if want := `{"a": "é", "c": [1]}`; text != want {
		t.Fatalf("got %s, want %s", text, want)
	}
	var got []string
	for _, s := range spans {
		got = append(got, fmt.Sprint(s.Field, " ", text[s.Start:s.End]))
	}
	if want := `[0 "é" 2 [1]]`; fmt.Sprint(got) != want {
		t.Errorf("spans %v, want %v", got, want)
	}
	restricted, left := o.Restrict([]string{"a", "b", "c"})
	if restricted.String() != text || left != 1 {
		t.Errorf("restricted to %s with %d left out, want %s and 1", restricted, left, text)
	}
}

func TestParseObjectRefuses(t *testing.T) {
	deep := strings.Repeat(`{"a":`, MaxDepth) + "{}" + strings.Repeat("}", MaxDepth)
	for _, c := range []struct {
		in, want string
		is       error
	}{
		{``, "unexpected end in place of '{'", nil},
		{`[1]`, "unexpected '['", nil},
		{`{"a":1`, "unexpected end in place of ',' or '}'", nil},
		{`{"a":1,}`, "unexpected '}' in place of a key at byte 8", nil},
		{`{"a" 1}`, "in place of ':'", nil},
		{`{a:1}`, "in place of a key", nil},
		{`{"a":01}`, "unexpected '1'", nil},
		{`{"a":1.}`, "in a number", nil},
		{`{"a":-}`, "in a number", nil},
		{`{"a":1e}`, "in a number", nil},
		{`{"a":.5}`, "in place of a value", nil},
		{`{"a":NaN}`, "in place of a value", nil},
		{`{"a":Infinity}`, "in place of a value", nil},
		{`{"a":tru}`, "in place of a value", nil},
		{`{"a":[1 2]}`, "in place of ',' or ']'", nil},
		{`{"a":"` + "\n" + `"}`, "in a string", nil},
		{`{"a":"\x"}`, "after a backslash", nil},
		{`{"a":"\u12g4"}`, `in a \u escape`, nil},
		{`{"a":"\`, "unexpected end in a string", nil},
		{`{"a":"\u`, "unexpected end in a string", nil},
		{`{"a":1} {"b":2}`, "after the object at byte 9", nil},
		{`{"a":1,"b":2,"a":3}`, `duplicate key "a" at byte 14`, ErrDuplicateKey},
		{`{"o":{"\u0061":1,"a":2}}`, `duplicate key "a"`, ErrDuplicateKey},
		{"{\"a\":\"\xff\"}", "invalid UTF-8 at byte 7", ErrUTF8},
		{"{\"a\":\"\xed\xa0\x80\"}", "invalid UTF-8", ErrUTF8},
		{`{"a":"\ud800"}`, "half of a surrogate pair at byte 7", ErrUTF8},
		{`{"a":"\ud800\u0041"}`, "half of a surrogate pair", ErrUTF8},
		{`{"a":"\udc00"}`, "half of a surrogate pair", ErrUTF8},
		{deep, "nested deeper than 100", ErrTooDeep},
		{`{"a":` + strings.Repeat("[", 1<<20), "nested deeper than 100", ErrTooDeep},
	} {
		o, err := ParseObject([]byte(c.in))
		if err == nil {
			t.Errorf("%.60s: accepted as %.60s", c.in, o)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60s: error %q does not say %q", c.in, err, c.want)
		}
		if c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%.60s: error %q is not %q", c.in, err, c.is)
		}
	}
	if _, err := ParseObject([]byte(deep[len(`{"a":`) : len(deep)-1])); err != nil {
		t.Errorf("depth %d refused: %v", MaxDepth, err)
	}
}

func TestObjectOfManyKeys(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, `,"k%d":%d`, i, i)
	}
	o, err := ParseObject([]byte("{" + b.String()[1:] + "}"))
	if err != nil {
		t.Fatal(err)
	}
	for i, key := range o.Keys() {
		if value, ok := o.Get(key); key != fmt.Sprintf("k%d", i) || !ok || value != json.Number(fmt.Sprint(i)) {
			t.Fatalf("key %d is %s with %v, %v", i, key, value, ok)
		}
	}
	if _, ok := o.Get("k1000"); ok {
		t.Error("has a key that was never there")
	}
	if _, err := ParseObject([]byte("{" + b.String()[1:] + `,"k0":1}`)); !errors.Is(err, ErrDuplicateKey) {
		t.Errorf("duplicate among many keys: %v", err)
	}
}

func TestParseFirst(t *testing.T) {
	o, n, duplicate, err := ParseFirst(`{"a": 1, "b": 2, "a": 3} and more }`)
	if err != nil || n != 24 || !duplicate || o.String() != `{"a": 3, "b": 2}` {
		t.Errorf("got %v, %d, %v, %v", o, n, duplicate, err)
	}
	if _, _, duplicate, err := ParseFirst(`{"a": 1}{`); err != nil || duplicate {
		t.Errorf("got %v, %v", duplicate, err)
	}
	for _, bad := range []string{"", " {}", `{"a": `, "{\"a\": \"\xc3\"}"} {
		if _, _, _, err := ParseFirst(bad); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}

func TestObjectAsJSON(t *testing.T) {
	var holder struct{ O *Object }
	if err := json.Unmarshal([]byte(`{"O":{"z":1.0,"a":[{"y":"<"}]}}`), &holder); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(holder.O)
	if err != nil {
		t.Fatal(err)
	}
	// encoding/json compacts and escapes for HTML; the order and the literal stay.
	if want := `{"z":1.0,"a":[{"y":"\u003c"}]}`; string(b) != want {
		t.Errorf("got %s, want %s", b, want)
	}
	if err := json.Unmarshal([]byte(`{"O":{"a":1,"a":2}}`), &holder); !errors.Is(err, ErrDuplicateKey) {
		t.Errorf("duplicate keys: %v", err)
	}
}

// FuzzParseObject holds the parser against encoding/json: it accepts the same
// texts but for those it documents to refuse, decodes them alike, and what it
// writes it reads back.
func FuzzParseObject(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1,"a":2}`, `{"a":[{"b":null},true,-1.5e+3,"\u00e9\ud83d\ude00\n"]}`,
		`{"a":"\ud800"}`, "{\"a\":\"\xff\"}", `{"a":1e99999}`, `[{`, ` {"a" : {} } `,
		strings.Repeat(`{"a":[`, 60), `{"\u0000":"\u001f"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := ParseObject(b)
		var want map[string]any
		d := json.NewDecoder(strings.NewReader(string(b)))
		d.UseNumber()
		valid := json.Valid(b) && d.Decode(&want) == nil && want != nil
		if err != nil {
			allowed := errors.Is(err, ErrDuplicateKey) || errors.Is(err, ErrUTF8) || errors.Is(err, ErrTooDeep)
			if valid && !allowed {
				t.Fatalf("refused valid JSON %q: %v", b, err)
			}
		} else {
			if !valid {
				t.Fatalf("accepted invalid JSON %q", b)
			}
			if got := fmt.Sprint(o.Map()); got != fmt.Sprint(want) {
				t.Fatalf("%q decodes to %s, want %v", b, got, want)
			}
			text := o.String()
			again, err := ParseObject([]byte(text))
			if err != nil || again.String() != text || !utf8.ValidString(text) {
				t.Fatalf("%q writes %q, which reads as %v, %v", b, text, again, err)
			}
		}
		_, n, _, err := ParseFirst(string(b))
		if err == nil && !json.Valid(b[:n]) {
			t.Fatalf("first object of %q has %d bytes", b, n)
		}
	})
}
