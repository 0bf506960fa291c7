package data

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hone/engine/batch"
	"hone/engine/tokenizer"
)

// preflight encodes every split of d, lets change tamper with the examples of
// train, and returns the findings.
func preflight(t *testing.T, d *Dataset, tok *tokenizer.Tokenizer, maxLength int, change func([]batch.Example) []batch.Example) []Finding {
	t.Helper()
	e := NewEncoder(tok, toyEOS, d.Schema)
	o := DefaultOptions()
	o.MaxLength = maxLength
	enc := map[string][]batch.Example{}
	for _, split := range Splits() {
		encoded, err := d.EncodeSplit(e, split, o)
		if err != nil {
			t.Fatal(err)
		}
		enc[split] = encoded.Examples
	}
	if change != nil {
		enc[Train] = change(enc[Train])
	}
	return Preflight(d, enc, tok, maxLength)
}

// ids lists findings as "ID severity split rows", notes on the source left out.
func ids(findings []Finding) []string {
	var out []string
	for _, f := range findings {
		if f.ID != DataNote {
			out = append(out, fmt.Sprint(f.ID, " ", f.Severity, " ", f.Split, " ", f.Rows))
		}
	}
	return out
}

func expect(t *testing.T, what string, findings []Finding, want ...string) {
	t.Helper()
	if got := ids(findings); !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
	for _, f := range findings {
		if f.Message == "" || f.Advice == "" || len(f.Evidence) > maxEvidence {
			t.Errorf("%s: incomplete finding %+v", what, f)
		}
	}
}

const clean = text1 + text2

// TestPreflightOfTheRealData: the findings on data that trains well are few,
// and true.
func TestPreflightOfTheRealData(t *testing.T) {
	d, err := Load(shared(t, "data"), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	tok := smolTokenizer(t)
	e := NewEncoder(tok, 2, d.Schema)
	enc := map[string][]batch.Example{}
	for _, split := range Splits() {
		enc[split] = must(d.EncodeSplit(e, split, DefaultOptions())).Examples
	}
	for _, f := range Preflight(d, enc, tok, 384) {
		if f.Severity != SeverityNote {
			t.Errorf("%+v", f)
		}
		t.Logf("%s %s %s %d rows: %s %q", f.ID, f.Severity, f.Split, len(f.Rows), f.Message, f.Evidence)
	}
}

func TestPreflightSilentOnCleanData(t *testing.T) {
	d := mustLoad(t, map[string]string{"train.jsonl": clean, "eval.jsonl": `{"prompt": "Say a:", "completion": "a"}`, "test.jsonl": `{"prompt": "Say b:", "completion": "b"}`}, nil)
	expect(t, "clean", preflight(t, d, toyTokenizer(t, true), 384, nil))
}

func TestPreflightOfText(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"bad rows", map[string]string{"train.jsonl": clean + "{}\n"}, []string{"CORRUPT-ROW warning  []"}},
		{"empty completion", map[string]string{"train.jsonl": clean + `{"prompt": "p", "completion": " "}`}, []string{"EMPTY-EXAMPLE warning train [2]"}},
		{"empty prompt", map[string]string{"train.jsonl": clean + `{"prompt": "", "completion": "c"}`}, []string{"EMPTY-EXAMPLE warning train [2]"}},
		{"empty event", map[string]string{"train.jsonl": event1 + event2 + `{"event_text": "\n", "output": {"action": "x"}}`}, []string{"EMPTY-EXAMPLE warning train [2]"}},
		{"empty object", map[string]string{"train.jsonl": pair1 + pair2 + `{"prompt": "p", "completion": "{}"}`}, []string{"EMPTY-EXAMPLE warning train [2]"}},
		{"duplicates", map[string]string{"train.jsonl": clean + text1, "test.jsonl": pair1 + pair1}, []string{"DUP-ROW warning train [2]", "DUP-ROW note test [1]"}},
		{"conflict", map[string]string{"train.jsonl": clean + `{"prompt": "Say hi:", "completion": "ho"}`}, []string{"LABEL-CONFLICT warning train [2]"}},
		{
			"leak",
			map[string]string{"train.jsonl": clean, "eval.jsonl": text2, "test.jsonl": pair1 + `{"prompt": " say  HI:\n", "completion": "ho"}` + "\n" + text2},
			[]string{"DUP-LEAK warning eval [0]", "DUP-LEAK warning test [1 2]"},
		},
		{"leak between eval and test", map[string]string{"train.jsonl": clean, "eval.jsonl": pair1, "test.jsonl": pair1}, []string{"DUP-LEAK warning test [0]"}},
		{"identity", map[string]string{"train.jsonl": clean + `{"prompt": "copy ", "completion": " copy"}`}, []string{"IDENTITY-LABELS warning train [2]"}},
		{
			"one example over and over",
			map[string]string{"train.jsonl": text1 + text1 + text1 + text1},
			[]string{"CONST-EXAMPLE error train []", "DUP-ROW warning train [1 2 3]"},
		},
		{
			"few examples over and over",
			map[string]string{"train.jsonl": clean + clean + clean},
			[]string{"DUP-ROW warning train [2 3 4 5]", "CONST-EXAMPLE warning train []"},
		},
	} {
		d := mustLoad(t, c.files, nil)
		expect(t, c.name, preflight(t, d, toyTokenizer(t, false), 384, nil), c.want...)
		// Without a tokenizer the same is found.
		expect(t, c.name+" as text", Preflight(d, nil, nil, 384), c.want...)
	}

	var same strings.Builder
	for i := range 40 {
		fmt.Fprintf(&same, `{"prompt": "%d", "completion": "yes"}`+"\n", i)
	}
	d := mustLoad(t, map[string]string{"train.jsonl": same.String() + text1}, nil)
	findings := preflight(t, d, toyTokenizer(t, false), 384, nil)
	expect(t, "one completion", findings, "CONST-EXAMPLE warning train []")
	if !strings.Contains(findings[0].Message, "40 of 41 train rows have the same completion") {
		t.Errorf("message %q", findings[0].Message)
	}
}

