package decode

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// schemas are odd ones on purpose.
var schemas = [][]string{
	{"action", "date", "time"},
	{"a"},
	{""},
	{`say "hi"`, `back\slash`, "tab\tline\n", "\x01"},
	{"日付", "café", "🙂"},
	{"null", "true", "{", "}, ", `": "`},
	{"k", "kk", "kkk", " k", "k "},
	strings.Split("abcdefghijklmnopqrst", ""),
}

// readAll is the state behind a text; it reports how many bytes were accepted.
func readAll(g grammar, text string) (state, int) {
	s := state{}
	for i := range len(text) {
		next, ok := g.step(s, text[i])
		if !ok {
			return s, i
		}
		s = next
	}
	return s, len(text)
}

func marshal(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// checkObject decodes a whole text with encoding/json and compares its keys.
func checkObject(t testing.TB, text string, schema []string) {
	t.Helper()
	if !strings.HasPrefix(text, " {") {
		t.Errorf("%q does not begin with a space and a brace", text)
		return
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var whole map[string]any
	if err := d.Decode(&whole); err != nil {
		t.Errorf("%q: %v", text, err)
		return
	}
	if d.InputOffset() != int64(len(text)) {
		t.Errorf("%q goes on after the object", text)
	}
	keys := topKeys(t, text)
	if !slices.Equal(keys, schema) {
		t.Errorf("%q has the keys %q, want %q", text, keys, schema)
	}
	if strings.Contains(marshal(t, whole), "\ufffd") && !strings.Contains(text, "\ufffd") && !strings.Contains(strings.ToLower(text), `\ufffd`) {
		t.Errorf("%q holds what is no character", text)
	}
}

// topKeys is the keys of an object in the order of the text.
func topKeys(t testing.TB, text string) []string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber() // of any size
	var keys []string
	for depth, wantKey := 0, false; ; {
		token, err := d.Token()
		if err != nil {
			return keys
		}
		switch v := token.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				depth++
				wantKey = depth == 1
				continue
			}
			depth--
		case string:
			if depth == 1 && wantKey {
				keys = append(keys, v)
				wantKey = false
				continue
			}
		}
		wantKey = depth == 1
	}
}

func TestGrammarAccepts(t *testing.T) {
	g := newGrammar([]string{"a", "b"})
	for _, value := range []string{
		"null", "true", "false", "0", "-0", "7", "10", "-12.50", "1e5", "2E+07", "0.5e-3", `""`, `"x"`, `"\"\\\/\b\f\n\r\t"`, `"\u00e9\uD83D\uDE42\udbff\udfff"`,
		`"é世🙂"`, "\"\x7f\"", "[]", "{}", "[1, 2]", `[[], {}, ""]`, `{"k": 1, "": [null]}`, "[[[[[[[1]]]]]]]", `{"a": {"b": {"c": {}}}}`, `"\ud7ff\ue000"`,
	} {
		text := ` {"a": ` + value + `, "b": null}`
		s, n := readAll(g, text)
		if n != len(text) || s.mode != modeDone {
			t.Errorf("%s: stopped at %q", text, text[n:])
		}
		checkObject(t, text, []string{"a", "b"})
	}
	for _, bad := range []string{
		`{`, ` {"b`, `  `, " \n", ` { `, ` {}`, ` {"a":1`, ` {"a":  `, ` {"a": 01`, ` {"a": -,`, ` {"a": 1.,`, ` {"a": 1e,`, ` {"a": +`, ` {"a": .`, ` {"a": nul,`, ` {"a": N`,
		` {"a": 1 `, ` {"a": 1,"`, ` {"a": 1, "c`, ` {"a": 1}`, ` {"a": ]`, ` {"a": [,`, ` {"a": [1,]`, ` {"a": [1, ]`, ` {"a": [1}`, ` {"a": {1`, ` {"a": {"k",`, ` {"a": {"k": 1]`,
		` {"a": {"k": 1, }`, ` {"a": [[[[[[[[`, "\x00", " {\"a\": \"\n", " {\"a\": \"\x80", " {\"a\": \"\xc0", " {\"a\": \"\xc1", " {\"a\": \"\xe0\x80", " {\"a\": \"\xed\xa0", " {\"a\": \"\xf0\x80",
		" {\"a\": \"\xf4\x90", " {\"a\": \"\xf5", " {\"a\": \"\xff", " {\"a\": \"\xe2\x82\"", ` {"a": "\x`, ` {"a": "\u00g`, ` {"a": "\ud800"`, ` {"a": "\ud800\n`, ` {"a": "\udc`,
		` {"a": "\ud800\ud8`, ` {"a": 1, "b": 2} `, ` {"a": 1, "b": 2}}`,
	} {
		if _, n := readAll(g, bad); n != len(bad)-1 {
			t.Errorf("%q: %d bytes accepted, want all but the last", bad, n)
		}
	}
}

