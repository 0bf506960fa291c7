package data

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// A row is read again as its file has it, wherever it stands and however the
// file's lines end.
func TestRawRows(t *testing.T) {
	text := "\ufeff" + event1 + "\r\n\n" + strings.TrimSpace(event2) + "\r\nnot a row\n" + strings.TrimSpace(event3)
	dir := write(t, map[string]string{"train.jsonl": text, "eval.jsonl": event2})
	d, err := Load(dir, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{event1, event2, event3} {
		line, err := d.Raw(Train, i)
		if err != nil || string(line) != strings.TrimSpace(want) {
			t.Errorf("row %d: %q, %v", i, line, err)
		}
	}
	if line, err := d.Raw(Eval, 0); err != nil || string(line) != strings.TrimSpace(event2) {
		t.Errorf("eval: %q, %v", line, err)
	}
	for _, place := range []struct {
		split string
		row   int
	}{{Train, 3}, {Train, -1}, {Test, 0}, {"dev", 0}} {
		if _, err := d.Raw(place.split, place.row); err == nil {
			t.Errorf("%v was read", place)
		}
	}
	// What stands there now is not passed off as the row.
	file := filepath.Join(dir, "train.jsonl")
	for _, now := range []string{strings.Replace(text, "Talk", "Walk", 1), text[:20], ""} {
		if err := os.WriteFile(file, []byte(now), 0o600); err != nil {
			t.Fatal(err)
		}
		if line, err := d.Raw(Train, 2); !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), "train.jsonl:6") {
			t.Errorf("a changed file: %q, %v", line, err)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Raw(Train, 0); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is gone: %v", err)
	}
	if _, err := (&Dataset{Train: []Row{{}}}).Raw(Train, 0); err == nil {
		t.Error("a row of no file was read")
	}
}

// A single file that is shuffled, in a file system of the program.
func TestRawRowsOfAShuffledFile(t *testing.T) {
	fsys := fstest.MapFS{"all.jsonl": {Data: []byte(event1 + event2 + event3 + event1)}}
	d, err := LoadFS(fsys, "all.jsonl", DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	for _, split := range Splits() {
		rows, _ := d.Split(split)
		for i, r := range rows {
			line, err := d.Raw(split, i)
			if err != nil || !strings.Contains(string(line), r.Event) {
				t.Errorf("%s %d (%s): %q, %v", split, i, r.Event, line, err)
			}
		}
	}
}
