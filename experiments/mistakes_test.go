package experiments

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
)

// Every kind, on values as models write them. A key that is absent is "-".
func TestMistakeKinds(t *testing.T) {
	const event = "Share updates w/ Liam 1st, Nov 2023 09:30 Auditorium 2hrs"
	row := `{"action": "Share updates", "date": "01/11/2023", "time": "09:30 AM", "attendees": ["Liam"], "location": "Auditorium", "notes": null, "count": 2}`
	for _, test := range []struct{ field, want, got, kind string }{
		{"date", `"01/11/2023"`, `-`, "missing"},
		{"date", `"01/11/2023"`, `null`, "null"},
		{"attendees", `null`, `["Auditorium"]`, "other-field"},
		{"location", `"Room 1"`, `"liam"`, "other-field"},
		{"notes", `null`, `"bring cake"`, "invented"},
		{"attendees", `["Zoe"]`, `"Zoe"`, "type"},
		{"count", `3`, `"3"`, "type"},
		{"location", `"Teams"`, `" teams"`, "case"},
		{"duration", `"30mins"`, `"30 Mins"`, "case"},
		{"date", `"03/11/2023"`, `"2023-11-03"`, "iso"},
		{"date", `"2024-01-10"`, `"10/01/2024"`, "not-iso"},
		{"date", `"03/10/2024"`, `"3/10/2024"`, "date-form"},
		{"date", `"21/03/2024"`, `"March 21, 2024"`, "date-form"},
		{"date", `"08/09/2024"`, `"09/08/2024"`, "day-month"},
		{"date", `"08/09/2024"`, `"2024-08-09"`, "day-month"},
		{"date", `"11/11/2025"`, `"12/11/2025"`, "day"},
		{"date", `"11/11/2025"`, `"11/12/2025"`, "month"},
		{"date", `"11/11/2025"`, `"11/11/2024"`, "year"},
		{"date", `"11/11/2025"`, `"12/10/2024"`, "other"},
		{"date", `"02/02/2027"`, `"1st"`, "verbatim"},
		{"time", `"09:15 AM"`, `"09:15"`, "clock"},
		{"time", `"09:15 PM"`, `"21:15"`, "clock"},
		{"time", `"09:15 AM"`, `"9:15 am"`, "time-form"},
		{"time", `"12:00"`, `"12:00:00"`, "time-form"},
		{"time", `"05:00 PM"`, `"05:00 AM"`, "am-pm"},
		{"time", `"05:30 PM"`, `"06:30 PM"`, "hour"},
		{"time", `"12:00 AM"`, `"00:00"`, "clock"},
		{"duration", `"2 hours"`, `"120 min"`, "length-form"},
		{"duration", `"20 minutes"`, `"20min"`, "length-form"},
		{"attendees", `["Ava", "Ben"]`, `["ben", "Ava"]`, "order"},
		{"attendees", `["Ava", "Ben"]`, `["Ben"]`, "items-missing"},
		{"attendees", `["Ava"]`, `["Ava", "Ava"]`, "items-extra"},
		{"attendees", `["Ava"]`, `["Eva"]`, "other"},
		{"action", `"Check-in"`, `"Check in"`, "punctuation"},
		{"action", `"Plan a tour of it"`, `"Plan a tour"`, "truncated"},
		{"action", `"review"`, `"Set up a review"`, "longer"},
		{"location", `"Garden"`, `"updates"`, "verbatim"},
		{"location", `"Garden"`, `"Dock 4"`, "other-row"},
		{"location", `"Garden"`, `"Gardne"`, "letters"},
		{"location", `"Garden"`, `"Paris"`, "other"},
		{"count", `3`, `4`, "other"},
		{"time", `"5"`, `"6"`, "other"},
	} {
		want, _ := targetObject(`{"v": ` + test.want + `}`)
		full, _ := targetObject(row)
		m := mistake{valid: true, want: want["v"], event: strings.ToLower(event), field: test.field, row: full, others: map[string]int{"dock4": 2}, dayFirst: true}
		if test.got != "-" {
			got, err := DecodeObject(`{"v": ` + test.got + `}`)
			if err != nil {
				t.Fatal(err)
			}
			m.got, m.has = got.Object["v"], true
		}
		if kind := m.kind(); kind != test.kind {
			t.Errorf("%s: %s instead of %s is %q, want %q", test.field, test.got, test.want, kind, test.kind)
		}
		m.valid = false
		if m.kind() != "invalid" {
			t.Error("a value of an output without an object")
		}
	}
}

func TestMistakeKindsAreNamedOnce(t *testing.T) {
	ids, words := map[string]bool{}, map[string]bool{}
	for _, k := range mistakeKinds {
		if ids[k.id] || words[k.words] || k.words == "" || MistakeWords(k.id) != k.words {
			t.Errorf("kind %q, %q", k.id, k.words)
		}
		ids[k.id], words[k.words] = true, true
	}
	if MistakeWords("unknown") != "unknown" {
		t.Error("a kind of a later version has no words")
	}
}