// Whatever the bytes, what the grammar accepts can be closed, and what is then
// a whole text decodes to an object of the schema. The bytes choose among those
// that the grammar allows, so most of them count.
func FuzzGrammar(f *testing.F) {
	for i := range schemas {
		f.Add(uint8(i), []byte(nil))
		f.Add(uint8(i), []byte(`"a\u00e9\ud83d\ude42", [1, -2.5e3, {"k": null}]`))
		f.Add(uint8(i), []byte("\"\xf0\x9f\x99\x82\xe4\xb8\x96\xc3\xa9"))
		f.Add(uint8(i), []byte(`[[[[[[[[[[{"a": {`))
		f.Add(uint8(i), bytes.Repeat([]byte{0xed, 0x9f, '"', '\\', 'u', 'd', '8'}, 9))
	}
	f.Fuzz(func(t *testing.T, which uint8, choices []byte) {
		schema := schemas[int(which)%len(schemas)]
		g := newGrammar(schema)
		s, text := state{}, []byte(nil)
		read := func(b byte) bool {
			next, ok := g.step(s, b)
			if ok {
				s, text = next, append(text, b)
			}
			return ok
		}
		for _, b := range choices[:min(len(choices), 1000)] {
			for only, ok := g.only(s); ok; only, ok = g.only(s) {
				for other := range 256 {
					if _, ok := g.step(s, byte(other)); ok != (byte(other) == only) {
						t.Fatalf("%q: only %q is allowed, but %q is %v", text, only, byte(other), ok)
					}
				}
				read(only)
			}
			read(b)
			if s.depth >= maxDepth {
				t.Fatalf("%q is too deep", text)
			}
		}
		for b, open := g.closing(s); open; b, open = g.closing(s) {
			if !read(b) {
				t.Fatalf("%q cannot be closed with %q", text, b)
			}
		}
		if s != (state{mode: modeDone}) {
			t.Fatalf("%q ends in %+v", text, s)
		}
		checkObject(t, string(text), schema)
	})
}

// randomValue writes any value in the form of completions.
func randomValue(t testing.TB, r *rand.Rand, depth int) string {
	switch n := r.IntN(9); {
	case n < 3:
		letters := []rune("abc XYZ\"\\/\n\t\u0001é世🙂\u2028�09,:{}[]")
		s := make([]rune, r.IntN(12))
		for i := range s {
			s[i] = letters[r.IntN(len(letters))]
		}
		return quote(string(s))
	case n == 3:
		return []string{"null", "true", "false"}[r.IntN(3)]
	case n == 4:
		return fmt.Sprint(r.IntN(2000) - 1000)
	case n == 5:
		return marshal(t, r.NormFloat64())
	case n == 6 || depth == 0:
		return "null"
	case n == 7:
		items := make([]string, r.IntN(4))
		for i := range items {
			items[i] = randomValue(t, r, depth-1)
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	items := make([]string, r.IntN(4))
	for i := range items {
		items[i] = quote(fmt.Sprintf("k%d é\"", i)) + ": " + randomValue(t, r, depth-1)
	}
	return "{" + strings.Join(items, ", ") + "}"
}

func randomObject(t testing.TB, r *rand.Rand, schema []string) string {
	text, before := "", " {"
	for _, k := range schema {
		text += before + quote(k) + ": " + randomValue(t, r, 5)
		before = ", "
	}
	return text + "}"
}

// Every prefix of a completion is accepted, and only the whole is complete.
func TestGrammarAcceptsCompletions(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		for _, schema := range schemas {
			text := randomObject(t, r, schema)
			checkObject(t, text, schema)
			g, s := newGrammar(schema), state{}
			for i := range len(text) {
				if s.mode == modeDone {
					t.Fatalf("%q is complete at byte %d", text, i)
				}
				next, ok := g.step(s, text[i])
				if !ok {
					t.Fatalf("%q is refused at byte %d in %+v", text, i, s)
				}
				s = next
			}
			if s.mode != modeDone {
				t.Fatalf("%q is not complete: %+v", text, s)
			}
		}
	}
}
