package data

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const (
	event1 = `{"event_text": "Lunch with Zoe", "output": {"action": "Lunch", "attendees": ["Zoe"]}}` + "\n"
	event2 = `{"event_text": "Gym", "output": {"action": "Gym", "attendees": null}}` + "\n"
	event3 = `{"event_text": "Talk at HQ", "output": {"action": "Talk", "location": "HQ"}}` + "\n"
	pair1  = `{"prompt": "P1:", "completion": "{\"a\": 1}"}` + "\n"
	pair2  = `{"prompt": "P2:", "completion": "{\"a\": 2}"}` + "\n"
	text1  = `{"prompt": "Say hi:", "completion": "hi"}` + "\n"
	text2  = `{"prompt": "Say no:", "completion": "no"}` + "\n"
)

func TestLoadTakesWhatEditorsLeave(t *testing.T) {
	d := mustLoad(t, map[string]string{
		"train.jsonl": "\ufeff" + strings.ReplaceAll(event1+"\n  \n"+event2, "\n", "\r\n") + strings.TrimSpace(event3),
	}, nil)
	if len(d.Train) != 3 || len(d.Bad) != 0 {
		t.Fatalf("%d rows, bad %v", len(d.Train), d.Bad)
	}
	var places []string
	for _, r := range d.Train {
		places = append(places, fmt.Sprint(r.Line, "/", r.Index))
	}
	if got := strings.Join(places, " "); got != "1/0 4/1 5/2" {
		t.Errorf("lines/indices %s, want 1/0 4/1 5/2", got)
	}
	r := d.Train[0]
	if r.Event != "Lunch with Zoe" || r.Completion != `{"action": "Lunch", "attendees": ["Zoe"]}` ||
		r.Prompt != "Extract calendar information from: Lunch with Zoe\nCalendar JSON:" {
		t.Errorf("row %+v", r)
	}
	if !slices.Equal(d.Schema, []string{"action", "attendees", "location"}) {
		t.Errorf("schema %v", d.Schema)
	}
	if want := map[string]any{"action": "Gym", "attendees": nil}; fmt.Sprint(d.Train[1].Object.Map()) != fmt.Sprint(want) {
		t.Errorf("fields %v, want %v", d.Train[1].Object.Map(), want)
	}
}

func TestBadRowsHaveFileLineAndReason(t *testing.T) {
	good := event1
	for _, c := range []struct{ line, reason string }{
		{`nonsense`, "is not a JSON object: unexpected 'n'"},
		{`[{"event_text": "x"}]`, "is a JSON list"},
		{`{"event_text": "x"}`, `has no key "output"; it has "event_text"`},
		{`{}`, `has no key "event_text"; it has none`},
		{`{"messages": []}`, `is in the chat format, the dataset in the events format`},
		{strings.TrimSpace(pair1), "is in the prompt-completion format, the dataset in the events format"},
		{`{"event_text": 5, "output": {"a": 1}}`, `"event_text" is a number, not a string`},
		{`{"event_text": null, "output": {"a": 1}}`, `"event_text" is null, not a string`},
		{`{"event_text": "x", "output": null}`, `"output" is null`},
		{`{"event_text": "x", "output": "no json"}`, "the completion is not a JSON object as the others are: it does not begin with '{'"},
		{`{"event_text": "x", "output": "{\"a\": 1"}`, "not a JSON object as the others are: unexpected end"},
		{`{"event_text": "x", "output": [1]}`, "as the others are: it is a list"},
		{`{"event_text": "x", "output": 1}`, "as the others are: it is a number"},
		{`{"event_text": "x", "output": true}`, "as the others are: it is true or false"},
		{`{"event_text": "x", "output": {"a": 1, "a": 2}}`, `duplicate key "a" at byte 40`},
		{`{"event_text": "x", "output": "{\"a\": 1, \"a\": 2}"}`, `"output": duplicate key "a"`},
		{`{"event_text": "x", "event_text": "y", "output": {}}`, `duplicate key "event_text"`},
		{`{"event_text": "` + "\xff" + `", "output": {"a": 1}}`, "invalid UTF-8 at byte 17"},
		{`{"event_text": "\ud800", "output": {"a": 1}}`, "half of a surrogate pair"},
		{`{"event_text": "x", "output": ` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, "nested deeper than 100"},
		{`{"event_text": "` + strings.Repeat("x", MaxLine) + `", "output": {"a": 1}}`, "line too long: over 8 MB"},
	} {
		files := map[string]string{"train.jsonl": good + good + "\n" + c.line + "\n" + good, "eval.jsonl": good, "test.jsonl": good}
		d := mustLoad(t, files, nil)
		if len(d.Train) != 3 || len(d.Bad) != 1 {
			t.Errorf("%.60s: %d rows, bad %v", c.line, len(d.Train), d.Bad)
			continue
		}
		bad := d.Bad[0]
		if bad.Line != 4 || filepath.Base(bad.File) != "train.jsonl" || !strings.Contains(bad.Reason, c.reason) {
			t.Errorf("%.60s: %s, want train.jsonl:4: ... %s", c.line, bad, c.reason)
		}
		if last := d.Train[2]; last.Line != 5 || last.Index != 3 {
			t.Errorf("%.60s: the row after it is line %d, index %d", c.line, last.Line, last.Index)
		}
		_, err := load(t, files, func(o *Options) { o.BadRows = Fail })
		var rows *BadRowsError
		if !errors.As(err, &rows) || len(rows.Rows) != 1 || !strings.Contains(err.Error(), "train.jsonl:4: ") || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%.60s: bad_rows = fail gives %v", c.line, err)
		}
	}
}