func TestPreflightSaysWhere(t *testing.T) {
	d := mustLoad(t, map[string]string{"train.jsonl": clean, "test.jsonl": "\n" + text2}, nil)
	f := preflight(t, d, toyTokenizer(t, false), 384, nil)[0]
	if f.ID != DuplicateLeak || f.Message != "1 of 1 test rows are in the train split too" {
		t.Errorf("%+v", f)
	}
	for _, want := range []string{"test row 0 (", "test.jsonl:2) is also train row 1 (", "train.jsonl:2), with the same completion", `"Say no:"`} {
		if !strings.Contains(f.Evidence[0], want) {
			t.Errorf("evidence %q lacks %s", f.Evidence[0], want)
		}
	}
	b, err := json.Marshal(f)
	if err != nil || !strings.HasPrefix(string(b), `{"id":"DUP-LEAK","severity":"warning","message":`) {
		t.Errorf("%s, %v", b, err)
	}
}

// TestPreflightOfTokens tampers with the examples of two clean rows.
func TestPreflightOfTokens(t *testing.T) {
	tok := toyTokenizer(t, false)
	each := func(f func(*batch.Example)) func([]batch.Example) []batch.Example {
		return func(examples []batch.Example) []batch.Example {
			f(&examples[1])
			return examples
		}
	}
	for _, c := range []struct {
		name   string
		change func(*batch.Example)
		want   []string
	}{
		{"nothing supervised", func(e *batch.Example) {
			for i := range e.Class {
				e.Class[i] = batch.NotTarget
			}
		}, []string{"MASK-ALL error train [1]", "EOS-MASKED error train [1]"}},
		{"mask too early", func(e *batch.Example) { e.Class[e.Prompt-1] = batch.Structure }, []string{"MASK-EARLY error train [1]"}},
		{"mask too late", func(e *batch.Example) { e.Class[e.Prompt] = batch.NotTarget }, []string{"MASK-LATE error train [1]"}},
		{"gap in the mask", func(e *batch.Example) { e.Class[e.Prompt+1] = batch.NotTarget }, []string{"MASK-GAP error train [1]"}},
		{"EOS masked", func(e *batch.Example) { e.Class[len(e.Class)-1] = batch.NotTarget }, []string{"EOS-MASKED error train [1]"}},
		{"no EOS", func(e *batch.Example) {
			n := len(e.IDs) - 1
			e.IDs, e.Class, e.Spans = e.IDs[:n], e.Class[:n], e.Spans[:n]
		}, []string{"EOS-MASKED error train [1]"}},
		{"another EOS", func(e *batch.Example) { e.IDs[len(e.IDs)-1] = toyBOS }, []string{"EOS-MASKED error train [1]"}},
		{"one token", func(e *batch.Example) {
			n := len(e.IDs)
			e.IDs, e.Class, e.Spans, e.Prompt = e.IDs[n-1:], e.Class[n-1:], e.Spans[n-1:], 0
		}, []string{"LEN1 error train [1]", "LOST-TEXT warning train [1]"}},
		{"id outside the vocabulary", func(e *batch.Example) { e.IDs[2] = int32(tok.Size()) }, []string{"OOV-LABEL error train [1]", "LOST-TEXT warning train [1]"}},
		{"another row's tokens", func(e *batch.Example) { e.IDs[0], e.IDs[1] = e.IDs[1], e.IDs[0] }, []string{"LOST-TEXT warning train [1]"}},
	} {
		d := mustLoad(t, map[string]string{"train.jsonl": clean + `{"prompt": "Say so:", "completion": "so"}`}, nil)
		expect(t, c.name, preflight(t, d, tok, 384, each(c.change)), c.want...)
	}

	d := mustLoad(t, map[string]string{"train.jsonl": pair1 + pair2}, nil)
	expect(t, "a field without tokens", preflight(t, d, tok, 384, each(func(e *batch.Example) {
		for i, class := range e.Class {
			if class > 0 {
				e.Class[i] = batch.Structure
			}
		}
	})), "FIELD-GAP note train [1]")

	expect(t, "one-token sequences", preflight(t, d, tok, 384, func(examples []batch.Example) []batch.Example {
		for i := range examples {
			examples[i] = batch.Example{Row: i, IDs: []int32{toyEOS}, Class: []int32{batch.Structure}, Spans: make([]batch.Span, 1)}
		}
		return examples
	}), "LEN1 error train [0 1]", "COLLATE-EMPTY warning train []", "LOST-TEXT warning train [0 1]", "FIELD-GAP note train [0 1]")

	expect(t, "examples of no row", preflight(t, d, tok, 384, func(examples []batch.Example) []batch.Example {
		return append(examples, batch.Example{Row: 2}, batch.Example{Row: -1})
	}))
}

