package data

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestEncodingGolden compares the first 64 train rows with what transformers'
// tokenizer and offsets give.
func TestEncodingGolden(t *testing.T) {
	b, err := os.ReadFile(shared(t, "golden", "encoding.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want []struct {
		Prompt     []int32 `json:"prompt_ids"`
		Completion []int32 `json:"completion_ids"`
		Class      []int32 `json:"token_class"`
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) != 64 {
		t.Fatalf("%d reference rows, want 64", len(want))
	}
	d, err := Load(shared(t, "data"), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	e := NewEncoder(smolTokenizer(t), 2, d.Schema)
	for i, w := range want {
		ex, err := e.Encode(d.Train[i], i)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(ex.IDs[:ex.Prompt], w.Prompt) {
			t.Errorf("row %d: prompt ids\n got %v\nwant %v", i, ex.IDs[:ex.Prompt], w.Prompt)
		}
		if !slices.Equal(ex.IDs[ex.Prompt:], w.Completion) {
			t.Errorf("row %d: completion ids\n got %v\nwant %v", i, ex.IDs[ex.Prompt:], w.Completion)
		}
		if !slices.Equal(ex.Class[ex.Prompt:], w.Class) {
			t.Errorf("row %d: token classes\n got %v\nwant %v", i, ex.Class[ex.Prompt:], w.Class)
		}
		if ex.Row != i || ex.Targets() != len(w.Completion) {
			t.Errorf("row %d: Row %d and %d targets, want %d", i, ex.Row, ex.Targets(), len(w.Completion))
		}
		if !slices.Equal(e.Prompt(d.Train[i].Prompt), w.Prompt) {
			t.Errorf("row %d: inference feeds other ids than training", i)
		}
	}
}

// TestRealDirectory: the splits of the fine-tuning report are read as they
// are, and every completion is rendered back byte for byte.
func TestRealDirectory(t *testing.T) {
	d, err := Load(shared(t, "data"), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Train) != 554 || len(d.Eval) != 118 || len(d.Test) != 120 {
		t.Errorf("%d/%d/%d rows, want 554/118/120", len(d.Train), len(d.Eval), len(d.Test))
	}
	want := []string{"action", "date", "time", "attendees", "location", "duration", "recurrence", "notes"}
	if !slices.Equal(d.Schema, want) || d.Format != PromptCompletion || len(d.Bad) != 0 {
		t.Errorf("schema %v, format %s, bad rows %v", d.Schema, d.Format, d.Bad)
	}
	// The file with all rows is not a split, and the directory says so.
	if len(d.Notes) != 1 || !strings.Contains(d.Notes[0], "event_text_mapping.jsonl was not read") {
		t.Errorf("notes %q", d.Notes)
	}
	for _, split := range Splits() {
		b, err := os.ReadFile(shared(t, "data", split+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(b)), "\n")
		rows := d.rows(split)
		if len(lines) != len(rows) {
			t.Fatalf("%s: %d rows of %d lines", split, len(rows), len(lines))
		}
		for i, line := range lines {
			var source struct{ Prompt, Completion string }
			if err := json.Unmarshal([]byte(line), &source); err != nil {
				t.Fatal(err)
			}
			r := rows[i]
			if r.Prompt != source.Prompt || r.Completion != source.Completion {
				t.Errorf("%s row %d: %q, %q, source %q", split, i, r.Prompt, r.Completion, line)
			}
			if r.Event == "" || Render(DefaultTemplate, r.Event) != r.Prompt {
				t.Errorf("%s row %d: event %q of prompt %q", split, i, r.Event, r.Prompt)
			}
			if r.Line != i+1 || r.Index != i || !strings.HasSuffix(r.Position(), fmt.Sprintf("%s.jsonl:%d", split, i+1)) {
				t.Errorf("%s row %d is at %s, index %d", split, i, r.Position(), r.Index)
			}
		}
	}
}

// TestRealFile: the file with all rows splits into the report's sizes, and its
// rows are those of the directory.
func TestRealFile(t *testing.T) {
	name := shared(t, "data", "event_text_mapping.jsonl")
	d, err := Load(name, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Train) != 554 || len(d.Eval) != 118 || len(d.Test) != 120 || d.Format != Events {
		t.Errorf("%d/%d/%d rows in format %s, want 554/118/120 events", len(d.Train), len(d.Eval), len(d.Test), d.Format)
	}
	dir, err := Load(shared(t, "data"), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(shared(t, "data", "splits.json"))
	if err != nil {
		t.Fatal(err)
	}
	var report map[string][]int
	if err := json.Unmarshal(b, &report); err != nil {
		t.Fatal(err)
	}
	byIndex := map[int]Row{}
	for _, split := range Splits() {
		for _, r := range d.rows(split) {
			if r.Line != r.Index+1 {
				t.Fatalf("%s has index %d", r.Position(), r.Index)
			}
			byIndex[r.Index] = r
		}
	}
	if len(byIndex) != 792 {
		t.Fatalf("%d different rows, want 792", len(byIndex))
	}
	for _, split := range Splits() {
		for i, index := range report[split] {
			if a, b := byIndex[index], dir.rows(split)[i]; a.Prompt != b.Prompt || a.Completion != b.Completion || a.Event != b.Event {
				t.Errorf("row %d: %q %q, in %s: %q %q", index, a.Prompt, a.Completion, b.Position(), b.Prompt, b.Completion)
			}
		}
	}
	o := DefaultOptions()
	again, err := Load(name, o)
	if err != nil {
		t.Fatal(err)
	}
	o.Seed = 43
	other, err := Load(name, o)
	if err != nil {
		t.Fatal(err)
	}
	same := func(a, b *Dataset) bool {
		return slices.EqualFunc(a.Train, b.Train, func(x, y Row) bool { return x.Index == y.Index })
	}
	if !same(d, again) || same(d, other) {
		t.Error("the split is not decided by the seed")
	}
}