func TestBadRowsAreListedInFileOrder(t *testing.T) {
	d := mustLoad(t, map[string]string{
		"train.jsonl": `{"event_text": "x", "output": "text"}` + "\n" + event1 + event2 + "nonsense\n",
		"eval.jsonl":  "{}\n" + event1,
	}, nil)
	var got []string
	for _, b := range d.Bad {
		got = append(got, fmt.Sprintf("%s:%d", filepath.Base(b.File), b.Line))
	}
	if want := "[train.jsonl:1 train.jsonl:4 eval.jsonl:1]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	many := strings.Repeat("{}\n", 9)
	_, err := load(t, map[string]string{"train.jsonl": event1 + many}, func(o *Options) { o.BadRows = Fail })
	if err == nil || !strings.HasPrefix(err.Error(), "9 bad rows:") || !strings.HasSuffix(err.Error(), "and 4 more") {
		t.Errorf("got %v", err)
	}
}

func TestFormats(t *testing.T) {
	both := `{"event_text": "x", "output": {"a": 1}, "prompt": "p", "completion": "{\"a\": 2}", "id": 7}` + "\n"
	d := mustLoad(t, map[string]string{"train.jsonl": pair1 + both}, nil)
	if len(d.Train) != 2 || d.Train[1].Prompt != "p" || d.Format != PromptCompletion || !strings.Contains(d.Notes[2], `"event_text" (1 row), "output" (1 row), "id" (1 row)`) {
		t.Errorf("rows %+v, format %s, notes %q", d.Train, d.Format, d.Notes)
	}
	for _, c := range []struct{ row, want string }{
		{`{"event_text": "x"}`, `is in no known format: it needs event_text and output, or prompt and completion, or messages, or text, and has "event_text"`},
		{`{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7}`, `"f" and 1 more`},
	} {
		if _, err := load(t, map[string]string{"train.jsonl": c.row}, nil); !errors.Is(err, ErrNoRows) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.row, err, c.want)
		}
	}
	if _, err := load(t, map[string]string{"train.jsonl": both}, nil); err == nil || !strings.Contains(err.Error(), "keys of both formats") {
		t.Errorf("a row of both formats: %v", err)
	}
	for format, want := range map[Format]string{Events: `{"a": 1}`, PromptCompletion: `{"a": 2}`} {
		d := mustLoad(t, map[string]string{"train.jsonl": both}, func(o *Options) { o.Format = format })
		if len(d.Train) != 1 || d.Train[0].Completion != want || d.Format != format {
			t.Errorf("%s: %+v", format, d.Train)
		}
		if len(d.Notes) != 3 || !strings.Contains(d.Notes[2], `"id" (1 row)`) {
			t.Errorf("%s: notes %q", format, d.Notes)
		}
	}
	_, err := load(t, map[string]string{"train.jsonl": pair1}, func(o *Options) { o.Format = Events })
	if !errors.Is(err, ErrNoRows) || !strings.Contains(err.Error(), "train.jsonl:1: is in the prompt-completion format") {
		t.Errorf("wrong format: %v", err)
	}
	// An object in place of a string is taken as it is.
	d = mustLoad(t, map[string]string{"train.jsonl": `{"prompt": "P", "completion": {"b":1.0,"a":[]}}`}, nil)
	if d.Train[0].Completion != `{"b": 1.0, "a": []}` || d.Train[0].Event != "" || d.Train[0].Text() != "P" {
		t.Errorf("row %+v", d.Train[0])
	}
}

