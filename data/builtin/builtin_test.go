package builtin

import (
	"bytes"
	"io/fs"
	"slices"
	"testing"

	"hone/data"
	"hone/data/builtin/calendar"
	"hone/engine/tokenizer"
)

func load(t *testing.T) *data.Dataset {
	t.Helper()
	d, err := Load(data.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// What is embedded is what the generator makes, byte for byte: after a change of it, or of
// Go's random numbers, this says so.
func TestRowsAreGenerated(t *testing.T) {
	all := calendar.Generate(calendar.Seed)
	for name, rows := range map[string][]calendar.Row{"train.jsonl": all.Train, "eval.jsonl": all.Eval, "test.jsonl": all.Test} {
		want, err := calendar.Lines(rows)
		if err != nil {
			t.Fatal(err)
		}
		got, err := fs.ReadFile(Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator makes; run go generate ./data/builtin", name)
		}
	}
}

func TestLoad(t *testing.T) {
	d := load(t)
	if len(d.Train) != 554 || len(d.Eval) != 118 || len(d.Test) != 120 || len(d.Bad) > 0 || len(d.Notes) > 0 {
		t.Errorf("%d, %d and %d rows; bad %v; notes %q", len(d.Train), len(d.Eval), len(d.Test), d.Bad, d.Notes)
	}
	if want := []string{"action", "date", "time", "attendees", "location", "duration", "recurrence", "notes"}; !slices.Equal(d.Schema, want) {
		t.Errorf("schema %q", d.Schema)
	}
	if d.Source != Name || d.Format != data.Events {
		t.Errorf("source %q, format %q", d.Source, d.Format)
	}
	o := data.DefaultOptions()
	o.Fields = []string{"action", "place"}
	if _, err := Load(o); err == nil {
		t.Error("a field that no row has is accepted")
	}
}

// The context of the built-in model is small, and so is its vocabulary.
func TestExamplesAreShort(t *testing.T) {
	file, err := learned()
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	longest := 0
	for _, row := range all(load(t)) {
		n := len(tok.Encode(row.Prompt)) + len(tok.Encode(" "+row.Completion)) + 1
		if longest = max(longest, n); n >= 200 {
			t.Errorf("%q: %d tokens", row.Event, n)
		}
	}
	t.Logf("the longest has %d tokens", longest)
}

func TestUnseenIsAboutAThirdOfTheTestRows(t *testing.T) {
	d := load(t)
	unseen := d.Unseen(data.Test)
	if len(unseen) != len(d.Test) {
		t.Fatalf("%d of %d rows", len(unseen), len(d.Test))
	}
	seen := map[string]bool{}
	for _, row := range d.Train {
		for _, w := range calendar.Words(row.Event) {
			seen[w] = true
		}
	}
	n := 0
	for i, row := range d.Test {
		want := slices.ContainsFunc(calendar.Words(row.Event), func(w string) bool { return !seen[w] })
		if row.Index != i || unseen[i] != want {
			t.Errorf("row %d, %q: unseen is %v", row.Index, row.Event, unseen[i])
		}
		if unseen[i] {
			n++
		}
	}
	if share := float64(n) / float64(len(unseen)); share < 0.30 || share > 0.40 {
		t.Errorf("%.2f of the test rows have an unseen word", share)
	}
}