func TestDatesOfBothOrders(t *testing.T) {
	for _, test := range []struct {
		targets string
		day     bool
	}{
		{"01/02/2024 13/02/2024", true}, {"01/02/2024 02/13/2024", false}, {"01/02/2024 2024-01-13", true}, {"", true}, {"02/13/2024 13/02/2024", true},
	} {
		if got := writesDayFirst(strings.Fields(test.targets)); got != test.day {
			t.Errorf("%s: day first %v", test.targets, got)
		}
	}
	d, ok := parseDate("02/03/2024", false)
	if !ok || d.day != 3 || d.month != 2 {
		t.Errorf("month first: %+v", d)
	}
	for _, s := range []any{"", "32/01/2024", "00/00/2024", "the 5th", "2024", 5, nil, "5 maybe 2024", strings.Repeat("1", 1000)} {
		if d, ok := parseDate(s, true); ok {
			t.Errorf("%v is %+v", s, d)
		}
	}
}

func TestSentences(t *testing.T) {
	for _, test := range []struct {
		f    FieldMistakes
		want string
	}{
		{FieldMistakes{}, "none wrong"},
		{FieldMistakes{Wrong: 1, Kinds: []MistakeKind{{Kind: "iso", N: 1}}}, "1 wrong, kept as ISO"},
		{FieldMistakes{Wrong: 3, Kinds: []MistakeKind{{Kind: "day-month", N: 2}, {Kind: "null", N: 1}}}, "3 wrong, 2 of them day-month swaps, 1 left null"},
		{FieldMistakes{Wrong: 4, Kinds: []MistakeKind{{Kind: "null", N: 4, Usual: "weekly"}}}, `4 wrong, all left null (mostly "weekly")`},
	} {
		if got := test.f.Sentence(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

// The mistakes of a model tuned with PyTorch, checked by hand against its outputs.
func TestMistakesOfReferenceOutputs(t *testing.T) {
	c := referenceComparison(t)
	want := map[string]string{
		"date":       "11 wrong, 4 of them turned from ISO into another form, 4 the same date in another form, 2 copied from the text as written, 1 with the wrong month",
		"action":     "10 wrong, 6 of them cut short, 2 case or spacing only, 2 with more than the target",
		"attendees":  "2 wrong, 1 of them the value of another field, 1 with items too many",
		"time":       "none wrong",
		"recurrence": "7 wrong, all left null (mostly \"weekly\")",
	}
	for _, f := range c.Mistakes.Tuned {
		if w, ok := want[f.Field]; ok && f.Sentence() != w {
			t.Errorf("%s: %s\nwant %s", f.Field, f.Sentence(), w)
		}
	}
	for _, f := range c.Mistakes.Base {
		if f.Wrong != len(c.Examples) || len(f.Kinds) != 1 || f.Kinds[0].Kind != "invalid" {
			t.Errorf("base %s: %s", f.Field, f.Sentence())
		}
	}
}

// referenceComparison are the outputs of a model tuned with PyTorch against a base
// model that writes no objects.
func referenceComparison(t *testing.T) *Comparison {
	t.Helper()
	text, err := os.ReadFile(shared(t, "golden/peft_quality_seed42.json"))
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Outputs []string `json:"outputs"`
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(shared(t, "data/test.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	b := &evalFile{Split: "test", Schema: []string{"action", "date", "time", "attendees", "location", "duration", "recurrence", "notes"}}
	tuned := &evalFile{Split: b.Split, Schema: b.Schema}
	lines := bufio.NewScanner(file)
	for i := 0; lines.Scan(); i++ {
		var row struct{ Prompt, Completion string }
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		e := evalRow{Event: strings.TrimSuffix(strings.TrimPrefix(row.Prompt, "Extract calendar information from: "), "\nCalendar JSON:"), Target: row.Completion}
		e.Generated = Generated{Row: i, Text: "The meeting is on Monday."}
		b.Outputs = append(b.Outputs, e)
		e.Generated = Generated{Row: i, Text: golden.Outputs[i]}
		tuned.Outputs = append(tuned.Outputs, e)
	}
	c, err := pair(BaseOf("run"), TunedOf("run"), b, tuned)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Whatever a model writes has one kind and a sentence.
func FuzzMistakes(f *testing.F) {
	f.Add(`{"date": "01/02/2024"}`, `{"date": "2024-02-01"}`, "on 1st Feb")
	f.Add(`{"date": ["a", null, {"b": 1e999}]}`, `{"date": [NaN, -Infinity]}`, "")
	f.Add(`{"date": "\ud800"}`, `{"date": 123456789012345678901234567890}`, "x")
	f.Fuzz(func(t *testing.T, target, output, event string) {
		file := func(text string) *evalFile {
			return &evalFile{Split: "test", Schema: []string{"date", "other"}, Outputs: []evalRow{{Event: event, Target: target, Generated: Generated{Text: text}}}}
		}
		c, err := pair(BaseOf("a"), TunedOf("a"), file(target), file(output))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range c.Mistakes.Tuned {
			n := 0
			for _, k := range m.Kinds {
				n += k.N
			}
			if n != m.Wrong || m.Sentence() == "" {
				t.Errorf("%+v", m)
			}
		}
		for _, s := range c.Difference.Scores {
			if math.IsNaN(float64(s.Change)) || s.Low > s.High {
				t.Errorf("%+v", s)
			}
		}
		if _, err := json.Marshal(c); err != nil {
			t.Error(err)
		}
	})
}