func TestTextCompletions(t *testing.T) {
	d := mustLoad(t, map[string]string{"train.jsonl": text1 + text2 + pair1 + `{"prompt": "n", "completion": 5}` + "\n"}, nil)
	if d.JSON() || len(d.Schema) != 0 || len(d.Train) != 4 || len(d.Bad) != 0 {
		t.Fatalf("schema %v, %d rows, bad %v", d.Schema, len(d.Train), d.Bad)
	}
	for i, want := range []string{"hi", "no", `{"a": 1}`, "5"} {
		if r := d.Train[i]; r.Completion != want || r.Object != nil {
			t.Errorf("row %d: %+v, want completion %s", i, r, want)
		}
	}
	if notes := strings.Join(d.Notes, "\n"); !strings.Contains(notes, "completions are text, not JSON objects (1 of 4 are)") {
		t.Errorf("notes %s", notes)
	}
	// Text keeps its own white space, also when it holds an object.
	d = mustLoad(t, map[string]string{"train.jsonl": `{"prompt": "p", "completion": "\n {\"a\":1} "}` + "\n" + text1}, nil)
	if d.Train[0].Completion != "\n {\"a\":1} " {
		t.Errorf("text completion became %q", d.Train[0].Completion)
	}
	d = mustLoad(t, map[string]string{"train.jsonl": `{"prompt": "p", "completion": "{}"}`}, nil)
	if d.JSON() || d.Train[0].Completion != "{}" || !strings.Contains(strings.Join(d.Notes, " "), "empty object") {
		t.Errorf("empty objects: %+v, notes %q", d.Train, d.Notes)
	}
	// Naming fields says that completions are objects.
	d = mustLoad(t, map[string]string{"train.jsonl": text1 + text2 + pair1}, func(o *Options) { o.Fields = []string{"a"} })
	if len(d.Train) != 1 || len(d.Bad) != 2 {
		t.Errorf("with fields: %d rows, bad %v", len(d.Train), d.Bad)
	}
}