func TestPreflightLengths(t *testing.T) {
	long := `{"prompt": "Say something long:", "completion": "supercalifragilistic"}` + "\n"
	d := mustLoad(t, map[string]string{"train.jsonl": clean + long, "test.jsonl": `{"prompt": "Say something longer:", "completion": "supercalifragilistic"}`}, nil)
	tok := toyTokenizer(t, true)
	findings := preflight(t, d, tok, 40, nil)
	expect(t, "long rows", findings, "TRUNC-TARGET warning train [2]", "TRUNC-TARGET warning test [0]")
	if want := "1 of 3 train rows are longer than max_length 40 and are left out; the longest has 42 tokens"; findings[0].Message != want {
		t.Errorf("message %q, want %q", findings[0].Message, want)
	}
	if want := "Set max_length to 42 to keep them all: a completion is never cut."; findings[0].Advice != want {
		t.Errorf("advice %q, want %q", findings[0].Advice, want)
	}
	expect(t, "no train row is short enough", preflight(t, d, tok, 5, nil),
		"TRUNC-TARGET error train [0 1 2]", "TRUNC-TARGET warning test [0]")
	expect(t, "no limit", preflight(t, d, tok, 0, nil))
}

func TestPreflightBoundary(t *testing.T) {
	tok := toyTokenizer(t, false, "Ġ Ġ")
	d := mustLoad(t, map[string]string{"train.jsonl": clean + `{"prompt": "x ", "completion": "  y"}`}, nil)
	findings := preflight(t, d, tok, 384, nil)
	expect(t, "merge", findings, "BOUNDARY-MERGE note train [2]")
	if f := findings[0]; !strings.Contains(f.Evidence[0], `token "  " spans the boundary`) || !strings.Contains(f.Advice, "white space off the end of the prompt") {
		t.Errorf("%+v", f)
	}
}

func TestPreflightSpecialText(t *testing.T) {
	d := mustLoad(t, map[string]string{"train.jsonl": clean + `{"prompt": "p", "completion": "stop<eos>here"}` + "\n" + `{"prompt": "<bos>p", "completion": "c"}`}, nil)
	findings := preflight(t, d, toyTokenizer(t, true), 384, nil)
	expect(t, "special tokens", findings, "SPECIAL-TEXT warning train [2 3]")
	if !strings.Contains(findings[0].Evidence[0], `"<eos>" in the completion`) || !strings.Contains(findings[0].Evidence[1], `"<bos>" in the prompt`) {
		t.Errorf("evidence %q", findings[0].Evidence)
	}
}

func TestPreflightKeepsAllRows(t *testing.T) {
	d := mustLoad(t, map[string]string{"train.jsonl": clean + strings.Repeat(text1, 20)}, nil)
	for _, f := range preflight(t, d, toyTokenizer(t, false), 384, nil) {
		if f.ID == DuplicateRow && (len(f.Rows) != 20 || len(f.Evidence) != maxEvidence) {
			t.Errorf("%d rows, %d lines of evidence", len(f.Rows), len(f.Evidence))
		}
	}
}

func TestPreflightPassesNotesOn(t *testing.T) {
	d := mustLoad(t, map[string]string{"train.jsonl": clean}, nil)
	var notes []string
	for _, f := range Preflight(d, nil, nil, 0) {
		if f.ID == DataNote && f.Severity == SeverityNote {
			notes = append(notes, f.Message)
		}
	}
	if !slices.Equal(notes, d.Notes) || len(notes) != 3 {
		t.Errorf("findings %q, notes %q", notes, d.Notes)
	}
}
