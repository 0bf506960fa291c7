package experiments

import (
	"bufio"
	"encoding/json"
	"errors"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
)

// The 120 outputs of a model tuned with PyTorch and PEFT have the scores that
// Python gave them.
func TestScoresOfReferenceOutputs(t *testing.T) {
	text, err := os.ReadFile(shared(t, "golden/peft_quality_seed42.json"))
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Tuned struct {
			N             int                `json:"n"`
			ExactMatch    float64            `json:"exact_match"`
			JSONValidity  float64            `json:"json_validity"`
			FieldAccuracy float64            `json:"field_accuracy"`
			Fields        map[string]float64 `json:"fields"`
		} `json:"tuned"`
		Outputs []string `json:"outputs"`
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(shared(t, "data/test.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	schema := []string{"action", "date", "time", "attendees", "location", "duration", "recurrence", "notes"}
	var outputs []Output
	lines := bufio.NewScanner(f)
	for i := 0; lines.Scan(); i++ {
		var row struct {
			Completion string `json:"completion"`
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		o := ScoreText(golden.Outputs[i], row.Completion, schema)
		if !o.Schema || o.Duplicate {
			t.Errorf("output %d: %+v", i, o)
		}
		outputs = append(outputs, o)
		var c Closer
		if !c.Write([]byte(golden.Outputs[i])) {
			t.Errorf("output %d does not close", i)
		}
	}
	got, want := Summarize(outputs, schema), golden.Tuned
	if got.N != want.N || got.N != 120 || got.ExactMatch != want.ExactMatch || got.JSONValidity != want.JSONValidity || math.Abs(got.FieldAccuracy-want.FieldAccuracy) > 1e-12 {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	for field, x := range want.Fields {
		if math.Abs(got.Fields[field]-x) > 1e-12 {
			t.Errorf("%s: %g, want %g", field, got.Fields[field], x)
		}
	}
	if len(got.Fields) != len(want.Fields) {
		t.Errorf("fields %v", got.Fields)
	}
}

// What Python's raw_decode takes and refuses, from its documentation and runs.
func TestDecodeObject(t *testing.T) {
	for _, test := range []struct {
		text string
		want map[string]any // nil for a failure
		fail string
	}{
		{`{}`, map[string]any{}, ""},
		{` text {"a": 1} and more }`, map[string]any{"a": int64(1)}, ""},
		{"{\n\"a\"\t:\r[ ] , \"b\":[1,2.0,-3e2,null,true,false,\"x\"]}", map[string]any{"a": []any{}, "b": []any{int64(1), 2.0, -300.0, nil, true, false, "x"}}, ""},
		{`{"a": {"b": {}}}`, map[string]any{"a": map[string]any{"b": map[string]any{}}}, ""},
		{`{"a": Infinity, "b": -Infinity}`, map[string]any{"a": math.Inf(1), "b": math.Inf(-1)}, ""},
		{`{"a": 1e999}`, map[string]any{"a": math.Inf(1)}, ""},
		{`{"a": "\u00e9\ud83d\ude00\n\/"}`, map[string]any{"a": "é😀\n/"}, ""},
		{`{"a": "\ud83d"}`, map[string]any{"a": "\xed\xa0\xbd"}, ""},
		{`{"a": "\ud83d\u0041"}`, map[string]any{"a": "\xed\xa0\xbdA"}, ""},
		{`{"a": "\ud83d\ud83d\ude00"}`, map[string]any{"a": "\xed\xa0\xbd😀"}, ""},
		{"{\"a\": \"\x7f é\"}", map[string]any{"a": "\x7f é"}, ""},
		{`{"a": 1, "a": 2}`, map[string]any{"a": int64(2)}, ""},
		{`{"a": -0}`, map[string]any{"a": int64(0)}, ""},
		{`no object`, nil, FailNoBrace},
		{``, nil, FailNoBrace},
		{`[1]`, nil, FailNoBrace},
		{`{`, nil, FailTruncated},
		{`{"a`, nil, FailTruncated},
		{`{"a\`, nil, FailTruncated},
		{`{"a\u00`, nil, FailTruncated},
		{`{"a"`, nil, FailTruncated},
		{`{"a":`, nil, FailTruncated},
		{`{"a": tr`, nil, FailTruncated},
		{`{"a": -`, nil, FailTruncated},
		{`{"a": -Inf`, nil, FailTruncated},
		{`{"a": 1.`, nil, FailTruncated},
		{`{"a": 1e+`, nil, FailTruncated},
		{`{"a": 1`, nil, FailTruncated},
		{`{"a": [1, `, nil, FailTruncated},
		{`{"a": 1,`, nil, FailTruncated},
		{`{"a": 1,}`, nil, FailSyntax},
		{`{"a": [1,]}`, nil, FailSyntax},
		{`{'a': 1}`, nil, FailSyntax},
		{`{a: 1}`, nil, FailSyntax},
		{`{"a" 1}`, nil, FailSyntax},
		{`{"a": 01}`, nil, FailSyntax},
		{`{"a": 1.}`, nil, FailSyntax},
		{`{"a": .5}`, nil, FailSyntax},
		{`{"a": +1}`, nil, FailSyntax},
		{`{"a": 1e}`, nil, FailSyntax},
		{`{"a": -}`, nil, FailSyntax},
		{`{"a": -NaN}`, nil, FailSyntax},
		{`{"a": None}`, nil, FailSyntax},
		{`{"a": True}`, nil, FailSyntax},
		{`{"a": nul}`, nil, FailSyntax},
		{"{\"a\": \"x\ny\"}", nil, FailSyntax},
		{`{"a": "\x41"}`, nil, FailSyntax},
		{`{"a": "\u00g0"}`, nil, FailSyntax},
		{`{"a": "\u+0ff"}`, nil, FailSyntax},
		{"{\u00a0}", nil, FailSyntax},
		{`{{"a": 1}}`, nil, FailSyntax},
		{`{x} {"a": 1}`, nil, FailSyntax},
		{`{"a": ` + strings.Repeat("9", maxDigits+1) + `}`, nil, FailSyntax},
		{strings.Repeat(`{"a":`, maxDepth+1) + "1" + strings.Repeat("}", maxDepth+1), nil, FailSyntax},
	} {
		got, err := DecodeObject(test.text)
		var failed *DecodeError
		if test.want == nil {
			if !errors.As(err, &failed) || failed.Failure != test.fail || failed.Error() == "" {
				t.Errorf("%.60q: %v, want %s", test.text, err, test.fail)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got.Object, test.want) {
			t.Errorf("%.60q: %#v, %v", test.text, got.Object, err)
		}
		if want := strings.LastIndexByte(strings.TrimSuffix(test.text, " and more }"), '}') + 1; got.End != want || test.text[got.Start] != '{' {
			t.Errorf("%.60q: from %d to %d", test.text, got.Start, got.End)
		}
	}
}

func TestDecodeKeepsOrderAndFlagsDuplicates(t *testing.T) {
	d, err := DecodeObject(`{"b": 1, "a": 2, "b": 3}`)
	if err != nil || !reflect.DeepEqual(d.Keys, []string{"b", "a"}) || !d.Duplicate || d.Object["b"] != int64(3) {
		t.Errorf("%+v %v", d, err)
	}
	if d, _ := DecodeObject(`{"a": [{"x": 1, "x": 1}]}`); !d.Duplicate {
		t.Error("an inner duplicate is not flagged")
	}
	if d, _ := DecodeObject(`{"a": {"x": 1}, "b": {"x": 1}}`); d.Duplicate {
		t.Error("the same key in two objects is flagged")
	}
}

// equalValues is Python's == on decoded values.
func TestEqualValues(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{`1`, `1.0`, true},
		{`1`, `true`, true},
		{`0.0`, `false`, true},
		{`"1"`, `1`, false},
		{`null`, `false`, false},
		{`null`, `0`, false},
		{`-0.0`, `0`, true},
		{`0.1`, `1e-1`, true},
		{`9007199254740993`, `9007199254740992.0`, false},
		{`100000000000000000000`, `1e20`, true},
		{`100000000000000000001`, `1e20`, false},
		{`100000000000000000001`, `100000000000000000001`, true},
		{`1e400`, `Infinity`, true},
		{`Infinity`, `-Infinity`, false},
		{`Infinity`, `1`, false},
		{`NaN`, `NaN`, false},
		{`[NaN]`, `[NaN]`, true},
		{`{"x": NaN}`, `{"x": NaN}`, true},
		{`NaN`, `1`, false},
		{`[1, 2]`, `[2, 1]`, false},
		{`[1, 2]`, `[1, 2, 3]`, false},
		{`[1, true]`, `[1.0, 1]`, true},
		{`{"x": 1, "y": 2}`, `{"y": 2.0, "x": 1}`, true},
		{`{"x": 1}`, `{"y": 1}`, false},
		{`{"x": null}`, `{}`, false},
		{`[]`, `{}`, false},
		{`"a"`, `"A"`, false},
		{`"\u00e9"`, `"é"`, true},
		{`"e\u0301"`, `"é"`, false},
	} {
		a, err1 := DecodeObject(`{"v": ` + test.a + `}`)
		b, err2 := DecodeObject(`{"v": ` + test.b + `}`)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if equalValues(a.Object["v"], b.Object["v"]) != test.want || equalValues(b.Object["v"], a.Object["v"]) != test.want {
			t.Errorf("%s == %s is not %v", test.a, test.b, test.want)
		}
	}
}

func TestScoreText(t *testing.T) {
	schema := []string{"a", "b"}
	const target = `{"a": "x", "b": null}`
	for _, test := range []struct {
		output                          string
		valid, exact, schema, duplicate bool
		a, b                            bool
		failure                         string
	}{
		{` {"a": "x", "b": null}`, true, true, true, false, true, true, ""},
		{`{"b":null,"a":"x"} trailing {`, true, true, true, false, true, true, ""},
		{`{"a": "x"}`, true, false, false, false, true, true, ""},
		{`{"a": "x", "c": 1}`, true, false, false, false, true, true, ""},
		{`{"a": "x", "b": null, "c": null}`, true, false, false, false, true, true, ""},
		{`{"a": "y", "b": null}`, true, false, true, false, false, true, ""},
		{`{"a": "y", "a": "x", "b": null}`, true, true, true, true, true, true, ""},
		{`{}`, true, false, false, false, false, true, ""},
		{`{"a": "x", "b": null`, false, false, false, false, false, false, FailTruncated},
		{`x`, false, false, false, false, false, false, FailNoBrace},
		{`{a}`, false, false, false, false, false, false, FailSyntax},
	} {
		o := ScoreText(test.output, target, schema)
		if o.Valid != test.valid || o.Exact != test.exact || o.Schema != test.schema || o.Duplicate != test.duplicate ||
			o.Fields["a"] != test.a || o.Fields["b"] != test.b || len(o.Fields) != 2 || o.Failure != test.failure || (o.Reason == "") != test.valid || o.Text {
			t.Errorf("%s: %+v", test.output, o)
		}
		want := 0.0
		for _, ok := range o.Fields {
			if ok {
				want += 0.5
			}
		}
		if o.FieldAccuracy != want {
			t.Errorf("%s: field accuracy %g", test.output, o.FieldAccuracy)
		}
		if _, err := json.Marshal(o); err != nil {
			t.Error(err)
		}
	}
	if o := ScoreText(`{"a": NaN}`, `{"a": 1}`, []string{"a"}); !o.Valid || o.Fields["a"] {
		t.Errorf("%+v", o)
	} else if _, err := json.Marshal(o); err != nil {
		t.Error(err)
	}
}

func TestScoreTextMode(t *testing.T) {
	for _, test := range []struct {
		output, target string
		schema         []string
		exact          bool
	}{
		{" yes", "yes", nil, true},
		{"yes ", "yes", nil, false},
		{"Yes", "yes", nil, false},
		{` {"a":1}`, `{"a": 1}`, nil, false}, // no schema: text it is
		{" yes", "yes", []string{"a"}, true}, // a schema, and a row that is no object
		{"[1]", "[1]", []string{"a"}, true},
		{`{"a": 1} x`, `{"a": 1} x`, []string{"a"}, true},
	} {
		if o := ScoreText(test.output, test.target, test.schema); !o.Text || o.Exact != test.exact {
			t.Errorf("%q %q: %+v", test.output, test.target, o)
		}
	}
}

func TestSummarize(t *testing.T) {
	schema := []string{"a", "b"}
	outputs := []Output{
		ScoreText(`{"a": 1, "b": 2}`, `{"a": 1, "b": 2}`, schema),
		ScoreText(`{"a": 1, "b": 3, "b": 4}`, `{"a": 1, "b": 2}`, schema),
		ScoreText(`{"a": 1, "b"`, `{"a": 1, "b": 2}`, schema),
		ScoreText(`nothing`, `{"a": 1, "b": 2}`, schema),
	}
	want := Scores{
		N: 4, ExactMatch: 0.25, JSONValidity: 0.5, FieldAccuracy: 0.375, Schema: 0.5,
		Fields: map[string]float64{"a": 0.5, "b": 0.25}, Duplicates: 1, Failures: map[string]int{FailTruncated: 1, FailNoBrace: 1},
	}
	if got := Summarize(outputs, schema); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	got := Summarize(nil, schema)
	if got.N != 0 || got.ExactMatch != 0 || len(got.Fields) != 2 {
		t.Errorf("%+v", got)
	}
	text := Summarize([]Output{{Text: true, Exact: true}, {Text: true}}, nil)
	if text.N != 2 || text.ExactMatch != 0.5 || text.JSONValidity != 0 {
		t.Errorf("%+v", text)
	}
}

// A text without NaN and the like that encoding/json takes decodes to the same
// values here, and ends at the same byte.
func FuzzDecodeObject(f *testing.F) {
	for _, s := range []string{
		`{"a": [1, -2.5e3, "x\u00e9\\", null, true]}`, `x {"a": {}} y`, `{"a": 1, "a": {"b": []}}`, `{"a": -}`, `{"\ud83d\ude00": "\ud83d"}`, `{"a": 1.0e}`,
		"{\"a\": \"\x01\"}", `{"a": NaN, "b": -Infinity}`, `{"a": 99999999999999999999}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := DecodeObject(text)
		start := strings.IndexByte(text, '{')
		if start < 0 {
			if err == nil {
				t.Fatal("an object without a brace")
			}
			return
		}
		var want map[string]any
		dec := json.NewDecoder(strings.NewReader(text[start:]))
		dec.UseNumber()
		wantErr := dec.Decode(&want)
		if wantErr == nil && err != nil && !strings.Contains(err.Error(), "deeper") && !strings.Contains(err.Error(), "digits") {
			t.Fatalf("refused what encoding/json takes: %v", err)
		}
		if wantErr != nil && err == nil && !strings.Contains(text, "NaN") && !strings.Contains(text, "Infinity") {
			t.Fatalf("took what encoding/json refuses: %v", wantErr)
		}
		if wantErr == nil && err == nil {
			if d.End != start+int(dec.InputOffset()) {
				t.Fatalf("ends at %d, not %d", d.End, start+int(dec.InputOffset()))
			}
			if len(d.Object) != len(d.Keys) || len(d.Object) < len(want) {
				t.Fatalf("%d keys, %d in order, want %d", len(d.Object), len(d.Keys), len(want))
			}
		}
		if err == nil {
			var c Closer
			if !c.Write([]byte(text)) || c.Len() != d.End {
				t.Fatalf("the closer stops at %d, the object at %d", c.Len(), d.End)
			}
			if !equalWithin(d.Object, d.Object, true) {
				t.Fatal("an object is not equal to itself")
			}
		}
	})
}