func TestSchema(t *testing.T) {
	d := mustLoad(t, map[string]string{
		"train.jsonl": `{"prompt": "1", "completion": "{\"b\":1,\"a\":2}"}` + "\n" + `{"prompt": "2", "completion": "{\"a\":3,\"c\":null}"}` + "\n",
		"eval.jsonl":  `{"prompt": "3", "completion": "{\"z\": 9, \"a\": 4}"}` + "\n",
	}, nil)
	if !slices.Equal(d.Schema, []string{"b", "a", "c"}) {
		t.Fatalf("schema %v", d.Schema)
	}
	// A missing key stays missing, one outside the schema is left out; both are noted.
	for i, want := range []string{`{"b": 1, "a": 2}`, `{"a": 3, "c": null}`} {
		if got := d.Train[i].Completion; got != want {
			t.Errorf("train %d: %s, want %s", i, got, want)
		}
	}
	if r := d.Eval[0]; r.Completion != `{"a": 4}` || r.Object.Len() != 1 {
		t.Errorf("eval 0: %+v", r)
	}
	notes := strings.Join(d.Notes, "\n")
	for _, want := range []string{`trained without it: "c" (2 rows), "b" (2 rows)`, `left out: "z" (1 row)`, "3 completions rewritten"} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes do not say %s:\n%s", want, notes)
		}
	}

	d = mustLoad(t, map[string]string{"train.jsonl": event1 + event3}, func(o *Options) { o.Fields = []string{"location", "action"} })
	if d.Train[0].Completion != `{"action": "Lunch"}` || d.Train[1].Completion != `{"location": "HQ", "action": "Talk"}` {
		t.Errorf("with fields: %q, %q", d.Train[0].Completion, d.Train[1].Completion)
	}

	var keys []string
	for i := range 65 {
		keys = append(keys, fmt.Sprintf(`"k%d": %d`, i, i))
	}
	row := `{"event_text": "x", "output": {` + strings.Join(keys, ", ") + `}}`
	if _, err := load(t, map[string]string{"train.jsonl": row}, nil); err == nil || !strings.Contains(err.Error(), "65 different keys, a schema at most 64") {
		t.Errorf("65 keys: %v", err)
	}
	d = mustLoad(t, map[string]string{"train.jsonl": row}, func(o *Options) { o.Fields = []string{"k64"} })
	if d.Train[0].Completion != `{"k64": 64}` {
		t.Errorf("one of 65 keys: %s", d.Train[0].Completion)
	}
	row = strings.Replace(row, `, "k64": 64`, "", 1)
	if d := mustLoad(t, map[string]string{"train.jsonl": row}, nil); len(d.Schema) != 64 {
		t.Errorf("%d fields, want 64", len(d.Schema))
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, c := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.Format = "csv" }, `format "csv"`},
		{func(o *Options) { o.BadRows = "ignore" }, `bad_rows "ignore"`},
		{func(o *Options) { o.Overlong = "cut" }, `overlong "cut"`},
		{func(o *Options) { o.MaxLength = -1 }, "max_length -1"},
		{func(o *Options) { o.Split = [3]float64{0.5, 0.2, 0.2} }, "add up to 0.9"},
		{func(o *Options) { o.Split = [3]float64{1.5, -0.5, 0} }, "between 0 and 1"},
		{func(o *Options) { o.Split = [3]float64{math.NaN(), 0, 1} }, "between 0 and 1"},
		{func(o *Options) { o.Fields = []string{"a", "b", "a"} }, `"a" is named twice`},
		{func(o *Options) { o.Fields = make([]string, 65) }, "65 names"},
		{func(o *Options) { o.Fields = []string{"acton"} }, `no train completion has the key "acton"; the first one has "action"`},
		{func(o *Options) { o.Template = "Extract:" }, "no {event_text} in it"},
		{func(o *Options) { o.Template = "" }, "no {event_text} in it"},
	} {
		if _, err := load(t, map[string]string{"train.jsonl": event1}, c.change); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	// Prompts that are given need no template; the zero values are the defaults.
	if d := mustLoad(t, map[string]string{"all.jsonl": pair1 + pair2}, func(o *Options) { *o = Options{} }); len(d.Train) != 1 || len(d.Test) != 1 {
		t.Errorf("zero options: %d/%d/%d", len(d.Train), len(d.Eval), len(d.Test))
	}
}

