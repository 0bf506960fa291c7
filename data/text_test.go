package data

import (
	"slices"
	"strings"
	"testing"

	"hone/engine/batch"
)

const plain1 = `{"text": "{\"a\": 1} is no answer here"}` + "\n"

// A row of text is learned as a whole: every token but the one that none stands
// before, and the end.
func TestTextsAreLearnedAsAWhole(t *testing.T) {
	for _, c := range []struct {
		bos        bool
		text, want string
		spans      string
	}{
		{false, "abc", "a|b=|c=|<eos>=|", "0-1 1-2 2-3 3-3"},
		{true, "abc", "<bos>|a=|b=|c=|<eos>=|", "0-0 0-1 1-2 2-3 3-3"},
		{true, " a", "<bos>| =|a=|<eos>=|", "0-0 0-1 1-2 2-2"},
		// What the text has written itself is not written twice.
		{true, "<bos>ab<eos>", "<bos>|a=|b=|<eos>=|", "0-5 5-6 6-7 7-7"},
		{false, "ab<eos>", "a|b=|<eos>=|", "0-1 1-2 2-2"},
		{false, "<eos>", "<eos>|<eos>=|", "0-5 5-5"},
	} {
		e := NewEncoder(toyTokenizer(t, c.bos), toyEOS, nil)
		ex, err := e.Encode(Row{Whole: true, Completion: c.text}, 7)
		if err != nil {
			t.Fatal(err)
		}
		var spans []string
		for _, s := range ex.Spans {
			spans = append(spans, string(rune('0'+s.Start))+"-"+string(rune('0'+s.End)))
		}
		if got := painted(e, ex); got != c.want || strings.Join(spans, " ") != c.spans || ex.Prompt != 1 || ex.Row != 7 {
			t.Errorf("%q with BOS %v: %s %v, prompt %d; want %s %s", c.text, c.bos, got, spans, ex.Prompt, c.want, c.spans)
		}
		if p := batch.Pack([]batch.Example{ex}); len(p.LossRows) != len(ex.IDs)-1 {
			t.Errorf("%q: %d of %d tokens have a loss", c.text, len(p.LossRows), len(ex.IDs))
		}
	}
}

// Where a row has the keys of another format too, its text is a column like any;
// columns name it in tables.
func TestTextFormatIsFound(t *testing.T) {
	whole := func(name, rows string, columns ...string) (*Dataset, error) {
		files := map[string]string{"train." + name: rows, "eval." + name: rows}
		return load(t, files, func(o *Options) { o.Columns = columns })
	}
	d, err := whole("jsonl", plain1+`{"text": ""}`+"\n"+`{"text": 5, "id": 1}`+"\n"+text1)
	if err != nil {
		t.Fatal(err)
	}
	var bad []string
	for _, b := range d.Bad {
		bad = append(bad, b.Reason)
	}
	if r := d.Train[0]; d.Format != Text || len(d.Train) != 1 || !r.Whole || r.Object != nil || r.Prompt != "" || r.Event != "" || r.Text() != `{"a": 1} is no answer here` || d.JSON() {
		t.Errorf("format %s, rows %+v", d.Format, d.Train)
	}
	if want := []string{"its text is empty", `"text" is a number`, "prompt-completion format, the dataset in the text format"}; len(bad) != 6 || !strings.Contains(bad[0], want[0]) || !strings.Contains(bad[1], want[1]) || !strings.Contains(bad[2], want[2]) {
		t.Errorf("bad rows %q", bad)
	}
	if !strings.Contains(strings.Join(d.Notes, "\n"), "learned as a whole") {
		t.Errorf("notes %q", d.Notes)
	}

	d, err = whole("csv", "id,body\n1,\"two\nlines\"\n", "text=body")
	if err != nil || d.Format != Text || d.Train[0].Completion != "two\nlines" || !strings.Contains(strings.Join(d.Notes, "\n"), `text from "body" (data.columns)`) {
		t.Errorf("%v, %+v", err, d)
	}
	if d, err = whole("jsonl", strings.Replace(text1, "{", `{"text": "x", `, 1)); err != nil || d.Format != PromptCompletion {
		t.Errorf("beside prompt and completion: %v", err)
	}
	if _, err := load(t, map[string]string{"train.jsonl": plain1}, func(o *Options) { o.Fields = []string{"a"} }); err == nil || !strings.Contains(err.Error(), "rows of text have none") {
		t.Errorf("fields of text: %v", err)
	}
}

// Preflight knows that texts have no prompt to be empty, to be answered in two
// ways, or to be repeated.
func TestPreflightOfTexts(t *testing.T) {
	var train strings.Builder
	for _, s := range []string{"One.", "Two are.", "Three were here.", "Four, and a <eos> within", "Four and no end", "One."} {
		train.WriteString(`{"text": "` + s + "\"}\n")
	}
	d := mustLoad(t, map[string]string{"train.jsonl": train.String(), "eval.jsonl": `{"text": "one."}` + "\n" + `{"text": "  "}` + "\n"}, nil)
	for _, bos := range []bool{false, true} {
		tok := toyTokenizer(t, bos)
		e := NewEncoder(tok, toyEOS, nil)
		enc := map[string][]batch.Example{}
		o := DefaultOptions()
		o.MaxLength = 18
		for _, split := range Splits() {
			enc[split] = must(d.EncodeSplit(e, split, o)).Examples
		}
		var got []string
		for _, f := range PreflightEncoded(d, enc, e, o.MaxLength) {
			if f.ID != DataNote {
				got = append(got, f.ID)
			}
			if f.ID == TruncTarget && !strings.Contains(f.Advice, "a text is never cut") {
				t.Errorf("advice %q", f.Advice)
			}
		}
		slices.Sort(got)
		if want := []string{DuplicateLeak, DuplicateRow, EmptyExample, TruncTarget}; !slices.Equal(got, want) {
			t.Errorf("BOS %v: findings %v, want %v", bos, got, want)
		}
		o.MaxLength = 0
		enc[Train] = must(d.EncodeSplit(e, Train, o)).Examples
		special := false
		for _, f := range PreflightEncoded(d, enc, e, 0) {
			special = special || f.ID == SpecialText && strings.Contains(f.Evidence[0], "in the text")
			if f.ID == LostText {
				t.Errorf("%+v", f)
			}
		}
		if !special {
			t.Error("an end within a text is not found")
		}
	}
}

// The beginning of a text is given to a model to go on from: half of it, whole words.
func TestBeginning(t *testing.T) {
	for text, want := range map[string]string{
		"one two three four": "one two", "onetwothreefour": "onetwothreefour", "o twothreefour": "o", "": "", "longfirstword b": "longfirstword", " a": " a",
	} {
		if got := Beginning(text); got != want {
			t.Errorf("%q begins %q, want %q", text, got, want)
		}
	}
}
