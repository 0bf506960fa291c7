package runs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestNotes(t *testing.T) {
	dir := t.TempDir()
	if notes, err := ReadNotes(dir); err != nil || len(notes) != 0 {
		t.Fatalf("none yet: %v, %v", notes, err)
	}
	n := Note{Text: "  the target is wrong\n", Event: "Lunch", Time: time.Date(2026, 11, 23, 15, 30, 0, 0, time.UTC)}
	if err := SetNote(dir, "a1", n); err != nil {
		t.Fatal(err)
	}
	if err := SetNote(dir, "b2", Note{Text: "other"}); err != nil {
		t.Fatal(err)
	}
	notes, err := ReadNotes(dir)
	if err != nil || len(notes) != 2 || notes["a1"].Text != "the target is wrong" || !notes["a1"].Time.Equal(n.Time) || notes["a1"].Event != "Lunch" {
		t.Errorf("%+v, %v", notes, err)
	}
	if err := SetNote(dir, "a1", Note{Text: " "}); err != nil {
		t.Fatal(err)
	}
	if err := SetNote(dir, "none", Note{}); err != nil {
		t.Fatal(err)
	}
	if notes, _ := ReadNotes(dir); len(notes) != 1 || notes["b2"].Text != "other" {
		t.Errorf("after taking one away: %+v", notes)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, tempPrefix+"*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestNotesAreBounded(t *testing.T) {
	dir := t.TempDir()
	if err := SetNote(dir, "a", Note{Text: strings.Repeat("\u00e9", MaxNote)}); err != nil {
		t.Error(err)
	}
	if err := SetNote(dir, "a", Note{Text: strings.Repeat("x", MaxNote+1)}); err == nil {
		t.Error("a note without end was kept")
	}
	for _, text := range []string{"[]", "{", `{"a": 3}`, strings.Repeat(" ", maxNotesFile+1)} {
		if err := os.WriteFile(NotesFile(dir), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadNotes(dir); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%.10q: %v", text, err)
		}
		if err := SetNote(dir, "b", Note{Text: "x"}); !errors.Is(err, ErrCorrupt) {
			t.Errorf("a damaged file was replaced: %v", err)
		}
	}
}

func TestNotesOfMany(t *testing.T) {
	dir := t.TempDir()
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			if err := SetNote(dir, string(rune('a'+i)), Note{Text: "x"}); err != nil {
				t.Error(err)
			}
		}()
	}
	wait.Wait()
	if notes, err := ReadNotes(dir); err != nil || len(notes) != 8 {
		t.Errorf("%d of 8 notes, %v", len(notes), err)
	}
}