func TestDirectories(t *testing.T) {
	for _, name := range evalNames {
		d := mustLoad(t, map[string]string{"train.jsonl": event1, name + ".jsonl": event2}, nil)
		if len(d.Eval) != 1 || len(d.Test) != 0 || !slices.Contains(d.Notes, "no test.jsonl: the test split is empty") {
			t.Errorf("%s: %d eval rows, notes %q", name, len(d.Eval), d.Notes)
		}
	}
	d := mustLoad(t, map[string]string{"train.jsonl": event1, "extra.jsonl": "", "notes.txt": ""}, nil)
	if len(d.Notes) != 3 || d.Notes[0] != "no eval.jsonl: the eval split is empty" || d.Notes[2] != "extra.jsonl was not read: it names no split" {
		t.Errorf("notes %q", d.Notes)
	}
	if _, err := load(t, map[string]string{"train.jsonl": event1, "eval.jsonl": event2, "val.jsonl": event2}, nil); err == nil || !strings.Contains(err.Error(), "eval.jsonl and val.jsonl: which is the eval split?") {
		t.Errorf("two eval files: %v", err)
	}
	if _, err := load(t, map[string]string{"test.jsonl": event1}, nil); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), `no train.jsonl (it has "test.jsonl")`) {
		t.Errorf("no train file: %v", err)
	}
	if _, err := load(t, nil, nil); err == nil || !strings.Contains(err.Error(), "no .jsonl file at all") {
		t.Errorf("empty directory: %v", err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "train.jsonl"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir, DefaultOptions()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("directory as train.jsonl: %v", err)
	}
	if _, err := Load(filepath.Join(dir, "absent.jsonl"), DefaultOptions()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
	if _, err := Load(os.DevNull, DefaultOptions()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a device: %v", err)
	}
}

func TestNothingToTrainOn(t *testing.T) {
	for content, want := range map[string]string{
		"":                          "no usable rows",
		"\n \n":                     "no usable rows",
		"nonsense\n":                "all.jsonl:1: is not a JSON object",
		strings.TrimSpace(event1):   "for the train split", // floor(0.7) of one row
		"\xff\xfe{\x00\"\x00":       "UTF-16",
		text1 + "{}\n" + "nothing.": "for the train split",
	} {
		if _, err := load(t, map[string]string{"all.jsonl": content}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", content, err, want)
		}
	}
	_, err := load(t, map[string]string{"all.jsonl": strings.Repeat("x\n", maxBadRows+1)}, nil)
	if err == nil || !strings.Contains(err.Error(), "is this a .jsonl file?") {
		t.Errorf("a file of nonsense: %v", err)
	}
	d := mustLoad(t, map[string]string{"all.jsonl": event1 + event2}, nil)
	if len(d.Train) != 1 || len(d.Test) != 1 || !slices.Contains(d.Notes, "the eval split is empty: 2 rows for a share of 0.15") {
		t.Errorf("%d/%d/%d, notes %q", len(d.Train), len(d.Eval), len(d.Test), d.Notes)
	}
}

func TestHash(t *testing.T) {
	hash := func(files map[string]string) string {
		t.Helper()
		at := write(t, files)
		if _, ok := files["all.jsonl"]; ok {
			at = filepath.Join(at, "all.jsonl")
		}
		h, err := Hash(at)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Load(at, DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		if d.Hash != h || len(h) != 64 {
			t.Errorf("loaded hash %s, Hash %s", d.Hash, h)
		}
		return h
	}
	seen := map[string]int{}
	for i, files := range []map[string]string{
		{"all.jsonl": event1 + event2},
		{"train.jsonl": event1 + event2},
		{"train.jsonl": event1, "eval.jsonl": event2},
		{"train.jsonl": event1, "test.jsonl": event2},
		{"train.jsonl": event1 + event2 + "\n"},
	} {
		h := hash(files)
		if j, ok := seen[h]; ok {
			t.Errorf("datasets %d and %d have one hash", i, j)
		}
		seen[h] = i
	}
	a := hash(map[string]string{"train.jsonl": event1, "val.jsonl": event2, "readme.jsonl": "x"})
	if b := hash(map[string]string{"train.jsonl": event1, "eval.jsonl": event2}); a != b {
		t.Error("names of files that mean the same change the hash")
	}
	if _, err := Hash(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}

func TestLoadFS(t *testing.T) {
	fsys := fstest.MapFS{
		"set/train.jsonl": {Data: []byte(event1 + "{}\n")},
		"set/test.jsonl":  {Data: []byte(event2)},
	}
	d, err := LoadFS(fsys, "set", DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Train) != 1 || len(d.Test) != 1 || d.Train[0].Position() != "set/train.jsonl:1" || d.Bad[0].File != "set/train.jsonl" {
		t.Errorf("%+v", d)
	}
	if d, err = LoadFS(fsys, "set/test.jsonl", Options{Split: [3]float64{1, 0, 0}, Template: "{event_text}"}); err != nil || len(d.Train) != 1 || d.Train[0].Position() != "set/test.jsonl:1" {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestSplitByName(t *testing.T) {
	d := mustLoad(t, map[string]string{"train.jsonl": event1}, nil)
	if rows, err := d.Split("train"); err != nil || len(rows) != 1 {
		t.Errorf("%v, %v", rows, err)
	}
	if _, err := d.Split("dev"); err == nil || !strings.Contains(err.Error(), `"dev" is not one of train, eval, test`) {
		t.Errorf("%v", err)
	}
}

func TestTemplate(t *testing.T) {
	for _, c := range []struct{ template, event, prompt string }{
		{"From: {event_text}\nJSON:", "Lunch", "From: Lunch\nJSON:"},
		{"{event_text}", "", ""},
		{"%s {{event_text}} {x} \\n", "{event_text}", "%s {{event_text}} {x} \\n"},
		{"{event_text}: {event_text}!", "ab", "ab: ab!"},
	} {
		if got := Render(c.template, c.event); got != c.prompt {
			t.Errorf("%q with %q: %q, want %q", c.template, c.event, got, c.prompt)
		}
		if got, ok := Extract(c.template, c.prompt); !ok || got != c.event {
			t.Errorf("%q out of %q: %q, %v", c.template, c.prompt, got, ok)
		}
	}
	for _, c := range [][2]string{{"a {event_text} b", "a b"}, {"a{event_text}a", "a"}, {"no", "no"}, {"{event_text}-{event_text}", "a-b"}, {"{event_text}{event_text}", "aab"}} {
		if got, ok := Extract(c[0], c[1]); ok {
			t.Errorf("%q out of %q: %q", c[0], c[1], got)
		}
	}
	if err := CheckTemplate("{event text}"); !errors.Is(err, ErrNoPlaceholder) {
		t.Errorf("got %v", err)
	}
}

// FuzzLoad reads any bytes as a dataset: it never panics, every line is a row,
// a bad row or blank, and what it takes is whole.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(event1 + event2 + pair1))
	f.Add([]byte(text1 + text2))
	f.Add([]byte("\ufeff" + pair1 + "\r\n\xff\n" + `{"prompt": "", "completion": "{\"a\":1,\"a\":2}"}`))
	f.Add([]byte(`{"event_text": "x", "output": {"a": 1e999999999, "b": [[[[{}]]]]}}`))
	f.Add([]byte("\xff\xfe\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		o := DefaultOptions()
		o.Split = [3]float64{1, 0, 0}
		d, err := LoadFS(fstest.MapFS{"f.jsonl": {Data: b}}, "f.jsonl", o)
		if err != nil {
			return
		}
		lines := 0
		for i, line := range strings.Split(string(b), "\n") {
			if i == 0 {
				line = strings.TrimPrefix(strings.TrimSuffix(line, "\r"), "\ufeff")
			}
			if strings.Trim(line, " \t\r") != "" {
				lines++
			}
		}
		if d.Rows()+len(d.Bad) != lines {
			t.Fatalf("%d rows and %d bad ones of %d lines", d.Rows(), len(d.Bad), lines)
		}
		for _, r := range d.Train {
			if d.JSON() {
				if again, err := ParseObject([]byte(r.Completion)); err != nil || again.String() != r.Object.String() {
					t.Fatalf("completion %q is not its object: %v", r.Completion, err)
				}
			}
		}
		d.Stats()
		findings := Preflight(d, nil, nil, 0)
		x := NewIndex(d, nil, findings)
		findRows(t, x, Train, "split:all -is:bad ~a x")
		if _, err := d.Raw(Train, 0); err != nil {
			t.Fatalf("the first row is not read again: %v", err)
		}
	})
}
